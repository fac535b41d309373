"""Effective sample sizes and R-hat are those of ArviZ."""

import subprocess
import sys

import numpy as np
import pytest
from arviz_stats.base import array_stats

from laird.fitting.convergence import convergence


def chains(seed, shape):
    """Autoregressive chains, some of them rounded, some apart."""
    rng = np.random.default_rng(seed)
    a, x = rng.uniform(-0.9, 0.97), rng.normal(size=shape)
    for t in range(1, shape[1]):
        x[:, t] += a * x[:, t - 1]
    x += (seed % 3 == 0) * np.arange(shape[0])[:, None]
    return np.round(x) if seed % 5 == 0 else x


@pytest.mark.parametrize("seed", range(40))
def test_they_are_arviz_s(seed):
    shape = ((1, 100), (4, 250), (2, 501), (3, 10), (4, 1000))[seed % 5]
    values = chains(seed, shape)
    options = {"chain_axis": 0, "draw_axis": 1}
    expected = (
        array_stats.ess(values, method="bulk", **options),
        array_stats.ess(values, method="tail", prob=0.1, **options),
        array_stats.rhat(values, method="rank", **options),
    )
    np.testing.assert_allclose(convergence(values), expected, rtol=1e-9)  # sums in another order


def test_constants_infinities_and_three_draws_have_none():
    for values in (np.ones((4, 50)), np.full((4, 50), np.inf), np.arange(12.0).reshape(4, 3)):
        assert np.isnan(convergence(values)).all()


def test_a_fit_by_nuts_imports_neither_arviz_nor_statistics_nor_pictures():
    code = """
import sys
import numpy as np
import laird as ld
y = np.random.default_rng(1).normal(size=60)
fit = ld.model("y ~ 1 + (1 | g)", data={"y": y, "g": np.arange(60) // 3}).fit(
    "nuts", draws=50, tune=50, chains=2, random_seed=1, progress=False
)
fit.summary()
heavy = ("arviz", "arviz_stats", "xarray", "scipy.stats", "matplotlib", "pymc", "nutpie")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
