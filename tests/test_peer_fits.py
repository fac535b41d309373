"""laird against lme4 and nlme: every stored fit that the grouped structure can express."""

import numpy as np
import pytest

import laird as ld
from tests.peers import golden, peer_fits, peer_ids

FITTED = [fit_id for fit_id in peer_ids() if not fit_id.startswith("restoration")]
"""Everything but the meta-analyses, whose sampling variances are known."""

INTERIOR = [fit_id for fit_id in FITTED if not peer_fits()[fit_id].singular]
BOUNDARY = [fit_id for fit_id in FITTED if peer_fits()[fit_id].singular]

# The peers stop their optimisers when the deviance is flat to about 1e-10, which leaves the variance
# parameters, where it is quadratic, good to about its root, 1e-5.  Sds, correlations and random effects
# that may be near zero are compared on the scale of 1 and of the group sd.
RELATIVE = 1e-5


@pytest.fixture(scope="module")
def fitted():
    """``fitted(id)``: laird's fit of a stored case, made once."""
    made = {}

    def fit(fit_id):
        if fit_id not in made:
            peer = peer_fits()[fit_id]
            made[fit_id] = ld.model(peer.formula, data=ld.load_data(peer.data)).fit(peer.method)
        return made[fit_id]

    return fit


def sds(fit):
    table = fit.varcorr
    rows = table[(table.term2 == "") & (table.group != "residual")]
    return dict(zip(zip(rows.group, rows.term1, strict=True), rows.sdcor, strict=True))


def correlations(fit):
    rows = fit.varcorr[fit.varcorr.term2 != ""]
    return dict(zip(zip(rows.group, rows.term1, rows.term2, strict=True), rows.sdcor, strict=True))


def close(values):
    return pytest.approx(values, rel=RELATIVE)


def test_no_stored_fit_is_left_out():
    assert sorted(INTERIOR + BOUNDARY) == sorted(FITTED)
    assert sorted({*FITTED, *peer_ids(data="restoration")}) == sorted(peer_ids())
    assert (len(INTERIOR), len(BOUNDARY)) == (41, 4)


@pytest.mark.parametrize("fit_id", FITTED)
def test_fixed_effects_and_log_likelihood(fit_id, fitted):
    peer, fit = peer_fits()[fit_id], fitted(fit_id)
    assert fit.fixef.to_dict() == close(peer.fixef)
    assert fit.se.to_dict() == close(peer.se)
    assert fit.nobs == peer.raw["nobs"]
    assert fit.loglik == pytest.approx(peer.loglik, rel=1e-8, abs=1e-6)
    assert fit.loglik >= peer.loglik - 1e-6


@pytest.mark.parametrize("fit_id", INTERIOR)
def test_variance_parameters(fit_id, fitted):
    peer, fit = peer_fits()[fit_id], fitted(fit_id)
    assert fit.status == "ok"
    assert fit.sigma == close(peer.sigma)
    assert sds(fit) == close(peer.sd)
    assert correlations(fit) == pytest.approx(peer.cor, rel=RELATIVE, abs=RELATIVE)


@pytest.mark.parametrize("fit_id", [fit_id for fit_id in FITTED if peer_fits()[fit_id].ranef])
def test_random_effects(fit_id, fitted):
    peer, fit = peer_fits()[fit_id], fitted(fit_id)
    for group, terms in peer.ranef.items():
        ranef = fit.ranef(group)
        for term in ranef:
            size = peer.sd[group, term]
            np.testing.assert_allclose(ranef[term], terms[term], rtol=RELATIVE, atol=RELATIVE * size)


def test_random_effects_are_compared_somewhere():
    assert sum(bool(peer.ranef) for peer in peer_fits().values()) >= 3


@pytest.mark.parametrize("fit_id", BOUNDARY)
def test_estimates_on_the_boundary(fit_id, fitted):
    """The peers approach a correlation of 1, or a variance of 0; laird is there, and says so."""
    peer, fit = peer_fits()[fit_id], fitted(fit_id)
    assert fit.status == "boundary"
    assert fit.sigma == close(peer.sigma)
    assert sds(fit) == close(peer.sd)
    assert correlations(fit) == pytest.approx(peer.cor, abs=RELATIVE)
    assert set(correlations(fit).values()) <= {1.0}
    message = fit.check().set_index("check").loc["boundary", "message"]
    expected = "`Intercept` and `ses` between the groups of `school` is estimated as +1"
    assert (expected if peer.cor else "The variance of `Intercept`") in message


def test_the_boundary_is_reported_where_the_peer_reports_it(fitted):
    assert [fit_id for fit_id in FITTED if fitted(fit_id).status == "boundary"] == BOUNDARY
    assert all(fitted(fit_id).status == "ok" for fit_id in INTERIOR)


def printed(value):
    """Half a unit in the last of the printed digits, which decimal notation keeps up to zeros."""
    digits = str(value).partition(".")[2]
    return pytest.approx(value, abs=0.5001 * 10.0 ** -len(digits))


@pytest.fixture(scope="module")
def slides():
    return golden("seed_numbers")


@pytest.fixture(scope="module")
def expected(slides):
    """nlme's one-way model; its optimiser is less exact than its print, about 1e-6."""
    return slides["method_5_oneway_reml"]


@pytest.fixture(scope="module")
def oneway(hs, expected):
    return ld.model(expected["formula"], data=hs).fit("reml")


def test_oneway_model_of_the_slides_estimates(oneway, expected):
    assert oneway.loglik == printed(expected["loglik"])
    assert (oneway.aic, oneway.bic) == (printed(expected["aic"]), printed(expected["bic"]))
    assert oneway.fixef["Intercept"] == printed(expected["intercept"])
    assert oneway.sigma == close(expected["sigma"])
    assert oneway.varcorr.sdcor[0] == close(expected["sd_school"])
    assert oneway.se["Intercept"] == close(expected["se"])
    t = oneway.fixef["Intercept"] / oneway.se["Intercept"]
    assert (t, t**2) == (close(expected["t"]), close(expected["wald_F"]))


def test_oneway_model_of_the_slides_intervals(oneway, expected):
    table = oneway.summary().set_index("component")
    lower, upper = table.lower, table.upper
    assert [lower["fixed"], upper["fixed"]] == close(expected["ci_intercept"])
    # nlme takes the Hessian by finite differences (see the note in the file).
    assert [lower["sd"], upper["sd"]] == pytest.approx(expected["ci_sd_school"], rel=1e-4)
    assert [lower["sigma"], upper["sigma"]] == close(expected["ci_sigma"])


def test_oneway_model_of_the_slides_degrees_of_freedom(oneway, expected):
    from laird.fitting.degrees import inner_outer

    assert inner_outer(oneway.problem.design, oneway.problem.design.random) == expected["df_printed"]


def test_oneway_model_of_the_slides_residuals(oneway, expected):
    quantiles = np.quantile(oneway.residuals(standardized=True), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, expected["standardized_within_residual_quantiles"], atol=RELATIVE)


def test_oneway_model_of_the_slides_schools(oneway, expected):
    ranef, coef = oneway.ranef("school").Intercept, oneway.coef("school").Intercept
    tolerance = {"rel": RELATIVE, "abs": RELATIVE}
    assert ranef[list(expected["ranef"])].to_dict() == pytest.approx(expected["ranef"], **tolerance)
    assert coef[list(expected["coef"])].to_dict() == pytest.approx(expected["coef"], **tolerance)


def test_oneway_model_of_the_slides_means_and_predictors(oneway, expected):
    """BLUE, BLUP and number of pupils of ten schools."""
    table = ld.shrinkage(oneway).set_index("group")[["blue", "eblup", "n"]]
    for school, (blue, blup, n) in expected["blue_blup_n"].items():
        assert table.loc[school].tolist() == [close(blue), close(blup), n]


def test_pooled_least_squares_of_the_slides(hs, slides):
    expected = slides["method_1_pooled_ols"]
    fit = ld.model(expected["formula"], data=hs).fit("ols")
    assert fit.fixef.to_dict() == {name: printed(value) for name, value in expected["estimate"].items()}
    assert fit.se.to_dict() == {name: printed(value) for name, value in expected["se"].items()}
    assert fit.sigma == printed(expected["residual_se"])
    quantiles = np.quantile(fit.residuals(), [0, 0.25, 0.5, 0.75, 1])
    assert quantiles.tolist() == [printed(value) for value in expected["residual_quantiles"]]


def test_group_sizes_of_the_slides(hs, slides):
    fit = ld.model("mathach ~ 1 + (1 | school)", data=hs).fit("ols")
    table = ld.shrinkage(fit)
    assert dict(zip(table.group, table.n, strict=True)) == slides["counts"]["school_n"]
    assert (fit.nobs, fit.ngroups) == (slides["counts"]["rows"], {"school": slides["counts"]["schools"]})
