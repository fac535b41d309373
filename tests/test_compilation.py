"""What is compiled once serves all data: new data of other sizes compile nothing, by any method.

numba announces every compilation; functions that it finds on disk are no compilations.
"""

import numpy as np
import pandas as pd
import pytest
from numba import njit
from numba.core import event

import laird as ld

STRUCTURES = {
    "one factor": ("y ~ x + (x | g)",),
    "crossed factors": ("y ~ x + (1 | g) + (1 | h)",),
    "known variances, sds with predictors": ("y ~ x + (1 | g) + meta_V(v)", "sd(g) ~ w"),
    "two outcomes": ("y ~ x", "y2 ~ x"),
}
OPTIONS = {
    "reml": {},
    "eb": {"draws": 100, "random_seed": 1},
    "nuts": {"draws": 20, "tune": 20, "chains": 2, "cores": 1, "random_seed": 1, "progress": False},
}


def frame(seed, J, n=6):
    rng = np.random.default_rng(seed)
    g, h = np.repeat(np.arange(J), n), np.tile(np.arange(n), J)
    x, v, N = rng.normal(size=J * n), rng.uniform(0.1, 0.2, J * n), J * n
    y = 1 + x + rng.normal(size=J)[g] + rng.normal(size=n)[h] + rng.normal(size=N)
    names = {"g": [f"g{k}" for k in g], "h": [f"h{k}" for k in h]}
    return pd.DataFrame(
        {"y": y, "y2": rng.normal(size=N), "x": x, "w": rng.normal(size=J)[g], "v": v} | names
    )


@pytest.mark.parametrize("method", OPTIONS)
@pytest.mark.parametrize("name", STRUCTURES)
def test_new_data_compile_nothing(name, method):
    def fit(seed, J):
        ld.model(*STRUCTURES[name], data=frame(seed, J)).fit(method, **OPTIONS[method])

    fit(0, 15)
    with event.install_recorder("numba:compile") as recorder:
        fit(1, 15)
        fit(2, 22)
    assert len(recorder.buffer) == 0


@pytest.mark.parametrize("name", STRUCTURES)
def test_marginal_graphs_of_new_data_compile_nothing(name):
    """Cross-products, priors' numbers and units of predictors are inputs of the compiled graph."""

    def evaluate(seed, J):
        graph = ld.model(*STRUCTURES[name], data=frame(seed, J)).graph()
        density = graph.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
        density.set_extra_values({})
        value, gradient = density(np.zeros(sum(map(np.size, graph.initial_point(0).values()))))
        return np.append(gradient, value)

    first = evaluate(0, 15)
    with event.install_recorder("numba:compile") as recorder:
        others = [evaluate(1, 15), evaluate(2, 22)]
    assert len(recorder.buffer) == 0
    assert all(np.isfinite(own).all() and not np.allclose(own, first) for own in others)


def test_compilations_are_seen():
    with event.install_recorder("numba:compile") as recorder:
        assert njit(lambda x: x + 1)(1) == 2
    assert len(recorder.buffer) == 2
