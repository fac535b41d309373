"""Small designs with known shapes, shared by the tests of priors and graphs."""

import numpy as np

from laird.design import Design, RandomDesign, RhoDesign, ScaleDesign


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


def two_outcomes(n=30, seed=1, missing=4):
    """Outcomes a and b of n units, stacked; the first units lack b.  Sigma of b and rho have a predictor."""
    rng = np.random.default_rng(seed)
    x = rng.normal(2.0, 1.5, n)
    units = np.repeat(np.arange(n), 2)
    which = np.tile([0, 1], n)
    kept = (which == 0) | (units >= missing)
    units, which = units[kept], which[kept]
    one, own = np.ones(len(units)), x[units]
    X = np.column_stack([one * (which == k) * c for k in range(2) for c in (one, own)])
    y = np.where(which == 0, 1.0 + 0.5 * own, 20.0 - 3.0 * own) + rng.normal(size=len(units)) * np.where(
        which == 0, 1.0, 8.0
    )
    W = np.column_stack([one, own])
    scales = (
        ScaleDesign("sigma", "a", (one * (which == 0))[:, None], ("a: Intercept",)),
        ScaleDesign("sigma", "b", W * (which == 1)[:, None], ("b: Intercept", "b: x")),
    )
    return Design(
        "a",
        y,
        X,
        ("a: Intercept", "a: x", "b: Intercept", "b: x"),
        (),
        units,
        scales=scales,
        outcomes=("a", "b"),
        which=which.astype(np.int64),
        units=units,
        rhos=(RhoDesign((0, 1), W, ("Intercept", "x")),),
    )
