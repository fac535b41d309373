"""Empirical Bayes with flat priors is REML, for every model that another package fitted.

REML itself is compared with these packages in test_peer_fits.py, test_structures.py and
test_peers_meta.py.
"""

import numpy as np
import pytest

import laird as ld
from tests.peers import golden, peer_fits
from tests.test_peers_meta import BIVARIATE, UNIVARIATE, model_of
from tests.test_structures import FORMULAS, peer_frame

GROUPED = sorted(
    {(fit.data, fit.formula) for fit in peer_fits().values() if not fit.data.startswith("restoration")}
)
META = sorted(UNIVARIATE | BIVARIATE)
CROSSED = sorted(FORMULAS)
SLOW = "insteval-reml"
"""Its coefficients and group effects need no draws, of which empirical Bayes makes at least a hundred."""


def grouped(case):
    name, formula = case
    return ld.model(formula, data=ld.load_data(name), priors="flat")


def crossed(name):
    return ld.model(FORMULAS[name], data=peer_frame(name), priors="flat")


def meta(template):
    return model_of(template, priors="flat")


CASES = [
    *(pytest.param(grouped, case, id=" ".join(case)) for case in GROUPED),
    *(pytest.param(crossed, name, id=name) for name in CROSSED if name != SLOW),
    *(pytest.param(meta, template, id=template.format("reml")) for template in META),
]


def test_no_stored_model_is_left_out():
    compared = {(fit.data, fit.formula) for fit in peer_fits().values()}
    assert len(compared) == len(GROUPED) + 1  # restoration is among the meta-analyses
    assert {entry["id"] for entry in golden("peers_crossed")} == {*CROSSED}
    stored = {entry["id"].removesuffix("-ml").removesuffix("-reml") for entry in golden("peers_meta")}
    others = {"bcg-reml-knapp-hartung"}  # the model of bcg-reml
    assert stored - {template.format("").removesuffix("-") for template in META} == others


@pytest.mark.parametrize(("model", "case"), CASES)
def test_flat_priors_give_reml(model, case):
    given = model(case)
    reml, eb = given.fit("reml"), given.fit("eb", draws=100, random_seed=1)
    assert eb.status == reml.status
    # Both searches end where a further step would change the log-likelihood by less than 1e-8.
    assert eb.loglik == pytest.approx(reml.loglik, abs=1e-8, rel=1e-10)
    # Variance parameters are as good as the root of that, in standard errors; compared on the scale of
    # the parameter, or 1 where it may be near zero.
    found, expected = eb.varcorr.sdcor, reml.varcorr.sdcor
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.atleast_1d(eb.sigma), np.atleast_1d(reml.sigma), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(eb.scale, reml.scale, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.ravel(eb.rho), np.ravel(reml.rho), rtol=0, atol=1e-5)
    assert np.all(np.abs(eb.fixef - reml.fixef) <= 1e-5 * reml.se)
    np.testing.assert_allclose(eb.se, reml.se, rtol=1e-5)
    for random in given.design.random:
        scale = np.maximum(reml.ranef(random.group).std(), 1e-12)
        difference = (eb.ranef(random.group) - reml.ranef(random.group)) / scale
        assert np.abs(difference).max(axis=None) < 1e-4


def test_the_mode_of_the_slowest_is_its_reml_estimate():
    from laird.fitting.mode import find_mode
    from laird.fitting.problem import problem
    from laird.fitting.target import start, target_of

    model = crossed(SLOW)
    bound = problem(model.spec, model.schema, model.design)
    target = target_of(bound, model.priors)
    theta, b = start(bound, target)
    away = theta._replace(L=1.2 * theta.L)
    mode = find_mode(target, away, b)
    np.testing.assert_allclose(mode.theta.L, theta.L, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mode.theta.alpha, theta.alpha, atol=1e-6)
