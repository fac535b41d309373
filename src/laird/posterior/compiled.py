# ruff: noqa: ARG001  (overloads have the arguments of what they stand for)
"""The density of phi as one compiled function, for every structure that has one.

Samplers call it hundreds of thousands of times, from several threads: it needs no
interpreter lock, and a call costs little more than the likelihood's bare kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from laird.gaussian.fused_crossed_model import CrossedModel
from laird.gaussian.fused_grouped import GroupedModel, grouped_model, grouped_value
from laird.gaussian.fused_models import Fused, fused_model
from laird.gaussian.fused_nested import NestedModel, add_nested_gradient, nested_at
from laird.gaussian.hierarchy_marginal import HierarchyMarginal
from laird.gaussian.likelihoods import CompositeLikelihood, GroupedLikelihood
from laird.gaussian.theta import Likelihood
from laird.posterior.coordinates import Coordinates
from laird.posterior.density import Posterior
from laird.posterior.factor import add_chain, factor_of
from laird.posterior.links import log_priors

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Density = Callable[[Floats], tuple[float, Floats]]
type Model = GroupedModel | Fused

COSTLY = 500
"""So many effects besides those of the largest crossed factor make a density costly: 10 ms and more."""


class Layout(NamedTuple):
    """Where the parameters stand in phi, and their priors.

    Attributes
    ----------
    ends
        Ends of sds, correlations, α, δ, log φ and ζ.
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


def density_function(target: Posterior) -> Density:
    """Return phi -> (log density, gradient), compiled where the structure has a compiled density."""
    model = model_of(target.likelihood)
    if model is None:
        return target.density
    layout, kernel = layout_of(target.coordinates), log_posterior

    def density(phi: Floats) -> tuple[float, Floats]:
        # a copy is of one type, whether phi may be written to or not
        return kernel(phi.copy(), layout, model)

    return density


def is_costly(likelihood: Likelihood) -> bool:
    """Whether an evaluation takes tens of milliseconds: large matrices of crossed factors."""
    model = model_of(likelihood)
    return isinstance(model, CrossedModel) and int(model.bounds[-1]) >= COSTLY


def layout_of(own: Coordinates) -> Layout:
    """Places and priors of the elements of phi."""
    places = own.places
    widths = (places.sds, places.correlations, places.alpha, sum(places.delta), places.phi, places.zeta)
    return Layout(tuple(map(int, np.cumsum(widths))), own.pair_places, *own.priors)


def model_of(likelihood: Likelihood) -> Model | None:
    """The arrays of a likelihood whose density is compiled, else None."""
    if isinstance(likelihood, GroupedLikelihood):
        return grouped_model(likelihood.problem)
    if isinstance(likelihood, CompositeLikelihood | HierarchyMarginal):
        return fused_model(likelihood.data, likelihood.prior)
    return None


def log_likelihood(  # type: ignore[no-untyped-def]
    model, L, alpha, delta, log_phi, zeta, b, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b
):
    """Log likelihood of a model; derivatives are added, that in L is overwritten.

    Only for compiled callers: which kernel is called follows from the model's type.
    """
    raise NotImplementedError


@overload(log_likelihood)
def _log_likelihood(  # type: ignore[no-untyped-def]
    model, L, alpha, delta, log_phi, zeta, b, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b
):
    kind = getattr(model, "instance_class", None)
    if kind is CrossedModel:
        from laird.gaussian.fused_crossed import crossed_value  # SciPy's LAPACK is for them only

        return crossed_value
    return _nested if kind is NestedModel else _grouped


def _grouped(  # type: ignore[no-untyped-def]
    model, L, alpha, delta, log_phi, zeta, b, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b
):
    return grouped_value(model, L, alpha, b, d_L, d_alpha, d_b)


def _nested(  # type: ignore[no-untyped-def]
    model, L, alpha, delta, log_phi, zeta, b, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b
):
    found = nested_at(model, L, alpha, delta, log_phi, zeta, b)
    if np.isfinite(found.value):
        add_nested_gradient(model, found, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b)
    return found.value


@njit(cache=True, error_model="numpy", nogil=True)
def log_posterior(phi: Floats, own: Layout, model: Model) -> tuple[float, Floats]:
    """Log density of phi (k,) and its gradient."""
    q, at_alpha, at_delta, at_phi, at_zeta, at_b = own.ends
    gradient, d_L = np.empty(len(phi)), np.zeros((q, q))
    value = log_priors(phi, own.links, own.scales, own.codes, own.numbers, True, gradient)
    L, remaining = factor_of(phi, q, own.pairs, own.links, own.scales)
    likelihood = log_likelihood(  # type: ignore[no-untyped-call]
        model, L,
        phi[at_alpha:at_delta], phi[at_delta:at_phi], phi[at_phi:at_zeta], phi[at_zeta:at_b], phi[at_b:],
        d_L, gradient[at_alpha:at_delta], gradient[at_delta:at_phi], gradient[at_phi:at_zeta],
        gradient[at_zeta:at_b], gradient[at_b:],
    )  # fmt: skip
    add_chain(phi, q, own.pairs, own.links, L, d_L, remaining, gradient)
    return value + likelihood, gradient
