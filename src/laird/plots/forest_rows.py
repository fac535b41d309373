"""The rows of a forest plot from top to bottom, and the means that stand among the studies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.groups import line_sds
from laird.fitting.result import Fit
from laird.gaussian.solution import Effects
from laird.inference.distributions import t_quantile
from laird.inference.heterogeneity import heterogeneity
from laird.inference.influence import without
from laird.inference.reference import Df
from laird.inference.refits import subset
from laird.inference.studies import rows_at
from laird.plots.means import Means, means
from laird.plots.studies import Studies

type Floats = NDArray[np.float64]
type Kind = Literal["header", "group", "study", "mean", "interval", "note", "gap"]
type Order = Literal["data", "estimate", "precision"]

HEIGHTS = {"gap": 0.5}
DENSE_HEIGHTS = {"gap": 0.5, "study": 1.4, "mean": 1.5, "interval": 1.5}
"""Of rows with densities."""

TOO_FEW = "too few studies for a mean of their own"


class Row(NamedTuple):
    """One row: what it is, its text, and the number of its study or summary."""

    kind: Kind
    text: str = ""
    number: int = -1


class Summary(NamedTuple):
    """A mean to be drawn.

    Attributes
    ----------
    label
        Its name.
    means
        One mean, arrays (1,); None where there are too few studies.
    note
        A line of text below.
    """

    label: str
    means: Means | None
    note: str = ""


def heterogeneity_text(fit: Fit, outcome: str = "", prob: float = 0.95) -> str:
    """Return one line about the heterogeneity of a fit.

    The interval of τ is given where τ is the only covariance parameter (Q-profile), or by draws; Q of
    a single outcome.

    Examples
    --------
    >>> import laird as ld
    >>> heterogeneity_text(ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit())
    'τ = 0.56 [0.35, 1.05], I² = 92.2 %, Q(12) = 152.2, p < 0.001'
    """
    single = fit.draws is not None or fit.df_model == len(fit.fixef) + 1
    found = heterogeneity(fit, interval="auto" if single else "none", null=fit, prob=prob, simulate=0)
    table = found.table if "outcome" not in found.table else found.table[found.table["outcome"] == outcome]
    total = table[table["level"] == "total"].iloc[0]
    ends = f" [{total['tau_lower']:.2f}, {total['tau_upper']:.2f}]" if np.isfinite(total["tau_upper"]) else ""
    levels = ", ".join(f"{row.level} {row.tau:.2f}" for row in table.itertuples() if row.level != "total")
    parts = f" ({levels})" if levels else ""
    Q = f", Q({found.Q.df}) = {found.Q.Q:.1f}, {_p_text(found.Q.p_value)}"
    test = "" if fit.problem.design.outcomes else Q
    return f"τ = {total['tau']:.2f}{ends}{parts}, I² = {total['I2']:.1f} %{test}"


def _p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def overall(own: Studies, at: Any, df: Df | None, prob: float) -> list[Summary]:
    """The mean of the model: over the studies, or at given moderators."""
    fit = own.fit
    note = heterogeneity_text(fit, own.outcome, prob)
    if at is None:
        found = means(fit, own.design, np.zeros(len(own.y), dtype=np.int64), df=df, prob=prob)
        return [Summary("Mean" if own.constant else "Mean over the studies", found, note)]
    rows = rows_at(fit, at)
    if rows.outcomes:
        rows = subset(rows, rows.which == rows.outcomes.index(own.outcome))
    found = means(fit, rows, np.arange(len(rows.X)), df=df, prob=prob)
    texts = _texts(at, len(rows.X))
    notes = [*[""] * (len(texts) - 1), note]
    return [Summary(text, found.of(k), n) for k, (text, n) in enumerate(zip(texts, notes, strict=True))]


def _texts(at: Any, m: int) -> list[str]:
    """``habitat forest, duration 0`` for every row of a frame."""
    columns = {str(name): list(at[name]) for name in at}
    return [", ".join(f"{name} {_short(values[k])}" for name, values in columns.items()) for k in range(m)]


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def of_subgroups(own: Studies, by: Any, df: Df | None, prob: float) -> list[Summary]:
    """The mean of each subgroup.

    Of the groups of a factor of the model their predicted means; of a model that
    gives all studies one mean and one heterogeneity the means of fits to each
    subgroup alone; else averages of the model over the studies of the subgroup.
    """
    groups = [random.group for random in own.fit.problem.design.random]
    if isinstance(by, str) and by in groups:
        return _of_groups(own, by, prob)
    if own.constant:
        return [_alone(own, k, df, prob) for k in range(len(own.names))]
    found = means(own.fit, own.design, own.ids, df=df, prob=prob)
    return [
        Summary(f"Mean of {name}", found.of(k), f"τ = {found.tau[k]:.2f}") for k, name in enumerate(own.names)
    ]


def _of_groups(own: Studies, by: str, prob: float) -> list[Summary]:
    """Predicted means x̄_j'β + u_j of groups with one effect u_j, without prediction intervals."""
    place = next(k for k, random in enumerate(own.fit.problem.design.random) if random.group == by)
    random, effects = own.fit.problem.design.random[place], own.fit.point.effects[place]
    if random.names != ("Intercept",):
        return [Summary("", None) for _ in own.names]
    j = [random.levels.index(name) for name in own.names]
    A = np.stack([own.design.X[own.ids == k].mean(axis=0) for k in range(len(j))])
    chosen = Effects(effects.u[j], effects.cov[j], effects.beta_cov[j], effects.weights[j])
    centre = A @ own.fit.point.beta + chosen.u[:, 0]
    sd = line_sds(A[:, None, :], own.fit.point.beta_cov, chosen)[:, 0]
    half = float(t_quantile(0.5 + prob / 2, np.inf)) * sd
    nothing = np.full(len(j), np.nan)
    found = Means(centre, centre - half, centre + half, nothing, nothing, nothing, None)
    return [Summary(f"Mean of {name}", found.of(k)) for k, name in enumerate(own.names)]


def _alone(own: Studies, k: int, df: Df | None, prob: float) -> Summary:
    """The same model fitted to one subgroup."""
    label = f"Mean of {own.names[k]}"
    fit = None if own.fit.problem.design.outcomes else without(own.fit, own.ids != k)
    if fit is None:
        return Summary(label, None, TOO_FEW)
    design = fit.problem.design
    found = means(fit, design, np.zeros(len(design.y), dtype=np.int64), df=df, prob=prob)
    return Summary(label, found, heterogeneity_text(fit, prob=prob))


def forest_rows(
    own: Studies,
    groups: Sequence[Summary],
    total: Sequence[Summary],
    order: Order,
    *,
    prediction: bool,
    prob: float,
) -> list[Row]:
    """The rows from top to bottom; summaries are numbered, those of the subgroups first."""
    rows = [Row("header")]
    interval = f"{100 * prob:g} % prediction interval" if prediction else ""
    for k, name in enumerate(own.names):
        members = _ordered(own, np.flatnonzero(own.ids == k), order)
        rows += [Row("group", name)] if groups else []
        rows += _study_rows(own, members)
        rows += _summary_rows(groups[k], k, interval) if groups else []
        rows.append(Row("gap"))
    for k, summary in enumerate(total):
        rows += _summary_rows(summary, len(groups) + k, interval)
    return [*rows, Row("gap")]


def _ordered(own: Studies, members: NDArray[np.int64], order: Order) -> NDArray[np.int64]:
    keys = {"data": members, "estimate": own.y[members], "precision": own.v[members]}
    if order not in keys:
        raise FitError(
            f"order = {order!r} is not an order of studies.",
            allowed='Allowed: "data", "estimate", "precision".',
        )
    return np.asarray(members[np.argsort(keys[order], kind="stable")])


def _study_rows(own: Studies, members: NDArray[np.int64]) -> Iterator[Row]:
    """A label that repeats the one above is left out."""
    last = ""
    for k in members:
        yield Row("study", "" if own.labels[k] == last else own.labels[k], int(k))
        last = own.labels[k]


def _summary_rows(summary: Summary, number: int, interval: str) -> Iterator[Row]:
    if summary.means is not None:
        yield Row("mean", summary.label, number)
        if interval and np.isfinite(summary.means.pi_lower[0]):
            yield Row("interval", interval, number)
    if summary.note:
        yield Row("note", summary.note)


def places(rows: Sequence[Row], *, dense: bool) -> Floats:
    """Where the middles of the rows are, from top to bottom."""
    heights = np.array([(DENSE_HEIGHTS if dense else HEIGHTS).get(row.kind, 1.0) for row in rows])
    return np.asarray(np.cumsum(heights) - heights / 2)
