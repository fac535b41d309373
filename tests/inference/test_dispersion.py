"""The covariance that a fit implies for its rows."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.fitting.problem import problem
from laird.gaussian.hierarchy import density
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion, dispersion_at, rows_of
from laird.inference.gls import gls
from laird.inference.rowcovariance import row_covariance, row_layout


def check_loglik(fit):
    """log L_R from Σ alone is that of the fit: Σ is complete."""
    design = fit.problem.design
    by = rows_of(fit).whitener()
    found = gls(design.y, design.X, by)
    n, p = design.X.shape
    value = by.log_determinant - np.linalg.slogdet(found.cov)[1] + found.Q + (n - p) * np.log(2 * np.pi)
    np.testing.assert_allclose(fit.loglik, -0.5 * value, rtol=1e-9)
    np.testing.assert_allclose(found.beta, fit.fixef, rtol=1e-6)


def test_random_slopes(hs_fit):
    check_loglik(hs_fit("reml"))


def test_nested_factors_and_regressions_of_both_sds():
    rng = np.random.default_rng(3)
    a = np.repeat(np.arange(12), 10)
    data = {"a": a, "b": np.tile(np.repeat(np.arange(2), 5), 12), "x": rng.normal(size=120)}
    w = rng.normal(size=12)
    data |= {"w": w[a], "y": rng.normal(size=120) + np.exp(0.3 * w[a]) * rng.normal(size=12)[a]}
    check_loglik(ld.model("y ~ x + (1 | a/b)", data=data).fit("reml"))
    check_loglik(ld.model("y ~ x + (1 | a)", "sigma ~ x", "sd(a) ~ w", data=data).fit("reml"))


def test_the_group_sds_are_those_of_the_regression():
    rng = np.random.default_rng(4)
    a = np.repeat(np.arange(30), 8)
    w = rng.normal(size=30)
    y = rng.normal(size=240) + np.exp(0.5 * w[a]) * rng.normal(size=30)[a]
    fit = ld.model("y ~ 1 + (1 | a)", "sd(a) ~ w", data={"y": y, "a": a, "w": w[a]}).fit("ml")
    at = dispersion_at(fit)
    gamma = fit.scale_of("a").to_numpy()
    expected = np.exp(gamma[0] + gamma[1] * w[a])
    np.testing.assert_allclose(np.sqrt(at.G[0][0, 0]) * at.scale[0], expected, rtol=1e-10)


def studies(n=40, seed=0):
    """Estimates of studies with several moderators, levels and outcomes."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(n // 4), 4)
    data = {"y": rng.normal(size=n), "z": rng.normal(size=n), "x": rng.normal(size=n), "study": study}
    data |= {"v": rng.uniform(0.1, 0.5, n), "w": rng.normal(size=n // 4)[study], "lab": rng.integers(0, 6, n)}
    A = rng.normal(size=(4, 4))
    block = A @ A.T / 8 + 0.1 * np.eye(4)
    return data, {"V": [block] * (n // 4)}


MODELS = {
    "constant": (["y ~ x + meta_V(v)"], False),
    "regression of sigma": (["y ~ x + meta_V(v)", "sigma ~ x + w"], False),
    "no residual": (["y ~ x + (1 | study) + meta_V(v)", "sigma ~ 0"], False),
    "proportional": (["y ~ x + meta_V(v, scale='proportional')"], False),
    "levels": (["y ~ 1 + (1 + x | study) + meta_V(V)", "sigma ~ x"], True),
    "regression of sd": (["y ~ 1 + (1 | study) + meta_V(v)", "sd(study) ~ w", "sigma ~ x"], False),
    "crossed": (["y ~ 1 + (1 | study) + (1 | lab) + meta_V(v)"], False),
    "two outcomes": (["y ~ x + meta_V(v)", "z ~ 1 + meta_V(v)", "sigma(z) ~ w", "rho(y, z) ~ w"], False),
}


def a_problem(name):
    formulas, known = MODELS[name]
    data, V = studies()
    bound = ld.model(*formulas, data=data, known=V if known else None)
    return problem(bound.spec, bound.schema, bound.design)


def some_theta(bound, seed):
    data, design = bound.data, bound.design
    rng = np.random.default_rng(seed)
    L = np.zeros((data.q, data.q))
    for block in data.blocks:
        members = np.ix_(list(block), list(block))
        L[members] = np.tril(rng.normal(size=(len(block), len(block))))
    layout = data.body.layout
    delta = tuple(0.3 * rng.normal(size=own.shape[1]) for own in data.s)
    proportional = design.known is not None and design.known.proportional
    log_phi = rng.normal(size=1) if proportional else np.zeros(0)
    zeta = 0.4 * rng.normal(size=sum(len(own.names) for own in bound.codings if own.parameter == "rho"))
    return Theta(L, rng.normal(size=layout.W.shape[1]), delta, log_phi, zeta)


@pytest.mark.parametrize("name", MODELS)
def test_the_likelihood_of_the_rows_is_that_of_the_parameters(name):
    bound = a_problem(name)
    design, theta = bound.design, some_theta(bound, 1)
    own = row_covariance(design, row_layout(design), dispersion(bound, theta)).whitener()
    found = gls(design.y, design.X, own)
    n, p = design.X.shape
    value = own.log_determinant - np.linalg.slogdet(found.cov)[1] + found.Q + (n - p) * np.log(2 * np.pi)
    assert density(bound.data, theta, restricted=True)[0] == pytest.approx(-0.5 * value, rel=1e-10)


def test_stacks_of_parameters_are_read_side_by_side():
    bound = a_problem("regression of sd")
    single = [some_theta(bound, seed) for seed in (1, 2)]
    stacked = Theta(
        np.stack([t.L for t in single]),
        np.stack([t.alpha for t in single]),
        tuple(np.stack(own) for own in zip(*(t.delta for t in single), strict=True)),
        np.zeros((2, 0)),
        np.zeros((2, 0)),
    )
    both = dispersion(bound, stacked)
    for s, theta in enumerate(single):
        alone = dispersion(bound, theta)
        np.testing.assert_allclose(both.sigma[s], alone.sigma, rtol=1e-14)
        np.testing.assert_allclose(both.scale[0][s], alone.scale[0], rtol=1e-14)
        np.testing.assert_allclose(both.G[0][s], alone.G[0], rtol=1e-14)


def test_a_constant_sigma_may_be_zero():
    bound = a_problem("constant")
    found = dispersion(bound, Theta(np.zeros((0, 0)), np.array([-np.inf])))
    assert not found.sigma.any()
