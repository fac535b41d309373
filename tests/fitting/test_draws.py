from dataclasses import replace

import numpy as np
import pytest
from tests.fitting.draws import draws_like
from tests.fitting.problems import bound_target, grouped_frame

import laird as ld
from laird.fitting.draws import joint_draws, to_datatree
from laird.fitting.summaries import QUANTILES, Summariser

C, S, J, q, p = 2, 5, 12, 2, 3


@pytest.fixture(scope="module")
def design():
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=J)).design


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(0)
    made = draws_like(
        rng.normal(size=(C, S, p)),
        rng.uniform(1, 2, (C, S)),
        np.tril(rng.normal(size=(C, S, q, q))),
        [rng.normal(size=(C, S, J, q))],
        stats={"diverging": np.zeros((C, S), dtype=bool)},
    )
    summaries = Summariser(quantiles=True)
    summaries.add(made.flat_effects()[0], made.flat("beta"))
    return replace(made, summaries=(summaries.finish(),))


def test_sds_and_correlations_are_those_of_the_covariance(draws):
    G = draws.G
    np.testing.assert_allclose(draws.sd**2, np.diagonal(G, axis1=-2, axis2=-1), rtol=1e-12)
    expected = G[..., 0, 1] / draws.sd.prod(axis=-1)
    np.testing.assert_allclose(draws.correlation[..., 1, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["beta", "sigma", "alpha", "L", "sd"])
def test_flat_joins_chains_and_draws(draws, name):
    flat, values = draws.flat(name), getattr(draws, name)
    assert flat.shape == (C * S, *values.shape[2:])
    np.testing.assert_array_equal(flat[S], values[1, 0])


def test_the_tree_is_named_by_the_data(draws, design):
    tree = to_datatree(draws, design, {"method": "test"})
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


def test_data_are_stored_with_their_rows(draws, design):
    tree = to_datatree(draws, design, {})
    np.testing.assert_array_equal(tree["observed_data"]["y"].values, design.y)
    np.testing.assert_array_equal(tree["constant_data"]["X"].values, design.X)
    assert list(tree["constant_data"]["g_id"].values[:3]) == ["g00"] * 3
    np.testing.assert_array_equal(
        tree["constant_data"]["Z_g"].sel(g_term="x").values, design.random[0].Z[:, 1]
    )


def test_it_can_be_written_and_read(draws, design, tmp_path):
    import xarray as xr

    tree = to_datatree(draws, design, {"method": "test", "seed": 3})
    tree.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "draws.nc", engine="h5netcdf") as again:
        np.testing.assert_array_equal(again["posterior"]["beta"].values, draws.beta)
        assert again.attrs["seed"] == 3


def test_effects_that_are_not_kept_are_summarised_in_a_group_of_their_own(draws, design):
    tree = to_datatree(replace(draws, u=()), design, {})
    assert "u_g" not in tree["posterior"]
    effects = tree["effects"].to_dataset()
    assert effects["u_g_quantile"].dims == ("quantile", "g", "g_term")
    np.testing.assert_allclose(
        effects["u_g_mean"], draws.flat_effects()[0].mean(axis=0), rtol=1e-12, atol=1e-14
    )
    with pytest.raises(ld.FitError, match="summarised, not kept"):
        replace(draws, u=()).flat_effects()


@pytest.fixture(scope="module")
def target():
    return bound_target("y ~ x + (1 + x | g)", grouped_frame(J=J))


@pytest.mark.parametrize("keep", ["draws", "summary"])
def test_joint_draws_follow_phi(target, keep):
    phi = np.random.default_rng(1).normal(0, 0.3, (C, 400, target.size))
    found = joint_draws(target, phi, np.random.default_rng(2), keep=keep)
    np.testing.assert_allclose(found.sd, np.exp(phi[..., :2]), rtol=1e-12)
    np.testing.assert_allclose(found.correlation[..., 1, 0], np.tanh(phi[..., 2]), rtol=1e-10)
    np.testing.assert_allclose(np.log(found.sigma), phi[..., 3], rtol=1e-12)
    assert found.shape == (C, 400)
    assert len(found.u) == (keep == "draws")
    assert len(found.summaries[0].quantiles) == (len(QUANTILES) if keep == "summary" else 0)


def test_summaries_of_chunks_are_those_of_all_draws(target, monkeypatch):
    from laird.fitting import draws as module

    phi = np.random.default_rng(1).normal(0, 0.3, (C, 400, target.size))
    whole = joint_draws(target, phi, np.random.default_rng(2), keep="draws")
    monkeypatch.setattr(module, "AT_ONCE", 100 * J * q)
    parts = joint_draws(target, phi, np.random.default_rng(2), keep="summary")
    # Other random numbers go to each draw: equal within five Monte Carlo errors of 800 draws.
    own, other = whole.summaries[0], parts.summaries[0]
    sd = np.sqrt(np.diagonal(own.cov, axis1=1, axis2=2))
    assert np.all(np.abs(own.mean - other.mean) < 5 * sd * np.sqrt(2 / 800))


def test_few_effects_are_kept_and_many_are_not(target, monkeypatch):
    from laird.fitting import draws as module

    phi = np.zeros((C, 10, target.size))
    assert joint_draws(target, phi, np.random.default_rng(2)).u
    monkeypatch.setattr(module, "KEPT", 100)
    assert not joint_draws(target, phi, np.random.default_rng(2)).u
