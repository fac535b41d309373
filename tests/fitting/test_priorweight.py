from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

import laird as ld
from laird.fitting.priorweight import (
    LEAST_DRAWS,
    POWERS,
    STRONG,
    Sensitivity,
    distance,
    natural,
    prior_check,
    sensitivities,
)
from laird.fitting.target import target_of


def model(k=13, v=None, priors=None):
    data = ld.load_data("bcg_rr").head(k)
    return ld.model("yi ~ 1 + meta_V(vi)", data=data.assign(vi=v or data.vi), priors=priors)


def prior_row(bound, method="eb", **options):
    table = bound.fit(method, random_seed=1, **options).check().set_index("check")
    return table.loc["prior"]


def test_the_distance_is_that_of_arviz():
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal(500), rng.gamma(2.0, size=500)
    weights /= weights.sum()
    expected = array_stats._cjs_dist(x, weights)
    assert distance(x, weights) == pytest.approx(max(expected, array_stats._cjs_dist(-x, weights)), rel=1e-12)


def test_a_constant_parameter_does_not_move():
    assert distance(np.ones(5), np.arange(5) / 10) == 0.0


def test_few_vague_studies_leave_the_prior_as_it_is():
    found = prior_row(model(5, v=25.0, priors={"sigma": "half_student_t(3, 0.7)"}))
    assert found.status == "warning"
    assert "The prior says more than the data about `sigma`" in found.message
    assert "laird.sensitivity" in found.remedy


def test_thirteen_trials_outweigh_a_weak_prior():
    found = prior_row(model())
    assert found.status == "ok"
    assert found.value < 0.1


def test_a_prior_that_the_data_contradict_is_noted():
    found = prior_row(model(priors={"sigma": "half_normal(0.05)"}))
    assert found.status == "note"
    assert found.value > STRONG
    assert "disagree about `sigma`" in found.message


def test_flat_priors_have_no_row():
    checks = model(priors="flat").fit("eb", random_seed=1).check().check
    assert "prior" not in set(checks)


def test_without_sds_there_is_no_row():
    bound = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ 0", data=ld.load_data("bcg_rr"))
    checks = bound.fit("eb", random_seed=1).check()
    assert "prior" not in set(checks.check)
    assert (checks.status == "ok").all()


def test_nuts_and_empirical_bayes_agree():
    """400 draws each; a sensitivity has a Monte Carlo error of about a tenth of itself."""
    options = {"draws": 500, "tune": 500, "chains": 2, "progress": False}
    eb, nuts = prior_row(model(8)), prior_row(model(8), "nuts", **options)
    assert nuts.value == pytest.approx(eb.value, rel=0.5)
    assert nuts.status == eb.status


def test_every_sd_and_correlation_has_its_name():
    bound = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    fit = bound.fit("eb", draws=200, random_seed=1)
    target = target_of(fit.problem, fit.priors)
    scatter = 0.1 * np.random.default_rng(0).normal(size=(60, 4))
    phi = target.coordinates.join(fit.theta, np.zeros(0)) + scatter
    found = sensitivities(target, phi)
    assert [own.parameter for own in found] == [
        "sd(Subject, Intercept)",
        "sd(Subject, Days)",
        "cor(Subject)",
        "sigma",
    ]
    values = natural(target.coordinates, phi)
    np.testing.assert_allclose(values[:, :2], np.exp(phi[:, :2]))
    np.testing.assert_allclose(values[:, 2], np.tanh(phi[:, 2]))


def test_fewer_draws_are_weighted_where_rows_are_many(monkeypatch):
    fit = model().fit("eb", draws=1000, random_seed=1)
    target = target_of(fit.problem, fit.priors)
    seen = []

    def densities(_, phi):
        seen.append(len(phi))
        return np.zeros(len(phi))

    monkeypatch.setattr(type(target), "densities", densities)
    phi = target.coordinates.join(fit.theta, np.zeros(0)) + np.linspace(0, 1, 1000)[:, None]
    (row,) = prior_check(target, phi, 10**6)
    assert seen == [LEAST_DRAWS]
    assert row.check == "prior"


def test_what_dominates():
    assert Sensitivity("sigma", 0.3, 0.04).dominated
    assert Sensitivity("sigma", 0.3, 0.14).dominated
    assert not Sensitivity("sigma", 0.3, 0.2).dominated
    assert not Sensitivity("sigma", 0.04, 0.0).dominated
    assert POWERS[0] * POWERS[1] == pytest.approx(1.0, abs=1e-3)
