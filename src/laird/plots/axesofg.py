"""Principal axes of G: in how many directions coefficients vary between groups.

Coefficients have units of their own, so that axes are those of the correlation matrix
R = D⁻¹GD⁻¹, with D the sds: R = QΛQ', and √λ_k is the sd, in sds, along the direction q_k.  Where
a λ is near zero the ellipsoid of G is a pancake: the groups do not vary in that direction,
and the random part has more coefficients than the data tell apart (slides, Lab 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.plots.sources import random_design

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalAxes:
    """Principal axes of the correlation matrix of a grouping factor's coefficients.

    Attributes
    ----------
    group
        The grouping factor.
    names, sd
        Names and sds of the q coefficients; those with sd zero count as directions
        without variance.
    lengths
        Square roots of the eigenvalues, largest first, shape (q,).
    directions
        Unit vectors as columns, shape (q, q).
    """

    group: str
    names: tuple[str, ...]
    sd: Floats
    lengths: Floats
    directions: Floats

    @property
    def shares(self) -> Floats:
        """Shares of the summed variance of the standardised coefficients, shape (q,)."""
        squared = self.lengths**2
        return squared / max(float(squared.sum()), np.finfo(float).tiny)

    def in_words(self, k: int) -> str:
        """Direction k as a sum of coefficients over their sds, the largest weight first."""
        weights = self.directions[:, k]
        by_size = np.argsort(-np.abs(weights).round(6), kind="stable")
        weights = weights * np.sign(weights[by_size[0]])
        order = [j for j in by_size if abs(weights[j]) >= 0.005]
        signs = ["" if n == 0 else " + " if weights[j] > 0 else " − " for n, j in enumerate(order)]
        return "".join(
            f"{sign}{abs(weights[j]):.2f} {self.names[j]}" for sign, j in zip(signs, order, strict=True)
        )


def axes_of(fit: Fit, group: str | None = None) -> PrincipalAxes:
    """Return the principal axes of G of a fit.

    Raises
    ------
    FitError
        An unknown grouping factor, one coefficient only, or all sds are zero.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> found = axes_of(fit)
    >>> found.lengths.round(2).tolist(), found.in_words(1)
    ([1.03, 0.97], '0.71 Intercept − 0.71 Days')
    """
    random = random_design(fit, group)
    if len(random.names) < 2:
        raise FitError(
            f"The groups of `{random.group}` have one coefficient: G has no directions.",
            remedy="Fit a model with random slopes.",
        )
    G = fit.covariance(random.group).to_numpy()
    sd = np.sqrt(np.diag(G))
    if not sd.any():
        raise FitError(f"All sds of `{random.group}` are zero: there is nothing to draw.")
    return principal_axes_of(random.group, random.names, G)


def principal_axes_of(group: str, names: tuple[str, ...], G: Floats) -> PrincipalAxes:
    """Return the principal axes of a covariance matrix, shape (q, q)."""
    sd = np.sqrt(np.diag(G))
    scale = np.where(sd > 0, sd, 1.0)
    values, vectors = np.linalg.eigh(G / np.outer(scale, scale))
    order = np.argsort(-values, kind="stable")
    return PrincipalAxes(group, names, sd, np.sqrt(np.maximum(values[order], 0.0)), vectors[:, order])
