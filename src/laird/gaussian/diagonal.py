"""Independent rows of at most one grouping factor: the density of a `Hierarchy` as one compiled function.

The equations and the loops are those of `laird.gaussian.whitened`, joined without Python
between them: for 80 rows an evaluation costs microseconds, and no interpreter lock is needed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import coefficients, nested, noise_kernels
from laird.gaussian.coefficients import Coefficients
from laird.gaussian.compiled import inlined
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.nested import Nested
from laird.gaussian.small import multiply
from laird.gaussian.theta import Theta
from laird.gaussian.tree import eliminate_level, sensitivity_level
from laird.gaussian.whitened import Whitened

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_diagonal = inlined(noise_kernels.diagonal)
_row_forms = inlined(noise_kernels.row_forms)
_scale_rows = inlined(noise_kernels.scale_rows)
_reduce = inlined(nested.reduce_rows)
_integrate = inlined(coefficients.integrate_out)


class Diagonal(NamedTuple):
    """All that the density needs beside the parameters, starred units; arrays are read-only.

    Attributes
    ----------
    rows, ids, place
        [Z X y] (r, k); group and stratum of each row.  Without a factor Z has no columns, and
        there is one group.
    parent
        Zeros, one by group.
    W, log_unit, weight, known
        See `laird.gaussian.noise.Layout`.
    s, to_starred
        Predictors of the groups' log sd (J, l); Λ = to_starred·L.
    sampled, integrated, P, Pm, unit, shift, restricted
        See `laird.gaussian.coefficients.Coefficients`.
    constant
        Parameter-free part of -2 log density.
    """

    rows: Floats
    ids: Ids
    place: Ids
    parent: Ids
    W: Floats
    log_unit: Floats
    weight: Floats
    known: Floats
    s: Floats
    to_starred: Floats
    sampled: Ids
    integrated: Ids
    P: Floats
    Pm: Floats
    unit: Floats
    shift: Floats
    restricted: bool
    constant: float


class Evaluation(NamedTuple):
    """A log density, and what its derivatives are made of.

    Attributes
    ----------
    value
        -∞ where R or X'Σ⁻¹X is not positive definite.
    phi, sigma, R
        φ, and σ and R by stratum.
    rows, leaf
        Whitened rows (r, k); [Z]'[Z X y] of every group, (J, q, k).
    Lam
        Factor of the covariance of the group effects, starred, (q, q).
    D, d_b
        See `laird.gaussian.coefficients.Integrated`.
    """

    value: float
    phi: float
    sigma: Floats
    R: Floats
    rows: Floats
    leaf: Floats
    Lam: Floats
    D: Floats
    d_b: Floats


def diagonal_of(data: Hierarchy, prior: Coefficients) -> Diagonal | None:
    """Return the arguments of `evaluate`; None for other structures."""
    body = data.body
    if not (isinstance(body, Whitened) and body.layout.diagonal and len(data.s) < 2):
        return None
    scheme, layout = body.scheme, body.layout
    if not isinstance(scheme, Nested):
        return None
    s = data.s[0] if data.s else np.zeros((1, 0))
    arrays = (
        *(body.rows, scheme.cell, body.place, np.zeros(len(s), dtype=np.int64)),
        *(layout.W, layout.log_unit, layout.weight, layout.known, s, data.to_starred),
        *(prior.sampled, prior.integrated, prior.P, prior.Pm, prior.unit, prior.shift),
    )
    constant = data.constant + prior.constant
    return Diagonal._make((*map(_read_only, arrays), prior.restricted, constant))


def _read_only(own: NDArray[Any]) -> NDArray[Any]:
    """One memory layout and one type for all data, so that kernels are compiled once."""
    view = np.ascontiguousarray(own).view()
    view.flags.writeable = False
    return view


def log_densities(d: Diagonal, theta: Theta, b: Floats) -> Floats:
    """Values of `evaluate` at a stack of S parameters, shape (S,)."""
    stack = len(b)
    delta = theta.delta[0] if theta.delta else np.zeros(0)
    parts = (_stacked(own, stack) for own in (theta.alpha, delta, theta.log_phi, b))
    return np.asarray(_values(d, np.array(theta.L, order="C"), *parts))


def _stacked(own: Floats, stack: int) -> Floats:
    """A matrix (S, k) that may be written to; arrays without entries need no leading axis."""
    return np.array(own, order="C") if own.ndim > 1 else np.tile(own, (stack, 1))


@njit(cache=True, error_model="numpy")
def _values(d: Diagonal, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, b: Floats) -> Floats:
    out = np.empty(len(b))
    for s in range(len(b)):
        out[s] = evaluate(d, L[s], alpha[s], delta[s], log_phi[s], b[s]).value
    return out


@njit(cache=True, error_model="numpy")
def _log_sigma(W: Floats, alpha: Floats) -> Floats:
    """Wα, where α may hold the -∞ of a constant σ that is zero."""
    out = np.zeros(len(W))
    for i in range(len(W)):
        for k in range(len(alpha)):
            if W[i, k] != 0.0:
                out[i] += W[i, k] * alpha[k]
    return out


@njit(cache=True, error_model="numpy")
def _stretch(rows: Floats, q: int, ids: Ids, s: Floats, delta: Floats) -> None:
    """Multiply the first columns of every row by exp(s_j'δ) of its group."""
    if len(delta) == 0:
        return
    factor = np.empty(len(s))
    for j in range(len(s)):
        total = 0.0
        for k in range(len(delta)):
            total += s[j, k] * delta[k]
        factor[j] = np.exp(total)
    for i in range(len(rows)):
        for a in range(q):
            rows[i, a] *= factor[ids[i]]


@njit(cache=True, error_model="numpy")
def evaluate(d: Diagonal, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, b: Floats) -> Evaluation:
    """The log density of `laird.gaussian.hierarchy.evaluate`; -∞ where it does not exist.

    Parameters
    ----------
    d
        Data and priors of the coefficients.
    L, alpha, delta, log_phi, b
        Parameters, user's units: (q, q), (a,), (l,), (0,) or (1,), (k,).
    """
    q, k, c = len(L), d.rows.shape[1], len(d.W)
    phi = np.exp(log_phi[0]) if len(log_phi) else 1.0
    sigma, R, root = np.empty(c), np.empty(c), np.empty(c)
    logdet = _diagonal(_log_sigma(d.W, alpha), d.log_unit, d.known, phi, d.weight, sigma, R, root)
    rows, Lam = np.empty(d.rows.shape), np.empty((q, q))
    _scale_rows(d.rows, d.place, root, rows)
    _stretch(rows, q, d.ids, d.s, delta)
    multiply(d.to_starred, L, Lam)
    leaf, above = np.zeros((len(d.parent), q, k)), np.zeros((1, k - q, k - q))
    _reduce(rows, q, d.ids, d.parent, leaf, above)
    logdet += eliminate_level(Lam, leaf, q, d.parent, above)
    starred = np.empty(len(b))
    for i in range(len(b)):
        starred[i] = d.unit[i] * (b[i] - d.shift[i])
    left, D, _, _, d_b = _integrate(above[0], starred, d.sampled, d.integrated, d.P, d.Pm, d.restricted)
    value = -0.5 * (logdet + left + d.constant)
    return Evaluation(value if np.isfinite(value) else -np.inf, phi, sigma, R, rows, leaf, Lam, D, d_b)


@njit(cache=True, error_model="numpy")
def add_gradient(
    d: Diagonal,
    at: Evaluation,
    d_L: Floats,
    d_alpha: Floats,
    d_delta: Floats,
    d_log_phi: Floats,
    d_b: Floats,
) -> None:
    """Add the derivatives of a finite log density in all parameters; that in L is overwritten."""
    q, k = len(at.Lam), at.rows.shape[1]
    m = k - q
    above, H, F = np.empty((1, m, m)), np.zeros((q, q)), np.empty((len(at.leaf), k, k))
    for a in range(m):
        for c in range(m):
            above[0, a, c] = at.D[a, c]
    sensitivity_level(at.Lam, at.leaf, q, d.parent, above, H, F)
    _chain_factor(d.to_starred, H, at.Lam, d_L)
    totals, products = np.zeros(len(at.R)), np.empty((len(at.rows), q if len(d_delta) else 0))
    _row_forms(at.rows, F, d.ids, d.place, totals, products)
    for i in range(len(at.R)):
        B = (d.weight[i] - totals[i]) / at.R[i]
        for a in range(len(d_alpha)):
            d_alpha[a] -= B * at.sigma[i] * at.sigma[i] * d.W[i, a]
        for a in range(len(d_log_phi)):
            d_log_phi[a] -= 0.5 * at.phi * B * d.known[i]
    for i in range(len(products)):
        for a in range(products.shape[1]):
            for h in range(len(d_delta)):
                d_delta[h] -= products[i, a] * d.s[d.ids[i], h]
    for a in range(len(d_b)):
        d_b[a] -= 0.5 * d.unit[a] * at.d_b[a]


@njit(cache=True, error_model="numpy")
def _chain_factor(to_starred: Floats, H: Floats, Lam: Floats, d_L: Floats) -> None:
    """Write the derivative in L, Λ = to_starred·L, from that of -2 log density in ΛΛ'."""
    product = np.empty(H.shape)
    multiply(H, Lam, product)
    multiply(to_starred.T, product, d_L)
    for a in range(len(d_L)):
        for b in range(len(d_L)):
            d_L[a, b] = -d_L[a, b]
