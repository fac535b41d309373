from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design

from laird.posterior import PriorRow, prior_table
from laird.spec.terms import Prior


def row(table, parameter):
    return next(r for r in table if r.parameter == parameter)


def test_lookups():
    table = prior_table([], design())
    assert [r.parameter for r in table.sds("school")] == ["sd(school, Intercept)", "sd(school, x1)"]
    assert table.cor("school").size == 2
    assert prior_table([], design(q=1)).cor("school") is None
    assert prior_table([], design(blocks=((0,), (1,)))).cor("school") is None
    assert len(prior_table([], design(q=0))) == 4


def test_frame_has_float_ranges_on_both_scales():
    d = design()
    frame = prior_table([], d).to_frame(prob=0.9).set_index("parameter")
    assert frame.loc["x1", "outcome_upper"] == pytest.approx(
        frame.loc["x1", "upper"] * np.std(d.X[:, 1], ddof=1)
    )
    # 90 % of a normal lies within 1.645 sd.
    assert frame.loc["x1", "upper"] == pytest.approx(
        1.6448536 * row(prior_table([], d), "x1").values[1], rel=1e-6
    )
    assert np.isnan(frame.loc["cor(school)", "outcome_lower"])
    assert -frame.loc["cor(school)", "lower"] == pytest.approx(frame.loc["cor(school)", "upper"])
    assert frame[["lower", "upper", "outcome_lower", "outcome_upper"]].dtypes.eq(float).all()


def test_flat_ranges_are_infinite_and_respect_the_sign():
    table = prior_table([Prior("*", "flat")], design())
    assert row(table, "x1").interval() == (-np.inf, np.inf)
    assert row(table, "sigma").interval() == (0, np.inf)
    assert row(table, "cor(school)").interval() == pytest.approx((-0.9, 0.9))  # uniform on (-1, 1)
    assert "-∞ to ∞" in str(table)


def test_html_escapes_names():
    d = replace(design(), outcome="<b>score</b>")
    html = prior_table([], d)._repr_html_()
    assert "<b>" not in html
    assert html.count("<tr>") == 8


def test_rows_are_frozen():
    sigma = prior_table([], design()).sigma
    assert isinstance(sigma, PriorRow)
    with pytest.raises(AttributeError):
        sigma.family = "flat"
