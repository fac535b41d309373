"""What estimated variances add to the uncertainty of an empirical Bayes estimate.

With the covariance parameters θ at an estimate, E(t | y, θ̂) and Var(t | y, θ̂) are the mean and the
variance of a group's coefficient or true effect t.  The variance of t is larger, since θ is estimated:

    Var(t | y) ≈ Var(t | y, θ̂) + δ'Aδ,   δ = ∂E(t | y, θ)/∂φ,

to first order, with φ and its covariance A by Laplace's method (Kass & Steffey 1989, J. Am. Stat. Assoc.
84, 717-726, eq. 3.2).  For independent estimates of k true effects with known variances Morris (1983, J. Am.
Stat. Assoc. 78, 47-55, section 5) has the same in closed form, with a smaller shrinkage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import Axes
from laird.gaussian.theta import Theta
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

STEP = 1e-4
"""Of central differences, in posterior sds; their error is about 1e-8."""


class Moments(NamedTuple):
    """Means and variances, shapes (m,)."""

    mean: Floats
    variance: Floats

    @property
    def sd(self) -> Floats:
        """Roots of the variances."""
        return np.sqrt(np.maximum(self.variance, 0.0))


type Conditional = Callable[[Theta, Floats], Moments]
"""From θ and the sampled coefficients b to the moments of t given both and the data."""


def first_order(target: Posterior, axes: Axes, given: Conditional) -> Moments:
    """Moments of t with first-order allowance for θ and b.

    Parameters
    ----------
    target
        The posterior of phi, which stands for θ and b.
    axes
        Its mode and the root of its covariance there, A = CC': δ'Aδ is the sum of the squared
        derivatives along the columns of C.
    given
        Moments of t at any θ and b.
    """

    def at(z: Floats) -> Moments:
        return given(*target.coordinates.split(axes.at(z[None])[0]))

    slopes = [(at(h).mean - at(-h).mean) / (2 * STEP) for h in STEP * np.eye(len(axes.centre))]
    centre = at(np.zeros(len(axes.centre)))
    return Moments(centre.mean, centre.variance + np.sum(np.square(slopes), axis=0))


def morris(y: Floats, X: Floats, v: Floats) -> Moments:
    """Moments of true effects θ_i ~ N(x_i'β, A) from estimates y_i ~ N(θ_i, v_i).

    With w_i = 1/(v_i + Â), Â where Σ w_i(y_i - x_i'β̂)² = k - r or zero, leverages h_i of weighted
    least squares, and v̄ = Σ w_iv_i / Σ w_i:

        B_i = (k - r - 2)/(k - r) · v_i w_i,      θ̂_i = y_i - B_i(y_i - x_i'β̂),
        s_i² = v_i(1 - (1 - h_i)B_i) + 2/(k - r - 2) · B_i² (v̄ + Â)w_i (y_i - x_i'β̂)².

    Parameters
    ----------
    y, X, v
        Estimates (k,), predictors (k, r), variances (k,); k > r + 2.

    Examples
    --------
    >>> found = morris(np.array([0.0, 1.0, 5.0, 6.0]), np.ones((4, 1)), np.ones(4))
    >>> found.mean.round(3), found.sd.round(3)
    (array([0.115, 1.077, 4.923, 5.885]), array([0.999, 0.991, 0.991, 0.999]))
    """
    k, r = X.shape
    A = _paule_mandel(y, X, v)
    w = 1.0 / (v + A)
    residual, h = _weighted_fit(y, X, w)
    B = (k - r - 2) / (k - r) * v * w
    typical = np.sum(w * v) / np.sum(w)
    correction = 2.0 / (k - r - 2) * B**2 * (typical + A) * w * residual**2
    return Moments(y - B * residual, v * (1.0 - (1.0 - h) * B) + correction)


def _weighted_fit(y: Floats, X: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Residuals and leverages of weighted least squares."""
    root = np.sqrt(w)
    Q, R = np.linalg.qr(root[:, None] * X)
    beta = np.linalg.solve(R, Q.T @ (root * y))
    return y - X @ beta, np.sum(Q**2, axis=1)


def _paule_mandel(y: Floats, X: Floats, v: Floats) -> float:
    """The variance A with Σ (y_i - x_i'β̂)²/(v_i + A) = k - r, or zero."""
    from scipy.optimize import brentq

    df = float(X.shape[0] - X.shape[1])

    def excess(A: float) -> float:
        w = 1.0 / (v + A)
        return float(np.sum(w * _weighted_fit(y, X, w)[0] ** 2)) - df

    if excess(0.0) <= 0.0:
        return 0.0
    most = float(np.sum(_weighted_fit(y, X, np.ones_like(y))[0] ** 2))
    return brentq(excess, 0.0, most, xtol=1e-14 * most, rtol=1e-14)
