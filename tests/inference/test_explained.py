"""R² of heterogeneity and its intervals."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.explained import explained, without_moderators


@pytest.fixture(scope="module")
def fit():
    return ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")


def test_the_model_without_moderators_keeps_everything_else():
    data = ld.load_data("konstantopoulos2011")
    formulas = ["yi ~ year + (1 | district) + meta_V(vi)", "sigma ~ year"]
    null = without_moderators(ld.model(*formulas, data=data).fit("ml"))
    own = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", "sigma ~ year", data=data).fit("ml")
    assert null.loglik == pytest.approx(own.loglik, rel=1e-9)
    assert without_moderators(own) is None


def test_models_without_constants_have_no_such_model():
    fit = ld.model("yi ~ 0 + ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    assert without_moderators(fit) is None
    assert np.isnan(ld.heterogeneity(fit, simulate=0).table.R2.iloc[0])


def test_indicators_of_all_levels_contain_the_constants():
    fit = ld.model("yi ~ 0 + alloc + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    other = ld.model("yi ~ alloc + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    found, expected = (ld.heterogeneity(own, simulate=0).table.R2.iloc[0] for own in (fit, other))
    assert found == pytest.approx(expected, abs=1e-3)


def test_r2_is_never_negative_and_undefined_without_heterogeneity():
    found = explained(np.array([2.0, 0.0]), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(found, [0.0, np.nan, 0.0])


def test_the_bootstrap_gives_an_interval_around_r2(fit):
    first, again = (ld.heterogeneity(fit, simulate=100, random_seed=1).table.iloc[0] for _ in range(2))
    assert first.equals(again)
    assert 0 <= first.R2_lower < first.R2 < first.R2_upper <= 100
    assert ld.heterogeneity(fit).table.R2_lower.between(0, first.R2).all()
    assert np.isnan(ld.heterogeneity(fit, simulate=0).table.R2_lower.iloc[0])


def test_draws_have_intervals_without_simulation():
    model = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr"))
    row = ld.heterogeneity(model.fit("eb", random_seed=1)).table.iloc[0]
    assert 0 <= row.R2_lower < row.R2 < row.R2_upper <= 100


def test_at_moderators_as_well():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    found = ld.heterogeneity_at(fit, {"habitat": ["grassland", "forest"]}, simulate=20, random_seed=1)
    assert found.R2.between(found.R2_lower, found.R2_upper).all()


def test_a_number_of_replicates_is_asked_for(fit):
    with pytest.raises(ld.FitError, match="simulate"):
        ld.heterogeneity(fit, simulate=-1)


def test_the_model_compared_with_may_have_another_scale():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    null = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    by_row = ld.heterogeneity_at(fit, null=null, simulate=0)
    expected = 100 * np.maximum(1 - by_row.tau2 / null.sigma**2, 0)
    np.testing.assert_allclose(by_row.R2, expected, rtol=1e-9)
    given = ld.heterogeneity_at(fit, {"habitat": ["forest", "grassland"]}, null=null, simulate=0)
    assert sorted(given.R2) == pytest.approx(sorted(by_row.R2), rel=1e-9)
    table = ld.heterogeneity(fit, null=null, simulate=20, random_seed=1).table.iloc[0]
    share = np.mean(fit.sigma**2) / null.sigma**2
    assert pytest.approx(100 * (1 - share), rel=1e-9) == table.R2
    assert table.R2_lower <= table.R2_upper


def test_heterogeneity_of_other_rows_or_levels_is_not_compared(fit):
    data = ld.load_data("bcg_rr")
    fewer = ld.model("yi ~ 1 + meta_V(vi)", data=data[1:]).fit("reml")
    with pytest.raises(ld.FitError, match="12 effect sizes, the fit has 13"):
        ld.heterogeneity(fit, null=fewer)
    none = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ 0", data=data).fit("reml")
    with pytest.raises(ld.FitError, match="heterogeneity between: nothing; the fit between: `residual`"):
        ld.heterogeneity(fit, null=none)
