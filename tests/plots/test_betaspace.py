"""Beta space: points and ellipses are those of the estimates."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from laird.compare.estimators import estimators
from laird.errors import FitError
from laird.plots.betaspace import beta_space

OUTLINE = 2e-4
"""181 points miss an extreme of the ellipse by at most 1 - cos(1°) of its size."""
LEVELS = ("Catholic", "Public", "Public - Catholic")


@pytest.fixture(scope="module")
def found(hs):
    return estimators("mathach ~ ses", group="school", between="Sector", data=hs)


def curves(ax):
    """The inner and the outer ellipse of the only estimator."""
    inner, outer = [np.array(line.get_data()) for line in ax.lines if len(line.get_xdata()) == 181]
    return inner, outer


@pytest.mark.parametrize("estimator", ["pooled", "averaged", "two_stage", "between"])
def test_shadows_of_the_inner_ellipse_are_the_intervals_of_the_table(found, estimator):
    table = found.by_level().query(f"estimator == '{estimator}'")
    for ax, level in zip(beta_space(found, estimators=[estimator]), LEVELS, strict=True):
        rows = table[table["level"] == level].set_index("term").loc[["Intercept", "ses"]]
        inner, _ = curves(ax)
        half = ((rows["upper"] - rows["lower"]) / 2).to_numpy()
        assert (inner.max(axis=1) - inner.min(axis=1)) / 2 == pytest.approx(half, rel=OUTLINE)
        assert (inner.max(axis=1) + inner.min(axis=1)) / 2 == pytest.approx(
            rows["estimate"].to_numpy(), abs=OUTLINE
        )


def test_shadows_of_the_mixed_model_have_the_fewer_degrees_of_freedom(found):
    rows = found.by_level().query("estimator == 'mixed' and level == 'Public'").set_index("term")
    inner, _ = curves(beta_space(found, "Public", estimators="mixed")[0])
    t = stats.t.ppf(0.975, rows["df"].min())
    assert np.ptp(inner, axis=1) / 2 == pytest.approx(t * rows["se"].to_numpy(), rel=OUTLINE)


def test_the_outer_ellipse_is_where_the_joint_test_is_at_its_limit(found):
    line = found.line("pooled", "Public - Catholic")
    _, outer = curves(beta_space(found, "Public - Catholic", estimators="pooled", prob=0.9)[0])
    d = outer - line.mean[:, None]
    distance = np.einsum("ik,ij,jk->k", d, np.linalg.inv(line.cov), d)
    assert distance == pytest.approx(np.full(181, 2 * stats.f.ppf(0.9, 2, 1973)))


def test_the_points_are_the_estimates_of_the_slides(found, labelled):
    difference = beta_space(found)[2]
    expected = found.line("two_stage", "Public - Catholic").mean
    assert labelled(difference, "two-stage").get_xydata()[0] == pytest.approx(expected)
    averaged = labelled(difference, "fixed effects, averaged").get_xydata()[0]
    assert averaged.round(6).tolist() == [-2.027255, 1.109995]  # slides, method 2a


def test_the_contextual_model_has_a_point_within_and_a_hollow_one_between(found, labelled):
    ax = beta_space(found)[0]
    for effect in ("within", "between"):
        point = labelled(ax, f"mixed + contextual, {effect}")
        assert point.get_xydata()[0] == pytest.approx(found.line("contextual", effect=effect).mean)
        assert (point.get_markerfacecolor() == "white") == (effect == "between")


def test_levels_share_a_scale_and_differences_have_zero_lines(found):
    catholic, public, difference = beta_space(found)
    assert (catholic.get_xlim(), catholic.get_ylim()) == (public.get_xlim(), public.get_ylim())
    zero = [[[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 0.0]]]
    drawn = [line.get_xydata().tolist() for line in difference.lines]
    assert all(line in drawn for line in zero)
    assert not any(line.get_xydata().tolist() in zero for line in catholic.lines)


def test_groups_are_drawn_at_their_own_least_squares_lines(found, hs, labelled):
    ax = beta_space(found, ["Public"], groups=True)[0]
    public = hs[hs["Sector"] == "Public"]
    own = [
        np.polyfit(rows["ses"], rows["mathach"], 1)[::-1]
        for _, rows in public.groupby(public["school"].astype(str))
    ]
    assert labelled(ax, "own line of a group").get_xydata() == pytest.approx(np.array(own))


def test_the_slope_asked_for_is_drawn(hs, labelled):
    found = estimators("mathach ~ ses + Minority", group="school", data=hs)
    (ax,) = beta_space(found, x="Minority[Yes]", estimators=["pooled"])
    assert labelled(ax, "pooled").get_xydata()[0] == pytest.approx(
        found.line("pooled", x="Minority[Yes]").mean
    )
    assert ax.figure.get_supylabel() == "Slope of Minority[Yes]"


def test_axes_given(found):
    ax = Figure().add_subplot()
    assert beta_space(found, "Public", axes=ax) == (ax,)
    assert ax.get_xlabel().startswith("Intercept\n")
    assert "95 % intervals" in ax.get_xlabel().replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimators": ["common_slopes"]}, "no estimator with an intercept `common_slopes`"),
        ({"estimators": []}, "no estimators to draw"),
        ({"levels": "Private"}, "no level `Private`"),
        ({"x": "SES"}, "Nearest: `ses`"),
        ({"prob": 95}, "not a probability"),
    ],
)
def test_bad_arguments(found, arguments, message):
    with pytest.raises(FitError, match=message):
        beta_space(found, **arguments)
