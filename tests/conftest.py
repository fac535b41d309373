"""Fixtures that every layer may use. The frames are shared: copy one before changing it."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports matplotlib
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: matrices are small, CPUs are shared

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import peers

if TYPE_CHECKING:
    import pandas as pd

    from laird.fitting.result import Fit

# The same examples in every run, and no time limit for one example: CI machines are shared.
hypothesis.settings.register_profile("laird", derandomize=True, deadline=None)
hypothesis.settings.load_profile("laird")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Any]:
    """``golden("seed_numbers")`` is the content of tests/golden/seed_numbers.json."""
    return peers.golden


def _bundled(name: str) -> Callable[[], pd.DataFrame]:
    @pytest.fixture(scope="session", name=name)
    def frame() -> pd.DataFrame:
        from laird.data.bundled import load_data

        return load_data(name)

    return frame


hs = _bundled("hs")
hsfull = _bundled("hsfull")
sleepstudy = _bundled("sleepstudy")
dyestuff = _bundled("dyestuff")
dyestuff2 = _bundled("dyestuff2")
restoration = _bundled("restoration")

FEW_DRAWS = {"nuts": {"draws": 400, "tune": 400, "chains": 2}, "eb": {"draws": 1000}}


@pytest.fixture(scope="session")
def hs_fit(hs: pd.DataFrame) -> Callable[[str], Fit]:
    """``hs_fit("reml")``: the README's model by any method, with few draws; each is fitted once."""
    from laird.bound import model

    bound, fits = model("mathach ~ ses * Sector + (1 + ses | school)", data=hs), {}

    def fit(method: str) -> Fit:
        if method not in fits:
            seed = {"random_seed": 1} if method in FEW_DRAWS else {}
            fits[method] = bound.fit(method, **FEW_DRAWS.get(method, {}), **seed)
        return fits[method]

    return fit
