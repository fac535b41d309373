"""How studies are drawn when there are many: smaller, and more transparent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

FEW = 60
"""Up to so many studies are drawn at full size."""


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
    return float(np.clip(0.6 * np.sqrt(FEW / count), 0.15, 0.6))


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
