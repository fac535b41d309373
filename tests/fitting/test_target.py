import numpy as np
import pytest
from tests.fitting.problems import at, bound_problem, bound_target, grouped_frame

import laird as ld
from laird.fitting.likelihood import maximise
from laird.fitting.target import FLOOR, flat_likelihood, near, sampled_coefficients, start, target_of

FORMULA = "y ~ x + (1 + x | g)"


def test_flat_priors_of_coefficients_are_reml():
    problem = bound_problem(FORMULA, grouped_frame())
    estimate = maximise(problem.data, restricted=True)
    value = flat_likelihood(problem).density(at(estimate.L, estimate.sigma), np.zeros(0))[0]
    assert value == pytest.approx(estimate.log_likelihood, rel=1e-10)


def test_the_search_starts_at_reml():
    problem = bound_problem(FORMULA, grouped_frame())
    theta, b = start(problem, bound_target(FORMULA, grouped_frame()))
    estimate = maximise(problem.data, restricted=True)
    np.testing.assert_array_equal(theta.L, estimate.L)
    assert np.exp(theta.alpha[0]) == pytest.approx(estimate.sigma, rel=1e-14)
    assert b.shape == (0,)


def test_sampled_coefficients_start_at_their_least_squares_estimate():
    """The centred intercept is the mean at average predictors; slopes are as they are."""
    frame = grouped_frame()
    model = ld.model(FORMULA, data=frame, priors={"x": "cauchy(0, 1)", "Intercept": "cauchy(0, 9)"})
    problem = bound_problem(FORMULA, frame)
    target = target_of(problem, model.priors)
    theta = at(np.eye(2), 1.0)
    beta = flat_likelihood(problem).solve(theta, np.zeros(0)).beta
    expected = [beta[0] + beta[1] * frame.x.mean(), beta[1]]
    np.testing.assert_allclose(sampled_coefficients(problem, target, theta), expected, rtol=1e-9)


def test_near_is_off_the_boundary():
    target = bound_target(FORMULA, grouped_frame())
    L = np.array([[0.0, 0.0], [0.5, 0.0]])
    phi = near(target, at(L, 1.0), np.zeros(0))
    scaling = target.likelihood.scaling
    assert np.exp(phi[0]) == pytest.approx(FLOOR * scaling.y_scale / scaling.z_scale[0], rel=1e-12)
    assert abs(phi[2]) <= 1.5
    assert np.isfinite(target.density(phi)[0])


def test_sampling_begins_where_there_is_a_density():
    """Slopes and intercepts coincide 10⁹ sds from zero: the likelihood there is none in floating point."""
    data = grouped_frame(J=15, seed=1)
    far = data.assign(y=data["y"] + 1e9, x=5 + 1e-9 * data["x"])
    for method in ("eb", "nuts"):
        with pytest.raises(ld.FitError, match="no finite density where its search begins"):
            ld.model("y ~ x + (1 + x | g)", data=far).fit(method)
