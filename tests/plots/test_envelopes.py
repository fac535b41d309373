"""What the picture of an envelope draws."""

import numpy as np
import pytest

import laird as ld
from laird.inference.envelopes import envelope
from laird.plots.envelopes import envelope as draw


@pytest.fixture(scope="module")
def found(sleepstudy):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    return envelope(fit, draws=99, random_seed=1)


def test_points_and_band_are_those_of_the_table(found):
    ax = draw(found)
    table = found.table
    drawn = {line.get_label(): line for line in ax.lines}
    for name, rows in (("within", table[~table.outside]), ("outside", table[table.outside])):
        np.testing.assert_array_equal(drawn[name].get_xdata(), rows["quantile"])
        np.testing.assert_array_equal(drawn[name].get_ydata(), rows["residual"])
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(table.upper.max())
    assert corners[:, 1].min() == pytest.approx(table.lower.min())


def test_ends_beyond_the_band_are_named(found):
    names = [text.get_text() for text in draw(found).texts]
    first, last = found.table.iloc[0], found.table.iloc[-1]
    assert first.outside
    assert last.outside
    assert {str(first.label), str(last.label)} <= set(names)
    assert len(names) <= 6


def test_the_p_value_is_written_below(found):
    assert f"p = {found.p_value:.2g}" in draw(found).get_xlabel()


def test_something_else_is_refused(sleepstudy):
    with pytest.raises(ld.FitError, match="drawn from an envelope"):
        draw(sleepstudy)
