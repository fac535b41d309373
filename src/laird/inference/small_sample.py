"""Knapp and Hartung's small-sample method for the fixed effects of any model.

The covariance of β̂ at the estimated Σ is multiplied by s² = y'Py / (n - p), the generalised Q
over its expectation, and tests refer to t and F with n - p degrees of freedom (Hartung 1999;
Knapp & Hartung 2003; for any Σ, Jackson & Riley 2014).  An s² below 1 would narrow intervals
because of chance homogeneity: ``"knapp-hartung"`` does not allow it (Röver, Knapp & Friede 2015);
``"knapp-hartung-untruncated"`` does, as R's metafor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.frozen import freeze
from laird.fitting.result import Fit
from laird.inference.denominators import Denominator
from laird.inference.dispersion import rows_of
from laird.inference.gls import gls

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class KnappHartung:
    """What tests are referred to.

    Attributes
    ----------
    name
        What a table says.
    cov
        s²(X'Σ⁻¹X)⁻¹, shape (p, p).
    df
        n - p.
    scale
        s².
    """

    name: str
    cov: Floats
    df: float
    scale: float

    def __post_init__(self) -> None:
        freeze(self)

    def rows(self, K: Floats) -> Floats:
        """n - p for every row of K."""
        return np.full(len(K), self.df)

    def joint(self, K: Floats) -> Denominator:
        """n - p."""
        del K
        return Denominator(1.0, self.df)


def knapp_hartung(fit: Fit, *, truncated: bool = True) -> KnappHartung:
    """The small-sample reference of a fit, s² not below 1 if `truncated`."""
    design = fit.problem.design
    found = gls(design.y, design.X, rows_of(fit).whitener())
    scale = found.Q / found.df
    if truncated:
        scale = max(scale, 1.0)
    name = "knapp-hartung" if truncated else "knapp-hartung-untruncated"
    return KnappHartung(name, scale * found.cov, float(found.df), scale)
