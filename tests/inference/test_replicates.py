import numpy as np
import pytest

import laird as ld
from laird.inference.replicates import bootstrap_null, refitted, simulated_outcome


def test_simulated_outcomes_have_the_fitted_mean_and_covariance(sleepstudy):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    rng = np.random.default_rng(0)
    y = np.array([simulated_outcome(fit, rng) for _ in range(4000)])
    design = fit.problem.design
    Z, same = design.random[0].Z, design.random[0].ids[:, None] == design.random[0].ids
    V = same * (Z @ fit.point.G @ Z.T) + fit.sigma**2 * np.eye(len(Z))
    se = np.sqrt(np.diag(V) / 4000)
    assert np.abs((y.mean(axis=0) - design.X @ fit.point.beta) / se).max() < 5
    spread = np.sqrt((V**2 + np.outer(np.diag(V), np.diag(V))) / 4000)  # of an entry of a sample covariance
    assert np.abs((np.cov(y.T) - V) / spread).max() < 6


def test_least_squares_has_no_groups(sleepstudy):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("ols")
    y = np.array([simulated_outcome(fit, np.random.default_rng(s)) for s in range(500)])
    between = (y - fit.problem.design.X @ fit.point.beta).reshape(500, 18, 10).mean(axis=2)
    assert between.var() == pytest.approx(fit.sigma**2 / 10, rel=0.06)  # 4 errors of 9,000 values


def test_sigma_with_predictors_is_that_of_the_rows(hs):
    fit = ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sector", data=hs).fit("reml")
    rng = np.random.default_rng(0)
    y = np.array([simulated_outcome(fit, rng) for _ in range(50)])
    public = (hs.Sector == "Public").to_numpy()
    for rows in (public, ~public):
        own = y[:, rows] - (fit.problem.design.X @ fit.point.beta)[rows]
        expected = np.mean(fit.sigma[rows] ** 2) + fit.point.G[0, 0]
        assert own.var() == pytest.approx(expected, rel=0.1)  # 20 schools, 50 times


@pytest.mark.parametrize("method", ["ols", "ml", "reml"])
def test_a_refit_to_the_same_outcome_is_the_fit(method, sleepstudy):
    fit = ld.model("Reaction ~ Days + (1 | Subject)", data=sleepstudy).fit(method)
    again = refitted(fit, fit.problem.design.y)
    assert (again.method, again.loglik) == (method, pytest.approx(fit.loglik, abs=1e-9))


def test_likelihood_ratios_of_the_smaller_model(sleepstudy):
    small, large = (
        ld.model(f"Reaction ~ Days + ({z} | Subject)", data=sleepstudy).fit("reml") for z in ("1", "Days")
    )
    found = bootstrap_null(small, large, 60, np.random.default_rng(2))
    assert found.shape == (60,)
    assert found.min() >= 0
    assert 0.2 < found.mean() < 2.5  # the mixture ½χ²(1) + ½χ²(2) has mean 1.5


def test_regressions_of_group_sds_are_refused(hs):
    fit = ld.model("mathach ~ 1 + (1 | school)", "sd(school) ~ Sector", data=hs).fit("ml")
    with pytest.raises(ld.FitError, match="not simulated"):
        simulated_outcome(fit, np.random.default_rng(0))
