"""R of the explicit graph against the noise of the Gaussian layer."""

import numpy as np
import pymc as pm
import pytest
from tests.graph.cases import STRUCTURES, defaults, target_of
from tests.graph.points import PLAIN

from laird.gaussian.noise import block_layout, blocks_of, covariance
from laird.graph import residuals
from laird.graph.scales import Parameters
from laird.posterior.structure import noise


def at(name):
    """A design, its noise, θ, and θ as constants of a graph."""
    d = STRUCTURES[name]
    target = target_of(d, defaults(d))
    theta, _ = target.coordinates.split(np.random.default_rng(3).normal(0, 0.4, target.size))
    found = Parameters(
        (), list(theta.alpha), [list(own) for own in theta.delta], list(theta.log_phi), list(theta.zeta)
    )
    return d, noise(d), theta, found


@pytest.mark.parametrize(
    "name", ["blocks within groups", "blocks across groups", "two outcomes", "three outcomes"]
)
def test_blocks_are_those_of_the_gaussian_layer(name):
    d, errors, theta, found = at(name)
    n, block = len(d.y), blocks_of(errors)
    order = np.argsort(block, kind="stable")
    layout = block_layout(errors, order, block, np.ones(n))
    packed, expected = covariance(layout, theta).R, np.zeros((n, n))
    for b, (start, stop) in enumerate(zip(layout.starts, layout.starts[1:], strict=False)):
        rows = order[start:stop]
        expected[np.ix_(rows, rows)] = packed[layout.offsets[b] : layout.offsets[b + 1]].reshape(
            len(rows), -1
        )
    sigma = residuals.residual_sds(errors, found)
    phi = np.exp(found.log_phi[0]) if found.log_phi else 1.0
    R = np.zeros((n, n))
    for batch in residuals._batches(errors):
        values = residuals._covariance(errors, batch, sigma, phi, found.zeta).eval(mode=PLAIN)
        for rows, own in zip(batch.rows, values, strict=True):
            R[np.ix_(rows, rows)] = own
    np.testing.assert_allclose(R, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["known variances", "no sigma", "proportional", "sigma by x"])
def test_independent_rows_are_one_normal_vector(name):
    d, errors, theta, found = at(name)
    with pm.Model(coords={"obs": range(len(d.y))}) as model:
        residuals.observe(d, 0.0, found)
    sd = model["score"].owner.inputs[-1].eval(mode=PLAIN)
    present = errors.has_sigma
    sigma2 = np.where(present, np.exp(2 * (errors.W @ theta.alpha)), 0.0)
    phi = np.exp(theta.log_phi[0]) if len(theta.log_phi) else 1.0
    np.testing.assert_allclose(
        np.broadcast_to(sd, len(d.y)) ** 2, sigma2 + phi * errors.variances, rtol=1e-10
    )
