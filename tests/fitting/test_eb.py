"""Empirical Bayes: REML with flat priors, the mode with others, and draws that match the exact posterior."""

import numpy as np
import pytest
from scipy import stats
from tests.fitting.grids import grid_moments
from tests.fitting.problems import balanced_frame, bound_target, grouped_frame

import laird as ld
from laird.fitting.laplace import KHAT_LIMIT

FLAT = [
    ("hs", "mathach ~ 1 + (1 | school)"),
    ("hs", "mathach ~ ses * Sector + (1 + ses | school)"),
    (
        "hs",
        "mathach ~ 1 + (cvar(ses, school) + dvar(ses, school)) * Sector + (1 + dvar(ses, school) | school)",
    ),
    ("hsfull", "mathach ~ 1 + ses + (1 + ses | school)"),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    ("dyestuff", "Yield ~ 1 + (1 | Batch)"),
]


@pytest.mark.parametrize(("name", "formula"), FLAT)
def test_flat_priors_give_reml(name, formula):
    model = ld.model(formula, data=ld.load_data(name), priors="flat")
    group = model.design.random[0].group
    eb, reml = model.fit("eb", draws=100, random_seed=1), model.fit("reml")
    assert reml.status == "ok"
    assert eb.loglik == pytest.approx(reml.loglik, abs=1e-7)
    sd = reml.varcorr.sdcor[reml.varcorr.term2 == ""]
    np.testing.assert_allclose(eb.varcorr.sdcor[sd.index], sd, rtol=1e-6)
    np.testing.assert_allclose(eb.fixef, reml.fixef, rtol=1e-6)
    np.testing.assert_allclose(eb.se, reml.se, rtol=1e-6)
    ranef = reml.ranef(group)
    # Effects near zero are compared on the scale of their column.
    np.testing.assert_allclose(eb.ranef(group) / ranef.std(), ranef / ranef.std(), rtol=1e-6, atol=1e-6)


def test_flat_priors_share_the_boundary_with_reml(dyestuff2):
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2, priors="flat")
    eb, reml = model.fit("eb", draws=100, random_seed=1), model.fit("reml")
    assert eb.status == reml.status == "boundary"
    assert eb.varcorr.sdcor[0] == 0.0
    assert eb.sigma == pytest.approx(reml.sigma, rel=1e-9)


def test_a_prior_that_is_zero_at_zero_keeps_the_estimate_off_the_boundary(dyestuff2):
    """Chung et al. (2013): gamma(2, rate)."""
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2, priors={"sd(Batch)": "gamma(2, 0.01)"})
    eb = model.fit("eb", draws=200, random_seed=1)
    assert eb.status == "ok"
    assert eb.varcorr.sdcor[0] > 0.1
    assert eb.check().set_index("check").status["approximation"] == "ok"


EIGHT_SCHOOLS = {"y": [28.0, 8, -3, 7, -1, 1, 18, 12], "v": [225.0, 100, 256, 121, 81, 121, 100, 324]}
"""Rubin (1981): estimated effects of coaching and their sampling variances."""


def restricted_of_schools(tau):
    """Restricted log-likelihood of the eight schools at every tau."""
    y, v = (np.array(EIGHT_SCHOOLS[name]) for name in "yv")
    w = 1 / (v + np.square(tau)[:, None])
    mean = w @ y / w.sum(axis=1)
    squares = np.sum(w * (y - mean[:, None]) ** 2, axis=1)
    return 0.5 * (np.log(w).sum(axis=1) - np.log(w.sum(axis=1)) - squares)


def test_boundary_avoiding_priors_have_the_published_mode():
    """Chung et al. (2013): the largest of likelihood times tau, about one standard error off zero."""
    tau = np.linspace(0, 30, 30_001)
    loglik = restricted_of_schools(tau)
    assert loglik.argmax() == 0
    model = ld.model("y ~ 1 + meta_V(v)", data=EIGHT_SCHOOLS, priors="boundary_avoiding")
    eb = model.fit("eb", draws=500, random_seed=1)
    rate = model.priors.sigma.values[1]
    with np.errstate(divide="ignore"):
        expected = tau[np.argmax(loglik + np.log(tau) - rate * tau)]
    assert eb.sigma == pytest.approx(expected, abs=1e-3)  # the step of the grid
    assert model.fit("reml").sigma == 0.0
    se = np.sqrt(-((tau[1] - tau[0]) ** 2) / (loglik[2] - 2 * loglik[1] + loglik[0]))
    assert 0.8 < eb.sigma / se < 1.3
    assert eb.check().set_index("check").status["approximation"] == "ok"


def test_boundary_avoiding_priors_keep_a_correlation_off_one():
    frame = grouped_frame(J=15, sd=(1.0, 0.3), rho=1.0, seed=0)
    model = ld.model("y ~ x + (1 + x | g)", data=frame, priors="boundary_avoiding")
    eb, reml = model.fit("eb", draws=500, random_seed=1), model.fit("reml")
    assert reml.status == "boundary"
    assert eb.status == "ok"
    assert abs(eb.varcorr.sdcor[2]) < 0.99
    assert np.all(eb.varcorr.sdcor[:2] > 0.1)


@pytest.mark.parametrize("priors", ["flat", "boundary_avoiding"])
def test_boundary_avoiding_priors_hardly_move_what_the_data_say(priors):
    """With many groups the mode is within half a standard error of REML's."""
    frame = grouped_frame(J=40, seed=2)
    reml = ld.model("y ~ x + (1 + x | g)", data=frame).fit("reml")
    eb = ld.model("y ~ x + (1 + x | g)", data=frame, priors=priors).fit("eb", draws=100, random_seed=1)
    summary = reml.summary().set_index(["component", "term"])
    for term in ("Intercept", "x"):
        row = summary.loc["sd", term]
        assert abs(eb.scale_of("g")[term] - np.log(row.estimate)) < 0.5 * row.se / row.estimate
    np.testing.assert_allclose(eb.fixef, reml.fixef, atol=0.1 * reml.se.max())


@pytest.fixture(scope="module")
def oneway():
    """Twelve groups: the posterior of the group sd is skewed."""
    return ld.model("y ~ 1 + (1 | g)", data=grouped_frame(J=12, seed=3, sd=(1.0, 0.0)))


@pytest.fixture(scope="module")
def exact():
    return grid_moments(bound_target("y ~ 1 + (1 | g)", grouped_frame(J=12, seed=3, sd=(1.0, 0.0))))


def test_weighted_draws_have_the_moments_of_the_exact_posterior(oneway, exact):
    fit = oneway.fit("eb", draws=8000, random_seed=3)
    draws = fit.draws
    sample = np.column_stack(
        [
            draws.flat("sd")[:, 0],
            draws.flat("sigma"),
            draws.flat("beta")[:, 0],
            draws.flat_effects()[0][:, 0, 0],
        ]
    )
    # Monte Carlo error of a mean, sd/√ESS; of an sd about as much (the tails are near normal).
    # Four standard errors: eight comparisons fail by chance less than once in a thousand.
    error = exact.sd / np.sqrt(min(draws.effective, 8000))
    assert np.all(np.abs(sample.mean(axis=0) - exact.mean) < 4 * error)
    assert np.all(np.abs(sample.std(axis=0) - exact.sd) < 6 * error)


def test_the_approximation_judges_itself(oneway):
    fit = oneway.fit("eb", draws=1000, random_seed=1)
    check = fit.check().set_index("check").loc["approximation"]
    assert check.status == "ok"
    assert check.value < KHAT_LIMIT
    assert 100 < fit.draws.effective <= 3000
    assert (fit.summary().ess_bulk <= fit.draws.effective).all()


def test_estimates_do_not_depend_on_the_seed_and_draws_do(oneway):
    first, again, other = (oneway.fit("eb", draws=200, random_seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.draws.u[0], again.draws.u[0])
    assert not np.array_equal(first.draws.u[0], other.draws.u[0])
    assert first.fixef.equals(other.fixef)
    assert first.varcorr.equals(other.varcorr)


def test_an_unset_seed_is_recorded_and_gives_the_same_draws_again(oneway):
    first = oneway.fit("eb", draws=100)
    again = oneway.fit("eb", draws=100, random_seed=first.origin.seed)
    np.testing.assert_array_equal(first.draws.beta, again.draws.beta)


@pytest.mark.parametrize(
    ("prior", "low", "high"), [("normal(0, 0.05)", 0.0, 0.3), ("normal(5, 0.05)", 4.5, 5.5)]
)
def test_priors_of_coefficients_pull(prior, low, high):
    model = ld.model("y ~ x + (1 | g)", data=grouped_frame(), priors={"x": prior})
    assert low < model.fit("eb", draws=100).fixef["x"] < high


def test_a_coefficient_without_a_gaussian_prior_is_at_its_joint_mode():
    """A Student t of many degrees of freedom is nearly normal, which is integrated out exactly."""
    frame = grouped_frame(J=20)
    t = ld.model("y ~ x + (1 | g)", data=frame, priors={"x": "student_t(1000000, 0, 2)"}).fit(
        "eb", random_seed=1
    )
    normal = ld.model("y ~ x + (1 | g)", data=frame, priors={"x": "normal(0, 2)"}).fit("eb", random_seed=1)
    # Joint mode and conditional mean differ by the order of 1/n, far below the standard error.
    assert abs(t.fixef["x"] - normal.fixef["x"]) < 0.05 * normal.se["x"]
    draws = [fit.draws.flat("beta")[:, 1] for fit in (t, normal)]
    assert draws[0].mean() == pytest.approx(draws[1].mean(), abs=4 * normal.se["x"] / np.sqrt(500))
    assert draws[0].std() == pytest.approx(draws[1].std(), rel=0.15)


def test_no_variance_in_truth_and_few_groups():
    fit = ld.model("y ~ 1 + (1 | g)", data=balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05])).fit(
        "eb", random_seed=1
    )
    assert fit.status == "boundary"
    assert fit.summary().set_index("component").lower["sd"] >= 0


@pytest.mark.parametrize("draws", [99, 10.5, "many"])
def test_the_number_of_draws_is_checked(oneway, draws):
    with pytest.raises(ld.FitError, match="draws = "):
        oneway.fit("eb", draws=draws)


def exact_meta(y, v, priors):
    """Posterior moments of (tau, mu) of y ~ N(mu, v + tau²) by a grid over tau, mu exactly; dense."""
    scale, spread = priors["sigma"][-1], priors["Intercept"]
    tau = np.linspace(0, 12 * scale, 20_001)[1:]
    weights = 1 / (v + tau[:, None] ** 2)
    precision = weights.sum(axis=1) + spread[1] ** -2
    mean = (weights @ y + spread[0] * spread[1] ** -2) / precision
    log_p = 0.5 * np.log(weights).sum(axis=1) - 0.5 * np.log(precision)
    log_p -= 0.5 * (weights @ y**2 - precision * mean**2)
    log_p += stats.t(3, 0, scale).logpdf(tau)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    m, second = p @ mean, p @ (mean**2 + 1 / precision)
    t = p @ tau
    return np.array([t, m]), np.sqrt([p @ tau**2 - t**2, second - m**2])


@pytest.mark.parametrize(("K", "tau"), [(8, 0.0), (8, 0.3), (20, 0.2)])
def test_few_studies_have_the_exact_posterior_and_finite_intervals(K, tau):
    rng = np.random.default_rng(K)
    v = rng.uniform(0.02, 0.2, K)
    y = 0.3 + np.sqrt(v + tau**2) * rng.normal(size=K)
    model = ld.model("y ~ 1 + meta_V(v)", data={"y": y, "v": v})
    fit = model.fit("eb", draws=4000, random_seed=1)
    assert fit.check().set_index("check").status["approximation"] == "ok"
    assert np.isfinite(fit.summary()[["estimate", "se", "lower", "upper"]]).all(axis=None)
    values = {row.parameter: row.values for row in model.priors}
    mean, sd = exact_meta(y, v, values)
    drawn = np.column_stack([fit.draws.flat("sigma"), fit.draws.flat("beta")[:, 0]])
    error = sd / np.sqrt(min(fit.draws.effective, 4000))
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 4 * error)
    assert np.all(np.abs(drawn.std(axis=0) - sd) < 6 * error)


def test_heterogeneity_may_be_exactly_zero_under_flat_priors():
    data = {"y": [0.1, 0.3, 0.2, 0.25] * 2, "v": [0.1, 0.2, 0.1, 0.3] * 2}
    model = ld.model("y ~ 1 + meta_V(v)", data=data, priors="flat")
    eb, reml = model.fit("eb", draws=100, random_seed=1), model.fit("reml")
    assert eb.sigma == reml.sigma == 0.0
    assert eb.loglik == pytest.approx(reml.loglik, rel=1e-12)
    assert eb.fixef["Intercept"] == pytest.approx(reml.fixef["Intercept"], rel=1e-9)


def test_a_published_prior_narrows_the_heterogeneity():
    rng = np.random.default_rng(2)
    data = {"y": rng.normal(0.3, 0.4, 8), "v": rng.uniform(0.02, 0.2, 8)}
    priors = {"sigma": "turner(all-cause mortality, pharma vs placebo)"}
    published, default = (
        ld.model("y ~ 1 + meta_V(v)", data=data, priors=own).fit("eb", draws=2000, random_seed=1)
        for own in (priors, None)
    )
    assert published.draws.sigma.mean() < default.draws.sigma.mean()


def test_many_parameters_far_from_a_gaussian_are_drawn_from_a_mixture():
    """Seven parameters of twelve groups, which Laplace's method alone does not fit."""
    rng = np.random.default_rng(2)
    g, (x, z) = np.repeat(np.arange(12), 8), rng.normal(size=(2, 96))
    u = rng.normal(size=(12, 3)) * [1.0, 0.7, 0.4]
    y = 1 + x + u[g, 0] + u[g, 1] * x + u[g, 2] * z + rng.normal(size=96)
    data = {"y": y, "x": x, "z": z, "g": [f"g{j:02d}" for j in g]}
    fit = ld.model("y ~ x + z + (1 + x + z | g)", data=data).fit("eb", draws=1000, random_seed=1)
    check = fit.check().set_index("check").loc["approximation"]
    assert check.status == "ok"
    assert check.message.startswith("By mixture")
