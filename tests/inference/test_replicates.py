import numpy as np
import pytest

import laird as ld
from laird.inference.dispersion import rows_of
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


def test_regressions_of_group_sds_are_those_of_the_groups(hs):
    fit = ld.model("mathach ~ 1 + (1 | school)", "sd(school) ~ Sector", data=hs).fit("ml")
    rng = np.random.default_rng(0)
    y = np.array([simulated_outcome(fit, rng) for _ in range(200)]) - fit.fixef.iloc[0]
    ids = fit.problem.design.random[0].ids
    means = np.stack([np.bincount(ids, own) / np.bincount(ids) for own in y])
    public = hs.groupby("school").Sector.first().eq("Public").to_numpy()
    a = fit.scale_of("school").to_numpy()
    sampling = np.mean(fit.sigma**2 / np.bincount(ids)[public])
    expected = np.exp(2 * a.sum()) + sampling
    assert np.mean(means[:, public] ** 2) == pytest.approx(expected, rel=0.1)  # 4 errors of 4,200 squares
    expected = np.exp(2 * a[0]) + np.mean(fit.sigma**2 / np.bincount(ids)[~public])
    assert np.mean(means[:, ~public] ** 2) == pytest.approx(expected, rel=0.1)


def test_sampling_errors_have_their_known_variances():
    rng = np.random.default_rng(1)
    frame = {"yi": rng.normal(size=20), "vi": np.linspace(0.1, 4, 20)}
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=frame).fit("reml")
    y = np.array([simulated_outcome(fit, rng) for _ in range(3000)])
    expected = frame["vi"] + fit.sigma**2
    np.testing.assert_allclose(y.var(axis=0), expected, rtol=0.11)  # 4 errors of 3,000 squares


def test_correlated_sampling_errors_have_the_fitted_covariance():
    """The mean of y'Σ⁻¹y of 2,000 simulations is n, its standard error √(2n/2000)."""
    data = ld.load_data("assink2016")
    V = ld.vcov_cluster(data.vi, data.study, rho=0.6)
    fit = ld.model("yi ~ 1 + (1 | study) + meta_V(V)", data=data, known={"V": V}).fit("reml")
    by, rng, n = rows_of(fit).whitener(), np.random.default_rng(0), len(data)
    mean = fit.problem.design.X @ fit.point.beta
    squares = [np.sum(by.whiten(simulated_outcome(fit, rng) - mean) ** 2) for _ in range(2000)]
    assert abs(np.mean(squares) - n) < 4 * np.sqrt(2 * n / 2000)


def test_two_outcomes_are_correlated():
    rng = np.random.default_rng(3)
    a = rng.normal(size=60)
    frame = {"a": a, "b": 0.8 * a + 0.6 * rng.normal(size=60)}
    fit = ld.model("a ~ 1", "b ~ 1", "sigma(a) ~ 1", "rho(a, b) ~ 1", data=frame).fit("ml")
    y = np.concatenate([simulated_outcome(fit, rng).reshape(60, 2) for _ in range(100)])
    np.testing.assert_allclose(np.corrcoef(y.T)[0, 1], np.corrcoef(frame["a"], frame["b"])[0, 1], atol=0.03)


def test_weighted_rows_are_refused(hs):
    fit = ld.model("mathach ~ ses", data=hs.assign(w=1.0 + hs.ses**2), weights="w").fit("ml")
    with pytest.raises(ld.FitError, match="weighted rows"):
        simulated_outcome(fit, np.random.default_rng(0))
