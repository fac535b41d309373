"""The covariance parameters of a fit, row by row: at the estimate, and of every draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.problem import joined_columns
from laird.fitting.result import Fit
from laird.inference.rowblocks import Layout
from laird.inference.rowcovariance import Dispersion, RowCovariance, row_covariance, row_layout

type Floats = NDArray[np.float64]


def dispersion_of(fit: Fit) -> Dispersion:
    """Covariance parameters at the estimate."""
    design = fit.problem.design
    places = joined_columns(design.random)
    return Dispersion(
        G=tuple(fit.point.G[place, place] for place in places),
        scale=tuple(_group_scale(fit, f) for f in range(len(places))),
        sigma=np.broadcast_to(np.asarray(fit.sigma, dtype=float), (len(design.y),)),
        C=None,
        phi=np.array(1.0),
    )


def _group_scale(fit: Fit, f: int) -> Floats:
    """What each row's group sds of factor `f` are multiplied by, shape (n,)."""
    design = fit.problem.design
    random = design.random[f]
    found = next((s for s in design.scales if (s.parameter, s.group) == ("sd", random.group)), None)
    own = fit.point.sd[joined_columns(design.random)[f].start]
    if found is None or own == 0:
        return np.ones(len(design.y))
    return np.asarray(np.exp(found.W @ fit.scale_of(random.group).to_numpy()) / own)


def rows_of(fit: Fit, where: Layout | None = None) -> RowCovariance:
    """Σ and its parts for the rows of a fit, at the estimate."""
    design = fit.problem.design
    return row_covariance(design, row_layout(design) if where is None else where, dispersion_of(fit))
