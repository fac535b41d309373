"""Marginal means of location and scale, by hand."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld


@pytest.fixture(scope="module")
def crossed():
    rng = np.random.default_rng(0)
    n = 60
    data = {"a": list("uvw") * 20, "b": list("pppqq") * 12, "x": rng.normal(3, 1, n)}
    data |= {"y": rng.normal(size=n), "v": rng.uniform(0.1, 0.3, n)}
    return ld.model("y ~ a * b + x + meta_V(v)", "sigma ~ a + b", data=data).fit("ml")


def test_other_categories_count_equally(crossed):
    found = ld.marginal_means(crossed, "a").set_index("a").estimate
    b, x = crossed.fixef, crossed.problem.design.X[:, 4].mean()
    assert crossed.problem.design.names[4] == "x"
    base = b["Intercept"] + b["b[q]"] / 2 + b["x"] * x
    assert found["u"] == pytest.approx(base, rel=1e-10)
    assert found["v"] == pytest.approx(base + b["a[v]"] + b["a[v]:b[q]"] / 2, rel=1e-10)


def test_errors_and_intervals_are_those_of_the_combination(crossed):
    found = ld.marginal_means(crossed, "b", df="normal").iloc[0]
    K = np.array([1, 1 / 3, 1 / 3, 0, crossed.problem.design.X[:, 4].mean(), 0, 0])
    assert found.se == pytest.approx(np.sqrt(K @ crossed.vcov @ K), rel=1e-10)
    assert found.upper - found.estimate == pytest.approx(1.959964 * found.se, rel=1e-6)
    assert np.isinf(found.df)


def test_the_scale_has_geometric_means_with_profile_intervals(crossed):
    found = ld.marginal_means(crossed, "a", part="scale").set_index("a")
    a = crossed.scale
    assert np.log(found.estimate["v"]) == pytest.approx(a["Intercept"] + a["a[v]"] + a["b[q]"] / 2, rel=1e-9)
    assert np.all((found.lower < found.estimate) & (found.estimate < found.upper))
    assert np.all(np.isfinite(found.upper))


def test_one_category_gives_the_sds_of_its_levels():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    means = ld.marginal_means(fit, "habitat", part="scale")
    at = ld.heterogeneity_at(fit, {"habitat": ["grassland", "forest"]}, simulate=0)
    np.testing.assert_allclose(means.estimate, at.tau, rtol=1e-10)
    np.testing.assert_allclose(means[["lower", "upper"]], at[["tau_lower", "tau_upper"]], rtol=1e-5)


def test_group_sds_have_them():
    rng = np.random.default_rng(0)
    study = np.repeat(np.arange(30), 4)
    kind = np.array(["lab", "field"])[np.arange(30) % 2][study]
    y = np.where(kind == "lab", 2.0, 1.0) * rng.normal(size=30)[study] + 0.5 * rng.normal(size=120)
    data = {"y": y, "study": study, "kind": kind, "v": rng.uniform(0.05, 0.2, 120)}
    fit = ld.model("y ~ kind + (1 | study) + meta_V(v)", "sd(study) ~ kind", data=data).fit("ml")
    found = ld.marginal_means(fit, "kind", part="scale", group="study").set_index("kind").estimate
    gamma = fit.scale_of("study")
    assert np.log(found["field"]) == pytest.approx(gamma["Intercept"], rel=1e-9)
    assert np.log(found["lab"]) == pytest.approx(gamma.sum(), rel=1e-9)


def test_outcomes_have_their_own():
    rng = np.random.default_rng(1)
    data = {"p": rng.normal(size=20), "q": rng.normal(size=20), "v": np.full(20, 0.1), "g": list("uuvv") * 5}
    fit = ld.model("p ~ g + meta_V(v)", "q ~ 1 + meta_V(v)", "sigma(p) ~ g", data=data).fit("ml")
    found = ld.marginal_means(fit, "g")
    assert found[["outcome", "g"]].values.tolist() == [["p", "u"], ["q", "u"], ["p", "v"], ["q", "v"]]
    scale = ld.marginal_means(fit, "g", part="scale", group="p")
    assert list(scale.columns[:2]) == ["g", "estimate"]
    assert scale.estimate[1] == pytest.approx(
        np.exp(fit.scale["p: Intercept"] + fit.scale["p: g[v]"]), rel=1e-9
    )


def test_draws_have_posterior_intervals():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("eb", random_seed=1)
    for part in ("location", "scale"):
        found = ld.marginal_means(fit, "habitat", part=part)
        assert np.all((found.lower < found.estimate) & (found.estimate < found.upper))


def test_numbers_need_values(crossed):
    found = ld.marginal_means(crossed, ["b", "x"], at={"x": [0.0, 1.0]})
    assert len(found) == 4
    slope = found.estimate[1] - found.estimate[0]
    assert slope == pytest.approx(crossed.fixef["x"], rel=1e-9)
    with pytest.raises(ld.FitError, match="`x` is no categorical moderator"):
        ld.marginal_means(crossed, "x")


def test_a_scale_without_predictors_is_refused():
    fit = ld.model("yi ~ alloc + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    with pytest.raises(ld.FitError, match="no regression of sigma"):
        ld.marginal_means(fit, "alloc", part="scale")
    with pytest.raises(ld.FitError, match="no regression of an sd or a sigma of `trial`"):
        ld.marginal_means(fit, "alloc", part="scale", group="trial")
