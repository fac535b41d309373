"""The growing mixture against densities of seven parameters whose moments are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import digamma, polygamma
from tests.fitting.test_quadrature import Known

from laird.fitting.laplace import PROPOSALS_PER_DRAW, Axes, laplace, proposals
from laird.fitting.mixture import mixture

K = 7


@dataclass
class Skewed:
    """Logarithms of independent gamma variates of a shape: long tails to the left."""

    shape: float

    def densities(self, phi):
        return np.sum(self.shape * phi - np.exp(phi), axis=1)

    def axes(self):
        return Axes(np.full(K, np.log(self.shape)), np.eye(K) / np.sqrt(self.shape))


def test_it_repairs_what_laplace_cannot():
    """E log x = digamma(0.25), Var log x = trigamma(0.25)."""
    target = Skewed(0.25)
    alone = laplace(target, target.axes(), 4000, np.random.default_rng(1))
    found = mixture(target, target.axes(), 4000, np.random.default_rng(1))
    assert not alone.usable
    assert found.usable
    assert found.proposals > alone.proposals
    mean, sd = digamma(0.25), np.sqrt(polygamma(1, 0.25))
    error = sd / np.sqrt(found.effective)
    assert np.abs(found.phi.mean(axis=0) - mean).max() < 4 * error
    np.testing.assert_allclose(found.phi.std(axis=0), sd, rtol=0.2)  # four errors of a skewed variate


def test_a_normal_density_needs_no_more_than_the_first_components():
    normal = Known(lambda x: -0.5 * np.sum(x**2, axis=0))
    found = mixture(normal, Axes(np.zeros(K), np.eye(K)), 1000, np.random.default_rng(0))
    assert found.proposals == PROPOSALS_PER_DRAW * 1000
    assert found.khat < 0.5


@pytest.mark.parametrize("counts", [(300, 300), (100, 900)])
def test_ratios_are_those_of_the_mixture(counts):
    """The mean of p/q over draws of q is the integral of p, whatever the shares of the components."""
    normal = Known(lambda x: -0.5 * np.sum(x**2, axis=0) - np.log(2 * np.pi))
    rng = np.random.default_rng(2)
    found = proposals(normal, Axes(np.zeros(2), np.eye(2)), 30, rng)
    for count, centre in zip(counts, (-1.0, 1.0), strict=True):
        found = found.extended(normal, Axes(np.full(2, centre), 1.5 * np.eye(2)), 10 * count, rng)
    ratios = np.exp(found.log_ratios())
    assert ratios.mean() == pytest.approx(1.0, abs=4 * ratios.std() / np.sqrt(len(ratios)))


def test_it_follows_the_seed():
    target = Skewed(1.0)
    one, same, other = (
        mixture(target, target.axes(), 500, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.phi, same.phi)
    assert not np.array_equal(one.phi, other.phi)
