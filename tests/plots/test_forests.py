"""The forest plot as a whole: legible, in the axes given, and refusing what it cannot draw."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from tests.plots.meta_fits import assink, bcg, berkey, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.forests import forest

BCG = ld.load_data("bcg_rr")


def boxes(ax):
    ax.figure.draw_without_rendering()
    return {text: text.get_window_extent() for text in ax.texts}


@pytest.mark.parametrize(
    "fit", [bcg, assink, restoration, lambda: bcg("eb")], ids=["bcg", "assink", "rest", "eb"]
)
def test_no_text_runs_over_another(fit):
    rows = {}
    for text, box in boxes(forest(fit())).items():
        rows.setdefault(text.xy[1], []).append(box)
    for row in rows.values():
        assert all(left.x1 <= right.x0 for left, right in pairwise(sorted(row, key=lambda box: box.x0)))
    ordered = [rows[y][0] for y in sorted(rows)]
    assert all(above.y0 > below.y1 - 1 for above, below in pairwise(ordered))  # within a pixel


def test_the_hundred_rows_of_a_figure_are_legible():
    ax = forest(assink())
    ax.figure.draw_without_rendering()
    sizes = {text.get_fontsize() for text in ax.texts}
    assert min(sizes) >= 8.0
    assert len([text for text in ax.texts if text.get_text().startswith("[")]) == 100 + 2


def test_all_text_is_inside_the_figure():
    ax = forest(bcg(), labels=BCG["author"], columns={"Year": BCG["year"]})
    width, height = ax.figure.bbox.width, ax.figure.bbox.height
    for box in boxes(ax).values():
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height


def test_subgroups_have_headers_and_means():
    texts = [text.get_text() for text in forest(bcg(), labels=BCG["author"], by=BCG["alloc"]).texts]
    for name in ("random", "alternate", "systematic"):
        assert name in texts
        assert f"Mean of {name}" in texts
    assert texts.count("95 % prediction interval") == 4


def test_means_of_a_location_scale_fit_at_moderators():
    ax = forest(restoration(), at={"habitat": ["forest"], "duration": [0.0]})
    row = ld.prediction_interval(restoration(), {"habitat": ["forest"], "duration": [0.0]}).iloc[0]
    (diamond,) = ax.patches
    assert diamond.get_xy()[1, 0] == pytest.approx(row["estimate"])
    assert "habitat forest, duration 0" in {text.get_text() for text in ax.texts}


def test_exponentiated_text_and_axis():
    ax = forest(bcg(), exponentiate=True)
    assert ax.get_xlabel() == "exp(yi)"
    assert "0.49" in {text.get_text() for text in ax.texts}


def test_one_of_several_outcomes():
    ax = forest(berkey(), outcome="PD", effects=False, prediction=False)
    assert ax.get_xlabel() == "PD"
    assert "95 % prediction interval" not in {text.get_text() for text in ax.texts}


def test_drawn_into_the_axes_given():
    ax = Figure(figsize=(9, 5), layout="constrained").add_subplot()
    assert forest(bcg(), ax=ax) is ax
    assert ax.get_ylim()[1] == 0.0
    assert ax.get_yticks().tolist() == []


def test_other_intervals_are_named():
    texts = {text.get_text() for text in forest(bcg(), prob=0.9).texts}
    assert {"90 % interval", "90 % prediction interval"} <= texts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prob": 95}, "prob = 95"),
        ({"order": "year"}, "order = 'year'"),
        ({"labels": ["a"]}, "1 entries"),
        ({"by": "allocation"}, "no grouping factor or moderator"),
        ({"outcome": "vi"}, "no outcome `vi`"),
        ({"df": "z"}, "df = 'z'"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(FitError, match=message):
        forest(bcg(), **options)
