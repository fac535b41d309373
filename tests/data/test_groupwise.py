"""Values by group, samples of groups and informative labels, on every kind of frame."""

import numpy as np
import pandas as pd
import pytest
from tests.data.frames import KINDS, to_pandas

from laird.data.groupwise import SUMMARIES, by_group, group_labels, sample_groups
from laird.errors import DataError

PANDAS = {"sd": "std"}


@pytest.mark.parametrize("function", SUMMARIES)
def test_summaries_are_those_of_pandas(hs, function):
    data = hs.assign(ses=hs["ses"].where(hs["mathach"] > 5.0)).sample(frac=1.0, random_state=1)
    expected = data.groupby("school", observed=True)["ses"].transform(PANDAS.get(function, function))
    found = by_group(data, "school", function, "ses")
    # sums of at most 66 numbers in another order
    pd.testing.assert_series_equal(found, expected, check_names=False, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_its_own_kind(hs, kind):
    data = KINDS[kind](hs)
    column = data["ses"]
    found = by_group(data, "school", "mean", "ses")
    assert type(found) is type(column)
    expected = hs.groupby("school", observed=True)["ses"].transform("mean")
    np.testing.assert_allclose(to_pandas(found), expected, rtol=1e-12)
    assert type(sample_groups(data, "school", 3, 1)) is type(data)
    assert type(group_labels(data, "school", "{Sector:.1}{school}")) is type(column)


def test_size_counts_the_rows(hs, golden):
    counts = golden("seed_numbers")["counts"]["school_n"]
    assert by_group(hs, "school", "size").tolist() == [counts[school] for school in hs["school"]]


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_functions_of_a_column_or_of_the_rows(hs, kind):
    data = KINDS[kind](hs)
    share = by_group(data, "school", lambda rows: (rows["Sex"] == "Female").mean())
    expected = (hs["Sex"] == "Female").groupby(hs["school"], observed=True).transform("mean")
    np.testing.assert_allclose(to_pandas(share), expected, rtol=1e-14)
    ranks = by_group(data, "school", lambda x: x.rank(), "mathach")
    np.testing.assert_array_equal(to_pandas(ranks), hs.groupby("school", observed=True)["mathach"].rank())
    labels = by_group(data, "school", lambda rows: "small" if len(rows) < 40 else "large")
    assert set(to_pandas(labels)) == {"small", "large"}


def test_results_keep_the_index(hs):
    data = hs.sample(frac=0.5, random_state=2)
    assert by_group(data, "school", len, "ses").index.equals(data.index)
    assert group_labels(data, "school", "{school}").index.equals(data.index)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("school", "avg", "ses"), "There is no summary 'avg'"),
        (("school", "mean"), "What is 'mean' to be of"),
        (("school", "mean", "Sex"), "Column `Sex` holds categories, but numbers are needed"),
        (("school", "mean", "sess"), "There is no column `sess` in the data"),
        (("school", lambda x: x.head(2), "ses"), 'returned 2 values for the 48 rows of group "1317"'),
    ],
)
def test_bad_requests_are_refused(hs, arguments, message):
    with pytest.raises(DataError, match=message):
        by_group(hs, *arguments)


def test_samples_are_whole_groups_and_repeatable(hs):
    some = sample_groups(hs, "school", 7, random_seed=3)
    assert some["school"].nunique() == 7
    assert len(some) == hs["school"].isin(some["school"].unique()).sum()
    assert some.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(some, sample_groups(hs, "school", 7, random_seed=3))
    assert set(sample_groups(hs, "school", 7, random_seed=4)["school"]) != set(some["school"])
    pd.testing.assert_frame_equal(sample_groups(hs, "school", 40), hs)


@pytest.mark.parametrize("k", [0, 41, 2.5, True, "3"])
def test_samples_that_cannot_be_drawn(hs, k):
    with pytest.raises(DataError, match="Allowed: 1 to 40"):
        sample_groups(hs, "school", k)


@pytest.fixture(scope="module")
def with_composition(hs):
    girls = (hs["Sex"] == "Female").groupby(hs["school"], observed=True).transform("mean")
    return hs.assign(sexes=girls.map(lambda share: {0.0: "Boys", 1.0: "Girls"}.get(share, "Coed")))


def test_the_ids_of_the_slides(with_composition, golden):
    found = group_labels(with_composition, "school", "{Sector:.1}{school}{sexes:.1}")
    by_school = dict(zip(with_composition["school"], found, strict=True))
    expected = {
        school: label
        for school, label in golden("seed_numbers")["informative_id"].items()
        if school != "note"
    }
    assert {school: by_school[school] for school in expected} == expected


def test_labels_in_order_of_sector_and_mean_ses(hs):
    found = group_labels(hs, "school", "{Sector:.1}{school}", order=["Sector", "ses"])
    means = hs.groupby(["Sector", "school"], observed=True)["ses"].mean().reset_index()
    expected = means.sort_values(["Sector", "ses"])
    assert found.cat.categories.tolist() == [
        f"{s[0]}{c}" for s, c in zip(expected["Sector"], expected["school"], strict=True)
    ]


def test_ordered_labels_of_other_frames(hs):
    ids = {"template": "{Sector:.1}{school}", "order": ["Sector", "ses"]}
    expected = group_labels(hs, "school", **ids)
    polars = group_labels(KINDS["polars"](hs), "school", **ids)
    assert polars.dtype.categories.to_list() == expected.cat.categories.tolist()
    arrow = group_labels(KINDS["pyarrow"](hs), "school", **ids)
    assert arrow.to_pylist() == expected.tolist()


def test_numbers_take_their_format(hs):
    assert group_labels(hs, "school", "{school} ({Size:05d}, {PRACAD:.2f})").iloc[0] == "1317 (00455, 0.95)"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{ses}", '`ses` varies within groups of `school`.\n    40 groups, first "1317"'),
        ("{Sector}", 'Groups of `school` get the same label.\n    "Catholic": 1317, 1906'),
        ("{sector}", "There is no column `sector` in the data.\nNearest: `Sector`"),
        ("school", "names no column"),
        ("{school", "is not a Python format"),
        ("{Sector:d}", "does not fit its columns"),
    ],
)
def test_templates_that_give_no_labels(hs, template, message):
    with pytest.raises(DataError) as caught:
        group_labels(hs, "school", template)
    assert message in str(caught.value)


def test_a_group_without_a_value_has_no_label(hs):
    data = hs.assign(Size=hs["Size"].where(hs["school"] != "1906"))
    with pytest.raises(DataError, match='`Size` is missing in groups of `school`: "1906"'):
        group_labels(data, "school", "{Size}{school}")
