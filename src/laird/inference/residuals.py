"""Residuals at every level of a model, and leverages.

With Σ = ZGZ' + R and P = Σ⁻¹ - Σ⁻¹X(X'Σ⁻¹X)⁻¹X'Σ⁻¹ the best linear unbiased predictors of the errors and of
the group effects are ê = RPy = y - Xβ̂ - Zû and û = GZ'Py, with

    Var(ê) = RPR = R - Var(ê - e),    Var(û) = GZ'PZG = G - Var(û - u),

which is what standardised residuals are over the root of (Haslett & Haslett 2007; Nobre & Singer 2011).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import FitError, nearest
from laird.fitting import ols
from laird.fitting.options import one_of
from laird.fitting.problem import grouped, joined_columns
from laird.fitting.result import Fit
from laird.fitting.tables import effects_frame
from laird.gaussian.lines import absorbed_columns
from laird.inference.conditional import conditional, fitted_variance, theta_of
from laird.inference.deletion import cross_products
from laird.inference.dispersion import dispersion
from laird.inference.gls import gls, times
from laird.inference.rowcovariance import diagonal, row_covariance, row_layout

type Floats = NDArray[np.float64]
type Kind = Literal["raw", "standardised", "blup"]

KINDS = ("raw", "standardised", "blup")

NOTHING = 1e-10
"""A predictor whose variance is below this share of what it predicts has none."""


def residuals(fit: Fit, level: int | str = 1, kind: Kind = "standardised") -> pd.Series | pd.DataFrame:
    """Residuals of the rows (level 1) or of groups (level 2 and above).

    Parameters
    ----------
    fit
        A fit by any method; of draws, at the posterior means of the covariance parameters.
    level
        1 for rows, 2 for the only grouping factor or the innermost of nested ones, 3 for the next;
        or the name of a factor.
    kind
        ``"blup"``: predictions of the errors, y - Xβ̂ - Zû, and of the group effects, û.
        ``"standardised"``: these over their own standard deviations under the model, which
        differ: small groups shrink more.
        ``"raw"``: not shrunken: rows around the least-squares line of their own group, whose
        distribution does not depend on that of the groups (Hilden-Minton 1995); groups' own
        lines around the line of the fixed part.

    Returns
    -------
    Level 1: a series, index the positions of the rows in the user's data (with several outcomes
    also the outcome).  Else a frame, index the groups, columns the terms.  NaN for effects
    without variance, and for raw residuals of groups too small for a line of their own.

    Raises
    ------
    FitError
        Unknown level or kind, group effects of least squares, raw residuals of models that
        have several outcomes or weights.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.residuals(fit).abs().nlargest(2).round(2).to_dict()
    {56: 5.53, 59: 4.57}
    >>> ld.residuals(fit, 2).iloc[0].round(2).to_dict()
    {'Intercept': 0.11, 'Days': 1.74}
    """
    one_of("kind", kind, KINDS)
    random = _factor(fit, level)
    if random is None:
        return _series(fit.problem.design, _of_rows(fit, kind))
    return effects_frame(_of_groups(fit, random, kind), random.levels, random.names, random.group)


def leverage(fit: Fit) -> pd.Series:
    """Leverages ∂ŷ_i/∂y_i of the rows on their own fitted values, the groups' deviations included.

    The diagonal of I - RP (Nobre & Singer 2011, Biometrical Journal 53, 1063-1072), as R's ``hatvalues``
    of lme4; their sum is the effective number of parameters (Hodges & Sargent 2001).

    Parameters
    ----------
    fit
        A fit by any method; of draws, at the posterior means of the covariance parameters.

    Returns
    -------
    A series, index as for `laird.residuals`.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
    >>> round(float(ld.leverage(fit).sum()), 3)
    4.913
    """
    at = conditional(fit)
    if _has_independent_errors(fit.problem.design):
        values = fitted_variance(at) / _error_variance(at)
    else:
        values = _correlated_leverage(at)
    return _series(fit.problem.design, values).rename("leverage")


def _series(design: Design, values: Floats) -> pd.Series:
    index = pd.Index(design.rows, name="row")
    if design.outcomes:
        names = [design.outcomes[k] for k in design.which]
        index = pd.MultiIndex.from_arrays([design.rows, names], names=["row", "outcome"])
    return pd.Series(values, index=index, name="residual")


def _factor(fit: Fit, level: int | str) -> RandomDesign | None:
    """The grouping factor of a level, None for rows."""
    nested = nested_factors(fit.problem.design)
    if level == 1:
        return None
    names = [random.group for random in fit.problem.design.random]
    if isinstance(level, str) and level in names:
        return fit.problem.design.random[names.index(level)]
    if isinstance(level, int) and 2 <= level < 2 + len(nested):
        return nested[level - 2]
    known = nearest(level, names) if isinstance(level, str) else "Levels: 1"
    known += "".join(f", {k} ({own.group})" for k, own in enumerate(nested, start=2)) * isinstance(level, int)
    raise FitError(
        f"The model has no level {level!r}.",
        allowed=known,
        remedy="Name a grouping factor: the model's are crossed." if names and not nested else "",
    )


def nested_factors(design: Design) -> tuple[RandomDesign, ...]:
    """The grouping factors from the innermost to the outermost; none when they are crossed."""
    ordered = sorted(design.random, key=lambda random: -len(random.levels))
    for inner, outer in pairwise(ordered):
        pairs = np.unique(np.column_stack([inner.ids, outer.ids]), axis=0)
        if len(pairs) > len(inner.levels):
            return ()
    return tuple(ordered)


def _of_rows(fit: Fit, kind: Kind) -> Floats:
    if kind == "raw":
        return _around_own_lines(fit)
    at = conditional(fit)
    residual = at.residuals(level="population" if fit.method == "ols" else "group")
    if kind == "blup":
        return residual
    error = _error_variance(at)
    variance = error - fitted_variance(at)
    return _over_sd(residual, variance, error)


def _over_sd(values: Floats, variance: Floats, of: Floats) -> Floats:
    """Values over their sds; NaN where the variance is nothing next to that of what they predict."""
    sd = np.sqrt(np.where(variance > NOTHING * of, variance, np.nan))
    return np.asarray(values / sd)


def _error_variance(at: Fit) -> Floats:
    """Diagonal of R, shape (n,)."""
    design = at.problem.design
    if at.method == "ols":
        return np.full(len(design.y), at.point.sigma**2)
    parameters = dispersion(at.problem, theta_of(at))
    v = 0.0 if design.known is None else design.known.variances
    return np.asarray(parameters.sigma**2 + parameters.phi * v)


def _around_own_lines(fit: Fit) -> Floats:
    """Least squares in every group of the innermost factor, slopes common where Z does not give them."""
    design = fit.problem.design
    _refuse_raw(design)
    W = np.column_stack([design.X, design.y])
    if not design.random:
        return design.y - design.X @ np.linalg.lstsq(design.X, design.y, rcond=None)[0]
    random = nested_factors(design)[0]
    data = grouped(design, random)
    Z = (random.Z - data.scaling.z_mean) / data.scaling.z_scale
    own = np.linalg.pinv(data.ZZ, rcond=NOTHING, hermitian=True) @ cross_products(Z, W, random.ids)
    left = W - np.einsum("iq,iqm->im", Z, own[random.ids])
    common = ~absorbed_columns(data)
    delta = np.linalg.lstsq(left[:, :-1][:, common], left[:, -1], rcond=None)[0]
    return np.asarray(left[:, -1] - left[:, :-1][:, common] @ delta)


def _refuse_raw(design: Design) -> None:
    if design.outcomes or design.weights is not None:
        what = "several outcomes" if design.outcomes else "weighted rows"
        raise FitError(f"Raw residuals are not for models with {what}.", allowed='Use kind="standardised".')
    if design.random and not nested_factors(design):
        raise FitError(
            "Raw residuals are from the lines of the groups, and the groups of this model cross.",
            remedy='Use kind="standardised".',
        )


def _of_groups(fit: Fit, random: RandomDesign, kind: Kind) -> Floats:
    if kind == "raw":
        own = ols.fit(fit.problem).group_coef(random.group)
        return (own - fit.fixed_lines(random.group)).to_numpy()
    if fit.method == "ols":
        raise FitError(
            "Least squares has no group effects.",
            remedy='Fit with "reml", or use kind="raw": the groups\' own lines.',
        )
    at = conditional(fit)
    found = at.ranef(random.group).to_numpy()
    if kind == "blup":
        return found
    G = group_variances(at, random)
    return _over_sd(found, G - at.ranef_sd(random.group).to_numpy() ** 2, G)


def group_variances(fit: Fit, random: RandomDesign) -> Floats:
    """Variance of every group's effects, which a regression of their sd makes differ, shape (J, q)."""
    f = fit.problem.design.random.index(random)
    scale = dispersion(fit.problem, theta_of(fit)).scale[f]
    first = np.unique(random.ids, return_index=True)[1]
    place = joined_columns(fit.problem.design.random)[f]
    return np.asarray(scale[first][:, None] ** 2 * np.diag(fit.point.G)[place])


def _has_independent_errors(design: Design) -> bool:
    return not design.outcomes and (design.known is None or not design.known.blocks)


def _correlated_leverage(at: Fit) -> Floats:
    """Diagonal of I - RP by blocks of connected rows."""
    design, where = at.problem.design, row_layout(at.problem.design)
    own = row_covariance(design, where, dispersion(at.problem, theta_of(at)))
    by = own.whitener()
    R = tuple(V + level for V, level in zip(own.V, own.levels[0], strict=True))
    RQ = tuple(R_block @ Q for R_block, Q in zip(R, by.inverse(), strict=True))
    found = gls(design.y, design.X, by)
    fixed = np.einsum("ip,pr,ir->i", times(by, R, found.SX), found.cov, found.SX)
    return np.asarray(1.0 - diagonal(where, RQ) + fixed)
