"""Functions of numeric columns: those that remember something of the fitted data and those that do not.

Everything here is arrays -> arrays.  What a function learned is one read-only array,
its *state*; the same state applied to new data gives the same coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

PLAIN: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "I": np.asarray,
        "log": np.log,
        "log2": np.log2,
        "log10": np.log10,
        "log1p": np.log1p,
        "exp": np.exp,
        "expm1": np.expm1,
        "sqrt": np.sqrt,
        "abs": np.abs,
    }
)


@dataclass(frozen=True, slots=True)
class Stateful:
    """A function that learns a state from the fitted data.

    Attributes
    ----------
    learn
        ``(x)`` or ``(x, width) -> state``; of group means ``(x, ids, n_groups, weights) -> state``.
    apply
        ``(x, state) -> values``, shape (n,), or (n, width) when the call says a width; of
        group means ``(state, x, ids, weights) -> values``.
    """

    learn: Callable[..., Floats]
    apply: Callable[..., Floats]


def learn_centre(x: Floats) -> Floats:
    """Mean of x."""
    return np.array([x.mean()])


def apply_centre(x: Floats, state: Floats) -> Floats:
    """x minus the fitted mean."""
    return np.asarray(x - state[0])


def learn_scale(x: Floats) -> Floats:
    """Mean and standard deviation (divisor n - 1) of x."""
    return np.array([x.mean(), x.std(ddof=1)])


def apply_scale(x: Floats, state: Floats) -> Floats:
    """x in fitted standard deviations from the fitted mean."""
    return np.asarray((x - state[0]) / state[1])


def learn_polynomial(x: Floats, degree: int) -> Floats:
    """Recurrence coefficients of the polynomials orthogonal on x, shape (2, degree + 1).

    With p_0 = 1 and p_1 = x - α_0, p_{k+1} = (x - α_k) p_k - (ν_k / ν_{k-1}) p_{k-1}, where
    α_k = Σ x p_k² / ν_k and ν_k = Σ p_k² (Forsythe 1957; R's ``poly`` uses the same
    basis).  Row 0 holds α_0 ... α_{d-1} and a 0, row 1 holds ν_0 ... ν_d.
    """
    alpha, norms = np.zeros(degree + 1), np.full(degree + 1, float(len(x)))
    before, current = np.zeros_like(x), np.ones_like(x)
    for k in range(degree):
        alpha[k] = (x * current**2).sum() / norms[k]
        before, current = current, _next_polynomial(x, k, alpha, norms, current, before)
        norms[k + 1] = (current**2).sum()
    return np.stack([alpha, norms])


def apply_polynomial(x: Floats, state: Floats) -> Floats:
    """Orthonormal polynomials of degree 1 to d at x, shape (n, d); see `learn_polynomial`."""
    alpha, norms = state
    basis = np.empty((len(x), len(alpha) - 1))
    before, current = np.zeros_like(x), np.ones_like(x)
    for k in range(basis.shape[1]):
        before, current = current, _next_polynomial(x, k, alpha, norms, current, before)
        basis[:, k] = current / np.sqrt(norms[k + 1])
    return basis


def _next_polynomial(
    x: Floats, k: int, alpha: Floats, norms: Floats, current: Floats, before: Floats
) -> Floats:
    ratio = norms[k] / norms[k - 1] if k else 0.0
    return np.asarray((x - alpha[k]) * current - ratio * before)


_CUBIC = 3


def learn_spline(x: Floats, df: int) -> Floats:
    """Knots of a cubic B-spline basis with `df` columns; the inner ones at quantiles of x."""
    knots = np.quantile(x, np.linspace(0, 1, df - _CUBIC + 2))
    return np.concatenate([np.repeat(knots[0], _CUBIC), knots, np.repeat(knots[-1], _CUBIC)])


def apply_spline(x: Floats, knots: Floats) -> Floats:
    """B-splines at x but the first (it is the intercept's), shape (n, df); NaN outside the knots."""
    from scipy.interpolate import BSpline

    inside = (x >= knots[0]) & (x <= knots[-1])
    basis = BSpline.design_matrix(np.where(inside, x, knots[0]), knots, _CUBIC).toarray()[:, 1:]
    return np.where(inside[:, np.newaxis], basis, np.nan)


STATEFUL: Mapping[str, Stateful] = MappingProxyType(
    {
        "center": Stateful(learn_centre, apply_centre),
        "scale": Stateful(learn_scale, apply_scale),
        "poly": Stateful(learn_polynomial, apply_polynomial),
        "bs": Stateful(learn_spline, apply_spline),
    }
)


def group_means(x: Floats, ids: Ids, n_groups: int, weights: Floats | None = None) -> Floats:
    """Mean of x in each group, shape (n_groups,): m + Σ_{i in j} w_i (x_i - m) / Σ w_i, m the mean of x.

    Of several columns, shape (n, k), the means of each, shape (n_groups, k).

    Examples
    --------
    >>> x, ids = np.array([1.0, 3.0, 7.0]), np.array([0, 0, 1])
    >>> group_means(x, ids, 2), group_means(x, ids, 2, np.array([3.0, 1.0, 1.0]))
    (array([2., 7.]), array([1.5, 7. ]))
    """
    if x.ndim > 1:
        return np.stack([group_means(column, ids, n_groups, weights) for column in x.T], axis=1)
    deviations = x - x.mean()
    sums = np.bincount(ids, deviations if weights is None else weights * deviations, n_groups)
    return np.asarray(x.mean() + sums / np.bincount(ids, weights, n_groups))


def is_constant(values: NDArray[np.generic], ids: Ids) -> bool:
    """Tell whether `values` are equal within each group.

    Examples
    --------
    >>> is_constant(np.array([1.0, 1.0, 2.0]), np.array([0, 0, 1]))
    True
    """
    return all(_is_constant(values[:stop], ids[:stop]) for stop in (_FIRST_ROWS, len(ids)))


_FIRST_ROWS = 1000
"""A column that varies within groups mostly does so here."""


def _is_constant(values: NDArray[np.generic], ids: Ids) -> bool:
    first = np.zeros(int(ids.max()) + 1, dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids) - 1, -1, -1)
    return bool(np.array_equal(values[first[ids]], values))


def with_new_groups(
    state: Floats, x: Floats, ids: Ids, weights: Floats, learn: Callable[..., Floats] = group_means
) -> Floats:
    """Append to the stored `state` of groups that of the groups numbered from ``len(state)`` on.

    Examples
    --------
    >>> x, ids, weights = np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]), np.ones(3)
    >>> with_new_groups(np.array([5.0]), x, ids, weights)
    array([5., 3.])
    """
    new = ids >= len(state)
    if not new.any():
        return state
    later = ids[new] - len(state)
    return np.concatenate([state, learn(x[new], later, int(later.max()) + 1, weights[new])])


def mean_of_group(means: Floats, x: Floats, ids: Ids, weights: Floats) -> Floats:
    """Mean of x in the row's group, in the shape of x."""
    return with_new_groups(means, x, ids, weights)[ids]


def totals_and_means(x: Floats, ids: Ids, n_groups: int, weights: Floats) -> Floats:
    """Total weight and means of each group, shape (n_groups, 1 + k)."""
    totals = np.bincount(ids, weights, n_groups)
    return np.column_stack([totals, group_means(x, ids, n_groups, weights)])


def mean_of_others(state: Floats, x: Floats, ids: Ids, weights: Floats) -> Floats:
    """Mean of x in the row's group without the row: (W m - w x) / (W - w), in the shape of x.

    A row counts as one of those that the stored mean is of, so that the fitted rows, given
    again, have their own values again.

    Examples
    --------
    >>> x, ids, weights = np.array([1.0, 2.0, 6.0]), np.array([0, 0, 0]), np.ones(3)
    >>> mean_of_others(totals_and_means(x, ids, 1, weights), x, ids, weights)
    array([4. , 3.5, 1.5])
    """
    rows = with_new_groups(state, x, ids, weights, totals_and_means)[ids]
    share = weights / (rows[:, 0] - weights)
    means = rows[:, 1:].reshape(x.shape)
    return np.asarray(means + share.reshape(-1, *[1] * (x.ndim - 1)) * (means - x))


AVERAGING: Mapping[bool, Stateful] = MappingProxyType(
    {False: Stateful(group_means, mean_of_group), True: Stateful(totals_and_means, mean_of_others)}
)
"""How a group's mean is learned and given to its rows; True: leaving out the row itself (``loo``)."""
