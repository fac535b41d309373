"""What a model says of studies at given moderators: mean, and variance of the true effects by level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, build_new
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion, dispersion_at, dispersion_chunks
from laird.inference.refits import subset
from laird.inference.rowcovariance import RESIDUAL, Dispersion

type Floats = NDArray[np.float64]


def require_known(fit: Fit) -> None:
    """Raise FitError unless the model has known sampling variances."""
    if fit.problem.design.known is None:
        raise FitError(
            "The model has no known sampling variances: its rows are not estimates of studies.",
            remedy="Write `meta_V(v)` into the formula.",
        )


def rows_at(fit: Fit, new: Any = None) -> Design:
    """The rows of a frame of moderators; None: those of the fit, one of each outcome where all are alike."""
    if new is not None:
        return build_new(fit.problem.schema, new, groups="population")
    design = fit.problem.design
    first = np.unique(design.which, return_index=True)[1] if design.outcomes else np.zeros(1, dtype=int)
    which = design.which if design.outcomes else np.zeros(len(design.y), dtype=int)
    together = np.hstack([design.X, *(own.Z for own in design.random), *(own.W for own in design.scales)])
    if np.array_equal(together, together[first][which]):
        return subset(design, np.isin(np.arange(len(together)), first))
    return design


def distinct_rows(design: Design) -> Design:
    """The first of all rows whose heterogeneity is the same, whatever their mean."""
    which = design.which[:, None] if design.outcomes else np.zeros((len(design.X), 0))
    together = np.hstack([which, *(own.Z for own in design.random), *(own.W for own in design.scales)])
    first = np.unique(together, axis=0, return_index=True)[1] if together.shape[1] else np.zeros(1, dtype=int)
    return subset(design, np.isin(np.arange(len(together)), first))


def level_names(design: Design) -> tuple[str, ...]:
    """Where true effects differ: between rows, and between the groups of every factor."""
    return (RESIDUAL, *(random.group for random in design.random))


def level_variances(rows: Design, at: Dispersion) -> Floats:
    """Variance of the true effects at every level, σ² and z'Gz, shape (..., levels, rows)."""
    found = [at.sigma**2]
    for random, G, scale in zip(rows.random, at.G, at.scale, strict=True):
        found.append(scale**2 * np.einsum("ia,...ab,ib->...i", random.Z, G, random.Z))
    return np.stack(np.broadcast_arrays(*found), axis=-2)


def variances_of(fit: Fit, rows: Design, theta: Theta) -> Floats:
    """`level_variances` at θ, shape (levels, rows)."""
    return level_variances(rows, dispersion(fit.problem, theta, rows))


def variances_at(fit: Fit, rows: Design) -> Floats:
    """`level_variances` at the estimate, shape (levels, rows)."""
    return level_variances(rows, dispersion_at(fit, rows, moments=True))


def drawn_at(fit: Fit, rows: Design) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Means (S, rows), variances by level (S, levels, rows) and φ (S,) of the draws, some at a time."""
    for beta, at in dispersion_chunks(fit, rows, moments=True):
        yield beta @ rows.X.T, level_variances(rows, at), at.phi
