"""Compiled draws have the conditional moments that `solve` gives, in any number of threads."""

import numpy as np
import pytest
from tests.gaussian.hierarchies import CORRELATED, DIAGONAL, OUTCOMES
from tests.posterior.test_compiled import bound_target, frame

from laird.gaussian import fused_draws as module
from laird.gaussian.hierarchy_marginal import bind

HIERARCHIES = {
    name: model
    for name, model in (DIAGONAL | CORRELATED | OUTCOMES).items()
    if name in ("no groups", "strata", "group sds", "nested", "crossed", "blocks", "two outcomes")
}
PRODUCTS = {
    "nested": "y ~ x + (1 + x | g) + (1 | g:h)",
    "three levels": "y ~ x + (1 | k/g/h)",
    "crossed": "y ~ x + (1 + x | g) + (1 | c)",
    "crossed, the second leads": "y ~ x + (1 | c) + (1 | g) + (1 | k)",
}
DRAWS = 4000


def agrees(likelihood, theta, b):
    """Means within five of their standard errors, variances within six."""
    solution = likelihood.solve(theta, b)
    stack = np.tile(b, (DRAWS, 1))
    beta, u = likelihood.draw(theta.repeated(DRAWS), stack, np.random.default_rng(1))
    pairs = [(beta, solution.beta, np.diag(solution.beta_cov))]
    for own, expected in zip(u, solution.effects, strict=True):
        pairs.append((own, expected.u, np.diagonal(expected.cov, axis1=1, axis2=2)))
    for values, mean, variance in pairs:
        error = np.sqrt(np.maximum(variance, 1e-12) / DRAWS)
        assert np.all(np.abs(values.mean(axis=0) - mean) < 5 * error + 1e-9)
        assert np.all(np.abs(values.var(axis=0) - variance) < 6 * variance * np.sqrt(2 / DRAWS) + 1e-9)


@pytest.mark.parametrize("name", HIERARCHIES)
def test_rows(name):
    model = HIERARCHIES[name]
    p = model.X.shape[1]
    prior = bind(model.data, np.full(p, 0.3), np.linspace(0.5, 2.0, p), [p - 1])
    agrees(prior, model.at, np.array([0.7]))


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    target = bound_target((PRODUCTS[name],), frame())
    phi = np.random.default_rng(4).normal(0, 0.4, target.size)
    agrees(target.likelihood, *target.coordinates.split(phi))


@pytest.mark.parametrize("name", ["nested", "crossed"])
def test_threads_change_nothing(name, monkeypatch):
    target = bound_target((PRODUCTS[name],), frame())
    theta, b = target.coordinates.split(np.zeros((9, target.size)))
    found = []
    for processors in (1, 4):
        monkeypatch.setattr(module.os, "cpu_count", lambda count=processors: count)
        monkeypatch.setattr(module, "LEAST", 0)
        found.append(target.likelihood.draw(theta, b, np.random.default_rng(1)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    for one, many in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(one, many)


def test_no_draw_where_there_is_no_density():
    target = bound_target(("y ~ x + (1 | g)", "sigma ~ x"), frame())
    theta, b = target.coordinates.split(np.zeros((2, target.size)))
    with pytest.raises(np.linalg.LinAlgError):
        target.likelihood.draw(theta._replace(alpha=-1e4 + theta.alpha), b, np.random.default_rng(1))
