"""The axis of effects."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.plots.effect_axis import MOST_TICKS, effect_axis, ratio_ticks


@pytest.mark.parametrize(("lower", "upper"), [(-0.1, 0.1), (-3.0, 2.0), (-9.0, 9.0), (1.0, 40.0)])
def test_ratios_are_round_inside_and_few(lower, upper):
    ticks = ratio_ticks(lower, upper)
    assert 1 <= len(ticks) <= MOST_TICKS
    assert all(np.exp(lower) <= tick <= np.exp(upper) for tick in ticks)
    assert all(float(f"{tick:.3g}") == tick for tick in ticks)


def test_ticks_of_ratios_stand_at_their_logs():
    ax = Figure().add_subplot()
    ax.set_xlim(-2.5, 1.0)
    effect_axis(ax, "logrr", exponentiate=True)
    ax.figure.draw_without_rendering()
    labels = {float(tick.get_text()): tick.get_position()[0] for tick in ax.get_xticklabels()}
    assert list(labels) == [0.1, 0.2, 0.5, 1.0, 2.0]
    assert list(labels.values()) == pytest.approx(np.log(list(labels)))
    assert ax.get_xlabel() == "exp(logrr)"
    assert ax.get_xlim() == (-2.5, 1.0)


@pytest.mark.parametrize(("limits", "lines"), [((-1.0, 2.0), 1), ((1.0, 2.0), 0)])
def test_no_effect_is_a_line_where_it_is_inside(limits, lines):
    ax = Figure().add_subplot()
    ax.set_xlim(limits)
    effect_axis(ax, "yi", exponentiate=False)
    assert len(ax.lines) == lines
    assert ax.get_xlim() == limits
