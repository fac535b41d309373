"""Bundled data sets: complete, described, fresh."""

import numpy as np
import pandas as pd
import pytest

from laird.data.bundled import DATASETS, list_data, load_data
from laird.errors import DataError

NAMES = (
    *("hs", "hsfull", "sleepstudy", "restoration", "dyestuff", "dyestuff2"),
    *("bcg", "bcg_rr", "bangertdrowns2004", "konstantopoulos2011", "assink2016", "berkey1998"),
    *("berkey1998_wide", "raudenbush1985"),
)
GAPS = {"bangertdrowns2004": ("length", "minutes", "wic", "feedback", "info", "pers", "imag", "meta")}
"""Moderators that the studies did not report."""


def test_the_list_names_rows_source_and_licence():
    table = list_data()
    assert tuple(table.index) == NAMES
    assert list(table.columns) == ["rows", "title", "source", "licence"]
    assert (table[["title", "source", "licence"]].map(len) > 10).all(axis=None)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_each_has_the_stated_rows_and_categories(dataset):
    frame = load_data(dataset.name)
    assert len(frame) == dataset.rows
    gaps = frame.columns[frame.isna().any()]
    assert set(gaps) <= set(GAPS.get(dataset.name, ()))
    categorical = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    assert set(categorical) == set(dataset.categories)


def test_levels_and_labels():
    hs = load_data("hs")
    assert list(hs["Sector"].cat.categories) == ["Catholic", "Public"]
    assert list(hs["HIMINTY"].cat.categories) == ["0", "1"]
    assert hs["school"].cat.categories[0] == "1317"
    assert hs["school"].nunique() == 40
    assert load_data("hsfull")["school"].nunique() == 160
    assert list(load_data("restoration")["habitat"].cat.categories) == ["grassland", "forest"]
    assert list(load_data("restoration")["study"].cat.categories[:3]) == ["1", "2", "3"]


def test_every_call_gives_a_fresh_frame():
    first = load_data("dyestuff")
    first.loc[0, "Yield"] = -1.0
    assert load_data("dyestuff").loc[0, "Yield"] == 1545


def test_counts_agree_with_the_slides(golden, hs):
    assert hs["school"].value_counts().to_dict() == golden("seed_numbers")["counts"]["school_n"]


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(DataError, match=r"no bundled data set 'sleep_study'\.\nNearest: `sleepstudy`"):
        load_data("sleep_study")


def test_hs_has_the_schools_and_pupils_of_the_slides(golden):
    """The slides' prose swaps the numbers of schools by sector; their tables and the data have 21 and 19."""
    hs, told = load_data("hs"), golden("seed_numbers")["counts"]
    schools = hs.groupby("Sector", observed=True).school.nunique()
    assert (len(hs), hs.school.nunique()) == (told["rows"], told["schools"])
    assert (schools["Catholic"], schools["Public"]) == (told["public_schools"], told["catholic_schools"])
    pupils = hs.Sector.value_counts()
    assert (pupils["Catholic"], pupils["Public"]) == (told["catholic_students"], told["public_students"])
    sizes = hs.school.value_counts()
    assert sizes.to_dict() == told["school_n"]
    assert (sizes.min(), sizes.max()) == (told["min_school_n"], told["max_school_n"])


def test_effect_sizes_of_the_vaccine_trials_follow_from_their_counts():
    """log(a / n1) - log(c / n2) with variance 1/a - 1/n1 + 1/c - 1/n2, to the digits of the file."""
    counts, effects = load_data("bcg"), load_data("bcg_rr")
    a, n1, c, n2 = counts.tpos, counts.tpos + counts.tneg, counts.cpos, counts.cpos + counts.cneg
    np.testing.assert_allclose(effects.yi, np.log(a / n1) - np.log(c / n2), rtol=1e-13)
    np.testing.assert_allclose(effects.vi, 1 / a - 1 / n1 + 1 / c - 1 / n2, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "group", "count"),
    [("assink2016", "study", 17), ("konstantopoulos2011", "district", 11), ("berkey1998", "trial", 5)],
)
def test_effect_sizes_are_in_the_stated_number_of_groups(name, group, count):
    assert load_data(name)[group].nunique() == count
