"""ArviZ reads what laird writes, and files keep it, whatever the columns are called."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

import laird as ld

RESERVED = ("draw", "chain", "term", "obs", "beta", "sigma", "school.id", "a/b", "x y", "größe")


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_summaries_of_arviz_are_those_of_the_fit(method, hs_fit):
    fit = hs_fit(method)
    table = az.summary(fit.to_datatree(), var_names=["beta", "sigma"], round_to="none")
    ours = fit.summary().query("component in ['fixed', 'sigma']")
    # the same algorithm, called with another layout of the draws
    np.testing.assert_allclose(table["ess_bulk"], ours["ess_bulk"], rtol=1e-6)
    # posterior means of NUTS are the estimates; those of EB are conditional on the mode
    if method == "nuts":
        np.testing.assert_allclose(table["mean"], ours["estimate"], rtol=1e-10)
        np.testing.assert_allclose(table["r_hat"], ours["rhat"], rtol=1e-6)


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_a_file_keeps_every_number_and_label(method, hs_fit, tmp_path):
    tree = hs_fit(method).to_datatree()
    tree.to_netcdf(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as stored:
        xr.testing.assert_identical(stored["posterior"].to_dataset().load(), tree["posterior"].to_dataset())
        assert stored.attrs["formula"] == tree.attrs["formula"]
        assert stored.attrs["seed"] == 1


@pytest.mark.parametrize("name", RESERVED)
def test_groups_may_have_any_name(name, sleepstudy, tmp_path):
    data = sleepstudy.rename(columns={"Subject": name})
    tree = ld.model(f"Reaction ~ Days + (Days | `{name}`)", data=data).fit("eb", draws=100).to_datatree()
    tree.to_netcdf(tmp_path / "fit.nc")
    sizes = tree["posterior"].sizes
    assert (sizes["chain"], sizes["draw"], sizes["term"]) == (1, 100, 2)
    assert data[name].nunique() in sizes.values()


@pytest.mark.parametrize("outcome", ["log(Reaction)", "I(Reaction / 100)"])
def test_outcomes_may_be_functions(outcome, sleepstudy, tmp_path):
    tree = ld.model(f"{outcome} ~ Days + (1 | Subject)", data=sleepstudy).fit("eb", draws=100).to_datatree()
    tree.to_netcdf(tmp_path / "fit.nc")
    (observed,) = tree["observed_data"].data_vars.values()
    assert observed.sizes == {"obs": len(sleepstudy)}
