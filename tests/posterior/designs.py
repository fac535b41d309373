"""Small designs with known shapes, shared by the tests of priors and graphs."""

import numpy as np

from laird.design import Design, RandomDesign


def design(q=2, p=3, J=6, n=40, seed=0, blocks=None, group="school", outcome="score", intercept=True):
    """A random design: intercept and slopes, `q` random columns of one factor (none when q = 0)."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(3.0, 2.0, (n, p - 1))])[:, 0 if intercept else 1 :]
    names = ("Intercept", *(f"x{k}" for k in range(1, p)))[0 if intercept else 1 :]
    ids = np.concatenate([np.arange(J), rng.integers(0, J, n - J)])
    Z = np.column_stack([np.ones(n), rng.normal(1.0, 1.5, (n, max(q - 1, 0)))])[:, :q]
    y = 10 + 0.5 * X[:, -1] + rng.normal(0, 1, J)[ids] + rng.normal(0, 2, n)
    levels = tuple(f"g{j}" for j in range(J))
    terms = ("Intercept", *(f"x{k}" for k in range(1, q)))
    random = RandomDesign(group, levels, ids, Z, terms, blocks or (tuple(range(q)),))
    return Design(outcome, y, X, names, (random,) if q else (), np.arange(n))
