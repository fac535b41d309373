import numpy as np
import pandas as pd
import pytest
from scipy import stats

import laird as ld
from laird.gaussian import dense


def first(table):
    return table.iloc[0]


def profile(fit, rho):
    """-2 log-likelihood maximised over β and σ² at an intraclass correlation, by n × n matrices."""
    design = fit.problem.design
    same = design.random[0].ids[:, None] == design.random[0].ids
    V = np.eye(len(same)) + rho / (1 - rho) * same
    restricted = fit.method == "reml"
    beta, _ = dense.gls(design.y, design.X, V)
    r = design.y - design.X @ beta
    s2 = r @ np.linalg.solve(V, r) / (len(r) - restricted * len(beta))
    return -2 * dense.log_likelihood(design.y, design.X, s2 * V, restricted=restricted)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_the_interval_of_one_variance_is_that_of_the_profile(method, dyestuff):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit(method)
    found = first(ld.icc(fit, prob=0.9))
    assert found["method"] == "profile likelihood"
    assert found["icc"] == pytest.approx(fit.point.G[0, 0] / (fit.point.G[0, 0] + fit.sigma**2))
    limit = profile(fit, found["icc"]) + stats.chi2.ppf(0.9, 1)
    bounds = [profile(fit, found[name]) for name in ("lower", "upper")]
    assert bounds == pytest.approx([limit, limit], abs=1e-6)


def test_the_interval_reaches_zero_at_the_boundary(dyestuff2):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit()
    found = first(ld.icc(fit))
    assert (found["icc"], found["lower"]) == (0, 0)
    assert profile(fit, found["upper"]) == pytest.approx(
        profile(fit, 0.0) + stats.chi2.ppf(0.95, 1), abs=1e-6
    )


def test_a_random_slope_alone_counts_its_mean_square(sleepstudy):
    fit = ld.model("Reaction ~ Days + (0 + Days | Subject)", data=sleepstudy).fit()
    between = fit.point.G[0, 0] * np.mean(sleepstudy.Days**2)
    assert first(ld.icc(fit))["icc"] == pytest.approx(between / (between + fit.sigma**2))


def test_design_effects_are_kishs(hs):
    fit = ld.model("mathach ~ 1 + (1 | school)", data=hs).fit()
    found = first(ld.icc(fit))
    n = hs.groupby("school").size()
    assert found["size"] == pytest.approx((n**2).sum() / n.sum())
    assert found["design_effect"] == pytest.approx(1 + (found["size"] - 1) * found["icc"])
    # variance of the rows' mean over that of independent rows of the same total variance
    g, s2 = fit.point.G[0, 0], fit.sigma**2
    variance = ((n**2).sum() * g + n.sum() * s2) / n.sum() ** 2
    assert found["design_effect"] == pytest.approx(variance / ((g + s2) / n.sum()))


def test_rows_of_an_inner_group_share_the_outer_one_too():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": np.arange(240) // 30, "b": np.arange(240) // 6})
    frame["y"] = rng.normal(size=8)[frame.a] + rng.normal(size=40)[frame.b] + rng.normal(size=240)
    fit = ld.model("y ~ 1 + (1 | a/b)", data=frame).fit()
    table = ld.icc(fit).set_index("group")
    total = np.trace(fit.point.G) + fit.sigma**2
    assert table.icc["a"] == pytest.approx(table.share["a"])
    assert table.icc["a:b"] == pytest.approx(np.trace(fit.point.G) / total)
    assert set(table.method) == {"delta method"}
    assert np.all((table.lower < table.icc) & (table.icc < table.upper))


def test_the_delta_method_is_near_the_profile_in_many_groups():
    """Two models with the same variances: one with a second factor that adds next to nothing."""
    rng = np.random.default_rng(0)
    g = np.arange(4000) // 10
    frame = pd.DataFrame(
        {"y": rng.normal(size=400)[g] + 2 * rng.normal(size=4000), "g": g, "h": rng.integers(0, 40, 4000)}
    )
    frame["y"] += rng.normal(0, 0.2, 40)[frame.h]
    one = first(ld.icc(ld.model("y ~ 1 + (1 | g)", data=frame).fit()))
    two = ld.icc(ld.model("y ~ 1 + (1 | g) + (1 | h)", data=frame).fit()).set_index("group").loc["g"]
    assert [two["lower"], two["upper"]] == pytest.approx([one["lower"], one["upper"]], rel=0.03)


def test_parameters_on_the_boundary_are_held_there(hsfull):
    fit = ld.model("mathach ~ ses * Sector + (1 + ses | school)", data=hsfull).fit()
    assert fit.status == "boundary"
    found = first(ld.icc(fit))
    assert found["lower"] < found["icc"] < found["upper"]


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_draws_have_quantiles(method, hs_fit):
    fit = hs_fit(method)
    found = first(ld.icc(fit))
    assert found["method"] == "posterior"
    assert found["lower"] < found["icc"] < found["upper"]


def test_bad_input(hs, hs_fit):
    with pytest.raises(ld.FitError, match="random terms"):
        ld.icc(hs_fit("ols"))
    with pytest.raises(ld.FitError, match="not a probability"):
        ld.icc(hs_fit("reml"), prob=0)
    with pytest.raises(ld.FitError, match="differs between rows"):
        ld.icc(ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sex", data=hs).fit())
