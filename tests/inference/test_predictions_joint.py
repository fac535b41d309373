"""Mean squared errors of sums of effects, by three ways and by matrices of rows by rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import laird as ld
from laird.fitting.target import flat_likelihood
from laird.inference.dispersion import dispersion
from laird.inference.predictions_joint import joint_variance, of_independent_groups, of_rows
from laird.inference.predictions_rows import Shares


def sums_of(problem, count, seed, single):
    """Random targets; with `single` of one group per factor."""
    rng = np.random.default_rng(seed)
    X, shares = rng.normal(size=(count, problem.design.X.shape[1])), []
    for random in problem.design.random:
        J, q = len(random.levels), len(random.names)
        pairs = [(c, g) for c in range(count) for g in rng.permutation(J)[: 1 if single else 3]]
        cell, group = np.array(pairs).T
        Z = rng.normal(size=(len(pairs), q))
        shares.append(Shares(cell, group, np.zeros(len(pairs), dtype=np.int64), Z, J))
    return X, tuple(shares)


def by_definition(problem, theta, X, known):
    """Var(t - t̂) from the joint normal distribution of the data, β flat, and all effects."""
    design, at = problem.design, dispersion(problem, theta)
    blocks, T_blocks, G_blocks = [], [], []
    for f, random in enumerate(design.random):
        J, q = len(random.levels), len(random.names)
        Z = np.zeros((len(design.y), J, q))
        Z[np.arange(len(design.y)), random.ids] = random.Z
        scale = np.ones(J)
        scale[random.ids] = at.scale[f]
        T = np.zeros((len(X), J, q))
        T[known[f].cell, known[f].group] = known[f].Z
        blocks.append(Z.reshape(len(design.y), -1))
        T_blocks.append(T.reshape(len(X), -1))
        G_blocks.append(np.kron(np.diag(scale**2), at.G[f]))
    Z, T = np.hstack(blocks), np.hstack(T_blocks)
    G = np.zeros((Z.shape[1],) * 2)
    start = 0
    for own in G_blocks:
        G[start : start + len(own), start : start + len(own)] = own
        start += len(own)
    R = np.diag(at.sigma**2 + (0 if design.known is None else at.phi * design.known.variances))
    Si = np.linalg.inv(Z @ G @ Z.T + R)
    C = np.linalg.inv(design.X.T @ Si @ design.X)
    B = T @ G @ Z.T
    slope = X - B @ Si @ design.X
    return np.diag(T @ G @ T.T - B @ Si @ B.T + slope @ C @ slope.T)


FORMULAS = {
    "one factor": ["y ~ x + (1 + x | a)"],
    "nested": ["y ~ x + (1 | a/b)"],
    "crossed": ["y ~ x + (1 | a) + (1 | c)"],
    "location-scale": ["y ~ x + meta_V(v) + (1 | a)", "sigma ~ x", "sd(a) ~ w"],
}


@cache
def fitted(name):
    rng = np.random.default_rng(8)
    n = 72
    a, b = np.repeat(np.arange(8), 9), np.tile(np.repeat(np.arange(3), 3), 8)
    data = {"a": a, "b": b, "c": rng.integers(0, 5, n), "x": rng.normal(size=n), "w": rng.normal(size=8)[a]}
    data["v"] = rng.uniform(0.1, 0.4, n)
    data["y"] = rng.normal(size=n) + rng.normal(size=8)[a] + rng.normal(size=5)[data["c"]] + data["x"]
    return ld.model(*FORMULAS[name], data=data).fit("reml")


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("name", FORMULAS)
def test_every_structure_as_by_definition(name, single):
    fit = fitted(name)
    X, known = sums_of(fit.problem, 5, 3, single)
    solution = flat_likelihood(fit.problem).solve(fit.theta, np.zeros(0))
    found = joint_variance(fit.problem, fit.theta, solution, X, known)
    expected = by_definition(fit.problem, fit.theta, X, known)
    np.testing.assert_allclose(found, expected, rtol=1e-7, err_msg="rounding of two Cholesky factors")


def test_the_ways_agree_where_two_exist():
    fit = fitted("one factor")
    X, known = sums_of(fit.problem, 4, 5, single=False)
    solution = flat_likelihood(fit.problem).solve(fit.theta, np.zeros(0))
    groups = of_independent_groups(solution.beta_cov, solution.effects[0], X, known[0])
    rows = of_rows(fit.problem.design, dispersion(fit.problem, fit.theta), X, known)
    np.testing.assert_allclose(groups, rows, rtol=1e-8)


def test_without_groups_it_is_that_of_the_coefficients():
    fit = fitted("crossed")
    X, known = sums_of(fit.problem, 3, 6, single=True)
    none = tuple(own.new() for own in known)
    solution = flat_likelihood(fit.problem).solve(fit.theta, np.zeros(0))
    found = joint_variance(fit.problem, fit.theta, solution, X, none)
    np.testing.assert_allclose(found, np.diag(X @ solution.beta_cov @ X.T), rtol=1e-12)
