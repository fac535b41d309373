"""What densities that are one compiled function share: coefficients, stretched columns, factors.

Models are NamedTuples of arrays, so that the kernels of `laird.gaussian` call each other
without Python between them and without the interpreter's lock: `laird.gaussian.fused_nested`,
`laird.gaussian.fused_crossed`, `laird.gaussian.fused_connected`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import coefficients
from laird.gaussian.coefficients import Coefficients
from laird.gaussian.compiled import inlined
from laird.gaussian.small import factorise, multiply

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_integrate_out = inlined(coefficients.integrate_out)


class CoefficientData(NamedTuple):
    """Priors of the coefficients, by their names in `laird.gaussian.coefficients.Coefficients`."""

    sampled: Ids
    integrated: Ids
    P: Floats
    Pm: Floats
    unit: Floats
    shift: Floats
    restricted: bool


class FactorData(NamedTuple):
    """The factors of a body, in its order, and the covariance of their effects.

    Attributes
    ----------
    sizes, columns
        Columns of every factor, and its first one in the model's L.
    first
        First group of every factor among the groups of all, and the number of all.
    ids
        Group of each row by factor, (factors, r).
    s
        Predictors of the log sds of all groups, zero for those of other factors, (groups, l).
    to_starred
        Λ = to_starred·L.
    """

    sizes: Ids
    columns: Ids
    first: Ids
    ids: Ids
    s: Floats
    to_starred: Floats


class Left(NamedTuple):
    """What is left of the deviance when coefficients are integrated out; see `coefficients.Integrated`."""

    value: float
    D: Floats
    cov: Floats
    beta: Floats
    d_b: Floats


def read_only(own: NDArray[Any]) -> NDArray[Any]:
    """An array in C order that may not be written to: one type for all data, and kernels compiled once.

    Examples
    --------
    >>> read_only(np.eye(2).T).flags.writeable
    False
    """
    view = np.ascontiguousarray(own).view()
    view.flags.writeable = False
    return view


def coefficient_data(prior: Coefficients) -> CoefficientData:
    """Arrays of one memory layout and type."""
    arrays = (prior.sampled, prior.integrated, prior.P, prior.Pm, prior.unit, prior.shift)
    return CoefficientData._make((*map(read_only, arrays), prior.restricted))


def factor_data(
    order: Sequence[int],
    columns: Sequence[slice],
    counts: Sequence[int],
    ids: Sequence[Ids],
    s: Sequence[Floats],
    to_starred: Floats,
) -> FactorData:
    """The factors of a body.

    Parameters
    ----------
    order
        Position of each factor of the body among the model's factors.
    columns, s
        By factor of the model: its columns, and predictors of the log sds of its groups (J, l).
    counts, ids
        By factor of the body: number of groups, group of each row.
    to_starred
        Λ = to_starred·L.
    """
    first = np.cumsum([0, *counts], dtype=np.int64)
    slopes = np.cumsum([0, *(own.shape[1] for own in s)])
    joined = np.zeros((int(first[-1]), int(slopes[-1])))
    for at, f in enumerate(order):
        if s:
            joined[first[at] : first[at + 1], slopes[f] : slopes[f + 1]] = s[f]
    rows = len(ids[0]) if ids else 0
    return FactorData(
        sizes=read_only(np.array([columns[f].stop - columns[f].start for f in order], dtype=np.int64)),
        columns=read_only(np.array([columns[f].start for f in order], dtype=np.int64)),
        first=read_only(first),
        ids=read_only(np.array(ids, dtype=np.int64).reshape(len(order), rows)),
        s=read_only(joined),
        to_starred=read_only(to_starred),
    )


@njit(cache=True, error_model="numpy")
def leave(d: CoefficientData, S: Floats, b: Floats) -> Left:
    """Integrate the coefficients out of S; b are sampled ones, user's units."""
    starred = np.empty(len(b))
    for i in range(len(b)):
        starred[i] = d.unit[i] * (b[i] - d.shift[i])
    value, D, cov, beta, d_b = _integrate_out(S, starred, d.sampled, d.integrated, d.P, d.Pm, d.restricted)
    return Left(value, D, cov, beta, d_b)


@njit(cache=True, error_model="numpy")
def add_coefficient_gradient(d: CoefficientData, left: Left, d_b: Floats) -> None:
    """Add -½ times the derivative in b, user's units."""
    for a in range(len(d_b)):
        d_b[a] -= 0.5 * d.unit[a] * left.d_b[a]


@njit(cache=True, error_model="numpy")
def draw_coefficients(d: CoefficientData, left: Left, value: float, e: Floats, beta: Floats) -> None:
    """Overwrite β (p,) by a draw, from standard normals e; NaN where the log density is not finite."""
    i, n = d.integrated, len(d.integrated)
    root = np.empty((n, n))
    for a in range(n):
        for c in range(n):
            root[a, c] = left.cov[i[a], i[c]]
    exists = factorise(root) and np.isfinite(value)
    for k in range(len(beta)):
        beta[k] = left.beta[k] if exists else np.nan
    for a in range(n):
        for c in range(a + 1):
            beta[i[a]] += root[a, c] * e[c]


@njit(cache=True, error_model="numpy")
def starred_factors(d: FactorData, L: Floats, divisor: float) -> Floats:
    """Λ/divisor, block-diagonal by factor of the model, (q, q)."""
    Lam = np.zeros(L.shape)
    multiply(d.to_starred, L, Lam)
    for a in range(len(L)):
        for b in range(len(L)):
            Lam[a, b] /= divisor
    return Lam


@njit(cache=True, error_model="numpy")
def factor_block(d: FactorData, M: Floats, f: int) -> Floats:
    """A copy of the block of factor f of the body."""
    q, at = d.sizes[f], d.columns[f]
    out = np.empty((q, q))
    for a in range(q):
        for b in range(q):
            out[a, b] = M[at + a, at + b]
    return out


@njit(cache=True, error_model="numpy")
def put_block(d: FactorData, block: Floats, f: int, M: Floats) -> None:
    """Write the block of factor f of the body."""
    at = d.columns[f]
    for a in range(len(block)):
        for b in range(len(block)):
            M[at + a, at + b] = block[a, b]


@njit(cache=True, error_model="numpy")
def chain_factors(d: FactorData, H: Floats, Lam: Floats, divisor: float, d_L: Floats) -> float:
    """Overwrite d_L by -½ the derivative in L from H in ΛΛ'; return that in log divisor, tr(H ΛΛ')."""
    product, total = np.zeros(H.shape), 0.0
    multiply(H, Lam, product)
    multiply(d.to_starred.T, product, d_L)
    for a in range(len(H)):
        for b in range(len(H)):
            total += product[a, b] * Lam[a, b]
            d_L[a, b] = -d_L[a, b] / divisor
    return total


@njit(cache=True, error_model="numpy")
def stretch_rows(d: FactorData, delta: Floats, rows: Floats) -> None:
    """Multiply the columns of every factor by exp(s_j'δ) of the row's group."""
    if len(delta) == 0:
        return
    e = np.empty(len(d.s))
    for j in range(len(d.s)):
        total = 0.0
        for h in range(len(delta)):
            total += d.s[j, h] * delta[h]
        e[j] = np.exp(total)
    for i in range(len(rows)):
        column = 0
        for f in range(len(d.sizes)):
            factor = e[d.first[f] + d.ids[f, i]]
            for _ in range(d.sizes[f]):
                rows[i, column] *= factor
                column += 1


@njit(cache=True, error_model="numpy")
def add_stretch_gradient(d: FactorData, products: Floats, d_delta: Floats) -> None:
    """Add the derivative in δ from x_a(Fx)_a by row."""
    if len(d_delta) == 0:
        return
    for i in range(len(products)):
        column = 0
        for f in range(len(d.sizes)):
            j, total = d.first[f] + d.ids[f, i], 0.0
            for _ in range(d.sizes[f]):
                total += products[i, column]
                column += 1
            for h in range(len(d_delta)):
                d_delta[h] -= total * d.s[j, h]


@njit(cache=True, error_model="numpy")
def constant_gradient(slope: float, D: Floats, S: Floats, n: float) -> float:
    """The derivative in log σ where Λ and S are relative to it: tr(HΛΛ') + tr(DS) - n."""
    total = slope - n
    for a in range(len(D)):
        for c in range(len(D)):
            total += D[a, c] * S[a, c]
    return total
