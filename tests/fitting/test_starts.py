"""Maxima of likelihoods with regressions of log sds, from moments, and their coefficients as given."""

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.fitting.problems import balanced_frame, bound_problem, grouped_frame

from laird.bound import model
from laird.fitting import reml
from laird.fitting.general import maximise_general
from laird.fitting.likelihood import maximise
from laird.fitting.problem import grouped, problem
from laird.fitting.regressions import row_sigma
from laird.fitting.starts import coordinates_of, start_of
from laird.gaussian.hierarchy import density

FORMULA = "y ~ x + w + (1 + x | g)"
PARTS = {
    "sigma": ("sigma ~ x",),
    "group sd": ("sd(g) ~ w",),
    "both": ("sigma ~ x", "sd(g) ~ w"),
    "without a constant": ("sigma ~ 0 + x",),
}


def scaled_problem(*parts, formula=FORMULA, frame=None):
    frame = grouped_frame(J=14, sizes=(5, 12), seed=3) if frame is None else frame
    bound = model(formula, *parts, data=frame)
    return problem(bound.spec, bound.schema, bound.design)


@pytest.fixture(scope="module", params=PARTS)
def bound(request):
    return scaled_problem(*PARTS[request.param])


@pytest.fixture(scope="module", params=[False, True], ids=["ml", "reml"])
def found(request, bound):
    return bound, maximum(bound, restricted=request.param), request.param


def maximum(bound, *, restricted):
    coordinates = coordinates_of(bound, bound.data.blocks, bound.data.scaling)
    return maximise_general(
        lambda theta: density(bound.data, theta, restricted=restricted),
        coordinates,
        start_of(bound, coordinates),
        n=len(bound.design.y),
    )


def test_the_gradient_vanishes(found):
    """Relative to the number of rows, of which the log-likelihood is a sum."""
    bound, estimate, restricted = found
    value, gradient = density(bound.data, estimate.theta, restricted=restricted)
    assert value == pytest.approx(estimate.log_likelihood, rel=1e-12)
    entries = [np.tril(gradient.L).ravel(), gradient.alpha, *gradient.delta]
    assert np.max(np.abs(np.concatenate(entries))) < 1e-6 * len(bound.design.y)
    assert estimate.optimum.converged
    assert np.all(np.diag(estimate.theta.L) >= 0)


def test_no_point_nearby_is_better(found):
    bound, estimate, restricted = found
    rng = np.random.default_rng(0)
    at = estimate.theta
    for size in (1e-3, 1e-1):
        for _ in range(20):
            moved = at._replace(
                L=at.L + size * np.tril(rng.normal(size=at.L.shape)),
                alpha=at.alpha + size * rng.normal(size=at.alpha.shape),
                delta=tuple(d + size * rng.normal(size=d.shape) for d in at.delta),
            )
            assert density(bound.data, moved, restricted=restricted)[0] < estimate.log_likelihood


def test_it_is_at_least_as_good_as_constant_sds(found):
    bound, estimate, restricted = found
    if bound.design.scales[0].names == ("x",):
        return  # a sigma of 1 at x = 0 does not contain that model
    plain = grouped(bound.design, bound.design.random[0])
    assert estimate.log_likelihood > maximise(plain, restricted=restricted).log_likelihood


def test_coefficients_give_the_sigma_of_every_row(found):
    bound, estimate, restricted = found
    own = reml.fit(bound, restricted=restricted).regressions
    assert [r.parameter for r in own] == [s.parameter for s in bound.design.scales]
    W = bound.codings.of("sigma")
    standardised = np.exp(bound.codings.of("sigma").coefficients(estimate.theta))
    assert len(standardised) == len(W.names)
    for regression, scale in zip(own, bound.design.scales, strict=True):
        assert regression.names == scale.names
        assert np.all(regression.se > 0)
        if regression.parameter == "sigma":
            expected = np.exp(scale.W @ W.coefficients(estimate.theta))
            np.testing.assert_allclose(row_sigma(bound.design, own), expected, rtol=1e-10)


def test_coefficients_give_the_sd_of_every_group(found):
    bound, estimate, restricted = found
    for regression in (r for r in reml.fit(bound, restricted=restricted).regressions if r.parameter == "sd"):
        random, scale = bound.design.random[0], bound.design.scales[-1]
        by_row = np.exp(scale.W @ regression.estimate)
        shape = np.exp(bound.data.s[0] @ estimate.theta.delta[0])[random.ids]
        np.testing.assert_allclose(by_row, np.linalg.norm(estimate.theta.L[0]) * shape, rtol=1e-10)


def test_strata_of_one_variance_each_have_a_closed_form():
    """Without groups and with a mean for each stratum, σ² of a stratum is its mean square."""
    rng = np.random.default_rng(0)
    frame = grouped_frame(J=3, sizes=(8, 20), seed=1)
    frame["y"] = rng.normal(size=len(frame)) * (1 + np.unique(frame.g, return_inverse=True)[1])
    for restricted in (False, True):
        bound = scaled_problem("sigma ~ 0 + g", formula="y ~ 0 + g", frame=frame)
        own = reml.fit(bound, restricted=restricted).regressions[0]
        strata = frame.groupby("g").y
        sd = strata.std(ddof=int(restricted))
        np.testing.assert_allclose(np.exp(own.estimate), sd, rtol=1e-8)
        # d²/d(log σ)² of -df log σ - SS/(2σ²) is -2 SS/σ² = -2 df at the maximum.
        np.testing.assert_allclose(own.se, 1 / np.sqrt(2 * (strata.size() - restricted)), rtol=1e-6)


def test_the_boundary_is_reached_exactly():
    """Between groups there is less than the rows' own variation explains."""
    frame = balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05], n=6)
    frame["x"] = np.tile([0.0, 1.0], 15)
    bound = scaled_problem("sigma ~ x", formula="y ~ 1 + (1 | g)", frame=frame)
    fit = reml.fit(bound, restricted=True)
    assert fit.theta.L[0, 0] == 0.0
    assert fit.status == "boundary"
    assert np.isnan(fit.uncertainty.log_sd[0])
    assert np.isfinite(fit.regressions[0].se).all()


def test_the_start_does_not_decide(found):
    """SciPy's optimiser with the same gradient, from sds twice as large and flat regressions."""
    bound, estimate, restricted = found
    at = estimate.theta
    rows, columns = np.tril_indices(len(at.L))
    k, m = len(rows), len(at.alpha)

    def objective(theta):
        L = np.zeros_like(at.L)
        L[rows, columns] = theta[:k]
        value, g = density(
            bound.data,
            at._replace(L=L, alpha=theta[k : k + m], delta=(theta[k + m :],)),
            restricted=restricted,
        )
        return -value, -np.concatenate([g.L[rows, columns], g.alpha, *g.delta])

    delta = np.concatenate(at.delta)
    start = np.concatenate([2 * at.L[rows, columns], at.alpha * [1, *[0] * (m - 1)], 0 * delta])
    other = minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-6})
    assert -other.fun == pytest.approx(estimate.log_likelihood, abs=1e-7)


def test_a_problem_without_regressions_is_not_scaled():
    assert not hasattr(bound_problem(FORMULA, grouped_frame()).data, "w")
