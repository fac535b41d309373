"""Fits beyond the normal: against integration, the normal limit, and what outliers do to them."""

import numpy as np
import pytest
from scipy import stats

import laird as ld
from laird.errors import FitError
from laird.fitting.convergence import convergence
from laird.fitting.mixing import weights_of

OPTIONS = {"draws": 1000, "tune": 1000, "chains": 4, "cores": 1, "random_seed": 3, "progress": False}

Y = np.array([0.1, -0.4, 0.3, 0.2, 3.5])
V = np.array([0.04, 0.09, 0.06, 0.05, 0.05])
PRIORS = {"Intercept": "normal(0, 2)", "sigma": "half_normal(1)", "nu(true_effects)": "uniform(2.5, 9)"}


def mcse(values):
    """Monte Carlo standard error of a mean."""
    return float(values.std() / np.sqrt(convergence(values)[0]))


def meta(**options):
    return ld.model("y ~ 1 + meta_V(v)", data={"y": Y, "v": V}, **options)


@pytest.fixture(scope="module")
def robust():
    return meta(families={"true_effects": "t"}, priors=PRIORS).fit("nuts", **OPTIONS)


@pytest.fixture(scope="module")
def normal():
    priors = {name: prior for name, prior in PRIORS.items() if not name.startswith("nu")}
    return meta(priors=priors).fit("nuts", **OPTIONS)


def integrated():
    """Posterior weights and values of (μ, τ, ν) on a grid; true effects integrated out by sums."""
    mu, tau, nu = np.linspace(-3, 4, 71), np.linspace(0.02, 4.5, 60), np.linspace(2.51, 8.99, 14)
    r = np.linspace(-12, 12, 2401)
    log_post = stats.norm(0, 2).logpdf(mu)[:, None, None] + stats.halfnorm.logpdf(tau)[None, :, None]
    log_post = log_post + np.zeros((len(mu), len(tau), len(nu)))
    for k, at in enumerate(nu):
        for j, sd in enumerate(tau):
            density = stats.t(at, scale=sd * np.sqrt((at - 2) / at)).pdf(r)
            for y, v in zip(Y, V, strict=True):
                kernel = stats.norm.pdf((y - mu)[:, None] - r, scale=np.sqrt(v))
                log_post[:, j, k] += np.log(kernel @ density * (r[1] - r[0]))
    weights = np.exp(log_post - log_post.max())
    return weights / weights.sum(), mu, tau, nu


def test_the_posterior_is_that_of_integration(robust):
    weights, *grids = integrated()
    draws = robust.draws
    series = (draws.beta[..., 0], draws.sigma, draws.shapes["nu(true_effects)"])
    for axis, (grid, values) in enumerate(zip(grids, series, strict=True)):
        marginal = weights.sum(axis=tuple({0, 1, 2} - {axis}))
        mean = float(marginal @ grid)
        # The grid is a trapezoid of some hundredths of an sd; 4 Monte Carlo standard errors dominate.
        assert values.mean() == pytest.approx(mean, abs=4 * mcse(values) + 0.02 * values.std())


def test_an_outlier_moves_the_t_less_than_the_normal(robust, normal):
    others = float(np.mean(Y[:-1]))
    assert abs(robust.fixef.iloc[0] - others) < abs(normal.fixef.iloc[0] - others)
    effects = ld.family_effects({"normal": normal, "t": robust})
    assert effects.t_weight.idxmin() == 4
    assert effects.t_weight[4] < 0.6 < effects.t_weight[:4].min()
    assert abs(effects.t[4] - Y[4]) < abs(effects.normal[4] - Y[4])


def test_the_fit_is_a_fit_like_any_other(robust):
    summary = robust.summary()
    assert list(summary.component) == ["fixed", "sigma", "nu"]
    assert summary.notna()[["estimate", "se", "lower", "upper", "ess_bulk", "rhat"]].all(axis=None)
    assert set(robust.check().check) == {"rhat", "ess", "divergences"}
    assert robust.varcorr.sdcor.iloc[-1] == robust.sigma
    assert np.isnan(robust.loglik)
    assert "families: true_effects t" in str(robust)
    assert "log-likelihood" not in str(robust)
    posterior = robust.to_datatree()["posterior"]
    assert posterior.sizes["obs"] == 5
    assert {"nu_true_effects", "u_true_effects"} <= set(posterior.data_vars)


def test_predictions_of_new_studies_have_the_tails_of_the_t(robust, normal):
    found, plain = (ld.prediction_interval(fit, prob=0.5).iloc[0] for fit in (robust, normal))
    ratio = (found.pi_upper - found.pi_lower) / (plain.pi_upper - plain.pi_lower)
    assert ratio < found.tau / plain.tau
    assert ld.true_effects(robust).posterior_sd.gt(0).all()


def test_with_many_degrees_of_freedom_it_is_the_normal_fit(normal):
    limit = meta(
        families={"true_effects": "t"}, priors=PRIORS | {"nu(true_effects)": "uniform(1e5, 2e5)"}
    ).fit("nuts", **OPTIONS)
    pairs = [(fit.draws.beta[..., 0], fit.draws.sigma) for fit in (normal, limit)]
    for found, values in zip(*pairs, strict=True):
        assert values.mean() == pytest.approx(found.mean(), abs=4 * np.hypot(mcse(found), mcse(values)))
    a, b = (ld.true_effects(fit) for fit in (normal, limit))
    np.testing.assert_allclose(a.posterior, b.posterior, atol=0.05)  # means of sd 0.25: 4 MCSE of 1000 draws


def test_what_needs_the_normal_likelihood_is_refused(robust):
    model = meta(families={"true_effects": "t"})
    for method in ("ols", "ml", "reml", "eb"):
        with pytest.raises(FitError, match=r"needs normal errors and effects"):
            model.fit(method)
    for function in (ld.influence, ld.residuals, ld.power_scaling, ld.cluster_robust):
        with pytest.raises(FitError, match="needs normal errors and effects"):
            function(robust)


def test_heterogeneity_is_of_variances_in_every_family(robust, normal):
    found, other = (ld.heterogeneity(fit) for fit in (robust, normal))
    assert found.Q == other.Q
    tau2 = robust.draws.sigma.ravel() ** 2
    assert found.table.tau2[0] == pytest.approx(tau2.mean())
    assert found.table.tau_upper[0] == pytest.approx(np.sqrt(np.quantile(tau2, 0.975)))


def test_simulated_again_from_the_estimates(grouped):
    model = ld.model(grouped.spec, data=ld.load_data("sleepstudy"))
    assert len(model.simulate(from_fit=grouped, groups="fitted", random_seed=1)) == 180


def test_rows_without_sampling_error_are_refused():
    model = ld.model(
        "y ~ 1 + meta_V(v)", data={"y": Y, "v": V * [0, 1, 1, 1, 1]}, families={"true_effects": "t"}
    )
    with pytest.raises(FitError, match="sampling variance of zero"):
        model.fit("nuts", **OPTIONS)


@pytest.fixture(scope="module")
def grouped():
    """Groups and errors that are not normal: everything of a fit that groups add."""
    model = ld.model(
        "Reaction ~ Days + (Days || Subject)",
        data=ld.load_data("sleepstudy"),
        families={"Subject": "skew_normal", "errors": "t"},
    )
    return model.fit("nuts", **(OPTIONS | {"chains": 2, "draws": 500, "tune": 500}))


def test_groups_have_effects_sds_and_shares(grouped):
    assert grouped.ranef("Subject").shape == grouped.ranef_sd("Subject").shape == (18, 2)
    shares = grouped.shrinkage_factors("Subject").to_numpy()
    assert np.all((shares > 0) & (shares < 1))
    rows = list(zip(grouped.summary().component, grouped.summary().term, strict=True))
    assert ("alpha", "Days") in rows
    assert ("nu", "") in rows
    table = grouped.predict({"Days": [1.0], "Subject": ["new"]}, groups="new", kind="response")
    assert table.se.iloc[0] > grouped.sigma


def test_the_outlier_of_sleepstudy_has_a_small_weight(grouped):
    (errors,) = weights_of(grouped.problem, grouped.draws)
    assert errors.what == "errors"
    largest = np.argmax(np.abs(errors.effect))
    assert errors.weight.argmin() == largest
    assert errors.weight.min() < 0.4 < 1.0 < np.median(errors.weight)


def test_same_seed_same_draws_are_stored_and_found_again(grouped, tmp_path):
    path = grouped.save(tmp_path / "fit.nc")
    again = ld.load_fit(path)
    np.testing.assert_array_equal(again.draws.shapes["nu(errors)"], grouped.draws.shapes["nu(errors)"])
    assert again.spec == grouped.spec
