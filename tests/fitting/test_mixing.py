import numpy as np
import pytest
from scipy import integrate, stats
from tests.beyond_normal import MANY, with_families

import laird as ld
from laird.fitting.mixing import given_effects, own_weights, row_information, standardised, weight, weights_of


@pytest.fixture(scope="module")
def normal():
    data = ld.load_data("sleepstudy")
    return ld.model("Reaction ~ Days + (Days | Subject)", data=data).fit("eb", draws=200, random_seed=1)


@pytest.fixture(scope="module")
def robust(normal):
    shapes = {"nu(Subject)": 4.0, "nu(errors)": 3.0}
    return with_families(normal, shapes, Subject="t", errors="t")


def test_the_weight_is_the_mean_of_its_posterior():
    nu, z = 5.0, np.array([0.7, -2.0])
    t = z * np.sqrt(nu / (nu - 2))

    def posterior(g):
        return stats.gamma.pdf(g, nu / 2, scale=2 / nu) * np.prod(stats.norm.pdf(t, scale=g**-0.5))

    mass, first = (integrate.quad(lambda g, k=k: g**k * posterior(g), 0, 40)[0] for k in (0, 1))
    assert weight(z[None, None], np.array([nu]))[0, 0] == pytest.approx(first / mass, rel=1e-6)


def test_rows_and_groups_have_weights(robust):
    groups, errors = weights_of(robust.problem, robust.draws)
    assert (errors.what, groups.what, groups.term) == ("errors", "Subject", "Intercept, Days")
    assert len(errors.weight) == 180
    assert groups.labels[0] == "308"
    assert errors.weight[np.abs(errors.effect).argmax()] < 0.2 < 1.0 < errors.weight.max()


def test_standardised_effects_give_back_the_effects(robust):
    own = standardised(robust.problem, robust.draws, 10)
    u = np.einsum("sab,sjb->sja", own.flat("L"), own.groups(0))
    np.testing.assert_allclose(u, own.effects(0), atol=1e-9)  # two solves
    assert own.rows().shape == (10, 180)


def test_many_degrees_of_freedom_weigh_groups_as_the_normal_does(normal):
    fit = with_families(normal, {"nu(Subject)": MANY, "nu(errors)": MANY}, Subject="t", errors="t")
    (found,) = own_weights(fit.problem, fit.draws)
    own = standardised(fit.problem, fit.draws, 100)
    G = own.flat("L") @ np.swapaxes(own.flat("L"), -1, -2)
    random = fit.problem.design.random[0]
    ZZ = random.Z[random.ids == 0].T @ random.Z[random.ids == 0]
    V = np.exp(2 * own.flat("alpha"))[..., None] * np.linalg.inv(ZZ)
    np.testing.assert_allclose(found[0], np.mean(G @ np.linalg.inv(G + V), axis=0), atol=1e-4)


def test_information_is_that_of_the_rows(robust):
    own = standardised(robust.problem, robust.draws, 3)
    found, random = row_information(own), robust.problem.design.random[0]
    assert found.n.tolist() == [10] * 18
    assert found.A.shape == (3, 18, 2, 2)
    rows = random.ids == 5
    assert np.all(np.linalg.eigvalsh(found.A) > 0)
    assert found.b[0, 5].shape == random.Z[rows].T[:, 0].shape


def test_the_outcome_given_all_effects(robust):
    own = standardised(robust.problem, robust.draws, 5)
    scale = own.sigma() * np.sqrt(1 / 3)
    expected = stats.t(3, loc=own.means(), scale=scale).logpdf(robust.problem.design.y).sum(axis=1)
    np.testing.assert_allclose(given_effects(own), expected, rtol=1e-10)


def test_known_errors_in_blocks():
    model = ld.model(
        "yi ~ 1 + (1 | study) + meta_V(V)",
        data=ld.load_data("assink2016"),
        known={"V": "vcov_cluster(vi, study, rho=0.6)"},
    )
    normal = model.fit("eb", draws=100, random_seed=1)
    fit = with_families(normal, {"nu(study)": MANY}, study="t")
    (found,) = own_weights(fit.problem, fit.draws)
    shares = normal.shrinkage_factors("study").to_numpy()[:, 0]
    # Averages over draws next to the mode of empirical Bayes.
    np.testing.assert_allclose(found[:, 0, 0], shares, atol=0.15)
    marginal = ld.log_likelihood(normal).to_numpy()
    np.testing.assert_allclose(ld.log_likelihood(fit).to_numpy(), marginal, atol=1e-3)  # ν = 10⁶
