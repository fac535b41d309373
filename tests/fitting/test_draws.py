import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting.draws import Draws, to_datatree

C, S, J, q, p = 2, 5, 12, 2, 3


@pytest.fixture(scope="module")
def design():
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=J)).design


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(0)
    return Draws(
        beta=rng.normal(size=(C, S, p)),
        sigma=rng.uniform(1, 2, (C, S)),
        u=rng.normal(size=(C, S, J, q)),
        L=np.tril(rng.normal(size=(C, S, q, q))),
        stats={"diverging": np.zeros((C, S), dtype=bool)},
    )


def test_sds_and_correlations_are_those_of_the_covariance(draws):
    G = draws.G
    np.testing.assert_allclose(draws.sd**2, np.diagonal(G, axis1=-2, axis2=-1), rtol=1e-12)
    expected = G[..., 0, 1] / draws.sd.prod(axis=-1)
    np.testing.assert_allclose(draws.correlation[..., 1, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["beta", "sigma", "u", "L", "sd"])
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
    np.testing.assert_array_equal(slope, draws.u[:, :, 3, 1])
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
