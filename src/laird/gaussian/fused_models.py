"""Which densities are one compiled function, and their values at stacks of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian.cells import Cells
from laird.gaussian.coefficients import Coefficients
from laird.gaussian.composite import Composite, CrossedBody
from laird.gaussian.fused_crossed_model import CrossedModel, crossed_products, crossed_rows
from laird.gaussian.fused_nested import NestedModel, nested_at, nested_products, nested_rows
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.nested import Nested
from laird.gaussian.theta import Theta
from laird.gaussian.tree import Tree
from laird.gaussian.whitened import Whitened

type Floats = NDArray[np.float64]
type Fused = NestedModel | CrossedModel


def fused_model(data: Composite | Hierarchy, prior: Coefficients) -> Fused | None:
    """The arrays of a model whose density is compiled, else None."""
    if isinstance(data, Composite):
        return _of_products(data, prior)
    body = data.body
    if not isinstance(body, Whitened):
        return None
    if isinstance(body.scheme, Nested):
        return nested_rows(data, body, body.scheme, prior)
    return crossed_rows(data, body, body.scheme, prior) if isinstance(body.scheme, Cells) else None


def _of_products(data: Composite, prior: Coefficients) -> Fused | None:
    if isinstance(data.body, Tree):
        return nested_products(data, data.body, prior)
    if isinstance(data.body, CrossedBody):
        return crossed_products(data, data.body.products, prior)
    return None


def fused_values(model: Fused, theta: Theta, b: Floats) -> Floats:
    """Log densities at a stack of S parameters, shape (S,); -∞ where there is none."""
    return np.asarray(_kernel(model)(model, np.array(theta.L, order="C"), *stacked(theta, b)))


def stacked(theta: Theta, b: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """α, all δ, log φ, ζ and b as matrices (S, k) that may be written to."""
    stack = len(b)
    joined = np.hstack([np.zeros((stack, 0)), *(_matrix(own, stack) for own in theta.delta)])
    alpha, log_phi, zeta = (_matrix(own, stack) for own in (theta.alpha, theta.log_phi, theta.zeta))
    return alpha, joined, log_phi, zeta, _matrix(b, stack)


def _matrix(own: Floats, stack: int) -> Floats:
    """Arrays without entries need no leading axis."""
    return np.array(own, order="C") if own.ndim > 1 else np.tile(own, (stack, 1))


def _kernel(model: Fused) -> Any:
    if isinstance(model, NestedModel):
        return _nested_values
    from laird.gaussian.fused_crossed import crossed_values

    return crossed_values


@njit(cache=True, error_model="numpy")
def _nested_values(
    m: NestedModel, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, zeta: Floats, b: Floats
) -> Floats:
    out = np.empty(len(b))
    for s in range(len(b)):
        out[s] = nested_at(m, L[s], alpha[s], delta[s], log_phi[s], zeta[s], b[s]).value
    return out
