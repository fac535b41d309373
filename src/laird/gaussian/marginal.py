"""The log marginal likelihood of the covariance parameters, in the user's units.

The group effects are integrated out always; a coefficient is integrated out when its
prior is Gaussian or flat, else it is an argument.  Coefficients are the centred ones,
γ: slopes are those of the model, the intercept is the mean outcome at the average
predictors (see `laird.gaussian.standardise`), so that their priors do not depend on
offsets of the predictors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.grouped import DATA, DENSITY, LOG_2PI, gaussian_density
from laird.gaussian.small import MATRIX, VECTOR, divided

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """A likelihood with priors of its integrated coefficients; arguments of `log_marginal_density`.

    Attributes
    ----------
    data
        Cross-products.
    sampled, integrated
        Positions of the given and of the integrated coefficients among the p.
    P, Pm
        Prior precision (r, r) and precision times mean (r,) of the r integrated
        coefficients, starred units.
    constant
        Parameter-free part of -2 log density.
    Tinv
        Inverse of the scaling's T, shape (q, q).
    unit, shift
        Starred value of a sampled coefficient: b* = unit·(b - shift), shapes (k,).
    """

    data: Grouped
    sampled: Ids
    integrated: Ids
    P: Floats
    Pm: Floats
    constant: float
    Tinv: Floats
    unit: Floats
    shift: Floats


def marginal(data: Grouped, mean: Floats, precision: Floats, sampled: Sequence[int] = ()) -> Marginal:
    """Bind priors γ_k ~ N(mean_k, 1/precision_k) (flat where the precision is 0) to the data.

    Parameters
    ----------
    data
        Cross-products of the model.
    mean, precision
        Shapes (p,), in the user's units; entries of sampled coefficients are ignored.
    sampled
        Positions of coefficients that stay arguments of the density.
    """
    s = data.scaling
    integrated = np.array([k for k in range(data.p) if k not in set(sampled)], dtype=np.int64)
    unit, shift = s.x_scale / s.y_scale, s.centred_shift
    precision_star = (precision / unit**2)[integrated]
    mean_star = (unit * (mean - shift))[integrated]
    proper = precision_star > 0
    constant = (
        (data.n + np.count_nonzero(proper) - len(integrated)) * LOG_2PI
        - np.sum(np.log(precision_star[proper]))
        + np.sum(precision_star * mean_star**2)
        + 2.0 * data.n * np.log(s.y_scale)
        + 2.0 * np.sum(np.log(unit[integrated][~proper]))
    )
    given = np.array(tuple(sampled), dtype=np.int64)
    return Marginal(
        data=data,
        sampled=given,
        integrated=integrated,
        P=np.diag(precision_star),
        Pm=precision_star * mean_star,
        constant=float(constant),
        Tinv=np.ascontiguousarray(np.linalg.inv(s.T)),
        unit=np.ascontiguousarray(unit[given]),
        shift=np.ascontiguousarray(shift[given]),
    )


def flat(data: Grouped) -> Marginal:
    """Flat priors on every coefficient: the density is exp(REML log-likelihood)."""
    return marginal(data, np.zeros(data.p), np.zeros(data.p))


def arguments(problem: Marginal) -> tuple[object, ...]:
    """Return what follows (L, sigma, b) in the compiled `log_marginal_density`."""
    d, s = problem.data, problem.data.scaling
    return (
        *(d.ZZ, d.ZW, d.WW, d.n, problem.sampled, problem.integrated, problem.P, problem.Pm),
        *(problem.constant, problem.Tinv, s.y_scale, problem.unit, problem.shift),
    )


def log_density(
    problem: Marginal, L: Floats, sigma: float, b: Floats | None = None
) -> tuple[float, Floats, float, Floats]:
    """Log marginal density of the data and its exact gradient.

    Parameters
    ----------
    problem
        Data and coefficient priors.
    L
        Any factor of the group covariance, G = LL', shape (q, q), user's units.
    sigma
        Residual sd, user's units.
    b
        Values of the sampled coefficients, shape (k,).

    Returns
    -------
    value, gradient in L (q, q), in sigma, in b (k,).
    """
    d, s, Tinv = problem.data, problem.data.scaling, problem.Tinv
    b = np.zeros(0) if b is None else problem.unit * (b - problem.shift)
    value, d_Lam, d_sigma, d_b = gaussian_density(
        np.ascontiguousarray(Tinv @ L / s.y_scale), float(sigma) / s.y_scale, b,
        d.ZZ, d.ZW, d.WW, d.n, problem.sampled, problem.integrated, problem.P, problem.Pm,
        problem.constant, True, True,
    )  # fmt: skip
    return float(value), Tinv.T @ d_Lam / s.y_scale, float(d_sigma) / s.y_scale, d_b * problem.unit


@njit(cache=True, error_model="numpy")
def _multiply(A: Floats, B: Floats) -> Floats:
    out = np.zeros((A.shape[0], B.shape[1]))
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            for k in range(A.shape[1]):
                out[i, j] += A[i, k] * B[k, j]
    return out


@compiled(DENSITY(MATRIX, types.float64, VECTOR, *DATA, MATRIX, types.float64, VECTOR, VECTOR))
def log_marginal_density(
    L: Floats,
    sigma: float,
    b: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    n: int,
    sampled: Ids,
    integrated: Ids,
    P: Floats,
    Pm: Floats,
    constant: float,
    Tinv: Floats,
    y_scale: float,
    unit: Floats,
    shift: Floats,
) -> tuple[float, Floats, float, Floats]:
    """`log_density` for kernels: all arguments are arrays and numbers (see `arguments`)."""
    Lam = divided(_multiply(Tinv, L), y_scale)
    b_star = np.empty(len(b))
    for k in range(len(b)):
        b_star[k] = unit[k] * (b[k] - shift[k])
    value, d_Lam, d_sigma, d_b = gaussian_density(
        Lam, sigma / y_scale, b_star,
        ZZ, ZW, WW, n, sampled, integrated, P, Pm, constant, True, True,
    )  # fmt: skip
    for k in range(len(b)):
        d_b[k] *= unit[k]
    return value, divided(_multiply(Tinv.T, d_Lam), y_scale), d_sigma / y_scale, d_b


def log_densities(problem: Marginal, L: Floats, sigma: Floats, b: Floats) -> Floats:
    """Values of `log_density` for stacks of parameters, shapes (S, q, q), (S,), (S, k) -> (S,)."""
    d, s = problem.data, problem.data.scaling
    return np.asarray(
        _values(
            np.ascontiguousarray(problem.Tinv @ L / s.y_scale),
            np.ascontiguousarray(sigma / s.y_scale),
            np.ascontiguousarray(problem.unit * (b - problem.shift)),
            d.ZZ,
            d.ZW,
            d.WW,
            d.n,
            problem.sampled,
            problem.integrated,
            problem.P,
            problem.Pm,
            problem.constant,
        )
    )


@njit(cache=True, error_model="numpy")
def _values(
    Lam: Floats,
    sigma: Floats,
    b: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    n: int,
    sampled: Ids,
    integrated: Ids,
    P: Floats,
    Pm: Floats,
    constant: float,
) -> Floats:
    out = np.empty(len(sigma))
    for s in range(len(sigma)):
        out[s] = gaussian_density(
            Lam[s], sigma[s], b[s], ZZ, ZW, WW, n, sampled, integrated, P, Pm, constant, True, False
        )[0]
    return out


def log_profile(data: Grouped, L: Floats, sigma: float) -> tuple[float, Floats, float]:
    """Log-likelihood maximised over β (ML), and its gradient in L and sigma; user's units."""
    s, none = data.scaling, np.zeros(0)
    Tinv = np.linalg.inv(s.T)
    value, d_Lam, d_sigma, _ = gaussian_density(
        np.ascontiguousarray(Tinv @ L / s.y_scale),
        sigma / s.y_scale,
        none,
        data.ZZ,
        data.ZW,
        data.WW,
        data.n,
        none.astype(np.int64),
        np.arange(data.p, dtype=np.int64),
        np.zeros((data.p, data.p)),
        np.zeros(data.p),
        float(data.n * (LOG_2PI + 2.0 * np.log(s.y_scale))),
        False,
        True,
    )
    return value, Tinv.T @ d_Lam / s.y_scale, d_sigma / s.y_scale
