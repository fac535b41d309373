"""One interface to the likelihood of every structure: cross-products in, numbers out.

A structure is chosen from the design: one grouping factor (`Grouped`) or several
(`Composite`).  Covariance factors of all grouping factors stand in one block-diagonal
matrix, whose free entries are given by `blocks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.composite import Composite, CrossedBody
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.grouped import cross_information, profiled_deviance
from laird.gaussian.marginal import flat, log_density, log_profile
from laird.gaussian.solution import Solution
from laird.gaussian.solution import solve as solve_grouped

type Floats = NDArray[np.float64]
type Reduced = Grouped | Composite


def profiled(data: Reduced, Lam: Floats, *, restricted: bool) -> tuple[float, Floats]:
    """Profiled deviance and its gradient in the relative factor Λ (q, q), starred units.

    -2 log L (ML) or -2 log L_R (`restricted`) maximised over β and σ (Bates et al. 2015,
    equations 34 and 42); NaN where X'V⁻¹X or the residual sum of squares is not positive.
    """
    if isinstance(data, Composite):
        return data.profiled(Lam, restricted=restricted)
    value, gradient = profiled_deviance(Lam, data.ZZ, data.ZW, data.WW, data.n, restricted)
    return float(value), gradient


def density(data: Reduced, L: Floats, sigma: float, *, restricted: bool) -> tuple[float, Floats, float]:
    """(Restricted) log-likelihood at G = LL' and σ, maximised over β, and its gradient; user's units."""
    if isinstance(data, Composite):
        return data.density(L, sigma, restricted=restricted)
    return log_density(flat(data), L, sigma)[:3] if restricted else log_profile(data, L, sigma)


def information(data: Reduced, Lam: Floats) -> Floats:
    """S = σ²W'V⁻¹W at the relative factor Λ, shape (p + 1, p + 1), starred units."""
    if isinstance(data, Composite):
        return data.information(Lam)
    return np.asarray(cross_information(Lam, data.ZZ, data.ZW, data.WW))


def solve(data: Reduced, L: Floats, sigma: float) -> Solution:
    """β̂, the effects and their joint conditional covariance at G = LL' and σ, user's units."""
    if isinstance(data, Composite):
        return data.solve(L, sigma)
    return solve_grouped(flat(data), L, sigma)


def is_costly(data: Reduced) -> bool:
    """Whether an evaluation takes long enough to save on them: crossed factors."""
    return isinstance(data, Composite) and isinstance(data.body, CrossedBody)
