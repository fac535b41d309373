"""Knapp and Hartung's small-sample method for the fixed effects of any model.

The covariance of β̂ at the estimated Σ is multiplied by s² = y'Py / (n - p), the generalised Q
over its expectation, and tests refer to t and F (Hartung 1999; Knapp & Hartung 2003; for any Σ,
Jackson & Riley 2014).  An s² below 1 would narrow intervals because of chance homogeneity:
``"knapp-hartung"`` does not allow it (Röver, Knapp & Friede 2015); ``"knapp-hartung-untruncated"``
does, as R's metafor.

With 8 to 36 studies, a moderator, and sampling variances that differ fourfold or hundredfold,
intervals that should cover 95 % covered 88-96 % by the normal distribution, 92.5-95.5 %
untruncated, 94-99 % truncated (3,000 data sets a cell), so truncated is the default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.frozen import freeze
from laird.fitting.result import Fit
from laird.inference.denominators import Denominator
from laird.inference.dispersion import rows_of
from laird.inference.gls import gls
from laird.inference.rowblocks import connected_rows

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
        Degrees of freedom of every coefficient, shape (p,).
    scale
        s².
    """

    name: str
    cov: Floats
    df: Floats
    scale: float

    def __post_init__(self) -> None:
        freeze(self)

    def rows(self, K: Floats) -> Floats:
        """Of every row of K: the fewest of the coefficients involved."""
        return np.asarray(np.where(K != 0.0, self.df, np.inf).min(axis=1))

    def joint(self, K: Floats) -> Denominator:
        """The fewest of all coefficients involved."""
        return Denominator(1.0, float(self.rows(K).min()))


def knapp_hartung(fit: Fit, *, truncated: bool = True) -> KnappHartung:
    """The small-sample reference of a fit, s² not below 1 if `truncated`."""
    design = fit.problem.design
    found = gls(design.y, design.X, rows_of(fit).whitener(), design.weights)
    scale = found.Q / found.df
    if truncated:
        scale = max(scale, 1.0)
    name = "knapp-hartung" if truncated else "knapp-hartung-untruncated"
    return KnappHartung(name, scale * found.cov, studies_left(design), scale)


def studies_left(design: Design) -> Floats:
    """Studies of the outcome of each coefficient, minus coefficients of that outcome, (p,); at least 1.

    Studies are rows, or with group effects the parts of the data that no group connects; a row with
    a weight counts that many times.

    Examples
    --------
    >>> from laird.design import bind
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 1.0, 1.5], "g": list("aabbcc")}
    >>> _, one = bind(parse_spec("y ~ 1"), data)
    >>> _, grouped = bind(parse_spec("y ~ 1 + (1 | g)"), data)
    >>> studies_left(one), studies_left(grouped)
    (array([5.]), array([2.]))
    """
    n, p = design.X.shape
    study = connected_rows(design) if design.random else np.arange(n)
    which = design.which if len(design.which) else np.zeros(n, dtype=np.int64)
    owner = which[np.argmax(design.X != 0, axis=0)]
    found = np.empty(p)
    for outcome in np.unique(owner):
        own = owner == outcome
        studies = len(np.unique(study[which == outcome])) if design.weights is None else design.weights.sum()
        found[own] = studies - np.count_nonzero(own)
    return np.maximum(found, 1.0)
