"""A posterior without each of many units, from the draws of the posterior of all rows.

A draw counts in proportion to 1/p(y_i | other rows, β, θ), with the group effects integrated out; the
weights are Pareto-smoothed, and k̂ says whether they can be trusted (Vehtari, Gelman & Gabry 2017).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import normalised
from laird.fitting.pareto import smoothed
from laird.fitting.result import Fit
from laird.inference.deletion import engine, identified
from laird.inference.dispersion import drawn_theta
from laird.inference.onestep import basis

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

MOST_DRAWS = 1000
"""So many draws are weighted, evenly spaced: one likelihood of all rows for each."""


class Weights(NamedTuple):
    """Weights of some draws without each unit.

    Attributes
    ----------
    draws
        Which draws, shape (S,).
    weights
        Shape (U, S), each row with sum one; NaN for units without which β is not determined.
    khat
        Pareto k̂, shape (U,); above 0.7 the weights of a unit cannot be trusted.
    """

    draws: Ids
    weights: Floats
    khat: Floats


def deletion_weights(fit: Fit, codes: Ids) -> Weights:
    """Weights of the draws of a fit without each unit of rows.

    Parameters
    ----------
    fit
        By ``"eb"`` or ``"nuts"``.
    codes
        Unit of each row, shape (n,), integers from 0 without gaps.
    """
    theta, beta = drawn_theta(fit)
    chosen = np.unique(np.linspace(0, len(beta) - 1, min(MOST_DRAWS, len(beta))).astype(np.int64))
    W, inverse = basis(fit)
    pieces, R = engine(fit.problem, codes, W), np.linalg.inv(inverse)
    densities = []
    for s in chosen:
        v = np.append(-R @ (beta[s] - fit.point.beta), 1.0)
        found = pieces(theta.at(int(s)))
        densities.append(found.log_densities(v))
    sound = identified(found)
    found_weights = [smoothed(-own) for own in np.array(densities).T]
    weights = np.array([normalised(log_weights) for log_weights, _ in found_weights])
    khat = np.array([khat for _, khat in found_weights])
    return Weights(chosen, np.where(sound[:, None], weights, np.nan), np.where(sound, khat, np.nan))


def moments(weights: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Weighted means (U, k) and covariances (U, k, k) of values (S, k).

    Examples
    --------
    >>> mean, cov = moments(np.array([[0.5, 0.5, 0.0]]), np.array([[1.0], [3.0], [9.0]]))
    >>> mean, cov
    (array([[2.]]), array([[[1.]]]))
    """
    centre = values.mean(axis=0)
    around = values - centre
    mean = weights @ around
    second = np.einsum("us,sa,sb->uab", weights, around, around, optimize=True)
    return centre + mean, second - mean[:, :, None] * mean[:, None, :]
