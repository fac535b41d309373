"""Hausman's test of random against fixed effects, and the contextual test it is equivalent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.lines import absorbed_columns
from laird.gaussian.reduced import information
from laird.inference.distributions import chi2_tail

type Floats = NDArray[np.float64]

REMEDY = 'Fit `y ~ x + (1 | g)` with "reml".'

NOTHING = 1e-9
"""A direction with a smaller share of its variance left is one in which the estimates cannot differ."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HausmanTest:
    """Result of `hausman`.

    Attributes
    ----------
    table
        One row per term that varies within groups: ``term, fixed, random, difference, se``
        (of the difference), and ``contextual, contextual_se``: the coefficient of the
        term's group mean when it is added to the model, β_B - β_W (NaN for a mean that the
        model already has).
    chi2, df, p_value
        d'(V_fixed - V_random)⁻d of the differences d, and its tail.
    contextual_chi2
        The Wald statistic of all added group means: the same number by another way.
    """

    table: pd.DataFrame
    chi2: float
    df: int
    p_value: float
    contextual_chi2: float

    def __str__(self) -> str:
        return f"Hausman chi2({self.df}) = {self.chi2:.4g}, p = {self.p_value:.3g}"

    def __repr__(self) -> str:
        return f"{self.table.to_string(index=False)}\n{self}"

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(index=False)}<p>{self}</p>"


class _Split(NamedTuple):
    """Columns that vary within groups, what is left of them within groups, and their group means."""

    columns: NDArray[np.intp]
    within: Floats
    means: Floats


def hausman(fit: Fit) -> HausmanTest:
    """Test whether the slopes within groups equal those of the random-intercept model.

    The model takes the slope within groups to be that between them.  If it is not, the
    estimate of the model is a mixture of both, and differs from that with a fixed effect
    for every group (Hausman 1978).  Both estimates use the variances of the fit, so that
    V_fixed - V_random is positive semidefinite; the test is then identical to that of the
    group means added to the model, the contextual effects (Mundlak 1978).  The remedy for a
    small p-value is to add them: ``x + cvar(x, g)``.

    Parameters
    ----------
    fit
        By ``"ml"`` or ``"reml"``, with random intercepts ``(1 | g)`` only.

    Raises
    ------
    FitError
        Another kind of model, or no term in which the two can differ.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs")).fit("reml")
    >>> test = ld.hausman(fit)
    >>> test.table.round(2)[["fixed", "random", "contextual"]].to_dict("records"), test.df
    ([{'fixed': 2.22, 'random': 2.43, 'contextual': 3.51}], 1)
    """
    data = _intercepts_only(fit)
    split = _split(fit, data)
    names = np.array(fit.problem.design.names)[split.columns]
    fixed, fixed_cov = _within(fit, split)
    d = fixed - fit.point.beta[split.columns]
    V = fixed_cov - fit.point.beta_cov[np.ix_(split.columns, split.columns)]
    inverse, df = _generalised_inverse(V, fixed_cov)
    if not df:
        raise FitError(
            "The slopes of the model are those within groups already; there is nothing to compare.",
            remedy='Test the contextual effects, for example `wald(fit, pattern="cvar")`.',
        )
    chi2 = float(d @ inverse @ d)
    contextual, se, contextual_chi2 = _contextual(fit, data, split)
    table = pd.DataFrame(
        {
            "term": names,
            "fixed": fixed,
            "random": fit.point.beta[split.columns],
            "difference": d,
            "se": np.sqrt(np.maximum(np.diag(V), 0.0)),
            "contextual": contextual,
            "contextual_se": se,
        }
    )
    return HausmanTest(table, chi2, df, chi2_tail(chi2, df), contextual_chi2)


def _intercepts_only(fit: Fit) -> Grouped:
    data, random = fit.problem.data, fit.problem.design.random
    _refuse_method(fit)
    if not random:
        raise FitError("The model has no group effects to test.", remedy=REMEDY)
    if len(random) > 1:
        names = ", ".join(f"`{own.group}`" for own in random)
        raise FitError(f"Hausman's test is for one grouping factor; the model has {names}.", remedy=REMEDY)
    if random[0].names != ("Intercept",):
        raise FitError(
            "Hausman's test compares random with fixed intercepts: the random term must be `(1 | g)`.",
            remedy="With random slopes add the group means, `x + cvar(x, g)`, and test them with `wald`.",
        )
    if not isinstance(data, Grouped) or fit.problem.design.weights is not None:
        raise FitError(
            "Hausman's test needs rows with one sigma: no weights, known sampling variances or "
            "regressions of sds.",
            remedy="Add the group means, `x + cvar(x, g)`, and test them with `wald`.",
        )
    return data


def _refuse_method(fit: Fit) -> None:
    if fit.method in ("eb", "nuts"):
        raise FitError(
            "Hausman's test compares two estimators by the covariances of their sampling errors; "
            f'a fit by "{fit.method}" has a posterior instead.',
            remedy="Add the group mean, `x + cvar(x, g)`, and look at the posterior of the contextual "
            'effect, `fit.contextual("x")`; or fit with "reml".',
        )
    if fit.method == "ols":
        raise FitError("Least squares has no group effects to test.", remedy=REMEDY)


def _split(fit: Fit, data: Grouped) -> _Split:
    design, random = fit.problem.design, fit.problem.design.random[0]
    columns = np.flatnonzero(~absorbed_columns(data))
    if not len(columns):
        raise FitError("No fixed effect varies within groups: there is nothing to compare.")
    X, J = design.X[:, columns], len(random.levels)
    centred = X - X.mean(axis=0)
    means = np.stack([np.bincount(random.ids, x, J) for x in centred.T], axis=1)
    means = (means / np.bincount(random.ids, minlength=J)[:, None])[random.ids]
    return _Split(columns, centred - means, means)


def _within(fit: Fit, split: _Split) -> tuple[Floats, Floats]:
    """Slopes with a fixed effect for every group, and their covariance at the variance of the fit."""
    scale = np.linalg.norm(split.within, axis=0)
    inverse = np.linalg.inv((split.within / scale).T @ (split.within / scale)) / np.outer(scale, scale)
    return inverse @ (split.within.T @ fit.problem.design.y), fit.point.sigma**2 * inverse


def _generalised_inverse(V: Floats, unit: Floats) -> tuple[Floats, int]:
    """V⁻ without the directions in which V vanishes beside `unit`, and its rank."""
    scale = np.sqrt(np.diag(unit))
    w, U = np.linalg.eigh(V / np.outer(scale, scale))
    kept = w > NOTHING
    half = U[:, kept] / np.sqrt(w[kept]) / scale[:, None]
    return half @ half.T, int(kept.sum())


def _contextual(fit: Fit, data: Grouped, split: _Split) -> tuple[Floats, Floats, float]:
    """Coefficients of the group means added to the model, their standard errors, and their χ²."""
    random, design = fit.problem.design.random[0], fit.problem.design
    k = len(split.columns)
    added = _not_spanned(split.means, design.X)
    X = np.hstack([design.X, split.means[:, added]])
    both = group(design.y, X, random.Z, random.ids, len(random.levels), random.blocks)
    S = information(both, np.sqrt(fit.point.G) / fit.point.sigma)
    cov = np.linalg.inv(S[:-1, :-1])
    own = slice(data.p, None)
    units = both.scaling.y_scale / both.scaling.x_scale[own]
    delta = (cov @ S[:-1, -1])[own] * units
    delta_cov = cov[own, own] * np.outer(units, units) * (fit.point.sigma / both.scaling.y_scale) ** 2
    estimate, se = np.full(k, np.nan), np.full(k, np.nan)
    estimate[added], se[added] = delta, np.sqrt(np.diag(delta_cov))
    return estimate, se, float(delta @ np.linalg.solve(delta_cov, delta)) if len(delta) else 0.0


def _not_spanned(means: Floats, X: Floats) -> NDArray[np.intp]:
    """Positions of the means that are no combination of X and the means before them."""
    kept: list[int] = []
    for k, mean in enumerate(means.T):
        others = np.hstack([X, means[:, kept]])
        rest = mean - others @ np.linalg.lstsq(others, mean, rcond=None)[0]
        if np.linalg.norm(rest) > 1e-8 * np.linalg.norm(mean):
            kept.append(k)
    return np.array(kept, dtype=np.intp)
