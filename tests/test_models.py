"""The High School models with their data: every method, every notation, and how the methods agree."""

from pathlib import Path

import numpy as np
import pytest

import laird as ld
from laird.fitting.tables import convergence
from laird.spec.equations import NOTATIONS
from tests.peers import peer_fits, peer_ids

FILES = {path.stem: path for path in sorted((Path(__file__).parents[1] / "models").glob("hs_*.toml"))}
PEERS = {name: f"hs-{name.removeprefix('hs_')}-reml" for name in FILES} | {
    "hs_contextual": "hs-contextual_outcomes-reml"
}
INTERIOR = [
    fit_id
    for fit_id in peer_ids(method="reml")
    if not (peer_fits()[fit_id].singular or fit_id.startswith("restoration"))  # known variances
]

# The stopping rule of Newton's method leaves parameters good to about 1e-8 relative; see fitting/newton.py.
# Correlations and group effects near zero are compared on the scale of 1 and of their sd.
SAME = 1e-6


@pytest.fixture(scope="module", params=FILES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return ld.model(ld.read_spec(FILES[name]))


@pytest.fixture(scope="module")
def reml(model):
    return model.fit("reml")


@pytest.fixture(scope="module")
def eb(model):
    return model.fit("eb", random_seed=1)


@pytest.fixture(scope="module")
def nuts(model):
    return model.fit("nuts", draws=500, tune=500, chains=2, random_seed=1, progress=False)


def test_there_are_the_ten_models_of_the_slides_and_that_of_the_report():
    assert len(FILES) == 11
    assert set(PEERS.values()) <= set(peer_ids())


def test_it_binds_to_the_data_that_it_names(model, hs):
    assert model.spec.data == "hs"
    assert len(model.design.y) == len(hs)
    assert model.spec.title in repr(model)
    assert model.spec.formula in repr(model)


def test_it_has_equations_in_every_notation(model):
    texts = [str(model.equations(notation)) for notation in NOTATIONS]
    assert len(set(texts)) == len(NOTATIONS)
    assert all("mathach" in text for text in texts)


def test_its_multilevel_form_is_the_same_model(model):
    form = model.multilevel()
    assert form.to_combined() == model.spec.locations[0]


@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_its_graph_has_a_density_where_sampling_starts(model, form):
    graph = model.graph(form)
    logp = graph.compile_logp(mode="FAST_COMPILE")
    assert np.isfinite(logp(graph.initial_point()))


def test_it_has_a_prior_for_every_parameter(model, reml):
    assert {row.parameter for row in model.priors} >= {*reml.fixef.index, "sigma"}
    assert len(model.priors) >= len(reml.summary())


def test_least_squares_and_maximum_likelihood_fit_it(model, reml):
    ols, ml = model.fit("ols"), model.fit("ml")
    assert list(ols.fixef.index) == list(ml.fixef.index) == list(reml.fixef.index)
    # ML is the maximum of what least squares, without groups, also allows.
    assert ml.loglik > ols.loglik
    assert ml.sigma < ols.sigma


def test_reml_equals_lme4(name, reml):
    """The formula of the file is the one lme4 fitted; lme4's optimiser is good to 1e-5."""
    peer = peer_fits()[PEERS[name]]
    assert reml.status == "ok"
    assert reml.loglik == pytest.approx(peer.loglik, rel=1e-8, abs=1e-6)
    assert reml.fixef.to_dict() == pytest.approx(peer.fixef, rel=1e-5)
    sds = reml.varcorr[(reml.varcorr.group == "school") & (reml.varcorr.term2 == "")]
    expected = {term: sd for (_, term), sd in peer.sd.items()}
    assert dict(zip(sds.term1, sds.sdcor, strict=True)) == pytest.approx(expected, rel=1e-5)


def assert_same_estimates(one, other):
    assert one.fixef.to_dict() == pytest.approx(other.fixef.to_dict(), rel=SAME)
    np.testing.assert_allclose(one.varcorr.sdcor, other.varcorr.sdcor, rtol=SAME, atol=SAME)
    for group in other.ngroups:
        sds = other.varcorr.sdcor[(other.varcorr.group == group) & (other.varcorr.term2 == "")].to_numpy()
        np.testing.assert_array_less(abs(one.ranef(group) - other.ranef(group)) / sds, SAME)


@pytest.mark.parametrize("fit_id", INTERIOR)
def test_empirical_bayes_with_flat_priors_is_reml(fit_id):
    """Requirement 7, for every stored case that is not on the boundary."""
    peer = peer_fits()[fit_id]
    data = ld.load_data(peer.data)
    flat = ld.model(peer.formula, data=data, priors="flat").fit("eb", draws=100, random_seed=1)
    assert_same_estimates(flat, ld.model(peer.formula, data=data).fit("reml"))


def test_empirical_bayes_shrinks_like_reml(eb, reml):
    """Weak priors move no estimate of a fixed effect by a quarter of its standard error."""
    assert eb.status == "ok"
    np.testing.assert_array_less(abs(eb.fixef - reml.fixef) / reml.se, 0.25)


def test_nuts_and_empirical_bayes_draw_from_one_posterior(nuts, eb):
    """Their posterior means differ by less than 5 Monte Carlo standard errors, plus a tenth of a
    posterior sd for what importance weights leave of the error of the Laplace approximation."""
    for name in ("beta", "sd", "sigma"):
        for ours, theirs in zip(columns(nuts, name), columns(eb, name), strict=True):
            allowed = 5 * np.hypot(standard_error(ours), standard_error(theirs)) + 0.1 * theirs.std()
            assert abs(ours.mean() - theirs.mean()) < allowed


def test_nuts_sees_no_trouble(nuts):
    """500 draws of 2 chains: R-hat of a converged chain may still exceed the limit of 1.01."""
    checks = nuts.check().set_index("check").value
    assert checks["rhat"] < 1.05
    assert checks["divergences"] == 0


def columns(fit, name):
    values = np.atleast_3d(getattr(fit.draws, name))
    return np.moveaxis(values, -1, 0)


def standard_error(values):
    return values.std() / np.sqrt(convergence(values)[0])
