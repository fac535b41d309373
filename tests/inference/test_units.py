"""Units by factor, by column, by default."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.units import units_of


@pytest.fixture(scope="module")
def nested():
    rng = np.random.default_rng(1)
    data = {"y": rng.normal(size=24), "a": np.repeat(np.arange(4), 6), "b": np.tile(np.arange(3), 8)}
    return {"a/b": ld.model("y ~ 1 + (1 | a/b)", data=data).fit("ml")} | {
        "a+b": ld.model("y ~ 1 + (1 | a) + (1 | b)", data=data).fit("ml")
    }


def test_the_default_is_the_factor_outside_all_others(nested):
    assert (units_of(nested["a/b"]).name, units_of(nested["a/b"]).labels) == ("a", ("0", "1", "2", "3"))


def test_crossed_factors_have_no_default(nested):
    with pytest.raises(ld.FitError, match="No grouping factor is outside all others"):
        units_of(nested["a+b"])
    assert len(units_of(nested["a+b"], "b").labels) == 3


def test_without_factors_rows_are_the_units(hs):
    fit = ld.model("mathach ~ ses", data=hs).fit("ols")
    assert units_of(fit).labels[:3] == ("0", "1", "2")


def test_a_column_of_the_data_is_read_at_the_rows_of_the_fit(hs):
    data = hs.copy()
    data.loc[5, "ses"] = np.nan
    fit = ld.model("mathach ~ ses", data=data, missing="drop").fit("ols")
    whole, kept = units_of(fit, data.school), units_of(fit, data.school.drop(5))
    np.testing.assert_array_equal(whole.codes, kept.codes)
    assert whole.name == "school"


def test_input_that_is_refused(nested):
    fit = nested["a/b"]
    with pytest.raises(ld.FitError, match="no grouping factor `c`"):
        units_of(fit, "c")
    with pytest.raises(ld.FitError, match="labels have 3 entries; the fit has 24 rows"):
        units_of(fit, [1, 2, 3])
    with pytest.raises(ld.FitError, match="1 labels are missing"):
        units_of(fit, pd.Series([None, *range(23)]))
