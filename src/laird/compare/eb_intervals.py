"""Intervals of group coefficients and true effects: naive, corrected for estimated variances, and Bayes'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.bound import Model
from laird.errors import FitError, nearest
from laird.fitting.draws import Draws
from laird.fitting.groups import line_sds
from laird.fitting.laplace import peak
from laird.fitting.problem import grouped, level2_weights_of
from laird.fitting.result import Fit
from laird.fitting.target import near, sampled_coefficients, target_of
from laird.gaussian.theta import Theta
from laird.inference.blups import drawn_effects, true_effects_of
from laird.inference.combinations import check_probability
from laird.inference.eb_corrections import Conditional, Moments, first_order, morris
from laird.inference.units import column_of
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

LEAST_LEFT = 3
"""Morris' correction needs so many rows more than coefficients."""


class Interval(NamedTuple):
    """Estimates, sds and ends of intervals, shapes (m,)."""

    estimate: Floats
    sd: Floats
    lower: Floats
    upper: Floats


def eb_intervals(
    model_or_fits: Model | Fit | Iterable[Fit],
    group: str | None = None,
    *,
    labels: object = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Compare intervals of empirical Bayes estimates: naive, corrected, and full posterior.

    Naive intervals take the estimated variances for the true ones: with few groups they are
    too short, and where a variance is estimated as zero they are absurdly so.

    Parameters
    ----------
    model_or_fits
        A model, which is then fitted by ``"eb"``, or its fit by ``"eb"``, to which one by
        ``"nuts"`` may be added: ``[eb, nuts]``.
    group
        Grouping factor.  None: the true effects of the rows where the model has ``meta_V``,
        else the coefficients of its only grouping factor.
    labels
        Of true effects, names of the rows: a column of the data; None: row numbers.
    prob
        Probability of the intervals.

    Returns
    -------
    One row per group and term (``group, term, n``) or per row of the data (``label``), then for each
    of the following the estimate, ``…_sd``, ``…_lower`` and ``…_upper``:

    ``naive``
        Given the estimated covariance parameters: estimate ± z·sd, sds as Henderson's (1975).
    ``corrected``
        With first-order allowance for these (Kass & Steffey 1989), at their mode on the log scale.
        NaN where the posterior has none.
    ``morris``
        Closed form (Morris 1983), for true effects of independent estimates with one
        heterogeneity and three more rows than coefficients.
    ``posterior``
        Mean, sd and quantiles of the draws by ``"eb"``, which are weighted by the exact
        posterior; NaN where the fit has none.
    ``nuts``
        The same by ``"nuts"``, if given.

    Coefficients are those of the group's own line, as in `laird.shrinkage`.

    Raises
    ------
    FitError
        No fit by ``"eb"``, fits of different models, several grouping factors and none named.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    >>> table = ld.eb_intervals(model.fit("eb", random_seed=1))
    >>> table[["group", "naive", "naive_sd", "corrected", "corrected_sd"]].head(2).round(1)
      group   naive  naive_sd  corrected  corrected_sd
    0     A  1510.4      19.6     1509.4          20.5
    1     B  1527.9      19.6     1527.9          20.3
    """
    check_probability(prob)
    eb, others = _given(model_or_fits)
    if group is None and eb.problem.design.known is not None:
        return _true_effects(eb, others, labels, prob)
    return _lines(eb, others, _group_name(eb, group), prob)


def _given(model_or_fits: Model | Fit | Iterable[Fit]) -> tuple[Fit, Mapping[str, Fit]]:
    """The fit by eb, and that by nuts by its name."""
    if isinstance(model_or_fits, Model):
        return model_or_fits.fit("eb"), {}
    fits = [model_or_fits] if isinstance(model_or_fits, Fit) else list(model_or_fits)
    named = {fit.method: fit for fit in fits if isinstance(fit, Fit)}
    if len(named) < len(fits) or "eb" not in named or set(named) - {"eb", "nuts"}:
        raise FitError(
            'These intervals are of one fit by "eb", to which one by "nuts" may be added.',
            remedy='Pass `model.fit("eb")`, or [eb, nuts].',
        )
    hashes = {(fit.spec.formula, fit.origin.data_hash) for fit in fits}
    if len(hashes) > 1:
        raise FitError("The fits are of different models or data.", remedy="Compare fits of one model.")
    return named["eb"], {name: fit for name, fit in named.items() if name == "nuts"}


def _group_name(fit: Fit, group: str | None) -> str:
    names = [random.group for random in fit.problem.design.random]
    if group is None and len(names) != 1:
        raise FitError(
            "The model has no single grouping factor." if names else "The model has no groups.",
            allowed=nearest("", names) if names else "",
            remedy="Name one: `group=`." if names else "Add a random term such as `(1 | school)`.",
        )
    fit.ranef(group or names[0])
    return group or names[0]


def _lines(eb: Fit, others: Mapping[str, Fit], group: str, prob: float) -> pd.DataFrame:
    """Coefficients of the groups' own lines."""
    design, (target, _) = eb.problem.design, _posterior(eb)
    place = [random.group for random in design.random].index(group)
    random = design.random[place]
    A = level2_weights_of(design, random, grouped(design, random))

    def given(theta: Theta, b: Floats) -> Moments:
        found = target.likelihood.solve(theta, b)
        own = found.effects[place]
        return Moments(_flat(A @ found.beta + own.u), _flat(line_sds(A, found.beta_cov, own) ** 2))

    naive, sd = (_flat(own(group).to_numpy()) for own in (eb.group_coef, eb.group_coef_sd))
    found = {"naive": _normal(naive, sd, prob), "corrected": _corrected(eb, given, prob)}
    drawn = {"posterior": eb, **others}
    found |= {name: _of_lines(fit.draws, place, A, prob) for name, fit in drawn.items()}
    J, q = len(random.levels), len(random.names)
    head = {
        "group": np.repeat(np.asarray(random.levels, dtype=object), q),
        "term": list(random.names) * J,
        "n": np.repeat(np.bincount(random.ids, minlength=J), q),
    }
    return _table(head, found)


def _flat(values: Floats) -> Floats:
    return np.asarray(values, dtype=float).ravel()


def _of_lines(draws: Draws | None, place: int, A: Floats, prob: float) -> Interval:
    """Of draws of β and u, or of their summaries where there are too many."""
    if draws is None:
        return _none(A.shape[0] * A.shape[1])
    beta = draws.flat("beta")
    if len(draws.u) < len(draws.summaries):
        own = draws.summaries[place]
        sd = line_sds(A, np.cov(beta.T, ddof=1).reshape(A.shape[2], -1), own)
        return _normal(_flat(A @ beta.mean(axis=0) + own.mean), _flat(sd), prob)
    lines = np.einsum("jqp,sp->sjq", A, beta) + draws.flat_effects()[place]
    lower, upper = np.quantile(lines, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return Interval(*map(_flat, (lines.mean(axis=0), lines.std(axis=0, ddof=1), lower, upper)))


def _true_effects(eb: Fit, others: Mapping[str, Fit], labels: object, prob: float) -> pd.DataFrame:
    """True effects of the rows."""

    def given(theta: Theta, _: Floats) -> Moments:
        found = true_effects_of(replace(eb, theta=theta, draws=None), prob)
        return Moments(found.estimate, found.sd**2)

    design, at_mode = eb.problem.design, true_effects_of(replace(eb, draws=None), prob)
    found = {
        "naive": _normal(at_mode.estimate, at_mode.sd, prob),
        "corrected": _corrected(eb, given, prob),
    }
    if _is_morris(eb):
        own = morris(design.y, design.X, at_mode.variance)
        found["morris"] = _normal(own.mean, own.sd, prob)
    drawn = {"posterior": eb, **others}
    found |= {name: _of_effects(fit, prob) for name, fit in drawn.items()}
    names = design.rows if labels is None else column_of(eb, labels)
    return _table({"label": np.array(names)}, found)


def _is_morris(fit: Fit) -> bool:
    """Whether rows are independent estimates with one added variance."""
    design, known = fit.problem.design, fit.problem.design.known
    simple = known is not None and not known.blocks and not known.proportional and fit.problem.has_residual
    alone = not design.random and not design.outcomes and design.weights is None
    return simple and alone and design.X.shape[0] - design.X.shape[1] >= LEAST_LEFT


def _of_effects(fit: Fit, prob: float) -> Interval:
    if fit.draws is None:
        return _none(fit.nobs)
    found = drawn_effects(fit, prob)
    return Interval(found.estimate, found.sd, found.lower, found.upper)


def _corrected(eb: Fit, given: Conditional, prob: float) -> Interval:
    target, theta = _posterior(eb)
    b = sampled_coefficients(eb.problem, target, theta)
    axes = peak(target, near(target, theta, b))
    if axes is None:
        return _none(len(given(theta, b).mean))
    found = first_order(target, axes, given)
    return _normal(found.mean, found.sd, prob)


def _posterior(eb: Fit) -> tuple[Posterior, Theta]:
    """The posterior of a fit by eb, and the covariance parameters at its mode."""
    if eb.priors is None or eb.theta is None:
        raise FitError("The fit has no priors.", remedy='Fit with "eb".')
    return target_of(eb.problem, eb.priors), eb.theta


def _normal(estimate: Floats, sd: Floats, prob: float) -> Interval:
    from scipy.special import ndtri

    half = float(ndtri(0.5 + prob / 2)) * sd
    return Interval(estimate, sd, estimate - half, estimate + half)


def _none(count: int) -> Interval:
    return Interval(*(np.full(count, np.nan) for _ in Interval._fields))


def _table(head: Mapping[str, object], found: Mapping[str, Interval]) -> pd.DataFrame:
    columns = dict(head)
    for name, own in found.items():
        columns |= {name: own.estimate, f"{name}_sd": own.sd}
        columns |= {f"{name}_lower": own.lower, f"{name}_upper": own.upper}
    return pd.DataFrame(columns)
