"""The model in which all true effects are as the moderators say: Σ = φV."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.inference.gls import Gls, gls
from laird.inference.qtests import typical_variance
from laird.inference.refits import subset
from laird.inference.rowblocks import whitener
from laird.inference.rowcovariance import row_layout, sampling

type Flags = NDArray[np.bool_]


def homogeneous(design: Design, rows: Flags | None = None) -> Design:
    """Rows that V alone connects: without groups, units, and columns that are zero in them."""
    own = design if rows is None else subset(design, rows)
    kept = np.any(own.X != 0, axis=0)
    names = tuple(name for name, keep in zip(own.names, kept, strict=True) if keep)
    none = np.zeros(0, dtype=np.int64)
    return replace(own, X=own.X[:, kept], names=names, random=(), units=none, scales=(), rhos=())


def by_sampling(own: Design, phi: float = 1.0) -> Gls:
    """Generalised least squares with Σ = φV.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    >>> round(by_sampling(homogeneous(model.design)).Q, 3)
    152.233
    """
    where = row_layout(own)
    return gls(own.y, own.X, whitener(where, sampling(own, where, np.array(phi))), own.weights)


def typical(own: Design, phi: float = 1.0) -> float:
    """The typical sampling variance of rows; see `laird.inference.qtests.typical_variance`."""
    where = row_layout(own)
    return typical_variance(own.y, own.X, where, sampling(own, where, np.array(phi)), own.weights)
