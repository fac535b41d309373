"""What the pictures of a meta-analysis are drawn from: estimates, sampling variances, weights, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data.labels import level_labels, level_order
from laird.design import Design
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.dispersion import dispersion_at
from laird.inference.refits import subset
from laird.inference.rowcovariance import diagonal, row_covariance, row_layout
from laird.inference.studies import require_known
from laird.inference.units import column_of
from laird.plots.moderators import columns_used, moderators, untold
from laird.plots.sources import as_fit, choose
from laird.posterior.codings import outcome_rows

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]

SHRUNKEN: Mapping[str, str] = {
    "ml": "EBLUP",
    "reml": "EBLUP",
    "eb": "empirical Bayes",
    "nuts": "posterior mean",
}
"""What the predictions of the true effects by each method are called."""


@dataclass(frozen=True, slots=True, eq=False)
class Studies:
    """The estimates of one outcome, shapes (n,).

    Attributes
    ----------
    fit, outcome
        The fit and the name of the outcome.
    rows
        Which rows of the fit these are, a mask.
    y, v
        Estimates and sampling variances (times φ).
    mean, tau2
        The model's mean of each study, and the variance of true effects about it.
    weight
        Share in the estimate of a common mean, Σ⁻¹1 / 1'Σ⁻¹1, in per cent.
    labels
        Names.
    ids, names
        Subgroup of each row, and the subgroups' names: one, ``""``, when none were asked for.
    """

    fit: Fit
    outcome: str
    rows: Flags
    y: Floats
    v: Floats
    mean: Floats
    tau2: Floats
    weight: Floats
    labels: tuple[str, ...]
    ids: Ids
    names: tuple[str, ...]

    @property
    def design(self) -> Design:
        """The design of these rows."""
        return subset(self.fit.problem.design, self.rows)

    @property
    def total_sd(self) -> Floats:
        """√(v + τ²), the sd of each estimate about the model's mean."""
        return np.sqrt(self.v + self.tau2)

    @property
    def constant(self) -> bool:
        """Whether all studies have one mean and one heterogeneity."""
        return _alike(self.mean) and _alike(self.tau2)


def _alike(values: Floats) -> bool:
    return bool(np.ptp(values) <= 1e-9 * max(float(np.abs(values).max()), 1e-300))


def studies(
    fit: Fit,
    labels: str | Sequence[Any] | None = None,
    by: str | Sequence[Any] | None = None,
    outcome: str | None = None,
) -> Studies:
    """Return the studies of a fit.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, not by ``"ols"``.
    labels
        Names: one for each row of the data or of the fit, or a grouping factor or moderator of
        the model; None: those of the finest grouping factor that is not `by`, else the rows' numbers.
    by
        Subgroups, in the same ways.
    outcome
        One of several outcomes.

    Raises
    ------
    FitError
        No ``meta_V``, least squares, no such outcome, or labels that do not fit the rows.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit()
    >>> own = studies(fit, labels=data["author"], by=data["alloc"])
    >>> own.labels[0], own.names, own.weight[:2].round(2)
    ('Aronson', ('random', 'alternate', 'systematic'), array([5.06, 6.36]))
    """
    _refuse_unweighted(fit)
    name = _outcome(fit, outcome)
    rows = outcome_rows(fit.problem.design, name if fit.problem.design.outcomes else "")
    design = subset(fit.problem.design, rows)
    at, where = dispersion_at(fit, design, moments=True), row_layout(design)
    covariance = row_covariance(design, where, at)
    weight = covariance.whitener().solve(np.ones(len(design.y)))
    ids, names = _subgroups(fit, rows, by)
    return Studies(
        fit=fit,
        outcome=name,
        rows=rows,
        y=design.y,
        v=diagonal(where, covariance.V),
        mean=design.X @ fit.point.beta,
        tau2=covariance.variances().sum(axis=0),
        weight=100 * weight / weight.sum(),
        labels=_labels(fit, rows, labels, by),
        ids=ids,
        names=names,
    )


def _refuse_unweighted(fit: Fit) -> None:
    require_known(as_fit(fit))
    if fit.method == "ols":
        raise FitError(
            "Least squares leaves sampling variances out: it is no meta-analysis.",
            remedy='Fit with "ml", "reml", "eb" or "nuts".',
        )


def _outcome(fit: Fit, outcome: str | None) -> str:
    design = fit.problem.design
    names = design.outcomes or (design.outcome,)
    if outcome is None and len(names) > 1:
        listed = ", ".join(f"`{name}`" for name in names)
        raise FitError(
            "The model has several outcomes.", allowed=f"Outcomes: {listed}.", remedy="Name one: `outcome=`."
        )
    return choose("outcome", outcome or names[0], names)


def _labels(
    fit: Fit, rows: Flags, labels: str | Sequence[Any] | None, by: str | Sequence[Any] | None
) -> tuple[str, ...]:
    if labels is not None:
        return level_labels(_values(fit, rows, labels))
    design = fit.problem.design
    factors = [random for random in design.random if not (isinstance(by, str) and by == random.group)]
    if not factors:
        return tuple(f"row {row}" for row in design.rows[rows])
    finest = max(factors, key=lambda random: len(random.levels))
    return tuple(finest.levels[j] for j in finest.ids[rows])


def _subgroups(fit: Fit, rows: Flags, by: str | Sequence[Any] | None) -> tuple[Ids, tuple[str, ...]]:
    """Numbers are in order, texts in the order of appearance, levels in the model's."""
    if by is None:
        return np.zeros(int(rows.sum()), dtype=np.int64), ("",)
    found = level_labels(_values(fit, rows, by))
    names = list(dict.fromkeys(found))
    known = _known_order(fit, by)
    numbers = all(_is_number(name) for name in names)
    ordered = [name for name in known if name in names] or (
        [names[k] for k in level_order(names)] if numbers else names
    )
    place = {name: k for k, name in enumerate(ordered)}
    return np.array([place[name] for name in found], dtype=np.int64), tuple(ordered)


def _known_order(fit: Fit, by: str | Sequence[Any]) -> Sequence[str]:
    if not isinstance(by, str):
        return ()
    groups = {random.group: random.levels for random in fit.problem.design.random}
    levels = {column.name: column.levels for column in fit.problem.schema.columns}
    return groups.get(by, ()) or levels.get(by, ())


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _values(fit: Fit, rows: Flags, values: str | Sequence[Any]) -> list[Any]:
    """Values by study: a factor of the model, or given by row of the data or of the fit."""
    if isinstance(values, str):
        return list(_of_model(fit, values)[rows])
    return list(column_of(fit, values).to_numpy(dtype=object)[rows])


def _of_model(fit: Fit, name: str) -> NDArray[Any]:
    """Label of every row by a grouping factor, or value of a moderator."""
    groups = {random.group: random for random in fit.problem.design.random}
    found = moderators(fit)
    choose("grouping factor or moderator", name, [*groups, *found])
    if name not in groups:
        return found[name]
    random = groups[name]
    return np.array([random.levels[j] for j in random.ids], dtype=object)


def moderator(own: Studies, name: str, data: Any = None) -> NDArray[Any]:
    """Values of a moderator of the studies, shape (n,); of type object those of a category.

    Raises
    ------
    FitError
        No such moderator, or one that the arrays of the model do not tell without the data.
    """
    known = moderators(own.fit, data)
    if name in columns_used(own.fit) and name not in known:
        raise untold(name, known)
    return known[choose("moderator", name, list(known))][own.rows]
