"""Targets by draw."""

from __future__ import annotations

import numpy as np
import pytest
from tests.beyond_normal import MANY, with_families

import laird as ld
from laird.inference.predictions_drawn import drawn_targets
from laird.inference.predictions_frame import rows_for
from laird.inference.predictions_rows import averages, each_row, targets_of


@pytest.fixture(scope="module")
def fit():
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    return model.fit("eb", draws=500, random_seed=2)


def values_of(fit, new, groups, cells=None, **how):
    design = rows_for(fit, new, groups)
    targets = targets_of(
        design, cells or each_row(len(design.X)), **{"noise": False, "new_groups": True} | how
    )
    return drawn_targets(fit, targets, np.random.default_rng(1))


def test_of_fitted_groups_are_draw_by_draw_those_of_the_line(fit):
    found = values_of(fit, {"Days": [0.0, 4.0], "Subject": ["309", "372"]}, "existing")
    beta, u = fit.draws.flat("beta"), fit.draws.flat_effects()[0]
    levels = fit.problem.design.random[0].levels
    for k, (day, subject) in enumerate([(0.0, "309"), (4.0, "372")]):
        j = levels.index(subject)
        np.testing.assert_allclose(found[:, k], (beta + u[:, j]) @ [1.0, day], rtol=1e-11)


def test_averages_are_averages_of_rows(fit):
    data, cell = ld.load_data("sleepstudy"), np.arange(180) % 5
    rows = values_of(fit, data, "existing")
    means = values_of(fit, data, "existing", averages(cell))
    expected = np.stack([rows[:, cell == c].mean(axis=1) for c in range(5)], axis=1)
    np.testing.assert_allclose(means, expected, rtol=1e-10)


def test_rows_of_a_new_group_share_its_effect(fit):
    new = {"Days": [0.0] * 4, "Subject": ["new", "new", "newer", "newest"]}
    found = values_of(fit, new, "new") - values_of(fit, new, "new", new_groups=False)
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=1e-12)
    sd = np.sqrt(np.mean(fit.draws.flat("sd")[:, 0] ** 2))
    error = 4 * sd / np.sqrt(2 * 500)
    np.testing.assert_allclose(found.std(axis=0), sd, atol=error, err_msg="four standard errors of an sd")
    assert abs(np.corrcoef(found[:, 2], found[:, 3])[0, 1]) < 4 / np.sqrt(500)


def test_predictive_averages_have_less_noise(fit):
    new = {"Days": np.zeros(16), "Subject": ["309"] * 16}
    plain = values_of(fit, new, "existing", averages(np.zeros(16, dtype=np.int64)))
    noisy = values_of(fit, new, "existing", averages(np.zeros(16, dtype=np.int64)), noise=True)
    sd = np.sqrt(np.mean(fit.draws.flat("sigma") ** 2) / 16)
    np.testing.assert_allclose((noisy - plain).std(), sd, atol=4 * sd / np.sqrt(2 * 500))


def test_the_sd_of_a_new_group_follows_its_regression():
    rng = np.random.default_rng(4)
    a = np.repeat(np.arange(40), 6)
    w = rng.normal(size=40)
    data = {"a": a, "w": w[a], "y": rng.normal(size=240) + np.exp(0.8 * w[a]) * rng.normal(size=40)[a]}
    fit = ld.model("y ~ 1 + (1 | a)", "sd(a) ~ w", data=data).fit("eb", draws=2000, random_seed=1)
    new = {"a": ["p", "q"], "w": [-1.0, 1.0]}
    found = values_of(fit, new, "new") - fit.draws.flat("beta")
    coding = fit.problem.codings.of("sd", "a")
    gamma = coding.coefficients(fit.draws.theta).reshape(-1, 2)
    expected = np.sqrt(np.mean(np.exp(2 * gamma @ np.array([[1.0, 1.0], [-1.0, 1.0]])), axis=0))
    np.testing.assert_allclose(found.std(axis=0), expected, rtol=4 / np.sqrt(2 * 2000) * 1.5)


def test_new_groups_and_residuals_of_other_families_have_their_tails(fit):
    new = {"Days": [3.0] * 40, "Subject": [f"new {k}" for k in range(40)]}
    shapes = {"nu(Subject)": 2.5, "nu(errors)": 2.5}
    robust = with_families(fit, shapes, Subject="t", errors="t")
    plain, heavy = (values_of(own, new, "new", noise=True) for own in (fit, robust))
    left, wide = (np.abs(own - own.mean(axis=0)) for own in (plain, heavy))
    # 20,000 draws: of a t with 2.5 degrees of freedom and this sd half are nearer, a thousandth far off.
    assert np.median(wide) < 0.8 * np.median(left)
    assert np.quantile(wide, 0.999) > 1.3 * np.quantile(left, 0.999)


def test_many_degrees_of_freedom_are_normal(fit):
    robust = with_families(fit, {"nu(Subject)": MANY, "nu(errors)": MANY}, Subject="t", errors="t")
    new = {"Days": [3.0] * 40, "Subject": [f"new {k}" for k in range(40)]}
    spreads = [values_of(own, new, "new", noise=True).std() for own in (fit, robust)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.05)  # 20,000 draws of 500 parameters
