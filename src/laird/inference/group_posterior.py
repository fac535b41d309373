"""Posterior of group effects from conditional means and variances instead of draws (Rao-Blackwell)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError, nearest
from laird.fitting.options import whole_number
from laird.fitting.result import Fit
from laird.fitting.target import centred, target_of
from laird.inference.combinations import check_probability
from laird.inference.dispersion import drawn_theta

type Floats = NDArray[np.float64]

CELLS = 4_000_000
"""Conditional means kept at once; with more groups fewer draws of θ are averaged."""

FEWEST = 50
"""Draws of θ averaged at least."""

HALVINGS = 30
"""A quantile is found to 2⁻³⁰ of the range of those given θ."""


def group_posterior(
    fit: Fit, group: str | None = None, *, prob: float = 0.95, draws: int = 1000
) -> pd.DataFrame:
    """Means, sds and quantiles of group effects, free of the Monte Carlo error of drawing them.

    Given the covariance parameters θ the effects u_j are normal with known mean and variance,
    coefficients integrated out.  Their posterior is a mixture of these normals over the draws of θ,

        E u = mean m(θ),    Var u = mean V(θ) + Var m(θ),    P(u < x) = mean Φ((x - m(θ))/√V(θ)),

    the Rao-Blackwell estimates (Gelfand & Smith 1990, J. Am. Stat. Assoc. 85, 398-409).

    Parameters
    ----------
    fit
        A fit by ``"eb"`` or ``"nuts"``; effects need not have been kept.
    group
        Grouping factor; None: the only one.
    prob
        Probability of the interval, which has equal tails.
    draws
        Draws of θ averaged, evenly thinned; fewer where there are very many groups.

    Returns
    -------
    ``group, term, mean, sd, lower, median, upper``, one row per group and term.

    Raises
    ------
    FitError
        The fit has no draws, its families are not normal, or `group` is not one of its factors.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("eb", random_seed=1)
    >>> ld.group_posterior(fit)[["group", "mean", "sd"]].round(-1).tail(2).values.tolist()
    [['E', 50.0, 30.0], ['F', -40.0, 30.0]]
    """
    check_probability(prob)
    place = _factor(fit, group)
    own = fit.problem.design.random[place]
    m, v = _conditionals(fit, place, whole_number("draws", draws, FEWEST))
    sd = np.sqrt(v.mean(axis=0) + m.var(axis=0))
    levels = np.array([(1 - prob) / 2, 0.5, (1 + prob) / 2])
    lower, median, upper = (mixture_quantile(m, np.sqrt(v), level) for level in levels)
    index = pd.MultiIndex.from_product([own.levels, own.names], names=["group", "term"])
    columns = {"mean": m.mean(axis=0), "sd": sd, "lower": lower, "median": median, "upper": upper}
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index).reset_index()


def _factor(fit: Fit, group: str | None) -> int:
    names = [random.group for random in fit.problem.design.random]
    if group is None and len(names) == 1:
        return 0
    if group not in names:
        raise FitError(
            f"There is no grouping factor {group!r}." if group else "It must be said of which groups.",
            allowed=nearest(group or "", names) if names else "The model has no groups.",
        )
    return names.index(group)


def _conditionals(fit: Fit, place: int, draws: int) -> tuple[Floats, Floats]:
    """Conditional means and variances of the effects of a factor at some draws, (S, J, q)."""
    theta, beta = drawn_theta(fit)
    if fit.priors is None:
        raise FitError("The fit has no priors.", remedy='Fit with "eb" or "nuts".')
    target = target_of(fit.problem, fit.priors)
    own = fit.problem.design.random[place]
    most = max(CELLS // (len(own.levels) * len(own.names)), FEWEST)
    chosen = np.unique(np.linspace(0, len(beta) - 1, min(draws, most, len(beta))).astype(np.int64))
    found = [target.likelihood.solve(theta.at(s), centred(target, beta[s])).effects[place] for s in chosen]
    variances = [np.diagonal(effects.cov, axis1=1, axis2=2) for effects in found]
    return np.stack([effects.u for effects in found]), np.stack(variances)


def mixture_quantile(m: Floats, sd: Floats, level: float) -> Floats:
    """Quantiles of equal mixtures of normals over the first axis, by bisection.

    A quantile of a mixture lies between those of its parts.

    Examples
    --------
    >>> m, sd = np.array([[-1.0], [1.0]]), np.array([[0.5], [0.5]])
    >>> mixture_quantile(m, sd, 0.5).round(6).tolist()
    [0.0]
    """
    from scipy.special import ndtr, ndtri

    sd = np.maximum(sd, np.finfo(float).tiny)
    each = m + float(ndtri(level)) * sd
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = ndtr((middle - m) / sd).mean(axis=0) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))
