"""How one group's line is shrunk: where the ellipses about its estimate and about the mean touch.

About the mean γ_j of the fixed part true lines vary with covariance G, about the true line the
group's own estimate β̂_j with V_j = M_j⁻¹.  On the curve

    b(s) = γ_j + (I + s G M_j)⁻¹ s G M_j (β̂_j - γ_j),  s from 0 to ∞,

ellipses of G about γ_j touch ellipses of V_j about β̂_j (Friendly, Monette and Fox 2013,
Elliptical insights, section 6.3); s = 1 is the predictor β̃_j, about which the true line varies
with covariance (G⁻¹ + M_j)⁻¹.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.plots.dispersion import information, predictor_cov
from laird.plots.sources import choose, random_design

type Floats = NDArray[np.float64]

POINTS = 201
FAR = 1e4
"""Ratio to 1 at which an eigenvalue is as good as zero or infinite in a picture."""
SINGULAR = 1e-9
"""Eigenvalues of GM below this share of the largest are rounding."""


class Shrunk(NamedTuple):
    """One group in the plane of two coefficients.

    Attributes
    ----------
    mean, blue, blup
        γ_j, β̂_j, β̃_j, shapes (2,).
    G, V, left
        Covariances of true lines about γ_j, of β̂_j about the true line, and of the true
        line about β̃_j, shapes (2, 2).
    curve
        Where ellipses touch, from γ_j towards β̂_j, shape (2, points).
    radii
        Radii of the ellipses of G and V that touch at β̃_j; NaN with more than two
        coefficients, when they touch in a space of more dimensions.
    """

    mean: Floats
    blue: Floats
    blup: Floats
    G: Floats
    V: Floats
    left: Floats
    curve: Floats
    radii: tuple[float, float]


def shrunk(fit: Fit, own: Floats, group: str, level: str, at: tuple[int, int]) -> Shrunk:
    """Return what the picture of one group is made of.

    Parameters
    ----------
    fit
        A fit with predictors of one residual variance in each row.
    own
        The groups' own least-squares estimates, shape (J, q).
    group, level
        Grouping factor, and label of the group.
    at
        The two coefficients among the q.

    Raises
    ------
    FitError
        The group has no own estimate, or the model has known sampling variances.
    """
    random = random_design(fit, group)
    j = random.levels.index(choose(f"group of `{group}`", level, random.levels))
    if fit.problem.design.known is not None:
        raise FitError("The picture is of groups of rows with an estimated residual variance.")
    M = _information(fit, random)[j]
    if not np.isfinite(own[j]).all() or np.linalg.cond(M) > 1e12:
        raise FitError(f"`{level}` is too small for an estimate of its own.", remedy="Draw another group.")
    G, mean = fit.covariance(group).to_numpy(), fit.fixed_lines(group).to_numpy()[j]
    blup, pair = fit.group_coef(group).to_numpy()[j], np.ix_(at, at)
    return Shrunk(
        mean=mean[list(at)],
        blue=own[j, list(at)],
        blup=blup[list(at)],
        G=G[pair],
        V=np.linalg.inv(M)[pair],
        left=(G - predictor_cov(G, M))[pair],
        curve=osculation(mean, own[j], G, M)[list(at)],
        radii=_radii(mean, own[j], blup, M) if len(G) == 2 else (np.nan, np.nan),
    )


def _information(fit: Fit, random: RandomDesign) -> Floats:
    """M_j of every group, where rows may differ in their residual variance."""
    sigma = np.broadcast_to(fit.sigma, len(random.Z))
    return information(random.Z / sigma[:, None], random.ids, len(random.levels), 1.0)


def _radii(mean: Floats, blue: Floats, blup: Floats, M: Floats) -> tuple[float, float]:
    """√d'G⁻¹d of d = β̃ - γ, with G⁻¹d = M(β̂ - β̃) since the ellipses touch, and √e'Me of e = β̃ - β̂."""
    pull = M @ (blue - blup)
    squared = np.array([(blup - mean) @ pull, (blue - blup) @ pull])
    about_mean, about_blue = np.sqrt(np.maximum(squared, 0.0)).tolist()
    return about_mean, about_blue


def osculation(mean: Floats, blue: Floats, G: Floats, M: Floats, points: int = POINTS) -> Floats:
    """Return the curve b(s) from γ_j towards β̂_j, through β̃_j, shape (q, points + 2).

    With a singular G it ends where β̂_j - γ_j has no part left in the range of G.

    Examples
    --------
    >>> curve = osculation(np.zeros(2), np.array([2.0, 4.0]), np.eye(2), np.diag([1.0, 3.0]))
    >>> curve[:, [0, -1]].round(2).T.tolist(), bool((curve.T == [1.0, 3.0]).all(axis=1).any())
    ([[0.0, 0.0], [2.0, 4.0]], True)
    """
    odds = np.sort(np.append(_scales(G @ M, points), 1.0))
    return np.stack([mean, *(_between(mean, blue, s * G @ M) for s in odds)], axis=1)


def _scales(GM: Floats, points: int) -> Floats:
    """Values of s, evenly spaced as logarithms, from where all eigenvalues of s·GM are small to large."""
    values = np.linalg.eigvals(GM).real
    values = values[values > SINGULAR * values.max()]
    if not len(values):
        return np.zeros(points)
    return np.geomspace(1 / (FAR * values.max()), FAR / values.min(), points)


def _between(mean: Floats, blue: Floats, odds: Floats) -> Floats:
    return np.asarray(mean + np.linalg.solve(np.eye(len(odds)) + odds, odds @ (blue - mean)))
