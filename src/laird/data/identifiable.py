"""Can the data tell the coefficients apart?  Checks on arrays, before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.data.checks import check_magnitude, warn
from laird.data.grouping import counted
from laird.data.transforms import is_constant
from laird.errors import DataError, SpecError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_EPS = float(np.finfo(float).eps)
_ROUNDING = 8 * _EPS
_SAFE_PIVOT = 1e-10
_NEARLY = 1e-5
_BLOCK = 8192
_LOST = 1e-6
"""A share whose square leaves too few digits in cross-products: three are left at this one."""


def check_size(n: int, names: Sequence[str]) -> None:
    """Refuse as many coefficients as rows.

    Raises
    ------
    DataError
        ``n <= len(names)``.
    """
    if n <= len(names):
        raise DataError(
            f"The model has {len(names)} fixed effects, but the data have only {n} rows.",
            where=f"    fixed effects: {_listed(names)}",
            remedy="Leave terms out; a model needs more rows than coefficients.",
        )


def check_columns(X: Floats, names: Sequence[str]) -> None:
    """Refuse columns of X that are constant or linear combinations of others.

    Raises
    ------
    DataError
        There is such a column; it is named together with those it depends on.
    """
    intercept = "Intercept" in names
    others = [k for k, name in enumerate(names) if name != "Intercept"]
    for k in others:
        _check_constant(X[:, k], names[k], intercept)
    _check_collinear(X[:, _as_slice(others)], [names[k] for k in others], intercept)


def _as_slice(places: list[int]) -> list[int] | slice:
    """Neighbouring places as a slice, which copies nothing."""
    neighbours = places and places == list(range(places[0], places[-1] + 1))
    return slice(places[0], places[-1] + 1) if neighbours else places


def _check_constant(x: Floats, name: str, intercept: bool) -> None:
    low, high = float(x.min()), float(x.max())
    check_magnitude(name, low, high)
    if high - low > _ROUNDING * max(abs(low), abs(high)):
        return
    if low == 0.0 == high:
        raise DataError(
            f"`{name}` is 0 in all {len(x)} rows"
            + (": no row has this combination." if ":" in name else "."),
            remedy="Leave it out, or join levels so that every combination has rows.",
        )
    if intercept:
        raise DataError(
            f"`{name}` is constant: it is {low:g} in all {len(x)} rows, just like the intercept.",
            remedy=f"Leave `{name}` out, or remove the intercept with 0 + ….",
        )


def _check_collinear(X: Floats, names: Sequence[str], centre: bool) -> None:
    found = dependence(X, centre=centre)
    if found is None:
        return
    column, others, distance = found
    if distance > _LOST:
        warn(
            f"`{names[column]}` is nearly a linear combination of {_listed([names[k] for k in others])}:"
            f" only {distance:.1e} of its length is its own; its estimate rests on the last digits."
        )
        return
    raise DataError(
        f"`{names[column]}` is {'' if distance == 0.0 else 'all but '}a linear combination of "
        f"{_listed([names[k] for k in others])}{' and the intercept' if centre else ''}; "
        "their effects cannot be told apart.",
        remedy="Leave one of them out of the formula" + _advice([names[k] for k in (column, *others)]),
    )


def _advice(names: Sequence[str]) -> str:
    """Powers and products of columns far from zero look alike; centred ones do not."""
    made = [name for name in names if (":" in name or "^" in name) and "[" not in name]
    return f", or centre what `{made[0]}` is made of: center(x) instead of x." if made else "."


def dependence(X: Floats, *, centre: bool) -> tuple[int, tuple[int, ...], float] | None:
    """Find the first column of X that is (nearly) a linear combination of those before it.

    Parameters
    ----------
    X
        Columns, shape (n, p).
    centre
        The model has an intercept: compare deviations from column means.

    Returns
    -------
    tuple or None
        The column, those it is made of, and the share of its length that is its own;
        the share is 0 when no more than rounding of the data.

    Notes
    -----
    The Cholesky factor of the correlations settles the ordinary case, a block of rows at a
    time.  Otherwise the columns are centred and scaled to length 1, and their QR factor
    decides, where |R_kk| is the distance of column k from the span of those before it.

    Examples
    --------
    >>> x, z = np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, 0.0, 1.0])
    >>> dependence(np.stack([x, z, x - z], axis=1), centre=True)
    (2, (0, 1), 0.0)
    """
    if _is_well_conditioned(_cross_products(X, centre=centre)):
        return None
    scaled = X / np.abs(X).max(axis=0)
    deviations = scaled - scaled.mean(axis=0) if centre else scaled
    lengths = _lengths(deviations)
    R = np.linalg.qr(deviations / lengths, mode="r")
    noise = 10 * X.shape[1] * _EPS * np.maximum.accumulate(_lengths(scaled) / lengths)
    distances = np.abs(np.diag(R))
    near = np.flatnonzero(distances < np.maximum(noise, _NEARLY))
    if not len(near):
        return None
    exact = np.flatnonzero(distances <= noise)
    column = int(exact[0] if len(exact) else near[0])
    return column, _made_of(R, column), 0.0 if len(exact) else float(distances[column])


def _lengths(X: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("ij,ij->j", X, X)))


def _cross_products(X: Floats, *, centre: bool) -> Floats:
    """X'X of the columns, or of their deviations from their means, by blocks of rows.

    What is summed are deviations from the means of the first block; with b its share of the
    rows, no more than the factor 1/b is lost of the digits.
    """
    p = X.shape[1]
    about = X[:_BLOCK].mean(axis=0) if centre else np.zeros(p)
    sums, products = np.zeros(p), np.zeros((p, p))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(X), _BLOCK):
            part = X[start : start + _BLOCK].T - about[:, None]
            sums += part.sum(axis=1)
            products += part @ part.T
        return products - np.outer(sums, sums) / len(X) if centre else products


def _is_well_conditioned(products: Floats) -> bool:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        lengths = np.sqrt(np.diag(products))
        correlations = products / np.outer(lengths, lengths)
    if not np.isfinite(correlations).all():
        return False
    try:
        factor = np.linalg.cholesky(correlations)
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(factor) ** 2 > _SAFE_PIVOT).all())


def _made_of(R: Floats, column: int) -> tuple[int, ...]:
    weights = np.linalg.lstsq(R[:column, :column], R[:column, column], rcond=None)[0]
    return tuple(np.flatnonzero(np.abs(weights) > np.sqrt(_EPS)).tolist())


def check_groups_repeat(group: str, n: int, n_groups: int) -> None:
    """Refuse a grouping factor whose groups have one row each.

    Raises
    ------
    DataError
        There are as many groups as rows.
    """
    if n_groups >= n:
        raise DataError(
            f"Every group of `{group}` has one row, so the standard deviation between groups"
            " and the residual one (tau and sigma) are not separable.",
            where=f"    {group}: {n_groups} groups in {n} rows",
            remedy="Use a coarser grouping; for effect sizes give their sampling variances, meta_V(v).",
        )


def check_random_size(group: str, names: Sequence[str], n: int, n_groups: int) -> None:
    """Refuse as many random effects as rows.

    Raises
    ------
    DataError
        ``n <= n_groups * len(names)``.
    """
    count = n_groups * len(names)
    if n <= count:
        raise DataError(
            f"`{group}` has {count} random effects ({n_groups} groups × {len(names)} coefficients),"
            f" but the data have only {n} rows.",
            where=f"    random coefficients: {_listed(names)}",
            remedy=f"Leave random coefficients of `{group}` out.",
        )


def check_slopes_vary(group: str, names: Sequence[str], Z: Floats, ids: Ids) -> None:
    """Refuse a random slope of something that is constant within every group, or too large to be squared.

    Raises
    ------
    DataError
        There is such a column of Z.
    """
    for name, z in zip(names, Z.T, strict=True):
        if name == "Intercept":
            continue
        check_magnitude(name, float(z.min()), float(z.max()))
        if is_constant(z, ids):
            raise DataError(
                f"`{name}` is constant within each group of `{group}`, so it has no slope there.",
                where=f"    ({name} | {group})",
                remedy=f"Keep it as a fixed effect and write (1 | {group}).",
            )


def check_constant_within(
    group: str, levels: Sequence[str], names: Sequence[str], W: Floats, ids: Ids
) -> None:
    """Refuse predictors of a group sd that vary within groups; the groups are named.

    Raises
    ------
    DataError
        There is such a column of W.
    """
    first = np.zeros(len(levels), dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids))[::-1]
    for name, w in zip(names, W.T, strict=True):
        varying = np.unique(ids[w != w[first][ids]])
        if len(varying):
            shown = ", ".join(f'"{levels[j]}"' for j in varying[:5])
            means = f", such as its group means, cvar({name}, {group})" if name.isidentifier() else ""
            raise DataError(
                f"`{name}` varies within groups of `{group}`, so it cannot predict their standard deviation.",
                where=f"    {counted(len(varying), 'group')}, first {shown}",
                remedy=f"Use a predictor that is constant within `{group}`{means}.",
            )


def check_has_constant(group: str, names: Sequence[str], W: Floats) -> None:
    """Refuse a regression of a group sd whose predictors (n, k) do not span a constant.

    Raises
    ------
    SpecError
        It would fix the sd at one unit of the outcome where the predictors are zero.
    """
    ones = np.ones(len(W))
    if (W == 1.0).all(axis=0).any():
        return
    if np.abs(W @ np.linalg.lstsq(W, ones, rcond=None)[0] - ones).max() > 1e-9:
        raise SpecError(
            f"The regression of `sd({group})` has no constant, which would fix the standard deviation at 1 "
            f"where {_listed(names)} {'is' if len(names) == 1 else 'are'} zero.",
            remedy=f"Write sd({group}) ~ 1 + …; without a constant only the levels of a factor can stand.",
        )


def check_different_groups(first: str, second: str, terms: Sequence[str], ids: Sequence[Ids]) -> None:
    """Refuse random coefficients `terms` by two grouping factors that are one.

    Raises
    ------
    DataError
        Each group of one has the rows of a group of the other: only the sum of their variances is known.
    """
    a, b = ids
    pairs = len(np.unique(a * (int(b.max()) + 1) + b))
    if terms and pairs == len(np.unique(a)) == len(np.unique(b)):
        raise DataError(
            f"`{first}` and `{second}` have the same groups, so their variances of {_listed(terms)}"
            " cannot be told apart.",
            where=f"    {first}, {second}: {pairs} groups each",
            remedy=f"Leave the random term of `{second}` out.",
        )


def check_distinct(group: str, names: Sequence[str]) -> None:
    """Refuse two random coefficients of one name on one factor.

    Raises
    ------
    DataError
        A name occurs twice.
    """
    twice = dict.fromkeys(name for name in names if list(names).count(name) > 1)
    if twice:
        raise DataError(
            f"`{group}` has the random coefficient {_listed(list(twice))} more than once.",
            remedy="Write each random coefficient in one random term only.",
        )


def _listed(names: Sequence[str], at_most: int = 8) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:at_most])
    return f"{shown}, … ({len(names)} in all)" if len(names) > at_most else shown
