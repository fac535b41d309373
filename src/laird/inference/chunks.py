"""Some draws at a time, so that what is computed for all of them need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

CELLS = 4_000_000
"""Numbers held in memory at once."""


def chunks(draws: int, width: int) -> Iterator[slice]:
    """Slices of draws with `width` numbers each.

    Examples
    --------
    >>> list(chunks(5, CELLS // 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    step = max(CELLS // max(width, 1), 1)
    return (slice(start, start + step) for start in range(0, draws, step))
