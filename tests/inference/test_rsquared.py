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


def test_least_squares_is_refused(hs_fit):
    with pytest.raises(ld.FitError, match="random terms"):
        ld.r2(hs_fit("ols"))
