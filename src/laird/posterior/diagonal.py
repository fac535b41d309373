"""The compiled density of phi where sds have regressions or variances are known.

For independent rows of at most one grouping factor; see `laird.gaussian.diagonal`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian.diagonal import Diagonal, add_gradient, diagonal_of, evaluate
from laird.gaussian.hierarchy_marginal import HierarchyMarginal
from laird.posterior.coordinates import Coordinates
from laird.posterior.factor import add_chain, factor_of
from laird.posterior.links import log_priors

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Density = Callable[[Floats], tuple[float, Floats]]


class Layout(NamedTuple):
    """Where the parameters stand in phi, and their priors.

    Attributes
    ----------
    ends
        Ends of sds, correlations, α, δ, and log φ.
    pairs
        Places of the correlations, (k, 2).
    links, scales, codes, numbers
        See `laird.posterior.coordinates.Priors`.
    """

    ends: tuple[int, ...]
    pairs: Ids
    links: Ids
    scales: Floats
    codes: Ids
    numbers: Floats


def diagonal_density(likelihood: HierarchyMarginal, own: Coordinates) -> Density | None:
    """Return phi -> (log density, gradient), compiled; None where rows are not independent."""
    data = diagonal_of(likelihood.data, likelihood.prior)
    if data is None:
        return None
    places = own.places
    ends = np.cumsum([places.sds, places.correlations, places.alpha, sum(places.delta), places.phi])
    layout = Layout(tuple(map(int, ends)), own.pair_places, *own.priors)

    def density(phi: Floats) -> tuple[float, Floats]:
        return log_posterior(phi.copy(), layout, data)  # one type, whether phi may be written to or not

    return density


@njit(cache=True, error_model="numpy", nogil=True)
def log_posterior(phi: Floats, own: Layout, d: Diagonal) -> tuple[float, Floats]:
    """Log density of phi (k,) and its gradient."""
    q, at_alpha, at_delta, at_phi, at_b = own.ends
    gradient = np.empty(len(phi))
    value = log_priors(phi, own.links, own.scales, own.codes, own.numbers, True, gradient)
    L, remaining = factor_of(phi, q, own.pairs, own.links, own.scales)
    alpha, delta, log_phi, b = phi[at_alpha:at_delta], phi[at_delta:at_phi], phi[at_phi:at_b], phi[at_b:]
    found = evaluate(d, L, alpha, delta, log_phi, b)
    if np.isfinite(found.value):
        d_L = np.empty((q, q))
        d_alpha, d_delta = gradient[at_alpha:at_delta], gradient[at_delta:at_phi]
        add_gradient(d, found, d_L, d_alpha, d_delta, gradient[at_phi:at_b], gradient[at_b:])
        add_chain(phi, q, own.pairs, own.links, L, d_L, remaining, gradient)
    return value + found.value, gradient
