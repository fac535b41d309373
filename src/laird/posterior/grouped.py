"""The density of phi as one compiled function without Python, for at most one grouping factor.

Samplers call it millions of times from several threads: it needs no interpreter lock, and
a call costs little more than `laird.gaussian.marginal.log_marginal_density`, which it calls.
Regressions of sds and known variances are for `laird.posterior.diagonal`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.grouped import DATA
from laird.gaussian.hierarchy_marginal import HierarchyMarginal
from laird.gaussian.likelihoods import GroupedLikelihood
from laird.gaussian.marginal import arguments, log_marginal_density
from laird.gaussian.small import MATRIX, PLACES, VECTOR
from laird.posterior.density import Posterior
from laird.posterior.diagonal import diagonal_density
from laird.posterior.factor import add_chain, factor_of
from laird.posterior.links import log_priors

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Density = Callable[[Floats], tuple[float, Floats]]

PAIRS = types.Array(types.int64, 2, "C", readonly=True)
VALUE = types.Tuple((types.float64, types.float64[::1]))  # type: ignore[no-untyped-call]


def density_function(target: Posterior) -> Density:
    """Return phi -> (log density, gradient), compiled when the model has at most one grouping factor."""
    own = target.coordinates
    if isinstance(target.likelihood, HierarchyMarginal):
        return diagonal_density(target.likelihood, own) or target.density
    if not isinstance(target.likelihood, GroupedLikelihood):
        return target.density
    data = (own.pair_places, *own.priors, *arguments(target.likelihood.problem))
    kernel: Any = log_posterior

    def density(phi: Floats) -> tuple[float, Floats]:
        return kernel(phi, *data)  # type: ignore[no-any-return]

    return density


@compiled(
    VALUE(
        *(VECTOR, PAIRS, PLACES, VECTOR, PLACES, MATRIX),
        *(*DATA, MATRIX, types.float64, VECTOR, VECTOR),
    ),
    nogil=True,
)
def log_posterior(
    phi: Floats,
    pairs: Ids,
    links: Ids,
    scales: Floats,
    codes: Ids,
    numbers: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    n: int,
    sampled: Ids,
    integrated: Ids,
    P: Floats,
    Pm: Floats,
    constant: float,
    Tinv: Floats,
    y_scale: float,
    unit: Floats,
    shift: Floats,
) -> tuple[float, Floats]:
    """Log density of phi (k,) and its gradient: `Posterior.density` for one grouping factor."""
    q = ZZ.shape[1]
    at, k = q + len(pairs), len(phi)
    gradient, b = np.empty(k), np.empty(k - at - 1)
    value = log_priors(phi, links, scales, codes, numbers, True, gradient)
    L, remaining = factor_of(phi, q, pairs, links, scales)
    sigma = np.exp(phi[at])
    for c in range(len(b)):
        b[c] = phi[at + 1 + c]
    likelihood, d_L, d_sigma, d_b = log_marginal_density(
        L, sigma, b, ZZ, ZW, WW, n, sampled, integrated, P, Pm, constant, Tinv, y_scale, unit, shift
    )
    add_chain(phi, q, pairs, links, L, d_L, remaining, gradient)
    gradient[at] += d_sigma * sigma
    for c in range(len(b)):
        gradient[at + 1 + c] += d_b[c]
    return value + likelihood, gradient
