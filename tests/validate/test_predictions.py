"""Intervals of predictions cover what they predict."""

import numpy as np
import pytest

import laird as ld

pytestmark = pytest.mark.validate

J, N, REPLICATES, SEED = 40, 5, 300, 20270112


def one(rng: np.random.Generator, method: str) -> tuple[np.ndarray, bool, bool]:
    """Whether intervals hold the means of the fitted groups, and mean and outcome of a new one."""
    u, a = np.sqrt(0.5) * rng.normal(size=J), np.repeat(np.arange(J), N)
    data = {"a": a, "x": rng.normal(size=J * N)}
    data["y"] = 1 + 0.5 * data["x"] + u[a] + rng.normal(size=J * N)
    options = {"random_seed": int(rng.integers(2**31)), "draws": 1000} if method == "eb" else {}
    fit = ld.model("y ~ x + (1 | a)", data=data).fit(method, **options)
    levels = np.array(fit.problem.design.random[0].levels, dtype=int)
    groups = ld.predictions(fit, {"a": levels, "x": np.zeros(J)}, groups="existing")
    held = (groups.lower < 1 + u[levels]) & (1 + u[levels] < groups.upper)
    mean = 1 + np.sqrt(0.5) * rng.normal()
    new = [
        ld.predictions(fit, {"a": ["new"], "x": [0.0]}, groups="new", kind=kind).iloc[0]
        for kind in ("conditional", "predictive")
    ]
    y = mean + rng.normal()
    return held.to_numpy(), new[0].lower < mean < new[0].upper, new[1].lower < y < new[1].upper


@pytest.mark.parametrize("method", ["reml", "eb"])
def test_intervals_cover_at_their_rate(method):
    rng = np.random.default_rng(SEED)
    found = [one(rng, method) for _ in range(REPLICATES)]
    shares = [float(np.mean([own[k] for own in found])) for k in range(3)]
    # Four binomial standard errors of a new group's, 4 √(0.95 × 0.05 / 300) = 0.05; the groups' own
    # are 40 times as many, and correlated through σ and the sd of the groups.
    assert abs(shares[0] - 0.95) < 0.02, shares
    assert all(abs(share - 0.95) < 0.05 for share in shares[1:]), shares
