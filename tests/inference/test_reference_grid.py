"""The grid of moderators: what is crossed, and at what the rest is held."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.reference_grid import categories_of, reference_grid


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=24), "a": list("uvw") * 8, "b": ["p", "q"] * 12, "x": rng.normal(2, 1, 24)}
    data["z"] = rng.uniform(1, 2, 24)
    return ld.model("y ~ a * x + b + log(z)", data=data).fit("ols")


def test_categories_are_crossed_and_numbers_at_their_means(fit):
    grid = reference_grid(fit, {"z": 1.5})
    assert len(grid) == 6
    assert set(grid.x) == {fit.problem.design.X[:, fit.problem.design.names.index("x")].mean()}
    assert categories_of(fit) == {"a": ("u", "v", "w"), "b": ("p", "q")}


def test_values_may_be_given(fit):
    grid = reference_grid(fit, {"z": 1.5, "x": [0, 1], "a": "v"})
    assert len(grid) == 4
    assert set(grid.a) == {"v"}


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({}, r"`z` enters the model only through a function.*\n.*at=\{\"z\": …\}"),
        ({"z": 1.0, "xx": 1}, "`at` names `xx`"),
        ({"z": 1.0, "a": "t"}, "`a` has no level 't'"),
        ({"z": "high"}, "`at` gives 'high' for `z`"),
        ({"z": 1.5, "x": np.zeros(5000)}, "has 30000 cells"),
    ],
)
def test_input_that_is_refused(fit, at, message):
    with pytest.raises(ld.FitError, match=message):
        reference_grid(fit, at)


def test_group_means_are_no_moderators(hs):
    fit = ld.model("mathach ~ Sector + dvar(ses, school) + cvar(ses, school) + (1 | school)", data=hs).fit()
    with pytest.raises(
        ld.FitError, match=r"`dvar\(ses, school\)` is computed from the rows.*\n.*predictions"
    ):
        ld.marginal_means(fit, "Sector")
    means = ld.predictions(fit, hs, by="Sector", groups="population")
    observed = hs.groupby("Sector", observed=True).mathach.mean()
    assert np.all(np.abs(means["estimate"].to_numpy() - observed.to_numpy()) < 3 * means["se"].to_numpy())
