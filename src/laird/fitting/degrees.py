"""Degrees of freedom by the inner-outer rule of nlme (Pinheiro & Bates 2000, p. 91).

A column that varies within groups is estimated at the inner level, with n - (J + number
of inner columns) degrees of freedom; one that is constant within groups at the outer
level, with J - (1 + number of outer columns).  The intercept counts as inner, unless every
group has one row: then nothing is inner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign, outcome_designs
from laird.gaussian.standardise import is_ones

type Floats = NDArray[np.float64]


def inner_outer(design: Design, random: Sequence[RandomDesign]) -> Floats:
    """Denominator degrees of freedom of every fixed effect, shape (p,); n - p without groups.

    Those of several outcomes are counted in the rows of each; a row with a weight counts that
    many times.
    """
    if design.outcomes:
        return np.concatenate(
            [inner_outer(one, one.random if random else ()) for one in outcome_designs(design)]
        )
    n, p = design.X.shape
    if not random:
        counted = n if design.weights is None else float(design.weights.sum())
        return np.full(p, max(counted - p, 1.0))
    J = len(random[0].levels)
    intercept = is_ones(design.X)
    outer = _constant_within(design.X, random[0].ids, J) & ~intercept
    inner = ~outer & ~intercept
    if n == J:
        return np.full(p, float(n - p))
    inner_df = n - J - np.count_nonzero(inner)
    outer_df = J - int(intercept.any()) - np.count_nonzero(outer)
    return np.maximum(np.where(outer, outer_df, inner_df), 1).astype(float)


def _constant_within(X: Floats, ids: NDArray[np.int64], J: int) -> NDArray[np.bool_]:
    first = np.zeros(J, dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids))[::-1]
    return np.array([bool(np.all(x == x[first][ids])) for x in X.T])
