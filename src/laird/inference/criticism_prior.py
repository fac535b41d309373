"""Draws of all parameters from their priors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.problem import Problem, of_normal
from laird.fitting.standard import Standard
from laird.fitting.target import target_of
from laird.inference.criticism_replicates import Parameters
from laird.inference.logo_rows import centring
from laird.posterior import links
from laird.posterior.coordinates import Coordinates
from laird.posterior.families import quantile
from laird.posterior.table import CORRELATIONS, PriorRow, PriorTable, above

type Floats = NDArray[np.float64]


def prior_parameters(
    problem: Problem, priors: PriorTable, count: int, rng: np.random.Generator
) -> Parameters:
    """Draw all parameters from their priors; groups are drawn anew.

    Raises
    ------
    FitError
        A prior is flat: there is nothing to draw from.
    """
    _refuse_flat(priors)
    target = target_of(of_normal(problem), priors)
    phi = _coordinates(target.coordinates, count, rng)
    theta, _ = target.coordinates.split(phi)
    gamma = np.empty((count, len(priors.coefficients)))
    for k, row in enumerate(priors.coefficients):
        gamma[:, k] = _values(row, count, rng)
    families = {what: _family(priors, what, count, rng) for what, _ in problem.design.families}
    return Parameters(theta, gamma @ centring(target.likelihood.scaling).T, None, families)


def _family(priors: PriorTable, what: str, count: int, rng: np.random.Generator) -> Standard:
    """Shapes of a family: ν of a t is above 2, whatever its prior says below."""
    rows = priors.of("nu", "alpha", group=what)
    if rows[0].kind == "alpha":
        return Standard("skew_normal", np.stack([_values(row, count, rng) for row in rows], axis=-1))
    p = above(rng.uniform(size=count), rows[0].family, rows[0].values)
    return Standard("t", quantile(rows[0].family, p, *rows[0].values)[:, None])


def _refuse_flat(priors: PriorTable) -> None:
    flat = [row.parameter for row in priors if row.family == "flat" and row.kind not in CORRELATIONS]
    if flat:
        names = ", ".join(f"`{name}`" for name in flat)
        raise FitError(
            f"The priors of {names} are flat: there is nothing to draw from.",
            remedy="Leave `priors` out for the defaults, or state proper ones.",
        )


def _coordinates(own: Coordinates, count: int, rng: np.random.Generator) -> Floats:
    """Draws of phi, shape (S, k): of partial correlations 2 Beta(a, a) - 1."""
    phi = np.empty((count, own.size))
    for k, row in enumerate(own.rows):
        link, scale = own.priors.links[k], own.priors.scales[k]
        if link == links.ATANH:
            a = own.priors.numbers[k, 3] + 1.0
            phi[:, k] = np.arctanh(2.0 * rng.beta(a, a, count) - 1.0)
        elif row is not None:
            values = _values(row, count, rng)
            phi[:, k] = np.log(values) if link == links.LOG else values / scale
    return phi


def _values(row: PriorRow, count: int, rng: np.random.Generator) -> Floats:
    return quantile(row.family, rng.uniform(size=count), *row.values)
