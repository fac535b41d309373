import numpy as np
import pytest
from scipy.optimize import minimize
from tests.fitting.problems import at, bound_problem, bound_target, grouped_frame

import laird as ld
from laird.fitting.likelihood import maximise
from laird.fitting.mode import find_mode
from laird.gaussian.coordinates import sds_and_correlations

FORMULAS = ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)", "y ~ x + (1 + x || g)"]


def setting(formula, priors=None, seed=0):
    """Posterior, and the REML estimate to start from."""
    frame = grouped_frame(seed=seed)
    return bound_target(formula, frame, priors), maximise(bound_problem(formula, frame).data, restricted=True)


def log_density_of_parameters(target, phi):
    """Density of sds, correlations and sigma themselves: that of phi without its Jacobian."""
    q, pairs = target.coordinates.places.sds, target.coordinates.pairs
    z = np.tanh(phi[q : q + len(pairs)])
    jacobian = phi[:q].sum() + np.log1p(-(z**2)).sum() + phi[q + len(pairs)]
    return target.density(phi)[0] - jacobian


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("seed", range(3))
def test_the_mode_is_where_a_general_optimiser_finds_it(formula, seed):
    """Nelder-Mead on the density of the parameters, from another start."""
    target, start = setting(formula, seed=seed)
    mode = find_mode(target, at(start.L, start.sigma), np.zeros(0))
    phi = target.coordinates.join(mode.theta, mode.b)
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
    other = minimize(
        lambda x: -log_density_of_parameters(target, x), phi + 0.3, method="Nelder-Mead", options=options
    )
    assert mode.optimum.converged
    assert log_density_of_parameters(target, phi) >= -other.fun - 1e-9
    np.testing.assert_allclose(phi, other.x, rtol=0, atol=1e-4)  # the density is flat to 1e-9 that far


def test_flat_priors_stay_at_reml():
    target, start = setting("y ~ x + (1 + x | g)", priors="flat")
    mode = find_mode(target, at(start.L, start.sigma), np.zeros(0))
    np.testing.assert_allclose(mode.theta.L, start.L, rtol=1e-6)
    assert np.exp(mode.theta.alpha[0]) == pytest.approx(start.sigma, rel=1e-6)


def test_the_start_does_not_matter():
    target, start = setting("y ~ x + (1 + x | g)")
    modes = [
        find_mode(target, at(scale * start.L, start.sigma / scale), np.zeros(0)) for scale in (0.2, 1.0, 5.0)
    ]
    for mode in modes[1:]:
        np.testing.assert_allclose(mode.theta.L, modes[0].theta.L, rtol=0, atol=1e-6)


def test_a_start_without_variance_is_left():
    target, start = setting("y ~ x + (1 + x | g)")
    mode = find_mode(target, at(np.zeros((2, 2)), start.sigma), np.zeros(0))
    expected = find_mode(target, at(start.L, start.sigma), np.zeros(0))
    np.testing.assert_allclose(mode.theta.L, expected.theta.L, rtol=0, atol=1e-6)


def test_an_lkj_prior_keeps_the_correlation_inside():
    """REML is on the boundary here (see test_likelihood); the default prior excludes ±1."""
    frame = grouped_frame(J=15, sd=(1.0, 0.3), rho=1.0, seed=0)
    formula = "y ~ x + (1 + x | g)"
    target = bound_target(formula, frame)
    start = maximise(bound_problem(formula, frame).data, restricted=True)
    assert start.at_boundary
    mode = find_mode(target, at(start.L, start.sigma), np.zeros(0))
    correlation = sds_and_correlations(mode.theta.L @ mode.theta.L.T)[1][1, 0]
    assert np.isnan(correlation) or abs(correlation) < 0.99


def test_a_density_of_zero_is_refused():
    target, _ = setting("y ~ x + (1 | g)")
    with pytest.raises(ld.FitError, match="no finite density"):
        find_mode(target, at(np.full((1, 1), np.nan), 1.0), np.zeros(0))


def test_a_prior_that_is_zero_at_zero_moves_the_start():
    """The REML estimate of no variance has density zero under gamma(2, rate)."""
    target, start = setting("y ~ x + (1 | g)", priors={"sd(g)": "gamma(2, 0.1)"})
    mode = find_mode(target, at(np.zeros((1, 1)), start.sigma), np.zeros(0))
    assert mode.optimum.converged
    assert mode.theta.L[0, 0] == pytest.approx(
        find_mode(target, at(start.L, start.sigma), np.zeros(0)).theta.L[0, 0], rel=1e-6
    )
