"""Tables of counts against pandas and the slides, on every kind of frame."""

import numpy as np
import pandas as pd
import pytest
from tests.data.frames import KINDS, to_pandas

from laird.data.tables import table
from laird.errors import DataError


def test_two_ways_with_totals_are_those_of_pandas(hs):
    found = table(hs, "Sector", "school")
    expected = pd.crosstab(hs["Sector"], hs["school"], margins=True, margins_name="Total")
    np.testing.assert_array_equal(found, expected)
    assert found.index.tolist() == ["Catholic", "Public", "Total"]
    assert (found.index.name, found.columns.name) == ("Sector", "school")


def test_the_counts_of_the_slides(hs, golden):
    counts = golden("seed_numbers")["counts"]
    by_sector, by_sex = table(hs, "Sector", "school"), table(hs, "Sex", "school")
    assert by_sector.loc["Total"].drop("Total").to_dict() == counts["school_n"]
    assert by_sector["Total"].to_dict() == {
        "Catholic": counts["catholic_students"],
        "Public": counts["public_students"],
        "Total": counts["rows"],
    }
    assert by_sex["Total"].tolist() == [counts["female"], counts["male"], counts["rows"]]
    assert by_sex.loc["Male", ["1317", "2629", "2658"]].tolist() == [0, 57, 18]


def test_three_ways(hs):
    found = table(hs, "Sex", "Sector", "Minority")
    assert found.index.names == ["Sex", "Sector"]
    for sex in ("Female", "Male"):
        own = table(hs[hs["Sex"] == sex], "Sector", "Minority")
        np.testing.assert_array_equal(found.loc[sex], own)
    np.testing.assert_array_equal(found.loc["Total"], table(hs, "Sector", "Minority"))


def test_one_way(hs):
    assert table(hs, "Sex")["n"].to_dict() == {"Female": 1074, "Male": 903, "Total": 1977}


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_other_frames_have_the_levels_as_columns(hs, kind):
    found = table(KINDS[kind](hs), "Sector", "Sex")
    assert type(found) is type(KINDS[kind](hs))
    expected = table(hs, "Sector", "Sex").reset_index()
    np.testing.assert_array_equal(to_pandas(found), expected)
    assert list(to_pandas(found).columns) == ["Sector", "Female", "Male", "Total"]


def test_missing_values_and_empty_cells_are_counted():
    data = pd.DataFrame({"a": ["u", None, "v", "u"], "b": pd.Categorical([1, 1, 2, 2], [2, 1, 3])})
    found = table(data, "a", "b")
    assert found.index.tolist() == ["u", "v", "(missing)", "Total"]
    assert found.columns.tolist() == ["2", "1", "Total"]
    assert found.to_numpy().tolist() == [[1, 1, 2], [1, 0, 1], [0, 1, 1], [2, 2, 4]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((), "needs one or more different columns"),
        (("Sex", "Sex"), "needs one or more different columns"),
        (("Sex", "Skool"), "There is no column `Skool`"),
        (("total",), 'has a level "Total"'),
    ],
)
def test_bad_input_is_refused(hs, columns, message):
    with pytest.raises(DataError, match=message):
        table(hs.assign(total="Total"), *columns)
