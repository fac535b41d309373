"""What the outcome's variance is made of: fixed part, every grouping factor, residual."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.problem import joined_columns
from laird.fitting.result import Fit

type Floats = NDArray[np.float64]


class Shares(NamedTuple):
    """Variances of an average row; each array has one entry per draw, or one for a point estimate.

    Attributes
    ----------
    fixed
        Sample variance of Xβ over the rows, (S,).
    groups
        By grouping factor: mean of z'Gz over the rows (Johnson 2014), (F, S).
    residual
        Mean of σ² over the rows, (S,).
    """

    fixed: Floats
    groups: Floats
    residual: Floats

    @property
    def total(self) -> Floats:
        """All but the fixed part."""
        return np.asarray(self.groups.sum(axis=0) + self.residual)


def shares(fit: Fit) -> Shares:
    """Variances at the point estimate.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
    >>> shares(fit).groups.round(0), shares(fit).residual.round(0)
    (array([[1764.]]), array([2451.]))
    """
    refuse_unavailable(fit)
    sigma2 = np.array([np.mean(np.square(fit.sigma))])
    return shares_at(fit, fit.point.beta[None], fit.point.G[None], sigma2)


def drawn_shares(fit: Fit) -> Shares:
    """Variances at every draw of a fit that has draws."""
    refuse_unavailable(fit)
    if fit.draws is None:
        raise FitError("The fit has no draws: see `fit.check()`.", remedy='Fit with "nuts".')
    beta, sigma, L = (fit.draws.flat(name) for name in ("beta", "sigma", "L"))
    return shares_at(fit, beta, L @ L.transpose(0, 2, 1), sigma**2)


def shares_at(fit: Fit, beta: Floats, G: Floats, sigma2: Floats) -> Shares:
    """Variances at stacks of β (S, p), G (S, q, q) and mean σ² (S,)."""
    design = fit.problem.design
    moments = [mean_square(own) for own in design.random]
    places = joined_columns(design.random)
    groups = [np.einsum("sab,ab->s", G[:, at, at], ZZ) for at, ZZ in zip(places, moments, strict=True)]
    centred = design.X - design.X.mean(axis=0)
    spread = centred.T @ centred / max(len(centred) - 1, 1)
    fixed = np.einsum("sp,pr,sr->s", beta, spread, beta)
    return Shares(np.maximum(fixed, 0.0), np.array(groups).reshape(len(groups), len(sigma2)), sigma2)


def mean_square(random: RandomDesign) -> Floats:
    """Mean of zz' over the rows, (q, q), so that the mean of z'Gz is its inner product with G."""
    return np.asarray(random.Z.T @ random.Z / len(random.Z))


def refuse_unavailable(fit: Fit) -> None:
    """Raise FitError for models whose variances are not one number by factor."""
    design = fit.problem.design
    if design.known is not None:
        raise FitError(
            "Variances of effect sizes are not those of one error.",
            remedy="See `laird.heterogeneity`, which has τ², I² and R² by level.",
        )
    if fit.method == "ols" or not design.random:
        raise FitError(
            "Variances between groups need a fit with random terms.",
            remedy='Add a random term such as `(1 | g)`, and fit with "reml".',
        )
    if design.outcomes or any(own.parameter == "sd" for own in design.scales):
        raise FitError(
            "Variances are not one number by factor in models with several outcomes or regressions of "
            "group sds.",
            remedy="See `fit.varcorr`.",
        )
