"""The coefficients integrated out of S = W'Σ⁻¹W, W = [X y]: value, estimates and derivatives.

With Q = X_i'Σ⁻¹X_i + P for the integrated coefficients (prior precision P, prior mean m)
and r = y - X_s b for the sampled ones, the deviance of what is left is

    r'Σ⁻¹r - t'Q⁻¹t + log|Q|,      t = X_i'Σ⁻¹r + Pm,

whose derivative with respect to S is D = Q⁻¹ + aa' with a = (-β̂, 1).  Without log|Q| and
priors it is the residual sum of squares, maximised over β.  Every structure of
`laird.gaussian` leads to an S, so that this is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.frozen import freeze
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.small import (
    MATRIX,
    PLACES,
    VECTOR,
    back_substitute,
    factorise,
    forward_substitute,
    invert_factored,
    log_determinant,
)
from laird.gaussian.standardise import Standardisation

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_FOUND = types.Tuple((types.float64, *[types.float64[:, ::1]] * 2, *[types.float64[::1]] * 2))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Which coefficients are integrated out, with which priors; starred units.

    Attributes
    ----------
    sampled, integrated
        Positions of the given and of the integrated coefficients among the p.
    P, Pm
        Prior precision (r, r) and precision times mean (r,) of the integrated ones.
    constant
        What the priors and units of the coefficients add to -2 log density.
    unit, shift
        Starred value of a sampled coefficient: b* = unit·(b - shift), shapes (k,).
    restricted
        Whether log|Q| counts; False maximises over the coefficients instead (ML).
    """

    sampled: Ids
    integrated: Ids
    P: Floats
    Pm: Floats
    constant: float
    unit: Floats
    shift: Floats
    restricted: bool

    def __post_init__(self) -> None:
        freeze(self)

    def starred(self, b: Floats) -> Floats:
        """Sampled coefficients in starred units, shape (..., k)."""
        return self.unit * (b - self.shift)


class Integrated(NamedTuple):
    """What is left of the deviance, its derivatives in S and b*, and the coefficients.

    Attributes
    ----------
    value
        Part of -2 log density that depends on S; NaN when Q is not positive definite.
    D
        Derivative in S, shape (p + 1, p + 1).
    cov
        Covariance of all coefficients, zero for sampled ones, shape (p, p).
    beta
        All coefficients, starred units, shape (p,).
    d_b
        Derivative of `value` in b*, shape (k,).
    """

    value: float
    D: Floats
    cov: Floats
    beta: Floats
    d_b: Floats


def normal_prior(
    units: Standardisation, mean: Floats, precision: Floats, sampled: Sequence[int] = ()
) -> Coefficients:
    """Priors γ_k ~ N(mean_k, 1/precision_k) of centred coefficients, flat where the precision is 0.

    Parameters
    ----------
    units
        Scaling of the model.
    mean, precision
        Shapes (p,), in the user's units; entries of sampled coefficients are ignored.
    sampled
        Positions of coefficients that stay arguments.
    """
    integrated = np.array([k for k in range(len(mean)) if k not in set(sampled)], dtype=np.int64)
    given = np.array(tuple(sampled), dtype=np.int64)
    unit, shift = units.x_scale / units.y_scale, units.centred_shift
    precision_star = (precision / unit**2)[integrated]
    mean_star = (unit * (mean - shift))[integrated]
    proper = precision_star > 0
    constant = (
        -np.count_nonzero(~proper) * LOG_2PI
        - np.sum(np.log(precision_star[proper]))
        + np.sum(precision_star * mean_star**2)
        + 2.0 * np.sum(np.log(unit[integrated][~proper]))
    )
    return Coefficients(
        sampled=given,
        integrated=integrated,
        P=np.diag(precision_star),
        Pm=precision_star * mean_star,
        constant=float(constant),
        unit=np.ascontiguousarray(unit[given]),
        shift=np.ascontiguousarray(shift[given]),
        restricted=True,
    )


def flat_prior(units: Standardisation, *, restricted: bool) -> Coefficients:
    """Flat priors, with which the density is the restricted likelihood; or the likelihood's maximum."""
    p = len(units.x_scale)
    prior = normal_prior(units, np.zeros(p), np.zeros(p))
    if restricted:
        return prior
    return Coefficients(
        *(prior.sampled, prior.integrated, prior.P, prior.Pm, 0.0, prior.unit, prior.shift),
        restricted=False,
    )


def integrate(prior: Coefficients, S: Floats, b: Floats) -> Integrated:
    """Integrate the coefficients out of S, shape (p + 1, p + 1); b are sampled ones, starred, (k,)."""
    return Integrated(
        *integrate_out(S, b, prior.sampled, prior.integrated, prior.P, prior.Pm, prior.restricted)
    )


def draw_beta(prior: Coefficients, found: Integrated, rng: np.random.Generator) -> Floats:
    """Draw all coefficients given the covariance parameters, starred units, shape (p,)."""
    i = prior.integrated
    beta = found.beta.copy()
    root = np.linalg.cholesky(found.cov[np.ix_(i, i)])
    beta[i] += root @ rng.standard_normal(len(i))
    return beta


@compiled(_FOUND(MATRIX, VECTOR, PLACES, PLACES, MATRIX, VECTOR, types.boolean))
def integrate_out(
    S: Floats, b: Floats, sampled: Ids, integrated: Ids, P: Floats, Pm: Floats, restricted: bool
) -> tuple[float, Floats, Floats, Floats, Floats]:
    """`integrate`, on arrays and numbers."""
    m, ns, ni = S.shape[0], len(sampled), len(integrated)
    p = m - 1
    D, cov, beta, d_b = np.zeros((m, m)), np.zeros((p, p)), np.zeros(p), np.zeros(ns)
    a, Sa = np.zeros(m), np.zeros(m)
    a[p] = 1.0
    for c in range(ns):
        a[sampled[c]] = -b[c]
        beta[sampled[c]] = b[c]
    value = 0.0
    for c in range(m):
        for d in range(m):
            Sa[c] += S[c, d] * a[d]
        value += a[c] * Sa[c]
    Q, t = np.empty((ni, ni)), np.empty((ni, 1))
    for c in range(ni):
        t[c, 0] = Sa[integrated[c]] + Pm[c]
        for d in range(ni):
            Q[c, d] = S[integrated[c], integrated[d]] + P[c, d]
    if not factorise(Q):
        return np.nan, D, cov, beta, d_b
    forward_substitute(Q, t)
    for c in range(ni):
        value -= t[c, 0] * t[c, 0]
    back_substitute(Q, t)
    inverse = invert_factored(Q)
    for c in range(ni):
        beta[integrated[c]] = t[c, 0]
        a[integrated[c]] = -t[c, 0]
        for d in range(ni):
            cov[integrated[c], integrated[d]] = 0.5 * (inverse[c, d] + inverse[d, c])
    for c in range(m):
        for d in range(m):
            D[c, d] = a[c] * a[d]
            if restricted and c < p and d < p:
                D[c, d] += cov[c, d]
    for c in range(ns):
        for d in range(m):
            d_b[c] -= 2.0 * S[sampled[c], d] * a[d]
    if restricted:
        value += log_determinant(Q)
    return value, D, cov, beta, d_b
