"""Variables that were computed from others by groups: means, shares, sizes, deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.grouping import Grouped, codes_of
from laird.data.transforms import group_means

type Floats = NDArray[np.float64]

_DECIMALS = 12
_STEPS = 20
"""So many units of the last digit a variable must range over, for being equal to mean something."""


def derivation(column: Column, own: Grouped, columns: Sequence[Column]) -> str:
    """Say how a variable follows from the others, as a formula would; ``""`` when it does not.

    Values count as equal when they are so after rounding to the digits that the variable has.

    Examples
    --------
    >>> from laird.data.grouping import grouped
    >>> data = {"g": [1] * 3 + [2] * 3, "x": [0.0, 1, 3, 7, 8, 8], "m": [1.333] * 3 + [7.667] * 3}
    >>> own = grouped(data, "g")
    >>> derivation(own.column("m"), own, [own.column("x"), own.column("m")])
    'cvar(x, g)'
    """
    if column.kind != "number" or column.missing.any() or np.ptp(column.values) == 0:
        return ""
    values = column.values.astype(np.float64)
    candidates = _deviations if own.varying(column).any() else _summaries
    others = [other for other in columns if other.name != column.name and not other.missing.any()]
    return next((name for name, found in candidates(own, others) if _equal(values, found)), "")


def _equal(values: Floats, found: Floats) -> bool:
    unit = _unit(values)
    rounding = 0.5 * unit + 1e-9 * np.abs(values).max()
    return bool(np.ptp(values) > _STEPS * unit and np.abs(values - found).max() <= rounding)


def _unit(values: Floats) -> float:
    """The last digit that the values have."""
    for decimals in range(_DECIMALS):
        if np.array_equal(np.round(values, decimals), values):
            return float(10.0**-decimals)
    return 0.0


def _summaries(own: Grouped, others: Sequence[Column]) -> Iterator[tuple[str, Floats]]:
    return chain(_means(own, others), _shares(own, others), [(f"size of {own.group}", _sizes(own))])


def _sizes(own: Grouped) -> Floats:
    return own.sizes[own.ids].astype(np.float64)


def _means(own: Grouped, others: Sequence[Column]) -> Iterator[tuple[str, Floats]]:
    for other in others:
        if other.kind == "number" and own.varying(other).any():
            means = group_means(other.values.astype(np.float64), own.ids, len(own.labels))
            yield f"cvar({other.name}, {own.group})", means[own.ids]


def _shares(own: Grouped, others: Sequence[Column]) -> Iterator[tuple[str, Floats]]:
    for other in others:
        if other.kind != "number" and own.varying(other).any():
            codes = codes_of(other)
            for k, label in enumerate(codes.labels):
                shares = group_means((codes.codes == k).astype(np.float64), own.ids, len(own.labels))
                yield f"cvar({other.name}, {own.group})[{label}]", shares[own.ids]


def _deviations(own: Grouped, others: Sequence[Column]) -> Iterator[tuple[str, Floats]]:
    for name, means in _means(own, others):
        other = next(column for column in others if name == f"cvar({column.name}, {own.group})")
        yield name.replace("cvar", "dvar", 1), other.values - means
