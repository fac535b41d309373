import numpy as np
import pandas as pd
import pytest

import laird as ld


def values(fit):
    table = ld.r2(fit)
    return dict(zip(table.level, table.r2, strict=True))


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_by_definition_for_random_intercepts(method, hs):
    fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=hs).fit(method)
    null = ld.model("mathach ~ 1 + (1 | school)", data=hs).fit(method)
    (g, s2), (g0, s0) = ((own.point.G[0, 0], own.sigma**2) for own in (fit, null))
    harmonic = len(n := hs.groupby("school").size()) / np.sum(1 / n)
    fixed = np.var(fit.fitted(level="population"), ddof=1)
    expected = {
        "row": 1 - (g + s2) / (g0 + s0),
        "group mean": 1 - (g + s2 / harmonic) / (g0 + s0 / harmonic),
        "marginal": fixed / (fixed + g + s2),
        "conditional": (fixed + g) / (fixed + g + s2),
    }
    assert values(fit) == pytest.approx(expected)


def test_random_slopes_count_by_their_mean(hs):
    fit = ld.model("mathach ~ ses + (ses | school)", data=hs).fit()
    null = ld.model("mathach ~ 1 + (1 | school)", data=hs).fit()
    G, s2, s0 = fit.point.G, fit.sigma**2, null.sigma**2
    Z = np.column_stack([np.ones(len(hs)), hs.ses])
    means = hs.groupby("school").ses.agg(["mean", "size"])
    zbar = np.column_stack([np.ones(len(means)), means["mean"]])
    row = np.mean(np.sum(Z @ G * Z, axis=1)) + s2
    group = np.mean(np.sum(zbar @ G * zbar, axis=1) + s2 / means["size"])
    null_group = null.point.G[0, 0] + s0 * np.mean(1 / means["size"])
    assert values(fit)["row"] == pytest.approx(1 - row / (null.point.G[0, 0] + s0))
    assert values(fit)["group mean"] == pytest.approx(1 - group / null_group)


def test_the_null_model_explains_nothing(hs):
    assert values(ld.model("mathach ~ 1 + (1 | school)", data=hs).fit()) == pytest.approx(
        {"row": 0, "group mean": 0, "marginal": 0, "conditional": 0.16867}, abs=1e-6
    )


def test_several_factors_have_nakagawas_only():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=120), "a": np.arange(120) // 12, "b": np.arange(120) % 6})
    frame["y"] = frame.x + rng.normal(size=10)[frame.a] + rng.normal(size=6)[frame.b] + rng.normal(size=120)
    fit = ld.model("y ~ x + (1 | a) + (1 | b)", data=frame).fit()
    fixed = np.var(fit.fitted(level="population"), ddof=1)
    between = np.trace(fit.point.G)
    total = fixed + between + fit.sigma**2
    assert values(fit) == pytest.approx({"marginal": fixed / total, "conditional": (fixed + between) / total})


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_of_draws_at_the_point_estimate(method, hs_fit):
    assert values(hs_fit(method)) == pytest.approx(values(hs_fit("reml")), abs=0.05)


def test_least_squares_of_the_slides(hs, golden):
    """R², adjusted R² and F of the pooled model, to the digits printed."""
    expected = golden("seed_numbers")["method_1_pooled_ols"]
    fit = ld.model(expected["formula"], data=hs).fit("ols")
    assert ld.r2(fit).r2.tolist() == pytest.approx([expected["r2"], expected["adj_r2"]], abs=5e-5)
    assert ld.wald(fit, pattern="ses|Sector").joint.f == pytest.approx(expected["F"], abs=0.05)


def test_least_squares_by_definition(hs):
    """With an intercept that is not a column of its own, and without one."""
    named, bare = (
        ld.r2(ld.model(formula, data=hs).fit("ols")).r2
        for formula in ("mathach ~ 0 + Sector + ses", "mathach ~ 0 + ses")
    )
    usual = ld.model("mathach ~ Sector + ses", data=hs).fit("ols")
    r2 = np.corrcoef(usual.fitted(), hs.mathach)[0, 1] ** 2
    assert named.tolist() == pytest.approx([r2, 1 - (1 - r2) * 1976 / 1974])
    r2 = (hs.mathach @ hs.ses) ** 2 / (hs.mathach @ hs.mathach) / (hs.ses @ hs.ses)
    assert bare.tolist() == pytest.approx([r2, 1 - (1 - r2) * 1977 / 1976])


def test_a_fit_without_groups_is_refused(hs):
    with pytest.raises(ld.FitError, match="random terms"):
        ld.r2(ld.model("mathach ~ ses", data=hs).fit("reml"))


def test_meta_analyses_are_told_where_theirs_is():
    fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    with pytest.raises(ld.FitError, match="See `laird"):
        ld.r2(fit)
