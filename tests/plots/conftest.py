"""A shrinkage table that needs no fit; a fit of two outcomes; lines by their labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from laird.bound import model
from laird.fitting.result import Fit


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """``table(blue, n=…)``: groups that shrink by half to `mean`, sd 1 and ½."""

    def build(blue: np.ndarray, n: np.ndarray | int = 10, mean: np.ndarray | float = 0.0) -> pd.DataFrame:
        J = len(blue)
        target = (np.asarray(blue) + mean) / 2
        target = np.where(np.isnan(target), mean, target)
        return pd.DataFrame(
            {
                "group": [f"group {k}" for k in range(J)],
                "term": "Intercept",
                "n": np.broadcast_to(n, J),
                "mean": np.broadcast_to(np.asarray(mean, dtype=float), J),
                "blue": blue,
                "eblup": target,
                "blue_sd": 1.0,
                "eblup_sd": 0.5,
            }
        )

    return build


@pytest.fixture(scope="session")
def two_outcomes(hs: pd.DataFrame) -> Fit:
    """A fit of mathach and of a made-up reading score."""
    noise = np.random.default_rng(1).normal(size=len(hs))
    data = hs.assign(reading=0.4 * hs["mathach"] + hs["ses"] + noise)
    parts = "mathach ~ ses + (1 | school)", "reading ~ ses + Size + (1 | school)"
    return model(*parts, data=data).fit("ml")


@pytest.fixture
def labelled() -> Callable[[Axes, str], Line2D]:
    """``labelled(ax, "EBLUP")``: the line or points with this label."""

    def find(ax: Axes, name: str) -> Line2D:
        (line,) = [line for line in ax.lines if line.get_label() == name]
        return line

    return find
