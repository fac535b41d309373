from dataclasses import replace

import numpy as np
import pytest
from tests.fitting.draws import C, J, S, example
from tests.fitting.problems import bound_problem, grouped_frame

import laird as ld
from laird.fitting.datatree import to_datatree


@pytest.fixture(scope="module")
def problem():
    return bound_problem("y ~ x + w + (1 + x | g)", grouped_frame(J=J))


@pytest.fixture(scope="module")
def draws():
    return example()


def test_the_tree_is_named_by_the_data(draws, problem):
    tree = to_datatree(draws, problem, {"method": "test"})
    posterior = tree["posterior"].to_dataset()
    assert {name: posterior[name].dims[2:] for name in posterior.data_vars} == {
        "beta": ("term",),
        "sigma": (),
        "sd_g": ("g_term",),
        "cor_g": ("g_pair",),
        "u_g": ("g", "g_term"),
    }
    slope = posterior["u_g"].sel(g="g03", g_term="x").values
    np.testing.assert_array_equal(slope, draws.u[0][:, :, 3, 1])
    np.testing.assert_array_equal(posterior["cor_g"].values[..., 0], draws.correlation[..., 1, 0])
    assert tree["sample_stats"]["diverging"].shape == (C, S)
    assert tree.attrs["method"] == tree["posterior"].attrs["method"] == "test"


def test_data_are_stored_with_their_rows(draws, problem):
    tree = to_datatree(draws, problem, {})
    np.testing.assert_array_equal(tree["observed_data"]["y"].values, problem.design.y)
    np.testing.assert_array_equal(tree["constant_data"]["X"].values, problem.design.X)
    assert list(tree["constant_data"]["g_id"].values[:3]) == ["g00"] * 3
    np.testing.assert_array_equal(
        tree["constant_data"]["Z_g"].sel(g_term="x").values, problem.design.random[0].Z[:, 1]
    )


def test_it_can_be_written_and_read(draws, problem, tmp_path):
    import xarray as xr

    tree = to_datatree(draws, problem, {"method": "test", "seed": 3})
    tree.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "draws.nc", engine="h5netcdf") as again:
        np.testing.assert_array_equal(again["posterior"]["beta"].values, draws.beta)
        assert again.attrs["seed"] == 3


def test_effects_that_are_not_kept_are_summarised_in_a_group_of_their_own(draws, problem):
    tree = to_datatree(replace(draws, u=()), problem, {})
    assert "u_g" not in tree["posterior"]
    effects = tree["effects"].to_dataset()
    assert effects["u_g_quantile"].dims == ("quantile", "g", "g_term")
    np.testing.assert_allclose(
        effects["u_g_mean"], draws.flat_effects()[0].mean(axis=0), rtol=1e-12, atol=1e-14
    )
    with pytest.raises(ld.FitError, match="summarised, not kept"):
        replace(draws, u=()).flat_effects()


def test_regressions_keep_the_names_of_their_coefficients():
    frame = grouped_frame(J=15, seed=1).assign(v=0.2)
    frame["v"] += 0.1 * (frame.x > 0)
    parts = ('y ~ x + (1 | g) + meta_V(v, scale="proportional")', "sigma ~ x", "sd(g) ~ w")
    fit = ld.model(*parts, data=frame).fit("eb", draws=100, random_seed=1)
    posterior = fit.to_datatree()["posterior"].to_dataset()
    assert posterior["log_sigma"].dims == ("chain", "draw", "log_sigma_term")
    assert posterior["log_sigma_term"].values.tolist() == ["Intercept", "x"]
    assert posterior["log_sd_g_term"].values.tolist() == ["Intercept", "w"]
    assert posterior["phi"].shape == (1, 100)
    assert "sigma" not in posterior
    slope = fit.summary().set_index(["component", "term"]).loc[("log_sigma", "x")]
    drawn = posterior["log_sigma"].sel(log_sigma_term="x")
    assert np.quantile(drawn, 0.025) == pytest.approx(slope.lower, rel=1e-12)


def test_several_outcomes_have_a_variable_each():
    rng = np.random.default_rng(0)
    frame = {"a": rng.normal(size=40), "b": 5 + 3 * rng.normal(size=40), "x": rng.normal(size=40)}
    parts = ("a ~ x", "b ~ 1", "sigma(b) ~ x")
    fit = ld.model(*parts, data=frame).fit("eb", draws=100, random_seed=1)
    posterior = fit.to_datatree()["posterior"].to_dataset()
    assert set(posterior.data_vars) == {"beta", "sigma_a", "log_sigma_b", "rho_a_b"}
    assert abs(posterior["rho_a_b"]).max() < 1


def test_rows_of_several_outcomes_say_which_outcome_they_are_of():
    rng = np.random.default_rng(3)
    data = {"a": rng.normal(size=20), "b": np.r_[np.full(5, np.nan), rng.normal(size=15)]}
    tree = ld.model("a ~ 1", "b ~ 1", data=data).fit("eb", draws=100, random_seed=1).to_datatree()
    for group in ("observed_data", "constant_data"):
        assert np.unique(tree[group]["outcome"], return_counts=True)[1].tolist() == [20, 15]
    observed = tree["observed_data"]["a"]
    np.testing.assert_array_equal(observed[observed.outcome == "b"], data["b"][5:])
