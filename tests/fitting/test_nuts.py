"""NUTS: the exact posterior within Monte Carlo error, seeds, options, checks."""

import subprocess
import sys

import numpy as np
import pytest
from tests.fitting.grids import grid_moments
from tests.fitting.problems import bound_target, grouped_frame

import laird as ld
from laird.fitting import nuts
from laird.fitting.tables import convergence

FORMULA = "y ~ 1 + (1 | g)"
OPTIONS = {"draws": 500, "tune": 400, "chains": 2, "cores": 1, "random_seed": 5}


@pytest.fixture(scope="module")
def model():
    return ld.model(FORMULA, data=grouped_frame(J=12, seed=3, sd=(1.0, 0.0)))


@pytest.fixture(scope="module")
def fit(model):
    return model.fit("nuts", **OPTIONS)


def test_draws_have_the_moments_of_the_exact_posterior(fit):
    _assert_exact(fit, J=12)


def test_with_many_groups_signed_sds_have_the_same_posterior():
    J = nuts.MANY_GROUPS + 5
    many = ld.model(FORMULA, data=grouped_frame(J=J, seed=3, sd=(1.0, 0.0)))
    _assert_exact(many.fit("nuts", **OPTIONS), J=J)


def test_without_nutpie_pymc_samples_the_same_posterior(model, monkeypatch):
    monkeypatch.setattr("laird.fitting.settings.find_spec", lambda _name: None)
    fit = model.fit("nuts", **OPTIONS)
    assert dict(fit.origin.options)["sampler"] == "pymc"
    assert {"diverging", "n_steps"} <= set(fit.draws.stats)
    _assert_exact(fit, J=12)
    with pytest.raises(ld.FitError, match="nutpie is not installed"):
        model.fit("nuts", sampler="nutpie")


def _assert_exact(fit, *, J):
    exact = grid_moments(bound_target(FORMULA, grouped_frame(J=J, seed=3, sd=(1.0, 0.0))))
    draws = fit.draws
    chains = [draws.sd[..., 0], draws.sigma, draws.beta[..., 0], draws.u[0][..., 0, 0]]
    for values, mean, sd in zip(chains, exact.mean, exact.sd, strict=True):
        bulk, tail, _ = convergence(values)
        # Monte Carlo standard errors; four of them are exceeded by chance once in 16,000.
        assert abs(values.mean() - mean) < 4 * sd / np.sqrt(bulk)
        assert abs(values.std() - sd) < 6 * sd / np.sqrt(2 * min(bulk, tail))


def meta_frame(J=12):
    """Two estimates of each of J studies, with known variances."""
    rng = np.random.default_rng(8)
    v = rng.uniform(0.05, 0.5, 2 * J)
    g = np.repeat(np.arange(J), 2)
    y = 0.4 + 0.5 * rng.normal(size=J)[g] + np.sqrt(v) * rng.normal(size=2 * J)
    return {"y": y, "v": v, "g": [f"s{k:02d}" for k in g]}


@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_regressions_known_variances_and_factors_are_sampled(sampler):
    """The same posterior as by importance weights around its mode, which is exact up to its k̂."""
    x = np.random.default_rng(1).normal(size=24)
    model = ld.model("y ~ x + (1 | g) + meta_V(v)", "sigma ~ x", data=meta_frame() | {"x": x})
    fit = model.fit("nuts", **OPTIONS, sampler=sampler)
    eb = model.fit("eb", draws=4000, random_seed=2)
    assert eb.check().set_index("check").status["approximation"] == "ok"
    drawn, weighted = (f.to_datatree()["posterior"].to_dataset() for f in (fit, eb))
    for name in ("beta", "sd_g", "log_sigma"):
        values, others = (np.asarray(d[name]).reshape(-1, d[name].shape[-1]) for d in (drawn, weighted))
        error = values.std(axis=0) * np.sqrt(1 / fit.summary().ess_bulk.min() + 1 / eb.draws.effective)
        assert np.all(np.abs(values.mean(axis=0) - others.mean(axis=0)) < 4 * error)


def test_crossed_factors_are_sampled():
    frame = grouped_frame(J=12, seed=3).assign(h=lambda d: [f"h{k % 6}" for k in range(len(d))])
    model = ld.model("y ~ x + (1 | g) + (1 | h)", data=frame)
    fit, eb = model.fit("nuts", **OPTIONS), model.fit("eb", draws=4000, random_seed=2)
    error = np.sqrt(1 / fit.summary().ess_bulk.min() + 1 / min(eb.draws.effective, 4000))
    for values, others in zip(
        (fit.draws.flat("sd"), *fit.draws.flat_effects()),
        (eb.draws.flat("sd"), *eb.draws.flat_effects()),
        strict=True,
    ):
        assert np.all(np.abs(values.mean(axis=0) - others.mean(axis=0)) < 5 * error * values.std(axis=0))


def test_estimates_are_posterior_means(fit):
    assert fit.fixef["Intercept"] == pytest.approx(fit.draws.beta[..., 0].mean(), rel=1e-12)
    assert fit.varcorr.sdcor[0] == pytest.approx(fit.draws.sd.mean(), rel=1e-12)
    assert fit.sigma == pytest.approx(fit.draws.sigma.mean(), rel=1e-12)
    np.testing.assert_allclose(fit.ranef("g"), fit.draws.flat_effects()[0].mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(fit.se, fit.draws.flat("beta").std(axis=0, ddof=1), rtol=1e-10)


def test_shapes_and_records(fit):
    assert fit.draws.beta.shape == (2, 500, 1)
    assert fit.draws.u[0].shape == (2, 500, 12, 1)
    assert fit.draws.warmup == 400
    assert fit.origin.seed == 5
    assert dict(fit.origin.options)["draws"] == "500"
    assert {"diverging", "tree_depth", "lp"} <= set(fit.draws.stats)


def test_the_same_seed_gives_the_same_draws(model, fit):
    again = model.fit("nuts", **OPTIONS)
    np.testing.assert_array_equal(again.draws.sigma, fit.draws.sigma)
    np.testing.assert_array_equal(again.draws.u[0], fit.draws.u[0])


def test_another_seed_gives_other_draws(model, fit):
    other = model.fit("nuts", **OPTIONS | {"random_seed": 6})
    assert not np.array_equal(other.draws.sigma, fit.draws.sigma)


def test_chains_differ(fit):
    assert not np.array_equal(fit.draws.sigma[0], fit.draws.sigma[1])
    assert not np.array_equal(fit.draws.u[0][0], fit.draws.u[0][1])


@pytest.mark.parametrize(
    "option",
    [
        {"draws": 0},
        {"draws": 10.5},
        {"tune": 0},
        {"chains": 0},
        {"cores": 0},
        {"target_accept": 1.0},
        {"target_accept": 80},
        {"random_seed": -1},
        {"sampler": "gibbs"},
        {"keep": "some"},
    ],
    ids=str,
)
def test_unusable_options_are_refused_before_anything_is_computed(model, option, monkeypatch):
    def computed(*_):
        raise AssertionError("the posterior was built")

    monkeypatch.setattr(nuts, "target_of", computed)
    with pytest.raises(ld.FitError) as caught:
        model.fit("nuts", **option)
    assert "Allowed" in caught.value.allowed


def test_nothing_of_pymc_is_imported():
    """A process that samples spends no time on PyMC and PyTensor."""
    code = (
        "import sys, laird as ld; model = ld.model('Yield ~ 1 + (1 | Batch)', data=ld.load_data('dyestuff'));"
        "model.fit('nuts', draws=50, tune=50, chains=1, random_seed=1, progress=False);"
        "sys.exit(any(name in sys.modules for name in ('pymc', 'pytensor')))"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0


def test_summaries_take_the_place_of_many_effects(model, fit):
    kept = model.fit("nuts", **OPTIONS, keep="summary")
    assert kept.draws.u == ()
    np.testing.assert_allclose(kept.ranef("g"), fit.ranef("g"), rtol=1e-10)
    np.testing.assert_allclose(kept.ranef_sd("g"), fit.ranef_sd("g"), rtol=1e-8)
    with pytest.raises(ld.FitError, match="summarised, not kept"):
        kept.predict()
    assert np.isfinite(kept.predict(groups="population").lower).all()
