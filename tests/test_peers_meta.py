"""Every meta-analysis that metafor and drmTMB fitted, at their numbers, and the printed vignette."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

import laird as ld
from tests.peers import golden

# metafor's optimisers stop at a relative change of 1e-8 of the log-likelihood, so that variance
# parameters are good to about 1e-4 of their standard error; they agree to 1e-5.
RELATIVE = 1e-5

# Where metafor itself stopped earlier: its Fisher scoring when τ² changes by less than 1e-5, which is
# 9e-4 of the τ² of this model (the log-likelihood there is 1.5e-7 lower), and its nlminb 1e-5 before
# the correlation of two outcomes with predictors.  The fixed effects follow.
LOOSER = {"bcg-ablat-year-{}": 1.5e-3, "berkey-year-{}": 2e-5}


def entry(name):
    found = {one["id"]: one for one in [*golden("peers_meta"), *golden("peers_hs")]}
    return found[name]


def cluster_covariance(data, cluster, rho):
    return ld.vcov_cluster(data.vi, data[cluster], rho=rho)


def berkey(wide: bool):
    """The five trials with two outcomes, and V by trial in the order AL, PD."""
    data = ld.load_data("berkey1998")
    blocks = []
    for _, rows in data.groupby("trial", sort=False):
        order = np.argsort(rows.outcome.to_numpy())
        blocks.append(rows[["v1i", "v2i"]].to_numpy()[np.ix_(order, order)])
    if not wide:
        return data.sort_values(["trial", "outcome"]).reset_index(drop=True), blocks
    table = data.pivot(index="trial", columns="outcome", values="yi")
    return table.assign(year=data.groupby("trial").year.first()).reset_index(), blocks


UNIVARIATE = {
    "bcg-{}": ("bcg_rr", ["yi ~ 1 + meta_V(vi)"]),
    "bcg-ablat-year-{}": ("bcg_rr", ["yi ~ ablat + year + meta_V(vi)"]),
    "restoration-{}": ("restoration", ["yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat"]),
    "bangertdrowns-{}": ("bangertdrowns2004", ["yi ~ I(ni / 100) + meta_V(vi)", "sigma ~ I(ni / 100)"]),
    "konstantopoulos-{}": ("konstantopoulos2011", ["yi ~ 1 + (1 | district) + meta_V(vi)"]),
    "assink-{}": ("assink2016", ["yi ~ 1 + (1 | study) + meta_V(vi)"]),
    "assink-deltype-{}": ("assink2016", ["yi ~ deltype + year + (1 | study) + meta_V(vi)"]),
    "assink-rho0.6-{}": ("assink2016", ["yi ~ 1 + (1 | study) + meta_V(V)"]),
}
BIVARIATE = {
    "berkey-{}": ["AL ~ 1 + meta_V(V)", "PD ~ 1"],
    "berkey-year-{}": ["AL ~ I(year - 1983) + meta_V(V)", "PD ~ I(year - 1983)"],
}
LEVELS = {"habitat": ["grassland", "forest"]}


def cases(templates):
    stored = {one["id"] for one in [*golden("peers_meta"), *golden("peers_hs")]}
    names = [(key.format(method), key, method) for key in templates for method in ("reml", "ml")]
    return [pytest.param(*case, id=case[0]) for case in names if case[0] in stored]


@pytest.fixture(scope="module")
def fit_of():
    made = {}

    def fit(template, method):
        if (template, method) not in made:
            made[template, method] = model_of(template).fit(method)
        return made[template, method]

    return fit


def model_of(template, **options):
    """The model of a stored meta-analysis; options as of `ld.model`."""
    if template in BIVARIATE:
        wide, V = berkey(wide=True)
        return ld.model(*BIVARIATE[template], data=wide, known={"V": V}, **options)
    name, parts = UNIVARIATE[template]
    data = ld.load_data(name)
    known = {"V": cluster_covariance(data, "study", 0.6)} if "rho" in template else None
    levels = LEVELS if name == "restoration" else None
    return ld.model(*parts, data=data, known=known, levels=levels, **options)


def half_log_XX(fit):
    """metafor's restricted log-likelihood has ½ log|X'X| on top."""
    X = fit.problem.design.X
    return 0.5 * np.linalg.slogdet(X.T @ X)[1] if fit.method == "reml" else 0.0


def test_every_stored_meta_analysis_is_compared():
    compared = {case.values[0] for templates in (UNIVARIATE, BIVARIATE) for case in cases(templates)}
    others = {"bcg-reml-knapp-hartung"}  # tests/inference compares its tests
    stored = {one["id"] for one in golden("peers_meta")}
    assert stored - compared == others
    assert {"restoration-ml", "restoration-reml"} <= compared


@pytest.mark.parametrize(("name", "template", "method"), cases(UNIVARIATE | BIVARIATE))
def test_the_log_likelihood(name, template, method, fit_of):
    fit, expected = fit_of(template, method), entry(name)["loglik"]
    found = fit.loglik + half_log_XX(fit)
    assert found == pytest.approx(expected, abs=1e-6, rel=1e-8)
    assert found >= expected - 1e-7


@pytest.mark.parametrize(("name", "template", "method"), cases(UNIVARIATE | BIVARIATE))
def test_coefficients_and_their_standard_errors(name, template, method, fit_of):
    fit, stored, rtol = fit_of(template, method), entry(name), LOOSER.get(template, RELATIVE)
    expected = np.array(ordered(fit, stored["fixef"]))
    # A coefficient near zero is as good as its standard error.
    assert np.all(np.abs(fit.fixef - expected) <= rtol * np.maximum(np.abs(expected), fit.se))
    np.testing.assert_allclose(fit.se, ordered(fit, stored["se"]), rtol=rtol)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_where_metafor_stopped_earlier_ours_is_the_maximum(method):
    """τ² by SciPy's scalar search on the closed form of the profile likelihood."""
    data = ld.load_data("bcg_rr")
    X, y, v = np.column_stack([np.ones(13), data.ablat, data.year - 1970]), data.yi, data.vi

    def deviance(log_tau2):
        w = 1 / (v + np.exp(log_tau2)).to_numpy()
        XX = X.T @ (w[:, None] * X)
        r = y - X @ np.linalg.solve(XX, X.T @ (w * y))
        return np.sum(w * r**2) - np.log(w).sum() + (method == "reml") * np.linalg.slogdet(XX)[1]

    best = minimize_scalar(deviance, bracket=(-4.0, -2.0), tol=1e-10).x
    fit = ld.model("yi ~ ablat + year + meta_V(vi)", data=data).fit(method)
    assert fit.sigma**2 == pytest.approx(np.exp(best), rel=1e-6)  # the root of the search's tolerance


def ordered(fit, values):
    """metafor's outcomes stand side by side in each term; laird's terms in each outcome."""
    if fit.problem.design.outcomes:
        prefix = {name: f"outcome{name}" for name in fit.problem.design.outcomes}
        return [_of_term(values, *name.split(": "), prefix) for name in fit.fixef.index]
    return list(values.values())


def _of_term(values, outcome, term, prefix):
    return values[prefix[outcome] if term == "Intercept" else f"{prefix[outcome]}:{term}"]


@pytest.mark.parametrize(("name", "template", "method"), cases(UNIVARIATE))
def test_heterogeneity(name, template, method, fit_of):
    fit, stored = fit_of(template, method), entry(name)
    if "log_sd" in stored:
        np.testing.assert_allclose(fit.scale, list(stored["log_sd"].values()), rtol=RELATIVE)
        np.testing.assert_allclose(fit.scale_se, list(stored["log_sd_se"].values()), rtol=RELATIVE)
    elif "tau2" in stored:
        assert fit.sigma**2 == pytest.approx(stored["tau2"], rel=LOOSER.get(template, RELATIVE))
    else:
        assert fit.sigma == pytest.approx(stored["sigma"], rel=RELATIVE)
        assert fit.point.sd[0] == pytest.approx(next(iter(stored["sd"].values())), rel=RELATIVE)


@pytest.mark.parametrize(("name", "template", "method"), cases(BIVARIATE))
def test_heterogeneity_of_two_outcomes(name, template, method, fit_of):
    fit, stored = fit_of(template, method), entry(name)
    np.testing.assert_allclose(np.exp(fit.scale), stored["sd"], rtol=LOOSER.get(template, RELATIVE))
    assert fit.rho == pytest.approx(stored["rho12"], rel=LOOSER.get(template, RELATIVE))


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_stacked_outcomes_are_the_long_form(method, fit_of):
    """The search of the long form ends where a step gains 1e-8: sds agree to the root of that."""
    long, V = berkey(wide=False)
    parts = ["yi ~ 0 + outcome + (0 + outcome | trial) + meta_V(V)", "sigma ~ 0"]
    found, stacked = ld.model(*parts, data=long, known={"V": V}).fit(method), fit_of("berkey-{}", method)
    assert found.loglik == pytest.approx(stacked.loglik, abs=1e-8)
    np.testing.assert_allclose(found.fixef, stacked.fixef, rtol=1e-5)
    np.testing.assert_allclose(found.point.sd, np.exp(stacked.scale), rtol=1e-4)
    assert found.point.correlation[0, 1] == pytest.approx(stacked.rho, rel=1e-4)


# ---- what the vignette prints ----


@pytest.fixture(scope="module")
def vignette():
    """drmTMB's first example, with its standard errors from the Hessian of all parameters."""
    parts = UNIVARIATE["restoration-{}"][1]
    return ld.model(*parts, data=ld.load_data("restoration"), levels=LEVELS).fit("ml", se="joint")


def printed(values, digits):
    """Half a unit of the last printed digit, which an optimiser that stops at 1e-6 may miss by two."""
    return pytest.approx(values, abs=2.5 * 10**-digits)


def test_the_printed_coefficients(vignette):
    assert vignette.fixef.tolist() == printed([0.1455573, 0.2622841, 0.1033286], 6)
    assert vignette.se.tolist() == printed([0.03952995, 0.07954687, 0.03595271], 6)
    assert vignette.scale.tolist() == printed([-1.9804840, 1.0093575], 5)
    assert vignette.scale_se.tolist() == printed([0.34097290, 0.37666913], 5)
    assert vignette.loglik == pytest.approx(-24.77, abs=0.005)
    assert np.exp(vignette.scale["habitat[forest]"]) == printed(2.743838, 5)


def test_the_published_fit_is_the_stored_one(vignette):
    """drmTMB's optimiser stopped 2e-6 from the maximum; its printed digits end there."""
    stored = entry("restoration-drmTMB-published")
    assert vignette.fixef.tolist() == pytest.approx(list(stored["fixef"].values()), rel=RELATIVE)
    assert vignette.se.tolist() == pytest.approx(list(stored["se"].values()), rel=RELATIVE)
    assert vignette.scale_se.tolist() == pytest.approx(list(stored["log_sd_se"].values()), rel=RELATIVE)


def test_the_printed_table_by_habitat(vignette):
    data = ld.load_data("restoration")
    table = pd.DataFrame({"habitat": data.habitat, "sd": vignette.sigma, "variance": vignette.sigma**2})
    table["total"] = data.vi + table.variance
    means = table.groupby("habitat").mean().loc[["grassland", "forest"]]
    assert means.sd.tolist() == printed([0.1380024, 0.3786562], 6)
    assert means.variance.tolist() == printed([0.01904467, 0.14338053], 6)
    assert means.total.tolist() == printed([0.06715651, 0.19328933], 6)
    assert vignette.sigma.min() == printed(0.1380024, 6)
    assert np.unique(vignette.sigma).mean() == printed(0.2583293, 6)


def test_the_checks_of_the_vignette_are_ok(vignette):
    table = vignette.check().set_index("check")
    assert set(table.status) == {"ok"}
    assert "80 rows, variances 0.0152 to 0.07979" in table.message["known_covariance"]
