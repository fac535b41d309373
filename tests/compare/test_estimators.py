"""The estimators side by side: the slides' comparison, paradoxes, data of other shapes."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld


def slopes(found, term="ses"):
    table = found.to_frame()
    own = table[table.term == term]
    return dict(zip(own.estimator + " " + own.effect, own.estimate, strict=True))


def opposed_frame(J=20, n=8, *, within=-3.0, between=2.0, seed=1):
    """Slope `within` in every group, `between` over the group means."""
    rng = np.random.default_rng(seed)
    mean, deviation = np.repeat(np.arange(J), n), rng.normal(size=J * n)
    y = between * mean + within * deviation + np.repeat(rng.normal(size=J), n) + rng.normal(size=J * n)
    return pd.DataFrame({"y": y, "x": mean + deviation, "g": [f"g{j:02d}" for j in mean]})


def test_between_schools_of_the_slides(hs, golden):
    """Method 4 of the slides ignores the sectors."""
    found = (
        ld.estimators("mathach ~ ses", group="school", data=hs).to_frame().set_index(["estimator", "term"])
    )
    for name, (estimate, se, t) in golden("seed_numbers")["method_4_between"].items():
        own = found.loc[("between", name)]
        assert [round(own.estimate, 4), round(own.se, 4)] == [estimate, se]
        assert own.statistic == pytest.approx(t, abs=5e-4)


def test_pooled_slopes_lie_between_those_within_and_between(hs):
    """Slides p. 67: pooled estimates are somewhere between the two."""
    found = slopes(ld.estimators("mathach ~ ses", group="school", data=hs))
    assert found["common_slopes within"] < found["pooled mixture"] < found["between between"]


def test_the_mixed_model_is_nearer_to_within_than_pooled_is(hs):
    found = slopes(ld.estimators("mathach ~ ses", group="school", data=hs))
    within = found["contextual within"]
    assert abs(found["mixed mixture"] - within) < abs(found["pooled mixture"] - within) / 3


def test_both_paradoxes_are_flagged():
    found = ld.estimators("y ~ x", group="g", data=opposed_frame())
    table = found.paradoxes()
    assert table.name.tolist() == ["Robinson", "Simpson"]
    assert table.signs_differ.all()
    assert table.beyond_error.all()
    assert "Robinson's paradox: the slope of x is -3." in repr(found)
    assert "Simpson's paradox: the slope of x is -3." in repr(found)


def test_robinson_without_simpson():
    """Most of the spread of x lies within groups: the pooled slope has the sign of that within."""
    data = opposed_frame(within=-3.0, between=2.0)
    data["x"] += 40 * (data.x - data.groupby("g").x.transform("mean"))
    table = ld.estimators("y ~ x", group="g", data=data).paradoxes().set_index("name")
    assert table.signs_differ.to_dict() == {"Robinson": True, "Simpson": False}


def test_a_paradox_in_one_level_only():
    plain = opposed_frame(within=1.0, seed=2).assign(v="plain")
    odd = opposed_frame(seed=3).assign(v="odd")
    odd["g"] = "o" + odd.g
    found = ld.estimators("y ~ x", group="g", between="v", data=pd.concat([plain, odd], ignore_index=True))
    table = found.paradoxes()
    assert table[table.signs_differ & (table.level != "all")].level.unique().tolist() == ["odd"]
    assert "Simpson's paradox in odd:" in repr(found)


def test_a_sign_that_differs_by_chance_is_said_to():
    data = grouped_frame(J=12, sizes=(3, 7), seed=8)
    data["z"] = np.random.default_rng(0).normal(size=len(data))
    table = ld.estimators("y ~ z", group="g", data=data).paradoxes()
    assert not table.beyond_error.any()
    assert table.signs_differ.any()


@pytest.fixture(scope="module")
def unbalanced():
    data = grouped_frame(J=14, sizes=(4, 9), seed=5)
    extra = data.head(1).assign(g="single")
    return pd.concat([data, extra], ignore_index=True)


def test_groups_of_one_row(unbalanced):
    found = ld.estimators("y ~ x", group="g", data=unbalanced)
    assert [name for name, _ in found.refused] == ["averaged", "two_stage"]
    assert all("1 of 15 groups of `g` have no line of their own" in reason for _, reason in found.refused)
    left = ld.estimators("y ~ x", group="g", data=unbalanced, small_groups="drop")
    counts = left.to_frame().groupby("estimator").n_groups.first()
    assert not left.refused
    assert counts[["averaged", "two_stage"]].tolist() == [14, 14]
    assert counts[["pooled", "mixed", "between"]].tolist() == [15, 15, 15]
    assert "3   two-stage: 1 group without a line of their own left out" in repr(left)


def test_balanced_data_give_one_estimate(sleepstudy):
    found = slopes(ld.estimators("Reaction ~ Days", group="Subject", data=sleepstudy), "Days")
    assert len(found) == 5
    np.testing.assert_allclose(list(found.values()), found["pooled mixture"], rtol=1e-9)


def test_several_variables_and_a_numeric_between_variable(hs):
    found = ld.estimators(
        "mathach ~ ses + Minority", group="school", between="PRACAD", data=hs, slopes="common"
    )
    terms = set(found.to_frame().term)
    assert terms == {
        "Intercept",
        "ses",
        "Minority[Yes]",
        "PRACAD",
        "ses:PRACAD",
        "Minority[Yes]:PRACAD",
    }
    assert [level.name for level in found.levels] == ["average", "per unit of PRACAD"]
    assert {row.name for row in found.found} == {"Robinson", "Simpson"}
    assert found.line("pooled", x="Minority[Yes]").names == ("Intercept", "Minority[Yes]")


def test_products_have_contextual_effects_too(hs):
    found = ld.estimators("mathach ~ ses * Minority", group="school", data=hs, slopes="common")
    names = found.fits["contextual"].fixef.index
    assert "cvar(`ses:Minority[Yes]`, school)" in names
    assert {"within", "between", "contextual"} == set(
        found.to_frame().query("estimator == 'contextual' and term == 'ses:Minority[Yes]'").effect
    )


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x * kind"])
def test_groups_of_joined_columns(formula):
    """Numbers of classes that begin anew in each school are joined to the school, as in a column of both."""
    data = grouped_frame(J=12, sizes=(12, 16), seed=7)
    number = data["g"].astype("category").cat.codes
    data = data.assign(school=number // 3, cls=number % 3, kind=np.arange(len(data)) % 2 == 0)
    data["both"] = data["school"].astype(str) + ":" + data["cls"].astype(str)
    joined, single = (
        ld.estimators(formula, group=group, data=data, slopes="common").to_frame()
        for group in ("school:cls", "both")
    )
    pd.testing.assert_frame_equal(joined, single)


def test_random_slopes_that_the_data_cannot_give_are_refused_alone():
    small = grouped_frame(J=10, sizes=(2, 3), seed=6)
    found = ld.estimators("y ~ x", group="g", data=small)
    reasons = dict(found.refused)
    assert "random effects" in reasons["mixed"]
    assert "pooled" not in reasons
    assert "mixed" not in dict(ld.estimators("y ~ x", group="g", data=small, slopes="common").refused)


def test_a_boundary_is_said(unbalanced):
    flat = unbalanced.assign(y=np.random.default_rng(3).normal(size=len(unbalanced)))
    found = ld.estimators("y ~ x", group="g", data=flat)
    assert found.fits["mixed"].status == "boundary"
    assert "5   mixed: status boundary" in repr(found)


@pytest.mark.parametrize(
    ("option", "allowed"), [({"slopes": "fixed"}, "random"), ({"small_groups": "keep"}, "refuse")]
)
def test_options(hs, option, allowed):
    with pytest.raises(ld.FitError, match=f'Allowed: "{allowed}"'):
        ld.estimators("mathach ~ ses", group="school", data=hs, **option)
