"""What must be the same model is: forms of V, stratified heterogeneity, units, order of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag
from scipy.sparse import coo_array, csr_array

import laird as ld

METHODS = ["ml", "reml"]

# Two searches of the same maximum from equal starts; the decrement tolerance of 1e-8 in the deviance
# leaves sds free by its root.
SAME = 1e-9
SEARCHED = 1e-5


def frame(seed=0, studies=18):
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(studies), rng.integers(1, 5, studies))
    n = len(study)
    v, x = rng.uniform(0.02, 0.2, n), rng.normal(size=n)
    half = np.where(study % 2 == 0, "even", "odd")
    tau = np.where(half == "even", 0.2, 0.6)
    y = 0.3 + 0.2 * x + rng.normal(0, 0.4, studies)[study] + tau * rng.normal(size=n)
    y += np.sqrt(v) * rng.normal(size=n)
    return pd.DataFrame({"study": study, "half": half, "x": x, "vi": v, "yi": y})


def assert_same(one, other, rtol=SAME):
    assert one.loglik == pytest.approx(other.loglik, rel=1e-10, abs=1e-8)
    np.testing.assert_allclose(one.fixef, other.fixef, rtol=rtol, atol=rtol * one.se.max())
    np.testing.assert_allclose(one.se, other.se, rtol=rtol)
    np.testing.assert_allclose(one.sigma, other.sigma, rtol=rtol)
    np.testing.assert_allclose(one.point.sd, other.point.sd, rtol=rtol)


@pytest.mark.parametrize("method", METHODS)
def test_dense_sparse_and_blocks_are_one_V(method):
    data = frame()
    blocks = [
        0.5 * np.sqrt(np.outer(v, v)) + 0.5 * np.diag(v)
        for v in (rows.vi.to_numpy() for _, rows in data.groupby("study"))
    ]
    dense = block_diag(*blocks)
    formula = "yi ~ x + (1 | study) + meta_V(V)"
    forms = (blocks, dense, csr_array(dense), coo_array(dense))
    fits = [ld.model(formula, data=data, known={"V": V}).fit(method) for V in forms]
    for other in fits[1:]:
        assert_same(fits[0], other)


@pytest.mark.parametrize("method", METHODS)
def test_a_column_a_vector_and_a_diagonal_are_one_V(method):
    data = frame()
    v = data.vi.to_numpy()
    column = ld.model("yi ~ x + meta_V(vi)", data=data).fit(method)
    for V in (v, list(v), np.diag(v), csr_array(np.diag(v)), [np.array([[one]]) for one in v]):
        assert_same(column, ld.model("yi ~ x + meta_V(V)", data=data, known={"V": V}).fit(method))


@pytest.mark.parametrize("method", METHODS)
def test_one_block_of_all_rows_equals_its_dense_likelihood(method):
    """V without any structure, with a group effect across it."""
    data, rng = frame(), np.random.default_rng(3)
    A = rng.normal(size=(len(data), len(data)))
    V = 0.05 * (A @ A.T / len(data) + np.eye(len(data)))
    fit = ld.model("yi ~ x + (1 | study) + meta_V(V)", data=data, known={"V": V}).fit(method)
    Z = (data.study.to_numpy()[:, None] == np.arange(18)).astype(float)
    total = V + fit.sigma**2 * np.eye(len(data)) + fit.point.sd[0] ** 2 * Z @ Z.T
    X = np.column_stack([np.ones(len(data)), data.x])
    W = np.linalg.inv(total)
    XX = X.T @ W @ X
    r = data.yi - X @ np.linalg.solve(XX, X.T @ W @ data.yi)
    df = len(data) - (2 if method == "reml" else 0)
    deviance = df * np.log(2 * np.pi) + np.linalg.slogdet(total)[1] + r @ W @ r
    deviance += np.linalg.slogdet(XX)[1] if method == "reml" else 0.0
    assert fit.loglik == pytest.approx(-deviance / 2, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_sigma_by_group_is_a_separate_sigma_in_each(method):
    """With a mean and a sigma for each half, the likelihood is the product of the halves'."""
    data = frame(seed=1)
    both = ld.model("yi ~ 0 + half + meta_V(vi)", "sigma ~ 0 + half", data=data).fit(method)
    for half, rows in data.groupby("half"):
        own = ld.model("yi ~ 1 + meta_V(vi)", data=rows).fit(method)
        assert np.exp(both.scale[f"half[{half}]"]) == pytest.approx(own.sigma, rel=SEARCHED)
        assert both.fixef[f"half[{half}]"] == pytest.approx(own.fixef.iloc[0], rel=SEARCHED)
        assert both.se[f"half[{half}]"] == pytest.approx(own.se.iloc[0], rel=SEARCHED)


@pytest.mark.parametrize("method", METHODS)
def test_with_one_row_in_each_study_its_sd_is_sigma(method):
    data = frame(seed=1).assign(study=lambda d: np.arange(len(d)))
    by_sigma = ld.model("yi ~ x + meta_V(vi)", "sigma ~ half", data=data).fit(method)
    parts = ["yi ~ x + (1 | study) + meta_V(vi)", "sigma ~ 0", "sd(study) ~ half"]
    by_sd = ld.model(*parts, data=data).fit(method)
    assert by_sd.loglik == pytest.approx(by_sigma.loglik, abs=1e-7)
    np.testing.assert_allclose(by_sd.fixef, by_sigma.fixef, rtol=SEARCHED)
    np.testing.assert_allclose(by_sd.scale_of("study"), by_sigma.scale, rtol=1e-4)
    sd = np.exp(by_sd.scale_of("study"))
    assert sd.iloc[0] == pytest.approx(by_sigma.sigma[data.half == "even"][0], rel=1e-4)


MODELS = {
    "location and scale": ("yi ~ x + meta_V(vi)", "sigma ~ x"),
    "studies": ("yi ~ x + (1 + x | study) + meta_V(vi)",),
    "study sds": ("yi ~ x + (1 | study) + meta_V(vi)", "sd(study) ~ half"),
    "proportional": ('yi ~ x + meta_V(vi, scale="proportional")',),
}


@settings(max_examples=12, deadline=None)
@given(log_b=st.floats(-6, 6), sign=st.sampled_from([-1, 1]), name=st.sampled_from(list(MODELS)))
def test_other_units_of_the_effects_change_units_only(log_b, sign, name):
    """y -> by, v -> b²v: coefficients and sds times b, every test as before."""
    b, data = sign * 10.0**log_b, frame(seed=2)
    base = ld.model(*MODELS[name], data=data).fit("reml")
    moved = data.assign(yi=b * data.yi, vi=b**2 * data.vi)
    fit = ld.model(*MODELS[name], data=moved).fit("reml")
    np.testing.assert_allclose(fit.fixef / b, base.fixef, rtol=1e-6, atol=1e-7 * base.se.max())
    np.testing.assert_allclose(fit.se / abs(b), base.se, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(fit.sigma) / abs(b), base.sigma, rtol=SEARCHED)
    np.testing.assert_allclose(fit.point.sd / abs(b), base.point.sd, rtol=SEARCHED)
    assert fit.phi == pytest.approx(base.phi, rel=SEARCHED)
    shift = (len(data) - 2) * np.log(abs(b))
    assert fit.loglik + shift == pytest.approx(base.loglik, abs=1e-6)


@settings(max_examples=8, deadline=None)
@given(log_scale=st.floats(-10, 10), offset=st.floats(-1e8, 1e8), name=st.sampled_from(list(MODELS)[:3]))
def test_other_units_of_a_moderator_change_units_only(log_scale, offset, name):
    """The slope is divided by the unit; what does not name it stays."""
    b, data = 10.0**log_scale, frame(seed=2)
    base = ld.model(*MODELS[name], data=data).fit("reml")
    moved = data.assign(x=b * (data.x + offset / 1e4))
    fit = ld.model(*MODELS[name], data=moved).fit("reml")
    assert fit.loglik + np.log(b) == pytest.approx(base.loglik, abs=1e-5)
    assert fit.fixef["x"] * b == pytest.approx(base.fixef["x"], rel=SEARCHED, abs=1e-5 * base.se["x"])
    np.testing.assert_allclose(fit.fitted(), base.fitted(), rtol=1e-5, atol=1e-5)


def test_rows_have_no_order_and_labels_no_meaning():
    data = frame(seed=3)
    mixed = data.sample(frac=1, random_state=1).assign(study=lambda d: "s" + (97 - d.study).astype(str))
    for parts in MODELS.values():
        one, other = (ld.model(*parts, data=rows).fit("reml") for rows in (data, mixed))
        assert other.loglik == pytest.approx(one.loglik, abs=1e-8)
        np.testing.assert_allclose(other.fixef, one.fixef, rtol=1e-6, atol=1e-7)


def test_weights_repeat_rows():
    """Whole weights w stand for w equal rows, known variances and regressions of sigma included."""
    data, w = frame(seed=4), np.random.default_rng(0).integers(1, 4, len(frame(seed=4)))
    repeated = data.loc[np.repeat(np.arange(len(data)), w)].reset_index(drop=True)
    for parts in (MODELS["location and scale"], ("yi ~ x", "sigma ~ x"), ("yi ~ x + meta_V(vi)",)):
        for method in METHODS:
            weighted = ld.model(*parts, data=data.assign(w=w), weights="w").fit(method)
            plain = ld.model(*parts, data=repeated).fit(method)
            assert weighted.loglik == pytest.approx(plain.loglik, rel=1e-10)
            np.testing.assert_allclose(weighted.fixef, plain.fixef, rtol=1e-6)
            np.testing.assert_allclose(weighted.se, plain.se, rtol=1e-6)
            np.testing.assert_allclose(weighted.scale, plain.scale, rtol=1e-5)


def test_a_proportional_multiplier_of_one_is_additive():
    """φ at its estimate, given as part of V, leaves the same likelihood."""
    data = frame(seed=5)
    found = ld.model('yi ~ x + meta_V(vi, scale="proportional")', "sigma ~ 0", data=data).fit("ml")
    fixed = ld.model("yi ~ x + meta_V(V)", "sigma ~ 0", data=data, known={"V": found.phi * data.vi}).fit("ml")
    assert fixed.loglik == pytest.approx(found.loglik, rel=1e-9)
    # Closed form: weighted least squares with weights 1/v, φ the mean squared weighted residual.
    X, w = np.column_stack([np.ones(len(data)), data.x]), 1 / data.vi.to_numpy()
    r = data.yi - X @ np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w * data.yi))
    assert found.phi == pytest.approx(np.mean(w * r**2), rel=1e-7)


def test_a_weight_of_two_is_every_row_twice():
    """Weights multiply log-likelihoods: all that is computed from these is that of repeated rows."""
    data = ld.load_data("bcg_rr")
    formula, twice = "yi ~ ablat + meta_V(vi)", pd.concat([data, data], ignore_index=True)
    one = ld.model(formula, data=data.assign(w=2.0), weights="w").fit("reml")
    many = ld.model(formula, data=twice).fit("reml")
    new = {"ablat": [20.0, 40.0]}
    for table in (
        lambda fit: fit.summary(),
        ld.coef_tests,
        lambda fit: ld.coef_tests(fit, df="satterthwaite"),
        lambda fit: ld.heterogeneity(fit, interval="profile", simulate=0).table.drop(columns="tau2_se"),
        lambda fit: ld.prediction_interval(fit, new, v=0.1),
        lambda fit: ld.predictions(fit, new),
        lambda fit: ld.true_effects(fit).iloc[:13],
        lambda fit: ld.marginal_means(fit, "ablat", at=new),
    ):
        found, expected = (table(fit).select_dtypes("number").to_numpy() for fit in (one, many))
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-9)  # limits are searched for
    found, expected = (ld.heterogeneity(fit, simulate=0).Q for fit in (one, many))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_weighted_rows_have_robust_errors_of_the_weighted_estimate():
    data = ld.load_data("bcg_rr").assign(w=np.arange(1.0, 14.0))
    fit = ld.model("yi ~ ablat + meta_V(vi)", data=data, weights="w").fit("reml")
    robust = ld.cluster_robust(fit, data.trial)
    np.testing.assert_allclose(robust.sandwich.M, fit.vcov, rtol=1e-8)
    without = ld.model("yi ~ ablat + meta_V(vi)", data=data.assign(w=data.w - 1), weights="w").fit("reml")
    with pytest.raises(ld.FitError, match="weight 0"):
        ld.cluster_robust(without, data.trial)
