"""Several outcomes in one stack of rows: units of each, and correlations within an observation unit.

Rows of outcome o are divided by the outcome's own scale, and its columns are centred over
its own rows, so that results are equivariant under y_o → a_o + b_o y_o, outcome by outcome.

Correlations are regressions of atanh partial correlations η = Pζ; with z = tanh η, row i of
the Cholesky factor of C is L_ij = z_ij Π_{k<j} √(1 - z_ik²) (Lewandowski, Kurowicka & Joe
2009), so that every ζ gives a correlation matrix.  With two outcomes z is the correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.gaussian.standardise import Standardisation, standardise

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Starred(NamedTuple):
    """Rows in starred units.

    Attributes
    ----------
    units
        How to undo it.  With several outcomes their scales are part of A and T.
    y, X, Z
        Starred columns, shapes (n,), (n, p), (n, q).
    scale
        What each row of y was divided by, shape (n,).
    """

    units: Standardisation
    y: Floats
    X: Floats
    Z: Floats
    scale: Floats


def star(y: Floats, X: Floats, Z: Floats, blocks: Sequence[Sequence[int]], which: Ids) -> Starred:
    """Centre and scale the columns of every outcome over its own rows.

    Parameters
    ----------
    y, X, Z
        Shapes (n,), (n, p), (n, q); with several outcomes the columns of one are zero in
        the rows of the others.
    blocks
        Columns of Z that share a correlation matrix.
    which
        Outcome of each row, shape (n,).
    """
    if not which.any():
        units = standardise(y, X, Z, blocks)
        starred = _columns(units, y, X, Z)
        return Starred(units, *starred, np.full(len(y), units.y_scale))
    return _star_each(y, X, Z, blocks, which)


def _columns(units: Standardisation, y: Floats, X: Floats, Z: Floats) -> tuple[Floats, Floats, Floats]:
    return (
        (y - units.y_mean) / units.y_scale,
        (X - units.x_mean) / units.x_scale,
        (Z - units.z_mean) / units.z_scale,
    )


def _star_each(y: Floats, X: Floats, Z: Floats, blocks: Sequence[Sequence[int]], which: Ids) -> Starred:
    p, q = X.shape[1], Z.shape[1]
    x_owner, z_owner = _owners(X, which), _owners(Z, which)
    joint = Starred(_identity(p, q), y.copy(), np.zeros_like(X), np.zeros_like(Z), np.ones(len(y)))
    for outcome in range(int(which.max()) + 1):
        rows = np.flatnonzero(which == outcome)
        own_x, own_z = np.flatnonzero(x_owner == outcome), np.flatnonzero(z_owner == outcome)
        place = {int(k): at for at, k in enumerate(own_z)}
        own_blocks = [[place[k] for k in block if k in place] for block in blocks]
        parts = y[rows], X[np.ix_(rows, own_x)], Z[np.ix_(rows, own_z)]
        units = standardise(*parts, [block for block in own_blocks if block])
        joint.y[rows], joint.X[np.ix_(rows, own_x)], joint.Z[np.ix_(rows, own_z)] = _columns(units, *parts)
        joint.scale[rows] = units.y_scale
        _enter(joint.units, units, own_x, own_z)
    return joint


def _owners(M: Floats, which: Ids) -> Ids:
    """The outcome in whose rows a column has numbers, shape (k,)."""
    return which[np.argmax(M != 0, axis=0)] if len(M) else np.zeros(M.shape[1], dtype=np.int64)


def _identity(p: int, q: int) -> Standardisation:
    """Units to be filled in: y_scale is 1, and β = Aβ* + constant."""
    return Standardisation(
        *(1.0, 1.0, np.zeros(p), np.ones(p), np.zeros(q), np.ones(q), np.eye(p), np.eye(q)),
        *(np.zeros(p), np.zeros(p)),
    )


def _enter(joint: Standardisation, own: Standardisation, x: NDArray[np.intp], z: NDArray[np.intp]) -> None:
    """Write the units of one outcome, its scale multiplied into A and T."""
    joint.x_mean[x], joint.x_scale[x] = own.x_mean, own.x_scale / own.y_scale
    joint.z_mean[z], joint.z_scale[z] = own.z_mean, own.z_scale / own.y_scale
    joint.A[np.ix_(x, x)] = own.y_scale * own.A
    joint.T[np.ix_(z, z)] = own.y_scale * own.T
    joint.constant[x] = own.y_mean * own.constant


def pairs_of(m: int) -> tuple[tuple[int, int], ...]:
    """Pairs (i, j), i > j, of m outcomes in the order of their partial correlations.

    Examples
    --------
    >>> pairs_of(3)
    ((1, 0), (2, 0), (2, 1))
    """
    return correlated_pairs([range(m)])


def correlations(eta: Floats, m: int) -> Floats:
    """Correlation matrices (U, m, m) of atanh partial correlations (U, m(m - 1)/2).

    Examples
    --------
    >>> correlations(np.arctanh([[0.5]]), 2)
    array([[[1. , 0.5], [0.5, 1. ]]])
    """
    L = correlation_factor(np.tanh(eta), m, pairs_of(m))
    C = L @ L.transpose(0, 2, 1)
    C[:, np.arange(m), np.arange(m)] = 1.0
    return C


def correlation_chain(eta: Floats, m: int, d_C: Floats) -> Floats:
    """Derivative in η (U, m(m - 1)/2) from the symmetric one in C (U, m, m).

    dL_il/dη_il = (1 - z²)L_il/z, dL_ij/dη_il = -z_il L_ij for j > l, and dC = dL L' + L dL'.
    """
    z, pairs = np.tanh(eta), pairs_of(m)
    L = correlation_factor(z, m, pairs)
    DL = 2.0 * d_C @ L
    found = np.empty_like(eta)
    for k, (i, j) in enumerate(pairs):
        before = [pairs.index((i, h)) for h in range(j)]
        remaining = np.prod(_sech(eta[:, before]), axis=1)
        own = DL[:, i, j] * remaining * _sech(eta[:, k]) ** 2
        found[:, k] = own - z[:, k] * np.sum(DL[:, i, j + 1 : i + 1] * L[:, i, j + 1 : i + 1], axis=1)
    return found


def _sech(x: Floats) -> Floats:
    """1 / cosh(x) = 2e^-|x| / (1 + e^-2|x|), which does not overflow."""
    small = np.exp(-np.abs(x))
    return np.asarray(2.0 * small / (1.0 + small**2))
