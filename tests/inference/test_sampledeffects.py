import numpy as np
import pytest
from tests.beyond_normal import MANY, with_families

import laird as ld
from laird.errors import FitError


def test_deviations_are_part_of_the_true_effects():
    normal = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("eb", draws=400, random_seed=1)
    deviations = np.random.default_rng(1).normal(size=(1, 400, 13))
    fit = with_families(normal, {"nu(true_effects)": 5.0}, deviations, true_effects="t")
    found = ld.true_effects(fit, prob=0.5)
    theta = fit.draws.beta + deviations
    np.testing.assert_allclose(found.posterior, theta.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(found.posterior_upper, np.quantile(theta[0], 0.75, axis=0), rtol=1e-12)
    assert found.posterior_factor.between(0, 1).all()


def test_normal_heterogeneity_beside_groups_that_are_not_normal():
    data = ld.load_data("konstantopoulos2011")
    model = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data)
    normal = model.fit("nuts", random_seed=1)
    fit = with_families(normal, {"nu(district)": MANY}, district="t")
    found, expected = ld.true_effects(fit), ld.true_effects(normal)
    # Drawn given u instead of with u integrated out: Monte Carlo errors of 4000 draws of sd 0.1 or less.
    np.testing.assert_allclose(found.posterior, expected.posterior, atol=0.02)
    np.testing.assert_allclose(found.posterior_sd, expected.posterior_sd, atol=0.02)


def test_normal_heterogeneity_with_correlated_sampling_errors_is_refused():
    model = ld.model(
        "yi ~ 1 + (1 | study) + meta_V(V)",
        data=ld.load_data("assink2016"),
        known={"V": "vcov_cluster(vi, study, rho=0.6)"},
    )
    fit = with_families(model.fit("eb", draws=100, random_seed=1), {"nu(study)": 5.0}, study="t")
    with pytest.raises(FitError, match="needs normal errors and effects"):
        ld.true_effects(fit)
