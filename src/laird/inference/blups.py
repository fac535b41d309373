"""True effects θ = E(y | everything but the sampling error): their best predictions from the estimates y.

θ̂ = y - VΣ⁻¹(y - Xβ̂), with mean squared error V - VPV, P as in `laird.inference.gls`: for
independent estimates θ̂ᵢ = Bᵢxᵢ'β̂ + (1 - Bᵢ)yᵢ with Bᵢ = vᵢ/(vᵢ + σᵢ²) (Raudenbush & Bryk 1985), and the
matrix VΣ⁻¹ in the place of Bᵢ when errors are correlated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.dispersion import dispersion_chunks, rows_of
from laird.inference.gls import gls, times
from laird.inference.rowcovariance import RowCovariance, diagonal, row_covariance, row_layout
from laird.inference.sampledeffects import TrueEffects, sampled_effects

type Floats = NDArray[np.float64]


def true_effects_of(fit: Fit, prob: float) -> TrueEffects:
    """Predict the true effects of the rows of a fit.

    Posterior means, sds and intervals where it has draws; estimates of ``eb`` are those at the
    mode of the covariance parameters, as all of its estimates.

    Raises
    ------
    FitError
        The model has no known sampling variances.
    """
    if fit.problem.design.known is None:
        raise FitError(
            "The model has no known sampling variances, so that its rows have no true effects.",
            remedy="Write `meta_V(v)` into the formula; for groups see `laird.shrinkage`.",
        )
    if fit.draws is None:
        return _predicted(fit, prob)
    if fit.problem.design.families:
        return sampled_effects(fit.problem, fit.draws, prob)
    found = drawn_effects(fit, prob)
    if fit.method != "eb":
        return found
    mode = _predicted(fit, prob)
    return found._replace(estimate=mode.estimate, factor=mode.factor)


def _predicted(fit: Fit, prob: float) -> TrueEffects:
    from scipy.special import ndtri

    design, own = fit.problem.design, rows_of(fit)
    by = own.whitener()
    found = gls(design.y, design.X, by, design.weights)
    estimate = design.y - times(by, own.V, found.Sr)
    factor = _factors(own, by.inverse())
    VSX = times(by, own.V, found.SX)
    VSV = sampling_share(own, by.inverse())
    variance = diagonal(own.where, own.V)
    mse = variance - VSV + np.einsum("ip,pr,ir->i", VSX, found.cov, VSX)
    sd = np.sqrt(np.maximum(mse, 0.0))
    half = float(ndtri(0.5 + prob / 2)) * sd
    return TrueEffects(variance, estimate, sd, estimate - half, estimate + half, factor)


def _factors(own: RowCovariance, inverse: tuple[Floats, ...]) -> Floats:
    """Diagonal of VΣ⁻¹, shape (..., n)."""
    return diagonal(own.where, tuple(V @ Si for V, Si in zip(own.V, inverse, strict=True)))


def sampling_share(own: RowCovariance, inverse: tuple[Floats, ...]) -> Floats:
    """Diagonal of VΣ⁻¹V, shape (..., n)."""
    return diagonal(own.where, tuple(V @ Si @ V for V, Si in zip(own.V, inverse, strict=True)))


def drawn_effects(fit: Fit, prob: float) -> TrueEffects:
    """Posterior means, sds and quantiles of the true effects of a fit with draws."""
    rng = np.random.default_rng([fit.origin.seed or 0, fit.nobs])
    parts = list(conditional_effects(fit))
    mean, variance, factor = (np.concatenate(own) for own in zip(*parts, strict=True))
    draws = mean + np.sqrt(np.maximum(variance, 0.0)) * rng.standard_normal(mean.shape)
    lower, upper = np.quantile(draws, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    sd = np.sqrt(variance.mean(axis=0) + mean.var(axis=0, ddof=1))
    sampling = diagonal(rows_of(fit).where, rows_of(fit).V)
    return TrueEffects(sampling, mean.mean(axis=0), sd, lower, upper, factor.mean(axis=0))


def conditional_effects(fit: Fit) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Mean and variance of θ given y and each draw of the parameters, and factors; (draws, n)."""
    design = fit.problem.design
    where = row_layout(design)
    for beta, at in dispersion_chunks(fit):
        own = row_covariance(design, where, at)
        inverse = tuple(np.linalg.inv(total) for total in own.total())
        residual = design.y - beta @ design.X.T
        estimate = np.empty_like(residual)
        for rows, V, Si in zip(where.stacks, own.V, inverse, strict=True):
            pulled = V @ (Si @ residual[:, rows, None])
            estimate[:, rows] = design.y[rows] - pulled[..., 0]
        factor = _factors(own, inverse)
        variance = diagonal(where, own.V) - sampling_share(own, inverse)
        yield estimate, variance, factor
