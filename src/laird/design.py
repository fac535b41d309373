"""Design: the arrays of a model, read-only, and nothing else.

(Schema, frame) -> Design.  Z is stored as values and integer ids, never as a matrix
of rows by groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RandomDesign:
    """All random terms of one grouping factor.

    Attributes
    ----------
    group
        Name of the factor (``school``, ``batch:cask``).
    levels
        Labels of the J groups, as strings.
    ids
        Group of each row, shape (n,), integers in [0, J).
    Z
        Values of the random-effect columns, shape (n, q).
    names
        Names of the q columns (``Intercept``, ``ses``).
    blocks
        Column indices that share a correlation matrix, e.g. ``((0, 1),)`` for
        ``(1 + x | g)`` and ``((0,), (1,))`` for ``(1 + x || g)``.
    """

    group: str
    levels: tuple[str, ...]
    ids: Ids
    Z: Floats
    names: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """y, X and the random-effect columns of a univariate model, shapes (n,), (n, p), (n, q).

    `rows` are the positions of the used rows in the user's frame.
    """

    outcome: str
    y: Floats
    X: Floats
    names: tuple[str, ...]
    random: tuple[RandomDesign, ...]
    rows: Ids
