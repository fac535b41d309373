"""Labels of levels: how values become text, in which order they stand, which look alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def level_labels(values: Iterable[Any]) -> tuple[str, ...]:
    """Label each value: whole numbers without a decimal point, everything else as its text.

    Examples
    --------
    >>> level_labels([1.0, 2.5]), level_labels([True]), level_labels(["a b"])
    (('1', '2.5'), ('True',), ('a b',))
    """
    listed = list(values)
    kinds = set(map(type, listed))
    return tuple(map(_label if any(issubclass(kind, float | np.floating) for kind in kinds) else str, listed))


def _label(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def level_order(labels: Sequence[str]) -> list[int]:
    """Positions that sort `labels`: by value when all are numbers, else as text.

    Examples
    --------
    >>> level_order(["10", "9", "-1"]), level_order(["b", "a", "10"])
    ([2, 1, 0], [2, 1, 0])
    """
    as_text = sorted(range(len(labels)), key=labels.__getitem__)
    values = _as_numbers(labels)
    return as_text if values is None else sorted(as_text, key=values.__getitem__)


def _as_numbers(labels: Sequence[str]) -> list[float] | None:
    try:
        values = list(map(float, labels))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def look_alikes(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Sets of labels that differ only in spaces or in upper and lower case.

    Examples
    --------
    >>> look_alikes(["1", "1 ", "2", "a", "A"])
    (('1', '1 '), ('a', 'A'))
    """
    alike = defaultdict(list)
    for label in labels:
        alike[" ".join(label.split()).casefold()].append(label)
    return tuple(tuple(group) for group in alike.values() if len(group) > 1)
