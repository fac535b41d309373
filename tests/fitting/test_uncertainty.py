"""Standard errors of the covariance parameters, against closed forms and the dense oracle."""

import numpy as np
import pytest
from tests.fitting.problems import balanced_frame, bound_problem, grouped_frame

from laird.fitting.likelihood import maximise
from laird.fitting.uncertainty import scale_uncertainty
from laird.gaussian import dense
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.marginal import flat, log_density, log_profile
from laird.gaussian.theta import Theta


def uncertainty(problem, *, restricted=True):
    data, likelihood = problem.data, flat(problem.data)
    estimate = maximise(data, restricted=restricted)

    def density(theta):
        sigma = float(np.exp(theta.alpha[0]))
        value, d_L, d_sigma = (
            log_density(likelihood, theta.L, sigma)[:3] if restricted else log_profile(data, theta.L, sigma)
        )
        return value, Theta(d_L, np.array([d_sigma * sigma]))

    theta = Theta(estimate.L, np.log([estimate.sigma]))
    return estimate, scale_uncertainty(density, theta, data.blocks)


def test_a_balanced_one_way_layout_has_closed_forms():
    """σ² and λ = σ² + nτ² are independent, with variances 2σ⁴/(J(n-1)) and 2λ²/(J-1)."""
    J, n = 6, 4
    frame = balanced_frame([1.0, 4.0, -2.0, 3.0, 8.0, 0.0], n=n, spread=1.5)
    estimate, found = uncertainty(bound_problem("y ~ 1 + (1 | g)", frame))
    within, tau = estimate.sigma**2, estimate.L[0, 0] ** 2
    var_within, var_lambda = 2 * within**2 / (J * (n - 1)), 2 * (within + n * tau) ** 2 / (J - 1)
    # The Hessian comes from differences of the gradient: about 1e-8.
    assert found.log_sigma == pytest.approx(np.sqrt(var_within) / within / 2, rel=1e-6)
    assert found.log_sd[0] == pytest.approx(np.sqrt(var_within + var_lambda) / n / tau / 2, rel=1e-6)


def second_differences(function, x, step=1e-3):
    """Hessian from values; its error is about step² = 1e-6 of the fourth derivatives."""
    k, H = len(x), np.zeros((len(x), len(x)))
    e = step * np.eye(k)
    for i in range(k):
        for j in range(k):
            corners = [(si, sj, function(x + si * e[i] + sj * e[j])) for si in (1, -1) for sj in (1, -1)]
            H[i, j] = sum(si * sj * value for si, sj, value in corners) / (4 * step**2)
    return H


def oracle(problem, restricted):
    """Log-likelihood of (log sds, atanh correlations, log sigma) by n × n matrices."""
    design, random = problem.design, problem.random
    pairs, q = correlated_pairs(random.blocks), len(random.names)

    def value(parameters):
        C = np.eye(q)
        for (i, j), z in zip(pairs, np.tanh(parameters[q:-1]), strict=True):
            C[i, j] = C[j, i] = z
        sd = np.exp(parameters[:q])
        R = np.full(len(design.y), np.exp(2 * parameters[-1]))
        V = dense.marginal_covariance(random.Z, random.ids, C * np.outer(sd, sd), R)
        return dense.log_likelihood(design.y, design.X, V, restricted=restricted)

    return value, pairs


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize(
    ("formula", "seed"),
    [
        ("y ~ x + (1 + x | g)", 2),
        ("y ~ x + (1 + x || g)", 2),
        ("y ~ x + w + (1 + x + z | g)", 5),
    ],
)
def test_they_are_those_of_the_observed_information(formula, seed, restricted):
    frame = grouped_frame(J=12, sizes=(5, 8), seed=seed, sd=(1.5, 1.2), sigma=0.7)
    rng = np.random.default_rng(seed)
    z = rng.normal(size=len(frame))
    by_group = rng.normal(0, 1, frame.g.nunique())[frame.g.astype("category").cat.codes]
    problem = bound_problem(formula, frame.assign(z=z, y=frame.y + by_group * z))
    estimate, found = uncertainty(problem, restricted=restricted)
    assert not estimate.at_boundary
    value, pairs = oracle(problem, restricted)
    G = estimate.L @ estimate.L.T
    sd = np.sqrt(np.diag(G))
    atanh = [np.arctanh(G[i, j] / sd[i] / sd[j]) for i, j in pairs]
    at = np.array([*np.log(sd), *atanh, np.log(estimate.sigma)])
    se = np.sqrt(np.diag(np.linalg.inv(-second_differences(value, at))))
    correlations = [found.atanh_correlation[i, j] for i, j in pairs]
    np.testing.assert_allclose([*found.log_sd, *correlations, found.log_sigma], se, rtol=1e-4)


def test_on_the_boundary_there_are_none():
    frame = balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05])
    _, found = uncertainty(bound_problem("y ~ 1 + (1 | g)", frame))
    assert np.isnan(found.log_sd[0])
    assert found.log_sigma == pytest.approx(1 / np.sqrt(2 * (len(frame) - 1)), rel=1e-6)


def test_a_correlation_of_one_has_none_but_its_sds_have():
    problem = bound_problem("y ~ x + (1 + x | g)", grouped_frame(J=15, sd=(1.0, 0.3), rho=1.0, seed=0))
    estimate, found = uncertainty(problem)
    assert estimate.at_boundary
    assert np.isnan(found.atanh_correlation[1, 0])
    assert np.all(np.isfinite(found.log_sd))
    assert np.isfinite(found.log_sigma)
