"""Fits are loaded as they were saved, by every method and of every structure, or refused."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting import stored
from laird.fitting.codec import encode

METHODS = {
    "ols": {},
    "ml": {},
    "reml": {"se": "joint"},
    "eb": {"draws": 100, "random_seed": 1},
    "nuts": {"draws": 20, "tune": 30, "chains": 2, "random_seed": 1, "progress": False},
}


def frame():
    rng = np.random.default_rng(2)
    data = grouped_frame(J=15, seed=1)
    n = len(data)
    v = rng.uniform(0.1, 0.3, n)
    codes = pd.Categorical(np.array(["low", "mid", "high"])[rng.integers(0, 3, n)], ["low", "mid", "high"])
    return data.assign(y2=rng.normal(size=n), v=v, h=[f"h{k % 7}" for k in range(n)], c=codes)


def missing(data):
    """Some rows lack the second outcome, some a predictor, which drops them."""
    data = data.copy()
    data.loc[data.index[3:9], "y2"] = np.nan
    data.loc[data.index[20:23], "x"] = np.nan
    return data


DATA = frame()
BLOCKS = [np.diag(DATA.v[k : k + 3]) + 0.03 for k in range(0, len(DATA) - 2, 3)]
BLOCKS += [np.array([[value]]) for value in DATA.v[3 * len(BLOCKS) :]]
CASES = {
    "grouped": (("y ~ x + cvar(x, g) + c + (1 + x | g)",), DATA, {}),
    "no groups": (("log(v) ~ center(x)",), DATA, {}),
    "crossed": (("y ~ x + (1 | g) + (1 | h)",), DATA, {}),
    "V of blocks": (("y ~ x + (1 | g) + meta_V(V)",), DATA, {"known": {"V": BLOCKS}}),
    "sd(g) ~ w": (("y ~ x + (1 | g)", "sd(g) ~ w", "sigma ~ x"), DATA, {}),
    "two outcomes": (("y ~ x", "y2 ~ 1", "sigma(y) ~ w"), missing(DATA), {"missing": "drop"}),
    "priors": (("y ~ x + (x || g)",), DATA, {"priors": {"x": "cauchy(0, 1)", "sd(g, x)": "gamma(2, 1)"}}),
}


def assert_same(again, fit):
    """Every field of a fit, and what it was made of, to the last bit."""
    for name, own in fit._parts().items():
        if name not in ("problem", "origin"):
            assert encode(getattr(again, name)).digest == encode(own).digest, name
    assert encode(again.problem.design).digest == encode(fit.problem.design).digest
    assert encode(again.problem.schema).digest == encode(fit.problem.schema).digest
    assert again.origin.record() == fit.origin.record()
    assert again.origin.attributes() == fit.origin.attributes()
    assert again.spec == fit.spec
    assert again.text() == fit.text()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
def test_a_loaded_fit_is_the_fit(case, method, tmp_path):
    parts, data, options = CASES[case]
    if case == "two outcomes" and method == "ols":
        pytest.skip("least squares has one outcome")
    fit = ld.model(*parts, data=data, **options).fit(method, **METHODS[method])
    assert_same(ld.load_fit(fit.save(tmp_path / "fit.nc")), fit)


@pytest.fixture(scope="module")
def fit():
    return ld.model(*CASES["grouped"][0], data=DATA).fit("eb", draws=100, random_seed=1)


@pytest.fixture(scope="module")
def tree(fit):
    return fit.to_datatree()


def test_new_data_are_treated_as_by_the_fit(fit, tmp_path):
    """Stored group means, levels of categories, draws: all predictions are the same."""
    again = ld.load_fit(fit.save(tmp_path / "fit.nc"))
    new = DATA.iloc[[0, 5]].assign(c="high", g=["g03", "never seen"])
    with pytest.warns(ld.LairdWarning):
        expected = fit.predict(new, groups="new", kind="response")
    with pytest.warns(ld.LairdWarning):
        found = again.predict(new, groups="new", kind="response")
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    with pytest.raises(ld.DataError):
        again.predict(DATA.iloc[:2].assign(c="unseen"))


def test_summaries_in_place_of_draws_are_kept(tmp_path):
    fit = ld.model("y ~ x + (1 | g)", data=DATA).fit("eb", draws=100, random_seed=1, keep="summary")
    again = ld.load_fit(fit.save(tmp_path / "fit.nc"))
    assert_same(again, fit)
    assert again.draws.u == ()


def test_a_fit_without_an_approximation_is_kept(tmp_path):
    """The mode of empirical Bayes may be all that there is: no draws."""
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff2"), priors="flat").fit("eb")
    again = ld.load_fit(fit.save(tmp_path / "fit.nc"))
    assert_same(again, fit)


def test_a_tree_in_memory_is_loaded_too(fit, tree):
    assert_same(ld.load_fit(tree), fit)


def test_a_tree_that_the_user_wrote_is_loaded(fit, tree, tmp_path):
    tree.to_netcdf(tmp_path / "own.nc")
    assert_same(ld.load_fit(tmp_path / "own.nc"), fit)


def test_groups_that_others_add_do_no_harm(fit, tree):
    more = tree.assign({"log_likelihood": xr.DataTree(xr.Dataset({"y": ("obs", np.zeros(3))}))})
    assert_same(ld.load_fit(more), fit)


def test_a_fit_that_was_loaded_is_saved_as_it_was(fit, tmp_path):
    once = ld.load_fit(fit.save(tmp_path / "fit.nc"))
    assert_same(ld.load_fit(once.save(tmp_path / "again.nc")), fit)


def test_versions_are_those_of_the_process_that_fitted(tree):
    changed = tree.copy(deep=True)
    state = json.loads(changed["fit"]["state"].item())
    recorded = state["mapping"]["origin"]["mapping"]["recorded"]
    (place,) = (k for k, (name, _) in enumerate(recorded) if name == "laird")
    recorded[place][1] = "0.0.1"
    _rewrite(changed, json.dumps(state, ensure_ascii=False))
    assert ld.load_fit(changed).origin.attributes()["laird_version"] == "0.0.1"


def _rewrite(tree, text):
    from laird.fitting.codec import digest

    own = tree["fit"].to_dataset()
    own["state"] = ((), np.array(text, dtype=object))
    tree["fit"] = xr.DataTree(own)
    own.attrs["digest"] = digest(text, stored._Stored(tree).array)
    tree["fit"] = xr.DataTree(own)


def _altered(tree, path):
    changed = tree.copy(deep=True)
    changed[path].values[...] += 1e-9
    return changed


@pytest.mark.parametrize("path", ["/posterior/beta", "/posterior/u_g", "/observed_data/y", "/fit/float64"])
def test_altered_numbers_are_refused(tree, path):
    with pytest.raises(ld.FitError, match="altered"):
        ld.load_fit(_altered(tree, path))


def test_lost_numbers_are_named(tree):
    changed = tree.copy()
    changed["posterior"] = changed["posterior"].to_dataset().drop_vars("beta")
    with pytest.raises(ld.FitError, match=r"lacks the numbers `/posterior/beta`"):
        ld.load_fit(changed)


def test_a_density_that_is_another_now_is_refused(tree, monkeypatch):
    """As if a later version of laird had another likelihood or prior."""
    true = stored.log_densities
    monkeypatch.setattr(stored, "log_densities", lambda *parts: true(*parts) + 1e-3)
    with pytest.raises(ld.FitError, match="does not agree with this version of laird") as caught:
        ld.load_fit(tree)
    assert "fit again" in caught.value.remedy


def test_another_format_is_refused(tree):
    changed = tree.copy(deep=True)
    changed["fit"].attrs["format"] = 2
    with pytest.raises(ld.FitError, match="stored in format 2"):
        ld.load_fit(changed)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ld.FitError, match="There is no file"):
        ld.load_fit(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no HDF5")
    with pytest.raises(ld.FitError, match="is no netCDF file"):
        ld.load_fit(tmp_path / "text.nc")
    xr.DataTree.from_dict({"posterior": xr.Dataset({"beta": 1.0})}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(ld.FitError, match="hold no fit of laird") as caught:
        ld.load_fit(tmp_path / "other.nc")
    assert "posterior" in caught.value.allowed


def test_other_families_are_kept(tmp_path):
    families = {"g": "t"}
    options = {"draws": 20, "tune": 30, "chains": 1, "random_seed": 1, "progress": False}
    fit = ld.model("y ~ x + (1 | g)", data=DATA, families=families).fit("nuts", **options)
    assert_same(ld.load_fit(fit.save(tmp_path / "fit.nc")), fit)


@pytest.mark.parametrize("source", [3, None, {"fit": 1}])
def test_what_is_no_file_and_no_tree_is_refused(source):
    with pytest.raises(ld.FitError, match="neither a path nor a tree"):
        ld.load_fit(source)
