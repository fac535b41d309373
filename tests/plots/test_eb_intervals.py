"""Intervals of empirical Bayes estimates: what is drawn is what the table says."""

import numpy as np
import pytest

import laird as ld
from laird.plots.eb_intervals import KINDS, MOST, eb_intervals

SCHOOLS = {
    "y": [28.0, 8, -3, 7, -1, 1, 18, 12],
    "v": [225.0, 100, 256, 121, 81, 121, 100, 324],
    "school": list("ABCDEFGH"),
}


@pytest.fixture(scope="module")
def table():
    fit = ld.model("y ~ 1 + meta_V(v)", data=SCHOOLS).fit("eb", draws=500, random_seed=1)
    return ld.eb_intervals(fit, labels=SCHOOLS["school"])


def segments(ax, kind):
    return next(
        np.array(lines.get_segments())
        for lines in ax.collections
        if np.allclose(lines.get_color()[0][:3], _rgb(KINDS[kind].colour))
    )


def _rgb(colour):
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]


def test_every_kind_is_drawn_in_the_order_of_the_naive_estimates(table, labelled):
    table = table.assign(naive=[3.0, 1, 2, 8, 7, 6, 5, 4])
    ax = eb_intervals(table)
    order = np.argsort(table.naive.to_numpy())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == table.label.to_numpy()[order].tolist()
    for kind in ("naive", "corrected", "morris", "posterior"):
        points = labelled(ax, KINDS[kind].label).get_xdata()
        np.testing.assert_array_equal(points, table[kind].to_numpy()[order])
        ends = segments(ax, kind)[:, :, 0]
        np.testing.assert_allclose(ends, table[[f"{kind}_lower", f"{kind}_upper"]].to_numpy()[order])
    assert ax.get_xlabel().startswith("True effect")


def test_equal_estimates_stand_in_the_order_of_the_data(table):
    """Without heterogeneity all naive estimates are the mean, up to rounding."""
    assert [tick.get_text() for tick in eb_intervals(table).get_yticklabels()] == SCHOOLS["school"]


def test_intervals_of_a_group_stand_apart(table):
    ax = eb_intervals(table)
    heights = [segments(ax, kind)[0, 0, 1] for kind in ("naive", "corrected", "morris", "posterior")]
    assert np.all(np.diff(heights) > 0.1)
    assert np.ptp(heights) < 0.9


def test_a_fit_names_its_probability_and_its_coefficient(sleepstudy):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("eb", draws=500, random_seed=1)
    ax = eb_intervals(fit, "Days", prob=0.9)
    assert ax.get_xlabel() == "Coefficient of Days\n90 % intervals"
    assert len(ax.get_yticklabels()) == 18


def test_of_many_groups_some_are_shown(table):
    many = table.loc[np.resize(np.arange(8), 100)].assign(naive=np.arange(100.0))
    ax = eb_intervals(many)
    assert len(ax.get_yticklabels()) == 34 <= MOST
    assert "34 of 100" in ax.get_xlabel()


def test_what_there_is_not_is_not_drawn(table):
    without = table.assign(corrected=np.nan, corrected_lower=np.nan, corrected_upper=np.nan)
    names = [text.get_text() for text in eb_intervals(without).get_legend().get_texts()]
    assert names == [KINDS[kind].label for kind in ("naive", "morris", "posterior")]


def test_other_tables_and_terms_are_refused(table, sleepstudy):
    with pytest.raises(ld.FitError, match="no table of intervals"):
        eb_intervals(table[["label"]])
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("eb", draws=500, random_seed=1)
    with pytest.raises(ld.FitError, match="no coefficient `days`"):
        eb_intervals(fit, "days")
