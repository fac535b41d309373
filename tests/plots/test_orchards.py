"""The orchard plot."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from tests.plots.meta_fits import assink, bcg, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.means import means
from laird.plots.orchards import LARGEST, SWARM, orchard, quasirandom
from laird.plots.studies import studies


def fruits(ax):
    return [each for each in ax.collections if isinstance(each, PathCollection)]


def branches(ax):
    lines = [each for each in ax.collections if isinstance(each, LineCollection)]
    return [each.get_segments()[0] for each in lines]


def test_every_estimate_is_a_fruit_of_its_subgroup():
    ax, own = orchard(restoration(), by="habitat"), studies(restoration(), by="habitat")
    for k, swarm in enumerate(fruits(ax)):
        x, y = swarm.get_offsets().T
        assert x.tolist() == own.y[own.ids == k].tolist()
        assert np.abs(y - k).max() <= SWARM
        assert swarm.get_sizes() == pytest.approx(
            LARGEST**2 * np.sqrt(60 / 80) * (own.v.min() / own.v[own.ids == k]) ** 0.5
        )


def test_branches_are_means_and_prediction_intervals():
    ax, own = orchard(restoration(), by="habitat", prob=0.9), studies(restoration(), by="habitat")
    found = means(restoration(), own.design, own.ids, prob=0.9)
    ends = [segment[:, 0].tolist() for segment in branches(ax)]
    assert ends[0] == [found.pi_lower[0], found.pi_upper[0]]
    assert ends[3] == [found.lower[1], found.upper[1]]
    points = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "o"]
    assert points == [[[found.estimate[0], 0.0]], [[found.estimate[1], 1.0]]]


def test_all_in_one_and_numbers_of_estimates_and_groups():
    ax = orchard(assink())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["All"]
    assert "k = 100\nstudy: 17" in {text.get_text() for text in ax.texts}


def test_a_subgroup_without_a_mean_says_so():
    by = ["one", *["rest"] * 12]
    ax = orchard(bcg(), by=by)
    assert "k = 1\ntoo few for a mean" in {text.get_text() for text in ax.texts}
    assert len(branches(ax)) == 2


def test_legend_tells_sizes():
    legend = orchard(bcg()).get_legend()
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:2] == ["95 % interval of the mean", "prediction interval"]
    assert all(text.startswith("1/se = ") for text in texts[2:])
    sizes = [handle.get_markersize() for handle in legend.legend_handles[2:]]
    assert sizes == sorted(sizes)


def test_quasirandom_offsets_are_broad_where_the_crowd_is():
    x = np.concatenate([np.random.default_rng(1).normal(size=500), [8.0]])
    offsets = quasirandom(x)
    assert np.abs(offsets).max() <= 1.0
    assert np.abs(offsets[np.abs(x) < 0.5]).max() > 0.8
    assert abs(offsets[-1]) < 0.1


def test_one_estimate_has_a_place():
    assert quasirandom([3.0]).tolist() == [0.0]


def test_drawn_into_the_axes_given_and_exponentiated():
    ax = Figure().add_subplot()
    assert orchard(bcg(), ax=ax, exponentiate=True) is ax
    assert ax.get_xlabel() == "exp(yi)"


def test_bad_input():
    with pytest.raises(FitError, match="prob = 0"):
        orchard(bcg(), prob=0)
    with pytest.raises(FitError, match="no known sampling variances"):
        orchard(ld.model("yi ~ 1", data=ld.load_data("bcg_rr")).fit("ols"))
