"""Rows with one residual sd each, and those without residual variation."""

import numpy as np
import pytest
from tests.fitting.problems import bound_problem, grouped_frame

import laird as ld
from laird.fitting.strata import MOST, strata


@pytest.fixture
def frame():
    base = grouped_frame()
    return base.assign(a=np.array(list("uvw"))[np.arange(len(base)) % 3])


def found(frame, *parts):
    return {stratum.words: stratum.rows for stratum in strata(ld.model(*parts, data=frame).design)}


def test_levels_are_strata(frame):
    rows = found(frame, "y ~ x", "sigma ~ a")
    assert set(rows) == {"where `a[v]` = 0, `a[w]` = 0", "where `a[w]` = 1", "where `a[v]` = 1"}
    np.testing.assert_array_equal(rows["where `a[v]` = 1"], np.flatnonzero(frame.a == "v"))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(frame)))


def test_each_outcome_is_one(frame):
    design = ld.model("y ~ x", "x2 ~ w", data=frame.assign(x2=frame.x**2)).design
    assert [(s.outcome, s.words, len(s.rows)) for s in strata(design)] == [
        ("y", "in any row", len(frame)),
        ("x2", "in any row", len(frame)),
    ]


@pytest.mark.parametrize("parts", [("y ~ x",), ("y ~ x", "sigma ~ x")])
def test_one_sigma_and_a_sigma_of_every_row_have_none(frame, parts):
    assert len(frame) > MOST
    assert found(frame, *parts) == {}


def test_rows_of_weight_zero_do_not_count(frame):
    weights = 1.0 * (np.arange(len(frame)) % 6 != 0)
    design = ld.model("y ~ x", "sigma ~ a", data=frame.assign(k=weights), weights="k").design
    (first, *_) = strata(design)
    np.testing.assert_array_equal(first.rows, np.arange(3, len(frame), 6))


STILL = {
    "fixed effects": (("y ~ x", "sigma ~ a"), lambda d: 2 * d.x, "around the fixed effects where `a[v]` = 1"),
    "a constant": (
        ("y ~ x", "sigma ~ a"),
        lambda d: 0 * d.x + 7,
        "around the fixed effects where `a[v]` = 1",
    ),
    "lines of groups": (
        ("y ~ x + (1 | g)", "sigma ~ a"),
        lambda d: 2 * d.x + d.w,
        "around the lines of the groups of `g` where `a[v]` = 1",
    ),
}


@pytest.mark.parametrize("method", ["ml", "reml", "eb"])
@pytest.mark.parametrize(("parts", "line", "words"), STILL.values(), ids=STILL)
def test_a_level_without_residual_variation_is_named(frame, parts, line, words, method):
    data = frame.assign(y=np.where(frame.a == "v", line(frame), frame.y))
    with pytest.raises(ld.FitError) as raised:
        ld.model(*parts, data=data).fit(method)
    assert words in raised.value.what
    assert "rows, first 1, 4, 7, 10, 13 (counted from 0)" in raised.value.where
    assert "merge the level" in raised.value.remedy


def test_an_outcome_without_residual_variation_is_named(frame):
    with pytest.raises(ld.FitError, match="The outcome `z` is an exact linear function"):
        ld.model("y ~ x", "z ~ x", data=frame.assign(z=3 * frame.x)).fit()


def test_one_row_by_group_and_level_is_enough(frame):
    """Its groups' own lines pass through every row, but what differs between groups tells the sd."""
    first = ~frame.g.duplicated()
    fit = ld.model("y ~ x + (1 | g)", "sigma ~ first", data=frame.assign(first=first.astype(int))).fit()
    assert fit.status == "ok"
    assert np.isfinite(fit.scale).all()


def test_known_variances_are_residual_variation(frame):
    data = frame.assign(y=np.where(frame.a == "v", 2 * frame.x, frame.y), v=0.3)
    assert bound_problem("y ~ x + meta_V(v)", data)
    assert ld.model("y ~ x + meta_V(v)", "sigma ~ a", data=data).fit().loglik < 0


@pytest.mark.parametrize("method", ["ml", "reml", "eb"])
def test_estimates_without_sampling_error_that_agree_are_refused(method):
    """Two such rows on the mean: the likelihood, and with it any posterior, has no finite integral."""
    data = {"y": [0.3, 0.3, 0.5, 0.1, 0.4], "v": [0.0, 0.0, 0.1, 0.1, 0.1]}
    model = ld.model("y ~ 1 + meta_V(v)", data=data)
    with pytest.raises(ld.FitError, match="does not vary around the fixed effects where `v` is 0") as raised:
        model.fit(method)
    assert "2 rows: 0, 1 (counted from 0)" in str(raised.value)
    differing = ld.model("y ~ 1 + meta_V(v)", data=data | {"y": [0.3, 0.4, 0.5, 0.1, 0.4]})
    assert differing.fit(method).sigma > 0
