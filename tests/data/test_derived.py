"""Derived variables are recognised, and nothing else is."""

import numpy as np
import pytest

from laird.data.levels import levels


def derived(data):
    found = levels(data, "school").set_index("variable")["derived"]
    return found[found != ""].to_dict()


def test_means_shares_sizes_and_deviations(hs):
    by = hs.groupby("school", observed=True)
    data = hs.assign(
        mean=by["ses"].transform("mean"),
        rounded=by["mathach"].transform("mean").round(2),
        girls=(hs["Sex"] == "Female").groupby(hs["school"], observed=True).transform("mean"),
        n=by["ses"].transform("size"),
        cwg=hs["ses"] - by["ses"].transform("mean"),
    )
    assert derived(data) == {
        "mean": "cvar(ses, school)",
        "rounded": "cvar(mathach, school)",
        "girls": "cvar(Sex, school)[Female]",
        "n": "size of school",
        "cwg": "dvar(ses, school)",
    }
    kinds = levels(data, "school").set_index("variable")
    assert kinds.loc["cwg", ["level", "kind"]].tolist() == [1, "derived"]
    assert kinds.loc["mean", ["level", "kind"]].tolist() == [2, "derived"]


def test_what_is_not_derived_is_not_called_so(hs):
    assert derived(hs) == {}
    by = hs.groupby("school", observed=True)
    # a coarse code that some means round to, and a mean of something else
    codes = by["ses"].transform("mean").round(0)
    assert derived(hs.assign(code=codes, other=by["ses"].transform("mean") + 0.01)) == {}


@pytest.mark.parametrize("missing", ["ses", "mean"])
def test_missing_values_decide_nothing(hs, missing):
    data = hs.assign(mean=hs.groupby("school", observed=True)["ses"].transform("mean"))
    data.loc[3, missing] = np.nan
    assert derived(data) == {}
