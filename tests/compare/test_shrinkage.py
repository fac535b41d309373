"""The shrinkage table: columns, closed forms, and what cannot be compared."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld

INTERCEPTS, SLOPES = "y ~ x + w + (1 | g)", "y ~ x * w + (1 + x | g)"


@pytest.fixture(scope="module")
def frame():
    return grouped_frame(J=10, sizes=(4, 12), seed=1)


@pytest.fixture(scope="module")
def fits(frame):
    """``fits(formula, method)``, each fitted once."""
    made = {}

    def fit(formula, method):
        if (formula, method) not in made:
            few = {"draws": 500, "random_seed": 1} if method == "eb" else {}
            made[formula, method] = ld.model(formula, data=frame).fit(method, **few)
        return made[formula, method]

    return fit


def columns(*labels):
    suffixes = ("", "_sd", "_shrinkage")
    return ["group", "term", "n", "mean", *(f"{label}{suffix}" for suffix in suffixes for label in labels)]


def test_one_row_per_group_and_term(fits, frame):
    table = ld.shrinkage([fits(SLOPES, "reml"), fits(SLOPES, "eb")])
    assert list(table.columns) == columns("blue", "eblup", "eb")
    levels = sorted(frame.g.unique())
    assert list(table.group) == [level for level in levels for _ in range(2)]
    assert list(table.term) == ["Intercept", "x"] * 10
    assert dict(zip(table.group, table.n, strict=True)) == frame.groupby("g").size().to_dict()
    assert table.iloc[:, 3:].notna().all(axis=None)


def test_all_four_methods_side_by_side(hs_fit):
    table = ld.shrinkage([hs_fit(method) for method in ("ols", "reml", "eb", "nuts")], group="school")
    assert list(table.columns) == columns("blue", "eblup", "eb", "posterior")
    assert len(table) == 80
    # Three estimates of one quantity: they differ by priors, by much less than their sds.
    assert (abs(table.eb - table.eblup) < table.eblup_sd).all()
    assert (abs(table.posterior - table.eblup) < table.eblup_sd).all()


def test_factors_of_random_intercepts(fits):
    """g/(g + σ²/n_j)."""
    fit = fits(INTERCEPTS, "reml")
    table, g = ld.shrinkage(fit), fit.varcorr.vcov[0]
    np.testing.assert_allclose(table.eblup_shrinkage, g / (g + fit.sigma**2 / table.n), rtol=1e-12)
    assert (table.blue_shrinkage == 1).all()


@pytest.mark.parametrize("method", ["ml", "reml", "eb"])
def test_factors_are_shares(fits, method):
    table = ld.shrinkage(fits(SLOPES, method))
    factors = table[[name for name in table if name.endswith("_shrinkage")]]
    assert factors.ge(0).all(axis=None)
    assert factors.le(1).all(axis=None)


def test_an_intercept_is_a_weighted_mean_of_its_own_and_the_fixed_line(frame):
    """Without common slopes: EBLUP = W·BLUE + (1 - W)·mean, exactly."""
    table = ld.shrinkage(ld.model("y ~ w + (1 | g)", data=frame).fit("reml"))
    W = table.eblup_shrinkage
    np.testing.assert_allclose(table.eblup, W * table.blue + (1 - W) * table["mean"], rtol=1e-10)


def test_lines_are_matrix_weighted_means(fits):
    """β̃_j = W_jβ̂_j + (I - W_j)A_jγ̂ with W_j = G(G + V_j)⁻¹ and V_j = σ²(Z_j'Z_j)⁻¹ (slides p. 169)."""
    fit = fits(SLOPES, "reml")
    table = ld.shrinkage(fit)
    blue, eblup, mean = (table[name].to_numpy().reshape(-1, 2) for name in ("blue", "eblup", "mean"))
    a, b, ab = fit.varcorr.vcov[:3]
    G, random = np.array([[a, ab], [ab, b]]), fit.problem.design.random[0]
    for j in range(len(blue)):
        Z = random.Z[random.ids == j]
        V = fit.sigma**2 * np.linalg.inv(Z.T @ Z)
        W = G @ np.linalg.inv(G + V)
        np.testing.assert_allclose(eblup[j], W @ blue[j] + (np.eye(2) - W) @ mean[j], rtol=1e-8)
        np.testing.assert_allclose(fit.point.effects[0].weights[j], W, rtol=1e-8)


def test_own_lines_are_the_regressions_of_the_groups(fits, frame):
    table = ld.shrinkage(fits(SLOPES, "reml"))
    for level, rows in frame.groupby("g"):
        slope, intercept = np.polyfit(rows.x, rows.y, 1)
        np.testing.assert_allclose(table.blue[table.group == level], [intercept, slope], rtol=1e-9)


def test_means_are_the_fixed_lines_of_the_groups(fits, frame):
    fit = fits(SLOPES, "reml")
    b, w = fit.fixef, frame.groupby("g").w.first().to_numpy()
    lines = ld.shrinkage(fit)["mean"].to_numpy().reshape(-1, 2)
    expected = np.column_stack([b["Intercept"] + b["w"] * w, b["x"] + b["x:w"] * w])
    np.testing.assert_allclose(lines, expected, rtol=1e-10)


def test_pooling_reduces_the_sd(fits):
    table = ld.shrinkage(fits(INTERCEPTS, "reml"))
    assert (table.eblup_sd < table.blue_sd).all()


def test_without_variance_between_groups_all_are_the_mean(dyestuff2):
    table = ld.shrinkage(ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml"))
    np.testing.assert_allclose(table.eblup, table["mean"], rtol=1e-12)
    assert (table.eblup_shrinkage == 0).all()


def test_groups_without_a_line_of_their_own(frame):
    """They have no BLUE, but an EBLUP."""
    alone = pd.DataFrame({"y": [9.0], "x": [2.0], "w": [0.5], "g": ["single"]})
    table = ld.shrinkage(ld.model(SLOPES, data=pd.concat([frame, alone])).fit("reml"))
    single = table[table.group == "single"]
    assert single.blue.isna().all()
    assert single[["eblup", "eblup_sd", "mean"]].notna().all(axis=None)


def test_a_model_is_fitted_by_the_methods_asked_for(frame):
    model = ld.model(INTERCEPTS, data=frame)
    table = ld.shrinkage(model, methods=("ols", "ml"))
    assert list(table.columns) == columns("blue", "eblup")
    pd.testing.assert_frame_equal(table, ld.shrinkage(model, methods="ml"))
    pd.testing.assert_frame_equal(table, ld.shrinkage(model.fit("ml"), group="g"))


def test_the_order_of_the_fits_does_not_matter(fits):
    reml, eb = fits(SLOPES, "reml"), fits(SLOPES, "eb")
    first, second = ld.shrinkage([reml, eb]), ld.shrinkage(iter([eb, reml]))
    columns = [name for name in first if name != "mean"]
    pd.testing.assert_frame_equal(first[columns], second[columns])


def refused(*arguments, **options):
    with pytest.raises(ld.FitError) as caught:
        ld.shrinkage(*arguments, **options)
    assert caught.value.remedy or caught.value.allowed
    return caught.value


def test_fits_of_different_models_are_refused(fits):
    error = refused([fits(INTERCEPTS, "reml"), fits(SLOPES, "eb")])
    assert "different models" in error.what
    assert "(1 | g)" in error.what


def test_fits_of_different_data_are_refused(fits, frame):
    other = ld.model(SLOPES, data=frame.iloc[:-1]).fit("ml")
    assert "different data" in refused([fits(SLOPES, "reml"), other]).what


def test_two_fits_of_one_kind_are_refused(fits):
    assert "Two fits give the estimate `eblup`" in refused([fits(SLOPES, "reml"), fits(SLOPES, "ml")]).what


def test_an_unknown_group_is_refused(fits):
    error = refused(fits(SLOPES, "reml"), group="h")
    assert "`h`" in error.what
    assert "`g`" in error.allowed


def test_a_model_without_groups_is_refused(frame):
    assert "no groups" in refused(ld.model("y ~ x", data=frame).fit("reml")).what


def test_nothing_to_compare_is_refused():
    assert "no fits" in refused([]).what
    assert "no fits" in refused(["reml"]).what


def test_an_unknown_method_is_refused(frame):
    assert "Unknown method" in refused(ld.model(INTERCEPTS, data=frame), methods=("ols", "remll")).what


META = ld.load_data("assink2016")


@pytest.mark.parametrize("known", [None, {"V": "vcov_cluster(vi, study, rho=0.6)"}], ids=["vi", "V"])
def test_own_estimates_of_studies_weigh_rows_by_their_variances(known):
    """BLUE_j = (1'R_j⁻¹1)⁻¹ 1'R_j⁻¹y_j, and EBLUP = μ + W_j(BLUE_j - μ) with W_j = g/(g + V_j)."""
    formula = f"yi ~ 1 + (1 | study) + meta_V({'V' if known else 'vi'})"
    model = ld.model(formula, data=META, known=known)
    fit = model.fit("reml")
    table = ld.shrinkage([fit], group="study").set_index("group")
    g = fit.point.G[0, 0]
    for label, rows in META.groupby("study"):
        v = rows.vi.to_numpy()
        R = np.diag(v + fit.sigma**2)
        if known:
            R = 0.6 * np.sqrt(np.outer(v, v)) + np.diag(0.4 * v + fit.sigma**2)
        w = np.linalg.solve(R, np.ones(len(v)))
        found, variance = table.loc[str(label)], 1 / w.sum()
        assert found.blue == pytest.approx(variance * w @ rows.yi, rel=1e-9)
        assert found.blue_sd == pytest.approx(np.sqrt(variance), rel=1e-9)
        expected = found["mean"] + g / (g + variance) * (found.blue - found["mean"])
        assert found.eblup == pytest.approx(expected, rel=1e-8)
        assert found.eblup_shrinkage == pytest.approx(g / (g + variance), rel=1e-8)


def test_without_a_fit_that_has_variances_own_estimates_are_plain_least_squares():
    model = ld.model("yi ~ 1 + (1 | study) + meta_V(vi)", data=META)
    table = ld.shrinkage(model, group="study", methods=("ols",)).set_index("group")
    means = META.groupby("study").yi.mean()
    np.testing.assert_allclose(table.blue, means, rtol=1e-10)
