"""The plane: points of the table, ellipses of the dispersions."""

from __future__ import annotations

import numpy as np
import pytest

from laird.bound import model
from laird.compare.shrinkage import shrinkage
from laird.errors import FitError
from laird.plots.dispersion import dispersion
from laird.plots.meanellipse import mean_ellipses
from laird.plots.plane import coefficient_plane
from laird.plots.style import LOOKS


@pytest.fixture(scope="module")
def sleep(sleepstudy):
    return model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")


def outlines(ax, name):
    colour = next(line.get_color() for line in ax.lines if line.get_label() == name)
    return [
        np.array(line.get_data())
        for line in ax.lines
        if line.get_color() == colour and len(line.get_xdata()) == 181
    ]


@pytest.mark.parametrize("kind", ["blue", "eblup"])
def test_points_are_those_of_the_table(sleep, labelled, kind):
    table = shrinkage(sleep).pivot(index="group", columns="term", values=kind)
    drawn = labelled(coefficient_plane(sleep), LOOKS[kind].label).get_xydata()
    assert np.array_equal(drawn, table[["Intercept", "Days"]].loc[list(sleep.ranef("Subject").index)])


def test_a_line_joins_both_points_of_every_group(sleep, labelled):
    ax = coefficient_plane(sleep)
    segments = np.array(ax.collections[0].get_segments())
    assert np.array_equal(segments[:, 0], labelled(ax, LOOKS["blue"].label).get_xydata())
    assert np.array_equal(segments[:, 1], labelled(ax, LOOKS["eblup"].label).get_xydata())


def test_shadows_of_the_ellipses_are_one_sd_about_the_mean(sleep):
    random = sleep.problem.design.random[0]
    spread = dispersion(sleep.point.G, random.Z, random.ids, 18, sleep.sigma)
    ax = coefficient_plane(sleep)
    names = {"G": "G (true coefficients)", "blue": "variance of BLUEs", "blup": "variance of EBLUPs"}
    for kind, name in names.items():
        (outline,) = outlines(ax, name)
        half = (outline.max(axis=1) - outline.min(axis=1)) / 2
        assert half == pytest.approx(np.sqrt(np.diag(getattr(spread, kind))), rel=2e-4)  # 181 points
        assert (outline.max(axis=1) + outline.min(axis=1)) / 2 == pytest.approx(
            sleep.fixef.to_numpy(), rel=1e-3
        )


def test_each_of_two_means_has_its_ellipses(hs_fit, labelled):
    ax = coefficient_plane(hs_fit("reml"))
    b = hs_fit("reml").fixef.to_numpy()
    means = labelled(ax, "GLS mean").get_xydata()
    assert sorted(means.tolist()) == [pytest.approx([b[0] + b[2], b[1] + b[3]]), pytest.approx([b[0], b[1]])]
    assert len(outlines(ax, "G (true coefficients)")) == 2


def test_many_means_share_ellipses_at_their_average(hs):
    fit = model("mathach ~ cvar(ses, school) + ses + (ses | school)", data=hs).fit("reml")
    ax = coefficient_plane(fit)
    (outline,) = outlines(ax, "G (true coefficients)")
    average = fit.fixed_lines("school").mean().to_numpy()
    assert (outline.max(axis=1) + outline.min(axis=1)) / 2 == pytest.approx(average, rel=1e-3)  # 181 points


def test_axes_swap_on_request(sleep):
    ax = coefficient_plane(sleep, x="Days")
    assert ax.get_xlabel().startswith("Coefficient of Days")
    assert ax.get_ylabel().startswith("Intercept")
    (outline,) = outlines(ax, "G (true coefficients)")
    assert np.ptp(outline[1]) / 2 == pytest.approx(sleep.point.sd[0], rel=2e-4)  # 181 points


def test_arrows_lead_to_the_estimate_asked_for(hs_fit, labelled):
    ax = coefficient_plane([hs_fit("reml"), hs_fit("eb")], to="eb")
    assert np.array_equal(
        labelled(ax, LOOKS["eb"].label).get_xydata(), hs_fit("eb").group_coef("school").to_numpy()
    )


def test_a_boundary_fit_has_a_segment_for_g(hsfull):
    fit = model("mathach ~ ses * Sector + (ses | school)", data=hsfull).fit("reml")
    assert fit.status == "boundary"
    outline = outlines(coefficient_plane(fit), "G (true coefficients)")[0]
    values = np.linalg.eigvalsh(np.cov(outline))
    assert values[0] < 1e-6 * values[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "Day"}, "Nearest: `Days`"),
        ({"y": "Intercept"}, "no second coefficient `Intercept`"),
        ({"to": "blup"}, "Nearest: `eblup`"),
        ({"group": "subject"}, "Nearest: `Subject`"),
    ],
)
def test_bad_arguments(sleep, arguments, message):
    with pytest.raises(FitError, match=message):
        coefficient_plane(sleep, **arguments)


def test_one_coefficient_is_no_plane(dyestuff):
    with pytest.raises(FitError, match="the plane needs two"):
        coefficient_plane(model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit("reml"))


def test_the_ellipse_of_the_mean_is_drawn_when_asked_for(sleep, labelled):
    (expected,) = mean_ellipses(sleep, sleep.problem.design.random[0], (0, 1), 0.9)
    ax = coefficient_plane(sleep, prob=0.9)
    assert np.array_equal(labelled(ax, "90 % for the mean").get_data(), expected)
    assert "shadow of each other ellipse" in ax.get_xlabel()
    assert not any("%" in line.get_label() for line in coefficient_plane(sleep).lines)
