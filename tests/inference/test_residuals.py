"""Residuals and leverages against matrices of rows by rows, from their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.inference.oracles import projection
from tests.inference.test_deletion import dense

import laird as ld
from laird.inference.dispersion import rows_of

RNG = np.random.default_rng(0)
CROSSED = pd.DataFrame({"a": np.repeat(list("abcdefg"), 12), "b": np.tile(list("uvwxyz"), 14)})
CROSSED["x"] = RNG.normal(size=84)
CROSSED["y"] = (
    RNG.normal(size=7)[pd.factorize(CROSSED.a)[0]] * 2
    + RNG.normal(size=6)[pd.factorize(CROSSED.b)[0]]
    + CROSSED.x
    + RNG.normal(size=84)
)
MODELS = {
    "one factor": (["Reaction ~ Days + (Days | Subject)"], "sleepstudy", "reml"),
    "ml": (["Reaction ~ Days + (Days || Subject)"], "sleepstudy", "ml"),
    "crossed": (["y ~ x + (1 | a) + (1 | b)"], CROSSED, "reml"),
    "nested": (["y ~ x + (1 | a/b)"], CROSSED, "reml"),
    "sd of groups": (["y ~ x + (1 | a)", "sd(a) ~ x2"], CROSSED.assign(x2=CROSSED.a < "d"), "reml"),
    "sigma": (["yi ~ habitat + meta_V(vi)", "sigma ~ habitat"], "restoration", "ml"),
    "eb": (["Reaction ~ Days + (Days | Subject)"], "sleepstudy", "eb"),
    "no groups": (["y ~ x"], CROSSED, "reml"),
}
EXACT = {"rtol": 1e-6, "atol": 1e-8}
"""The oracle inverts Σ whole; small differences of large numbers are left."""


def fitted(name):
    formulas, data, method = MODELS[name]
    frame = ld.load_data(data) if isinstance(data, str) else data
    options = {"random_seed": 1, "draws": 200} if method == "eb" else {}
    return ld.model(*formulas, data=frame).fit(method, **options)


def errors(fit):
    """R of all rows."""
    own, n = rows_of(fit), fit.nobs
    R = np.zeros((n, n))
    for rows, V, level in zip(own.where.stacks, own.V, own.levels[0], strict=True):
        for block, values in zip(rows, V + level, strict=True):
            R[np.ix_(block, block)] = values
    return R


@pytest.mark.parametrize("name", MODELS)
def test_rows_over_their_sds_and_leverages(name):
    fit = fitted(name)
    design, Sigma, R = fit.problem.design, dense(fit), errors(fit)
    P = projection(design.X, Sigma)
    e, variance = R @ P @ design.y, np.diag(R @ P @ R)
    np.testing.assert_allclose(ld.residuals(fit, kind="blup"), e, **EXACT)
    np.testing.assert_allclose(ld.residuals(fit), e / np.sqrt(variance), **EXACT)
    np.testing.assert_allclose(ld.leverage(fit), 1 - np.diag(R @ P), **EXACT)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "no groups"])
def test_groups_over_their_sds(name):
    fit = fitted(name)
    design = fit.problem.design
    P, level = projection(design.X, dense(fit)), rows_of(fit).levels
    for f, random in enumerate(design.random):
        found = ld.residuals(fit, random.group)
        D = np.zeros((fit.nobs, fit.nobs))  # Z G Z' of the factor
        for rows, values in zip(rows_of(fit).where.stacks, level[1 + f], strict=True):
            for block, own in zip(rows, values, strict=True):
                D[np.ix_(block, block)] = own
        u, cov = D @ P @ design.y, D @ P @ D
        if len(random.names) == 1:
            np.testing.assert_allclose(found.to_numpy()[random.ids, 0], u / np.sqrt(np.diag(cov)), **EXACT)
        else:  # z'u over its sd, for rows at which z picks the first coefficient
            first = np.flatnonzero(random.Z[:, 1] == 0)
            expected = u[first] / np.sqrt(np.diag(cov)[first])
            np.testing.assert_allclose(found.iloc[random.ids[first], 0], expected, **EXACT)


def test_correlated_errors_of_several_outcomes():
    fit = ld.model(
        "y1 ~ 1 + (1 | a)", "y2 ~ x + (1 | a)", data=CROSSED.assign(y1=CROSSED.y + CROSSED.x, y2=CROSSED.x**2)
    ).fit("reml")
    design, R = fit.problem.design, errors(fit)
    P = projection(design.X, dense(fit))
    np.testing.assert_allclose(ld.leverage(fit), 1 - np.diag(R @ P), **EXACT)
    found = ld.residuals(fit)
    np.testing.assert_allclose(found, R @ P @ design.y / np.sqrt(np.diag(R @ P @ R)), **EXACT)
    assert found.index.names == ["row", "outcome"]


def test_raw_residuals_are_from_the_groups_own_lines(sleepstudy):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    first = sleepstudy[sleepstudy.Subject == sleepstudy.Subject.iloc[0]]
    slope, intercept = np.polyfit(first.Days, first.Reaction, 1)
    expected = first.Reaction - intercept - slope * first.Days
    np.testing.assert_allclose(ld.residuals(fit, kind="raw").iloc[:10], expected, atol=1e-9)
    own = ld.residuals(fit, 2, "raw").iloc[0]
    np.testing.assert_allclose(own, np.array([intercept, slope]) - fit.fixef, rtol=1e-9)


def test_raw_residuals_with_a_common_slope(hs):
    """Of a random intercept: least squares with an indicator of every school."""
    fit = ld.model("mathach ~ ses + Sector + (1 | school)", data=hs).fit("reml")
    indicators = pd.get_dummies(hs.school).to_numpy(dtype=float)
    X = np.column_stack([hs.ses, indicators])
    expected = hs.mathach - X @ np.linalg.lstsq(X, hs.mathach, rcond=None)[0]
    np.testing.assert_allclose(ld.residuals(fit, kind="raw"), expected, atol=1e-8)


def test_standardised_residuals_have_variance_one(hs_fit):
    fit = hs_fit("reml")
    assert ld.residuals(fit).std() == pytest.approx(1.0, abs=0.02)
    assert ld.residuals(fit, 2)["Intercept"].std() == pytest.approx(1.0, abs=0.25)
    assert ld.leverage(fit).between(0, 1).all()


@pytest.mark.parametrize("method", ["ols", "nuts"])
def test_every_method_has_residuals(hs_fit, method):
    fit = hs_fit(method)
    assert ld.residuals(fit).std() == pytest.approx(1.0, abs=0.02)
    assert ld.leverage(fit).sum() >= 4 - 1e-9
    assert list(ld.residuals(fit, 2, "raw").columns) == ["Intercept", "ses"]


def test_levels_are_numbered_from_the_innermost():
    fit = fitted("nested")
    assert [ld.residuals(fit, k).index.name for k in (2, 3)] == ["a:b", "a"]


def test_an_effect_without_variance_has_no_standardised_value(dyestuff2):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml")
    assert ld.residuals(fit, 2).isna().all(axis=None)
    assert ld.residuals(fit, 2, "blup").eq(0).all(axis=None)


def test_what_is_not_there_is_refused(hs_fit):
    with pytest.raises(ld.FitError, match="no level 3"):
        ld.residuals(hs_fit("reml"), 3)
    with pytest.raises(ld.FitError, match="no level 'schol'"):
        ld.residuals(hs_fit("reml"), "schol")
    with pytest.raises(ld.FitError, match="kind = 'pearson' is not possible"):
        ld.residuals(hs_fit("reml"), kind="pearson")
    with pytest.raises(ld.FitError, match="Least squares has no group effects"):
        ld.residuals(hs_fit("ols"), 2)


def test_crossed_groups_have_to_be_named():
    fit = fitted("crossed")
    with pytest.raises(ld.FitError, match="no level 2"):
        ld.residuals(fit, 2)
    with pytest.raises(ld.FitError, match="the groups of this model cross"):
        ld.residuals(fit, kind="raw")
    assert list(ld.residuals(fit, "b").index) == list("uvwxyz")
