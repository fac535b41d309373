"""A trust-region Newton method for a few parameters, with an honest verdict.

The Hessian comes from central differences of the exact gradient, so the iteration ends
quadratically; directions of negative curvature are followed (Moré & Sorensen 1983), so a
saddle is never returned as a minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Objective = Callable[[Floats], tuple[float, Floats]]

DECREMENT_TOLERANCE = 1e-8
"""A fit has converged when the predicted further decrease of the objective is below this."""

ROUNDING_TOLERANCE = 1e-6
"""The same where rounding ends the search: no step, however short, lowers the objective any more."""

DOWNWARDS = -1e-7
"""Smallest eigenvalue of the Hessian, over the largest in size, below which the end is no minimum."""

MAX_ITERATIONS = 200

SHORTEST = 1e-12
"""A search ends when a step this long does not lower the objective."""

EVERY = 20
"""An updated Hessian is computed anew after so many iterations."""

POLISHING_STEPS = 5
"""At most; each gains some four digits."""


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where the method ended.

    Attributes
    ----------
    x, value, gradient, hessian
        Shapes (k,), scalar, (k,), (k, k).
    iterations
        Newton iterations done.
    decrement
        Predicted further decrease, ½ g'H⁻¹g over directions of positive curvature.
    curvature
        Smallest eigenvalue of the Hessian over the largest in size.
    converged
        Decrement below `DECREMENT_TOLERANCE` (`ROUNDING_TOLERANCE` where rounding hides what is
        left to gain) and no direction of negative curvature.
    """

    x: Floats
    value: float
    gradient: Floats
    hessian: Floats
    iterations: int
    decrement: float
    curvature: float
    converged: bool


def hessian(objective: Objective, x: Floats) -> Floats:
    """Central differences of the gradient, symmetrised; error about (machine epsilon)^(2/3)."""
    steps = np.cbrt(np.finfo(float).eps) * np.maximum(np.abs(x), 0.1)
    columns = [(objective(x + e)[1] - objective(x - e)[1]) / (2 * e[k]) for k, e in enumerate(np.diag(steps))]
    H = np.array(columns).reshape(len(x), len(x))
    return np.asarray((H + H.T) / 2)


def minimise(
    objective: Objective,
    x: Floats,
    *,
    approximate: Floats | None = None,
    max_iterations: int = MAX_ITERATIONS,
) -> Optimum:
    """Minimise a smooth function from `x`; the objective returns value and gradient.

    Where evaluations are costly, give an `approximate` Hessian at `x`: it is updated by the
    gradients that the search meets (symmetric rank one; Conn, Gould & Toint 1991), and
    computed only where it predicts that nothing is left to gain.  Convergence is always
    judged by a computed Hessian.
    """
    x = np.asarray(x, dtype=float)
    costly = approximate is not None
    value, gradient = objective(x)
    H, exact = (hessian(objective, x), True) if approximate is None else (approximate, False)
    radius, iteration = 1.0, 0
    while True:
        w, V = np.linalg.eigh(H) if len(x) else (np.zeros(0), np.zeros((0, 0)))
        decrement, curvature = _decrement(w, V.T @ gradient), _relative_curvature(w)
        done = decrement < DECREMENT_TOLERANCE
        if not exact and (done or radius < 1e-6 or iteration % EVERY == EVERY - 1):
            H, exact = hessian(objective, x), True
            continue
        stuck = radius < SHORTEST
        converged = (done or (stuck and decrement < ROUNDING_TOLERANCE)) and curvature > DOWNWARDS
        if converged or stuck or iteration >= max_iterations:
            break
        iteration += 1
        step = _trust_region_step(w, V, gradient, radius)
        new_value, new_gradient = objective(x + step)
        predicted = -float(gradient @ step + 0.5 * step @ H @ step)
        ratio = _agreement(value, new_value, predicted)
        accepted = bool(np.isfinite(new_value) and ratio > 1e-4)
        if costly and np.all(np.isfinite(new_gradient)):
            H, exact = _rank_one_update(H, step, new_gradient - gradient), False
        if accepted:
            x, value, gradient = x + step, new_value, new_gradient
            if not costly:
                H = hessian(objective, x)
        radius = _next_radius(radius, ratio, float(np.linalg.norm(step)))
    if converged:
        x, value, gradient = _polish(objective, x, value, gradient, w, V, 1 if costly else POLISHING_STEPS)
        decrement = _decrement(w, V.T @ gradient)
    return Optimum(x, value, gradient, H, iteration, decrement, curvature, bool(converged))


def _rank_one_update(H: Floats, step: Floats, change: Floats) -> Floats:
    """H plus the rank-one matrix that makes H step = change, unless that is ill-determined."""
    residual = change - H @ step
    along = float(residual @ step)
    if abs(along) < 1e-8 * float(np.linalg.norm(residual) * np.linalg.norm(step)):
        return H
    return H + np.outer(residual, residual) / along


def _polish(
    objective: Objective, x: Floats, value: float, gradient: Floats, w: Floats, V: Floats, steps: int
) -> tuple[Floats, float, Floats]:
    """Steps with the last Hessian while they shorten the gradient: rounding hides them from the value."""
    if not len(x):
        return x, value, gradient
    sound = w > 1e-10 * w[-1]
    for _ in range(steps):
        step = -V[:, sound] @ ((V[:, sound].T @ gradient) / w[sound])
        new_value, new_gradient = objective(x + step)
        noise = 1e-12 * max(abs(value), 1.0)
        if not (new_value <= value + noise and np.linalg.norm(new_gradient) < np.linalg.norm(gradient)):
            break
        x, value, gradient = x + step, new_value, new_gradient
    return x, value, gradient


def _decrement(w: Floats, g: Floats) -> float:
    scale = max(w.max(initial=0.0), 1e-300)
    flat = np.abs(w) <= 1e-12 * scale
    return float(0.5 * np.sum(g[~flat] ** 2 / np.abs(w[~flat])) + np.abs(g[flat]).sum())


def _relative_curvature(w: Floats) -> float:
    return float(w[0] / max(np.abs(w).max(), 1e-300)) if len(w) else 0.0


def _agreement(value: float, new_value: float, predicted: float) -> float:
    """Actual over predicted decrease, allowing for rounding of the values."""
    noise = 10 * np.finfo(float).eps * max(abs(value), 1.0)
    return (value - new_value + noise) / (predicted + noise)


def _next_radius(radius: float, ratio: float, length: float) -> float:
    if not ratio > 0.25:
        return 0.25 * length
    return max(radius, 2.0 * length) if ratio > 0.75 else radius


def _trust_region_step(w: Floats, V: Floats, gradient: Floats, radius: float) -> Floats:
    """Minimise the quadratic model within the radius, from the eigenvalues of the Hessian."""
    g = V.T @ gradient
    floor = max(-w[0], 0.0) + 1e-10 * max(np.abs(w).max(), 1e-8)
    shift = 0.0 if w[0] > 1e-10 * np.abs(w).max() else floor
    step = -g / (w + shift)
    if np.linalg.norm(step) > radius:
        step = -g / (w + _shift_for(w, g, radius, shift))
    elif w[0] < -1e-7 * np.abs(w).max():
        remainder = np.sqrt(max(radius**2 - float(step @ step), 0.0))
        step[0] -= np.copysign(remainder, g[0])
    return V @ step


def _shift_for(w: Floats, g: Floats, radius: float, low: float) -> float:
    """The shift μ with ‖(w + μ)⁻¹g‖ = radius, by bisection."""
    high = low + float(np.linalg.norm(g)) / radius + 1.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if hypot(*(g / (w + middle))) > radius else (low, middle)
    return high
