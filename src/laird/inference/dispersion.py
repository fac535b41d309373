"""The covariance parameters of a fit, row by row: at the estimate, and of every draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.problem import joined_columns
from laird.fitting.result import Fit
from laird.inference.rowblocks import Layout
from laird.inference.rowcovariance import Dispersion, RowCovariance, row_covariance, row_layout

type Floats = NDArray[np.float64]

CELLS = 2_000_000
"""Draws times rows held in memory at once."""


def dispersion_of(fit: Fit) -> Dispersion:
    """Covariance parameters at the estimate, for the rows of the fit."""
    return dispersion_at(fit, fit.problem.design)


def dispersion_at(fit: Fit, design: Design) -> Dispersion:
    """Covariance parameters at the estimate, for the rows of a design of the same model."""
    n, places = len(design.X), joined_columns(design.random)
    return Dispersion(
        G=tuple(fit.point.G[place, place] for place in places),
        scale=tuple(_group_scale(fit, design, f) for f in range(len(places))),
        sigma=_sigma(fit, design, n),
        C=None,
        phi=np.array(1.0),
    )


def _sigma(fit: Fit, design: Design, n: int) -> Floats:
    found = [own for own in design.scales if own.parameter == "sigma"]
    if not found:
        return np.full(n, fit.point.sigma)
    return np.asarray(np.exp(found[0].W @ fit.scale.to_numpy()))


def _group_scale(fit: Fit, design: Design, f: int) -> Floats:
    """What each row's group sds of factor `f` are multiplied by, shape (n,)."""
    random = design.random[f]
    found = next((s for s in design.scales if (s.parameter, s.group) == ("sd", random.group)), None)
    own = fit.point.sd[joined_columns(design.random)[f].start]
    if found is None or own == 0:
        return np.ones(len(design.X))
    return np.asarray(np.exp(found.W @ fit.scale_of(random.group).to_numpy()) / own)


def dispersion_chunks(fit: Fit, design: Design | None = None) -> Iterator[tuple[Floats, Dispersion]]:
    """β (S, p) and covariance parameters of the draws, some at a time; for the rows of `design`."""
    draws, design = fit.draws, fit.problem.design if design is None else design
    if draws is None:
        return
    n, places = len(design.X), joined_columns(design.random)
    beta, L, sigma = draws.flat("beta"), draws.flat("L"), draws.flat("sigma")
    G = L @ np.swapaxes(L, -1, -2)
    step = max(CELLS // max(n, 1), 1)
    for start in range(0, len(beta), step):
        part = slice(start, start + step)
        size = len(beta[part])
        yield (
            beta[part],
            Dispersion(
                G=tuple(G[part, place, place] for place in places),
                scale=tuple(np.ones((size, n)) for _ in places),
                sigma=np.broadcast_to(sigma[part, None], (size, n)),
                C=None,
                phi=np.ones(size),
            ),
        )


def rows_of(fit: Fit, where: Layout | None = None) -> RowCovariance:
    """Σ and its parts for the rows of a fit, at the estimate."""
    design = fit.problem.design
    return row_covariance(design, row_layout(design) if where is None else where, dispersion_of(fit))
