"""Power-scaling of priors against posteriors that are fitted with scaled priors."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.criticism_scaling import log_priors
from laird.posterior.families import logpdf


def one_way(scale):
    priors = {"sd(Batch)": f"half_normal({scale})"}
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"), priors=priors)
    return model.fit("eb", draws=4000, random_seed=1)


def test_a_strong_prior_is_found():
    strong, weak = (ld.power_scaling(one_way(scale)).set_index("component") for scale in (8.0, 500.0))
    assert strong.loc["sd", "prior"] > 0.2
    assert strong.loc["sd", "diagnosis"] == "prior and data conflict"
    assert weak.loc["sd", "prior"] < 0.05
    assert weak.loc["sd", "diagnosis"] == ""
    assert (weak.likelihood > 0.05).all()


def test_flat_priors_have_no_influence():
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"), priors="flat")
    found = ld.power_scaling(model.fit("eb", draws=2000, random_seed=1))
    np.testing.assert_array_equal(found.prior, 0.0)


def test_densities_are_those_of_the_parameters():
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    fit = model.fit("eb", draws=100, random_seed=1)
    rows = {row.parameter: row for row in fit.priors}

    def density(name, values):
        return logpdf(rows[name].family, values, *rows[name].values)

    found = log_priors(fit, fit.priors, "covariance")
    sd, correlation = fit.draws.flat("sd"), fit.draws.flat("correlation")[:, 0, 1]
    expected = density("sd(Subject, Intercept)", sd[:, 0]) + density("sd(Subject, Days)", sd[:, 1])
    expected += density("sigma", fit.draws.flat("sigma")) + np.log1p(-(correlation**2))
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-9)
    added = log_priors(fit, fit.priors, "all") - found
    np.testing.assert_allclose(added, log_priors(fit, fit.priors, "coefficients"), atol=1e-9)
    beta = fit.draws.flat("beta")
    centre = beta @ [1.0, model.design.X[:, 1].mean()]
    np.testing.assert_allclose(added, density("Intercept", centre) + density("Days", beta[:, 1]), atol=1e-9)


def test_every_reported_parameter_has_a_row():
    rng = np.random.default_rng(2)
    data = {"y": rng.normal(size=60), "x": rng.normal(size=60), "v": rng.uniform(0.1, 0.2, 60)}
    fit = ld.model("y ~ x + meta_V(v)", "sigma ~ x", data=data).fit("eb", random_seed=1)
    found = ld.power_scaling(fit, "all")
    assert list(found.component) == list(fit.summary().component)
    assert np.isfinite(found[["prior", "likelihood"]].to_numpy()).all()


def test_crossed_factors_and_weights():
    rng = np.random.default_rng(6)
    data = {"a": np.arange(40) % 8, "b": np.arange(40) // 8, "y": rng.normal(size=40), "w": np.ones(40)}
    crossed = ld.model("y ~ 1 + (1 | a) + (1 | b)", data=data).fit("eb", random_seed=1)
    assert np.isfinite(ld.power_scaling(crossed)[["prior", "likelihood"]].to_numpy()).all()
    plain = ld.model("y ~ 1", data=data).fit("eb", random_seed=1)
    weighted = ld.model("y ~ 1", data=data, weights="w").fit("eb", random_seed=1)
    columns = ["prior", "likelihood"]
    np.testing.assert_allclose(
        ld.power_scaling(weighted)[columns], ld.power_scaling(plain)[columns], rtol=1e-6
    )


def test_what_cannot_be_is_said():
    fit = one_way(500.0)
    with pytest.raises(ld.FitError, match="scaled = 'none'"):
        ld.power_scaling(fit, "none")
    with pytest.raises(ld.FitError, match="no draws"):
        ld.power_scaling(ld.model("Yield ~ 1", data=ld.load_data("dyestuff")).fit())
