"""One step against the fit without each unit, for every structure."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.influence import without
from laird.inference.onestep import LONGEST, without_each
from laird.inference.units import units_of

COEFFICIENTS = 0.02
"""Error of β̂_(i) in standard errors: what a step of half a standard error of θ leaves, by measurement."""

LOG_DET = 0.08
PENICILLIN = Path(__file__).parents[1] / "golden" / "penicillin.csv.gz"


def penicillin():
    with gzip.open(PENICILLIN, "rt") as file:
        return pd.read_csv(file)


CASES = {
    "random slopes": ("hs", ["mathach ~ ses * Sector + (1 + ses | school)"], "reml", None),
    "ml": ("hs", ["mathach ~ ses + (1 | school)"], "ml", None),
    "no groups": ("hs", ["mathach ~ ses"], "reml", "school"),
    "meta": ("bcg_rr", ["yi ~ ablat + meta_V(vi)"], "reml", None),
    "location-scale": ("restoration", ["yi ~ habitat + meta_V(vi)", "sigma ~ habitat"], "ml", None),
    "multilevel meta": ("konstantopoulos2011", ["yi ~ year + (1 | district) + meta_V(vi)"], "reml", None),
}


@pytest.mark.parametrize("case", CASES)
def test_trusted_steps_arrive(case):
    name, formulas, method, by = CASES[case]
    data = ld.load_data(name)
    fit = ld.model(*formulas, data=data).fit(method)
    units = units_of(fit, data[by] if by else None)
    check(fit, units)


def test_crossed_groups_are_left_out_exactly_too():
    fit = ld.model("diameter ~ 1 + (1 | plate) + (1 | sample)", data=penicillin()).fit("reml")
    check(fit, units_of(fit, "plate"))


def check(fit, units):
    found, se = without_each(fit, units.codes), fit.se.to_numpy()
    assert found.trusted.mean() > 0.5
    for i in np.flatnonzero(found.trusted)[:12]:
        exact = without(fit, units.codes == i)
        assert np.max(np.abs(found.beta[i] - exact.point.beta) / se) < COEFFICIENTS
        ratio = np.linalg.slogdet(exact.point.beta_cov)[1] - np.linalg.slogdet(fit.point.beta_cov)[1]
        assert found.log_det[i] == pytest.approx(ratio, abs=LOG_DET)
        assert found.length[i] <= LONGEST


def test_steps_move_towards_the_refit(hs_fit):
    fit = hs_fit("reml")
    codes = units_of(fit).codes
    stepped, held = without_each(fit, codes), without_each(fit, codes, held=True)
    exact = np.array([without(fit, codes == i).point.beta for i in range(12)])
    near, far = (np.abs(own.beta[:12] - exact).max() for own in (stepped, held))
    assert near < far / 3


def test_held_parameters_give_the_estimates_at_the_fitted_covariance(sleepstudy):
    """Balanced data: β̂ is the mean of the subjects' lines whatever θ, so holding θ is exact."""
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    found = without_each(fit, units_of(fit).codes, held=True)
    rest = sleepstudy[sleepstudy.Subject != sleepstudy.Subject.iloc[0]]
    line = np.polyfit(rest.Days, rest.Reaction, 1)[::-1]
    np.testing.assert_allclose(found.beta[0], line, rtol=1e-9)
    assert not found.length.any()


def test_a_variance_of_zero_that_returns_without_a_unit_is_not_trusted():
    rng = np.random.default_rng(0)
    groups, e = np.repeat(np.arange(8), 4), rng.normal(size=32)
    shift = np.repeat([-1.2, 1.0, -0.8, 1.3, 1.1, -1.0, 0.9, 0.0], 4)
    y = shift + e - np.where(groups == 7, np.array([9.0, -9.0, 9.0, -9.0])[np.arange(32) % 4], 0.0)
    data = {"y": y, "g": groups}
    fit = ld.model("y ~ 1 + (1 | g)", data=data).fit("reml")
    assert fit.status == "boundary"
    found = without_each(fit, units_of(fit).codes)
    assert without(fit, groups == 7).varcorr.vcov[0] > 0
    assert not found.trusted[7]


def test_least_squares_is_exact_but_for_sigma(hs, hs_fit):
    fit = hs_fit("ols")
    found = without_each(fit, pd.factorize(hs.school)[0])
    alone = ld.model("mathach ~ ses * Sector", data=hs[hs.school != hs.school.iloc[0]]).fit("ols")
    np.testing.assert_allclose(found.beta[0], alone.fixef, rtol=1e-9)
    assert np.exp(found.theta[0].alpha[0]) == pytest.approx(alone.sigma, rel=1e-4)
