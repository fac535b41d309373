"""What stands in a forest plot is what was estimated."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection
from matplotlib.figure import Figure
from tests.plots.meta_fits import assink, bcg, restoration

from laird.inference.blups import true_effects_of
from laird.plots.forest_marks import (
    DENSE_SHIFT,
    RISE,
    SHIFT,
    Canvas,
    draw_means,
    draw_studies,
    limits,
    predictions,
    square_sides,
)
from laird.plots.forest_rows import Summary, forest_rows, overall, places
from laird.plots.means import Means
from laird.plots.studies import Studies, studies

Z = 1.9599639845400545


class Drawn(NamedTuple):
    ax: Axes
    own: Studies
    y: np.ndarray
    mean: Means

    def of(self, kind):
        return [each for each in self.ax.collections if type(each) is kind]

    def segments(self, k):
        return np.array(self.of(LineCollection)[k].get_segments())


@pytest.fixture
def drawn() -> Callable[..., Drawn]:
    def draw(fit, *, effects=True):
        own = studies(fit)
        total = overall(own, None, None, 0.95)
        rows = forest_rows(own, [], total, "data", prediction=True, prob=0.95)
        canvas = Canvas(Figure().add_subplot(), 15.0, places(rows, dense=fit.draws is not None))
        predicted = predictions(own, 0.95) if effects else None
        canvas.ax.set_xlim(limits(own, predicted, total, 0.95))
        draw_studies(canvas, rows, own, predicted, 0.95)
        draw_means(canvas, rows, total, fit.method)
        return Drawn(canvas.ax, own, canvas.of(rows, "study")[0], total[0].means)

    return draw


def test_squares_stand_at_the_estimates_and_their_areas_are_weights(drawn):
    found = drawn(bcg())
    (squares,) = found.of(PathCollection)
    assert squares.get_offsets()[:, 0].tolist() == found.own.y.tolist()
    areas = squares.get_sizes()
    assert areas / areas.sum() == pytest.approx(found.own.weight / 100)


def test_intervals_of_estimates_and_of_true_effects(drawn):
    found, effects = drawn(bcg()), true_effects_of(bcg(), 0.95)
    own, true = found.segments(0), found.segments(1)
    assert own[:, 0, 0] == pytest.approx(found.own.y - Z * np.sqrt(found.own.v))
    assert own[:, 1, 0] == pytest.approx(found.own.y + Z * np.sqrt(found.own.v))
    assert true[:, :, 0] == pytest.approx(np.column_stack([effects.lower, effects.upper]))
    assert true[:, 0, 1] == pytest.approx(found.y + SHIFT)


def test_true_effects_are_points_below(drawn, labelled):
    points = labelled(drawn(bcg()).ax, "true effect, EBLUP")
    assert points.get_xdata().tolist() == true_effects_of(bcg(), 0.95).estimate.tolist()


def test_without_true_effects_squares_stand_in_the_middle(drawn):
    found = drawn(bcg(), effects=False)
    (squares,) = found.of(PathCollection)
    assert squares.get_offsets()[:, 1].tolist() == found.y.tolist()
    assert [line for line in found.ax.lines if str(line.get_label()).startswith("true")] == []


def test_the_models_means_where_they_differ(drawn, labelled):
    found = drawn(restoration())
    marks = labelled(found.ax, "model's mean")
    assert marks.get_xdata() == pytest.approx(restoration().fitted(level="population"))
    assert "model's mean" not in {line.get_label() for line in drawn(bcg()).ax.lines}


def test_the_mean_is_a_diamond_and_the_prediction_interval_a_bar(drawn):
    found = drawn(bcg())
    (diamond,) = found.ax.patches
    x = diamond.get_xy()[:, 0]
    assert (x.min(), x.max()) == (found.mean.lower[0], found.mean.upper[0])
    assert diamond.get_xy()[1, 0] == found.mean.estimate[0]
    bar = found.segments(-1)[0]
    assert bar[:, 0].tolist() == [found.mean.pi_lower[0], found.mean.pi_upper[0]]
    assert bar[0, 1] == diamond.get_xy()[0, 1] + 1.0


def test_draws_have_densities_of_one_height_at_their_rows(drawn):
    found = drawn(bcg("eb"))
    shapes = found.of(FillBetweenPolyCollection)
    assert len(shapes) == 13 + 2
    for shape, y, centre in zip(shapes, found.y, true_effects_of(bcg("eb"), 0.95).estimate, strict=False):
        outline = np.concatenate([path.vertices for path in shape.get_paths()])
        base, top = outline[:, 1].max(), outline[:, 1].min()
        assert (base, base - top) == (pytest.approx(y + DENSE_SHIFT), pytest.approx(RISE))
        step = np.ptp(found.ax.get_xlim()) / 400
        assert outline[outline[:, 1].argmin(), 0] == pytest.approx(centre, abs=10 * step)  # mode and mean


def test_rules_part_studies_that_have_several_rows(drawn):
    lines = drawn(assink()).segments(0)
    assert len(lines) == 17
    assert lines[:, :, 0].tolist() == [[0.0, 1.0]] * 17


def test_far_estimates_are_cut_but_never_a_mean():
    own = studies(bcg())
    nothing = np.array([np.nan])
    wide = Means(*(np.array([value]) for value in (0.0, -1.0, 30.0)), nothing, nothing, nothing, None)
    assert limits(own, None, [Summary("Mean", wide)], 0.95)[1] > 30.0
    last = Summary("Mean", Means(*(np.array([v]) for v in (0.0, -1.0, 1.0)), nothing, nothing, nothing, None))
    assert limits(own, None, [Summary("Mean of a", wide), last], 0.95)[1] < 10.0


def test_sides_of_squares():
    sides = square_sides(np.array([1.0, 4.0, 0.0, -2.0]), 8.0)
    assert sides[:2].tolist() == [4.0, 8.0]
    assert sides[2] == sides[3] > 0.0
