import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting.reevaluation import EVALUATED, check_same, log_densities


@pytest.fixture(scope="module")
def model():
    priors = {"x": "student_t(4, 0, 1)"}
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=12), priors=priors)


def of(fit):
    return log_densities(fit.problem, fit.point, fit.theta, fit.draws, fit.priors)


def test_draws_have_the_density_that_the_sampler_saw(model):
    """Sampled coefficients among them; the sampler's sds are log sds here, with fewer than 20 groups."""
    fit = model.fit("nuts", draws=100, tune=200, chains=2, random_seed=1, progress=False)
    chosen = np.linspace(0, 199, EVALUATED).astype(int)
    # the same formula on other, equally rounded, coordinates
    np.testing.assert_allclose(of(fit), fit.draws.stats["lp"].ravel()[chosen], rtol=1e-10)


def test_without_draws_it_is_the_log_likelihood(model):
    reml, ols = model.fit("reml"), model.fit("ols")
    assert of(reml) == pytest.approx([reml.loglik], rel=1e-12)
    n, p = len(reml.problem.design.y), 3
    # at the unbiased sigma instead of the largest likelihood's
    drop = 0.5 * n * np.log(n / (n - p)) - 0.5 * p
    assert of(ols) == pytest.approx([ols.loglik - drop], rel=1e-12)


def test_equal_values_pass_and_others_are_named():
    stored = np.array([-10.0, np.nan, -12.5])
    check_same(stored * (1 + 1e-12), stored)
    with pytest.raises(ld.FitError, match=r"was -12.5,.*it is -12.4"):
        check_same(np.array([-10.0, np.nan, -12.4]), stored)
    with pytest.raises(ld.FitError, match="does not agree"):
        check_same(stored[:1], stored)
