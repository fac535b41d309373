"""Draws from priors have the distributions that the table says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma, kstest

import laird as ld
from laird.fitting.problem import problem
from laird.gaussian.coordinates import sds_and_correlations
from laird.inference.criticism_prior import prior_parameters
from laird.posterior.families import quantile

S = 4000


def drawn(model):
    bound = problem(model.spec, model.schema, model.design)
    return prior_parameters(bound, model.priors, S, np.random.default_rng(1))


def check(values, row):
    """Values are from the prior of a row: Kolmogorov and Smirnov, to one in ten thousand."""
    levels = np.linspace(0.001, 0.999, 999)
    table = quantile(row.family, levels, *row.values)
    assert kstest(np.interp(values, table, levels), "uniform").pvalue > 1e-4, row.parameter


def test_of_a_random_slope():
    data = ld.load_data("sleepstudy")
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=data.assign(Days=data.Days + 100.0))
    given, rows = drawn(model), {row.parameter: row for row in model.priors}
    sd, correlation = sds_and_correlations(given.theta.L @ given.theta.L.transpose(0, 2, 1))
    check(sd[:, 0], rows["sd(Subject, Intercept)"])
    check(sd[:, 1], rows["sd(Subject, Days)"])
    check(np.exp(given.theta.alpha[:, 0]), rows["sigma"])
    check(given.beta[:, 1], rows["Days"])
    check(given.beta @ [1.0, model.design.X[:, 1].mean()], rows["Intercept"])
    uniform = kstest((correlation[:, 0, 1] + 1) / 2, "beta", args=(2.0, 2.0))
    assert uniform.pvalue > 1e-4, "lkj(2) of two coefficients is Beta(2, 2) on (-1, 1)"


def test_of_regressions_and_several_outcomes():
    rng = np.random.default_rng(2)
    data = {"p": rng.normal(size=40), "q": 7 + 3 * rng.normal(size=40), "x": 5 + rng.normal(size=40)}
    priors = {"p: x": "student_t(4, 0, 1)"}
    model = ld.model("p ~ x", "q ~ x", "sigma(p) ~ x", "rho(p, q) ~ x", data=data, priors=priors)
    given, rows = drawn(model), {row.parameter: row for row in model.priors}
    bound = problem(model.spec, model.schema, model.design)
    check(bound.codings.of("sigma", "p").coefficients(given.theta)[:, 1], rows["log_sigma(p, x)"])
    check(bound.codings.of("rho", "p, q").coefficients(given.theta)[:, 1], rows["atanh_rho(p, q, x)"])
    check(given.beta[:, 1], rows["p: x"])
    check(given.beta[:, 2:] @ [1.0, data["x"].mean()], rows["q: Intercept"])


def test_flat_priors_have_no_draws():
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"), priors="flat")
    with pytest.raises(ld.FitError, match=r"`Intercept`, `sigma`, `sd\(Batch, Intercept\)` are flat"):
        ld.prior_predictive(model)


def test_models_without_coefficients_have_draws():
    model = ld.model("Yield ~ 0 + (1 | Batch)", data=ld.load_data("dyestuff"))
    assert drawn(model).beta.shape == (S, 0)
    assert 0.0 < ld.prior_predictive(model, plausible=(0, 3000), draws=10, random_seed=1).inside < 1.0


def test_of_families():
    data, priors = ld.load_data("sleepstudy"), {"nu(errors)": "gamma(2, 0.5)"}
    families = {"Subject": "skew_normal", "errors": "t"}
    model = ld.model("Reaction ~ Days + (Days || Subject)", data=data, families=families, priors=priors)
    given = drawn(model)
    rows = {row.parameter: row for row in model.priors}
    check(given.families["Subject"].shape[:, 1], rows["alpha(Subject, Days)"])
    check(np.exp(given.theta.alpha[:, 0]), rows["sigma"])
    nu, prior = given.families["errors"].shape[:, 0], gamma(2, scale=2.0)
    above = kstest(nu, lambda x: (prior.cdf(x) - prior.cdf(2)) / prior.sf(2))
    assert above.pvalue > 1e-4, "the prior's part above 2"
    assert 0.0 < ld.prior_predictive(model, plausible=(0, 1000), draws=50, random_seed=1).inside < 1.0
