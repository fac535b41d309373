"""Exact draws of coefficients and group effects at stacks of parameters, compiled, in several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import nested
from laird.gaussian.compiled import inlined
from laird.gaussian.crossed_lapack import one_thread
from laird.gaussian.fused import draw_coefficients, factor_block
from laird.gaussian.fused_models import Fused, stacked
from laird.gaussian.fused_nested import NestedAt, NestedModel, level_of, nested_at
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Kernel = Callable[[slice], Floats]

LEAST = 1_000_000
"""Numbers to draw from which on several threads do it."""

_draw_level = inlined(nested.draw_level)


def fused_draws(
    model: Fused,
    theta: Theta,
    b: Floats,
    rng: np.random.Generator,
    units: Standardisation,
    columns: Sequence[slice],
) -> tuple[Floats, tuple[Floats, ...]]:
    """One draw of β and of the effects for each of S parameters; regressions of group sds not applied.

    Parameters
    ----------
    model
        Data and priors of the coefficients.
    theta, b
        Stacks of parameters and of sampled coefficients.
    rng
        Source of randomness; how many threads there are does not change the draws.

    units, columns
        Scaling, and the columns of every factor of the model.

    Returns
    -------
    β (S, p), and the effects by factor of the model, (S, J, q), user's units.

    Raises
    ------
    LinAlgError
        The density of a parameter does not exist.
    """
    sizes, counts = model.factors.sizes, np.diff(model.factors.first)
    e = rng.standard_normal((len(b), len(model.coefficients.integrated)))
    u = rng.standard_normal((len(b), int(sizes @ counts)))
    parameters = (np.array(theta.L, order="C"), *stacked(theta, b))
    kernel = _kernel(model)

    def run(part: slice) -> Floats:
        return np.asarray(kernel(model, *(own[part] for own in parameters), e[part], u[part]))

    beta = _in_threads(run, len(b), u.size, is_nested=isinstance(model, NestedModel))
    if not np.isfinite(beta).all():
        raise np.linalg.LinAlgError("R or X'Σ⁻¹X is singular")
    parts = np.split(u, np.cumsum(sizes * counts)[:-1].tolist(), axis=1)
    order = np.argsort(model.factors.columns).tolist()
    T = [units.y_scale * units.T[place, place].T for place in columns]
    effects = (parts[at].reshape(len(b), -1, sizes[at]) @ T[f] for f, at in enumerate(order))
    return units.beta(beta), tuple(effects)


def _kernel(model: Fused) -> Any:
    if isinstance(model, NestedModel):
        return _nested_draws
    from laird.gaussian.fused_crossed_draws import crossed_draws

    return crossed_draws


def _in_threads(run: Kernel, draws: int, numbers: int, *, is_nested: bool) -> Floats:
    """All draws, in as many threads as there are processors if that is worth it."""
    threads = min(os.cpu_count() or 1, draws)
    if threads < 2 or (is_nested and numbers < LEAST):
        return run(slice(None))
    edges = np.linspace(0, draws, threads + 1).astype(int).tolist()
    parts = [slice(a, z) for a, z in pairwise(edges)]
    with nullcontext() if is_nested else one_thread(), ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(run, parts)))


@njit(cache=True, error_model="numpy", nogil=True)
def _nested_draws(
    m: NestedModel,
    L: Floats,
    alpha: Floats,
    delta: Floats,
    log_phi: Floats,
    zeta: Floats,
    b: Floats,
    e: Floats,
    u: Floats,
) -> Floats:
    """β* (S, p); standard normals u (S, N) are overwritten by the effects."""
    beta = np.empty((len(b), len(m.coefficients.integrated) + len(m.coefficients.sampled)))
    for s in range(len(b)):
        found = nested_at(m, L[s], alpha[s], delta[s], log_phi[s], zeta[s], b[s])
        draw_coefficients(m.coefficients, found.left, found.value, e[s], beta[s])
        _draw_effects(m, found, beta[s], u[s])
    return beta


@njit(cache=True, error_model="numpy")
def _draw_effects(m: NestedModel, found: NestedAt, beta: Floats, u: Floats) -> None:
    """Overwrite standard normals by the effects given β, outermost factor first."""
    d, k = m.factors, m.rows.shape[1]
    residual = np.ones((1, len(beta) + 1))
    for c in range(len(beta)):
        residual[0, c] = -beta[c]
    end = len(u)
    for i in range(end):
        u[i] *= found.sigma
    for f in range(len(d.sizes) - 1, -1, -1):
        q, F = d.sizes[f], level_of(d, found.levels, found.at, f, k)
        own, below = u[end - len(F) * q : end].reshape(len(F), q), np.empty((len(F), F.shape[2]))
        parent = m.parent[d.first[f] : d.first[f + 1]]
        _draw_level(factor_block(d, found.Lam, f), F, parent, residual, own, below)
        end -= len(F) * q
        residual = below
