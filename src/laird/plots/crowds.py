"""How studies are drawn when there are many: smaller, and more transparent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

FEW = 60
"""Up to so many studies are drawn at full size."""
MANY = 300
"""Of more studies overlapping marks have no edge."""


def crowded(count: int) -> float:
    """Return what sizes are multiplied by, 1 for few studies.

    Examples
    --------
    >>> crowded(60), crowded(960)
    (1.0, 0.5)
    """
    return float(min((FEW / count) ** 0.25, 1.0))


def opacity(count: int) -> float:
    """Return the opacity of marks that overlap.

    Examples
    --------
    >>> opacity(60), opacity(240)
    (0.6, 0.3)
    """
    return float(np.clip(0.6 * np.sqrt(FEW / count), 0.25, 0.6))


def edge(count: int) -> float:
    """Return the width of the white edge of a mark: none where it would cover the others.

    Examples
    --------
    >>> edge(60), edge(2000)
    (0.5, 0.0)
    """
    return 0.5 if count <= MANY else 0.0


def points(count: int) -> Mapping[str, Any]:
    """Return how the points of `count` studies look, but for their colour.

    Examples
    --------
    >>> points(10)["markersize"]
    5.0
    """
    return {
        "marker": "o",
        "linestyle": "none",
        "markersize": 5.0 * crowded(count),
        "markeredgecolor": "white",
        "markeredgewidth": 0.5 if count <= FEW else 0.2,
    }
