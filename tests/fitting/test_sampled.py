"""Coefficients with other priors than Gaussian ones have standard errors."""

import numpy as np
import pandas as pd
import pytest

import laird as ld

RNG = np.random.default_rng(3)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.normal(50, 10, N),
        "z": RNG.normal(3, 1, N),
        "x": RNG.normal(5, 2, N),
        "w": RNG.normal(0, 1, N),
        "v": RNG.uniform(0.5, 2, N),
        "g": np.repeat(np.arange(10), 6) + 10,
        "h": np.tile(np.arange(6), 10),
        "k": np.tile(np.arange(6) % 3, 10),
    }
).assign(y=lambda d: d.y + 5 * RNG.standard_normal(10)[d.g - 10] + 4 * RNG.standard_normal(6)[d.h])
MODELS = {
    "grouped": ("y ~ x + w + (x | g)",),
    "nested": ("y ~ x + w + (1 | g/k)",),
    "crossed": ("y ~ x + w + (1 | g) + (1 | h)",),
    "regression of sigma": ("y ~ x + w + (1 | g)", "sigma ~ x"),
    "known variances": ("y ~ x + w + (1 | g) + meta_V(v)",),
    "outcomes": ("y ~ x + w", "z ~ 1"),
}


def fit(name, prior):
    """Priors keep sds off zero, where modes of different models need not be alike."""
    label = "y: " if name == "outcomes" else ""
    priors = {f"{label}x": prior.format(0.5), f"{label}w": prior.format(3)}
    priors |= {} if name == "outcomes" else {"sd": "gamma(2, 0.4)"}
    return ld.model(*MODELS[name], data=DATA, priors=priors).fit("eb", draws=100, random_seed=1)


@pytest.mark.parametrize("name", MODELS)
def test_a_nearly_normal_prior_gives_what_integrating_out_gives(name):
    t, normal = fit(name, "student_t(1000000, 0, {})"), fit(name, "normal(0, {})")
    # The modes differ by O(1/n): that of b is joint, and θ moves with it.
    assert t.se.to_numpy() == pytest.approx(normal.se.to_numpy(), rel=0.02)
    assert t.vcov.to_numpy() == pytest.approx(normal.vcov.to_numpy(), abs=0.02 * normal.se.max() ** 2)
    for group in (r.group for r in normal.problem.design.random):
        assert t.ranef_sd(group).to_numpy() == pytest.approx(normal.ranef_sd(group).to_numpy(), rel=0.03)


def test_heavy_tails_count():
    """The curvature of a Student t at its centre is (ν + 1)/ν times that of the normal of its scale."""
    narrow, heavy = fit("grouped", "normal(0, {})"), fit("grouped", "student_t(1, 0, {})")
    assert heavy.se["x"] > 0
    assert heavy.se["x"] != pytest.approx(narrow.se["x"], rel=0.01)
