"""Exact densities of what is left out, given all other rows and the covariance parameters.

Coefficients with Gaussian or flat priors and all group effects are integrated out, so that no
model is fitted again: without unit b, Q = X'Σ⁻¹X + P and t = X'Σ⁻¹y + Pm lose its share,

    -2 log p(y_b | y_-b, θ) = n_b log 2π + log|Σ_b| + log|Q| - log|Q_-b| + d - d_-b,

d = y'Σ⁻¹y - t'Q⁻¹t; a row i has the mean y_i - (Kr)_i/K_ii and the variance 1/K_ii with
K = Σ⁻¹ - Σ⁻¹XQ⁻¹X'Σ⁻¹ and Kr = Σ⁻¹(y - XQ⁻¹t) (Sundararajan & Keerthi 2001, Neural Comput. 13).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.inference.logo_rows import RowProducts, UnitProducts
from laird.posterior import CoefficientPrior

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LOG_2PI = float(np.log(2 * np.pi))
ROUNDING = 1e-11
"""What is left of a number by subtraction of equal ones, as a share of it."""


class Prior(NamedTuple):
    """Gaussian prior of the integrated coefficients, and the values of the others.

    Attributes
    ----------
    integrated, sampled
        Positions among the p coefficients.
    P, Pm
        Precision (r, r), and precision times mean (r,), about the origin of γ.
    values
        Sampled coefficients by draw, about the origin, shape (S, k).
    """

    integrated: Ids
    sampled: Ids
    P: Floats
    Pm: Floats
    values: Floats

    def at(self, part: slice) -> Prior:
        """The same for some draws."""
        return self._replace(values=self.values[part])

    def columns(self) -> Floats:
        """Columns of the integrated coefficients and of y less what sampled ones explain, (S, m, r + 1)."""
        m, r = len(self.integrated) + len(self.sampled) + 1, len(self.integrated)
        M = np.zeros((len(self.values), m, r + 1))
        M[:, self.integrated, np.arange(r)] = 1.0
        M[:, -1, -1] = 1.0
        M[:, self.sampled, -1] = -self.values
        return M


def prior_about(given: CoefficientPrior, origin: Floats, gamma: Floats) -> Prior:
    """The prior for coefficients γ - origin.

    Parameters
    ----------
    given
        Prior of γ.
    origin, gamma
        Shapes (p,); draws (S, p).
    """
    sampled = np.array(given.sampled, dtype=np.int64)
    integrated = np.setdiff1d(np.arange(len(origin)), sampled)
    precision = given.precision[integrated]
    about = precision * (given.mean - origin)[integrated]
    return Prior(integrated, sampled, np.diag(precision), about, (gamma - origin)[:, sampled])


def unit_densities(found: UnitProducts, counts: Ids, prior: Prior) -> Floats:
    """log p(y_b | y_-b, θ) of every draw and unit, shape (S, B)."""
    M = prior.columns()
    S = np.swapaxes(M, -1, -2)[:, None] @ found.S @ M[:, None]
    total = S.sum(axis=1, keepdims=True)
    size = np.diagonal(total[..., :-1, :-1] + prior.P, axis1=-2, axis2=-1)
    before, after = _left(total - S, prior, size), _left(total, prior, size)
    return np.asarray(-0.5 * (counts * LOG_2PI + found.logdet + after - before))


def _left(S: Floats, prior: Prior, size: Floats) -> Floats:
    """log|Q| + y'Σ⁻¹y - t'Q⁻¹t of S = [X y]'Σ⁻¹[X y], shape of the leading axes.

    `size` (..., r) is the diagonal of Q for all rows, next to which pivots are rounding or not.
    """
    Q, t = S[..., :-1, :-1] + prior.P, S[..., :-1, -1:] + prior.Pm[:, None]
    try:
        factor = np.linalg.cholesky(Q)
    except np.linalg.LinAlgError as error:
        raise _not_identified("unit") from error
    pivots = np.diagonal(factor, axis1=-2, axis2=-1)
    if np.any(pivots**2 < ROUNDING * size):
        raise _not_identified("unit")
    half = np.linalg.solve(factor, t)[..., 0]
    logdet = 2 * np.sum(np.log(pivots), axis=-1)
    return np.asarray(logdet + S[..., -1, -1] - np.sum(half**2, axis=-1))


def _not_identified(what: str) -> FitError:
    return FitError(
        f"Without some {what} the others do not identify the coefficients, whose priors are flat.",
        remedy="Give them proper priors, such as the default ones.",
    )


def row_densities(found: RowProducts, W: Floats, prior: Prior) -> Floats:
    """log p(y_i | y_-i, θ) of every draw and row, shape (S, n)."""
    M = prior.columns()
    SW = found.SW @ M
    S = np.swapaxes(M, -1, -2) @ (W.T @ found.SW) @ M
    Q, t = S[:, :-1, :-1] + prior.P, S[:, :-1, -1:] + prior.Pm[:, None]
    X, y = SW[..., :-1], SW[..., -1]
    K = found.diagonal - np.sum((X @ np.linalg.inv(Q)) * X, axis=-1)
    Kr = y - (X @ np.linalg.solve(Q, t))[..., 0]
    if np.any(ROUNDING * found.diagonal > K):
        raise _not_identified("row")
    return np.asarray(0.5 * (np.log(K) - LOG_2PI - Kr**2 / K))


def given_coefficients(found: UnitProducts, counts: Ids, delta: Floats) -> Floats:
    """log p(y_b | β, θ), group effects integrated out, for γ - origin = `delta` (S, p); shape (S, B)."""
    a = np.concatenate([-delta, np.ones((len(delta), 1))], axis=1)
    squares = np.einsum("sa,sbac,sc->sb", a, found.S, a)
    return np.asarray(-0.5 * (counts * LOG_2PI + found.logdet + squares))
