"""The joint Gaussian prior of the fixed effects, for integrating them out.

Priors of coefficients are stated for γ, the coefficients of centred columns: γ_k = β_k,
and the intercept γ_0 = β_0 + Σ_k x̄_k β_k is the outcome's mean at average predictors.
So β = Tγ with a unit matrix T, the γ are independent a priori, and XT has the centred
columns.  A coefficient whose prior is not Gaussian cannot be integrated out: its γ_k is
then *sampled*, a free parameter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.standardise import column_moments, is_ones
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

GAUSSIAN = frozenset({"normal", "flat"})


class CoefficientPrior(NamedTuple):
    """Independent priors γ_k ~ N(mean_k, 1 / precision_k), as `laird.gaussian.marginal` takes them.

    Attributes
    ----------
    mean, precision
        Shapes (p,); both 0 where the prior is flat or the coefficient is sampled.
    sampled
        Columns with a prior that is neither normal nor flat.
    """

    mean: Floats
    precision: Floats
    sampled: tuple[int, ...]


def coefficient_prior(table: PriorTable) -> CoefficientPrior:
    """Return the prior of the centred coefficients γ.

    Examples
    --------
    >>> from laird.posterior.table import PriorRow
    >>> row = PriorRow("x", "coefficient", "", 0, "normal", (1.0, 2.0), "given")
    >>> coefficient_prior(PriorTable((row,), "y"))
    CoefficientPrior(mean=array([1.]), precision=array([0.25]), sampled=())
    """
    rows = table.coefficients
    normal = [row.values if row.family == "normal" else (0.0, np.inf) for row in rows]
    return CoefficientPrior(
        np.array([mean for mean, _ in normal], dtype=float),
        np.array([sd**-2 for _, sd in normal], dtype=float),
        tuple(row.index for row in rows if row.family not in GAUSSIAN),
    )


def centring(X: Floats, which: Ids | None = None) -> Floats:
    """Return T with β = Tγ, shape (p, p); the identity when X has no column of ones.

    Parameters
    ----------
    X
        Columns, shape (n, p).
    which
        Outcome of each row when there are several, shape (n,): the columns of each are
        centred over its own rows.

    Examples
    --------
    >>> centring(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 6.0]]))
    array([[ 1., -3.],
           [ 0.,  1.]])
    """
    if which is None or not len(which):
        return _own_centring(X)
    T = np.eye(X.shape[1])
    for outcome in np.unique(which):
        own = X[which == outcome]
        columns = np.flatnonzero(own.any(axis=0))
        T[np.ix_(columns, columns)] = _own_centring(own[:, columns])
    return T


def _own_centring(X: Floats) -> Floats:
    T = np.eye(X.shape[1])
    ones = np.flatnonzero(is_ones(X))
    if ones.size:
        T[ones[0]] = -column_moments(X)[0]
        T[ones[0], ones[0]] = 1.0
    return T
