"""Outcomes that a model would give: for every draw of its parameters one set of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.result import Fit
from laird.fitting.standard import Standard, of_rows, standard_of, standardised
from laird.fitting.target import flat_likelihood
from laird.gaussian.theta import Theta
from laird.inference.chunks import chunks
from laird.inference.dispersion import dispersion, drawn_theta, least_squares_theta
from laird.inference.rowcovariance import Dispersion

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Parameters(NamedTuple):
    """Draws of all parameters.

    Attributes
    ----------
    theta, beta
        Covariance parameters, every array with a leading axis S, and coefficients (S, p).
    effects
        Effects of the fitted groups by factor, shapes (S, J, q); None: groups are drawn anew.
    families
        What is not normal, by what it is of.
    """

    theta: Theta
    beta: Floats
    effects: tuple[Floats, ...] | None
    families: Mapping[str, Standard] = MappingProxyType({})


def parameters_of(fit: Fit, count: int, rng: np.random.Generator, *, fitted_groups: bool) -> Parameters:
    """At most `count` draws of the parameters of a fit, evenly spread over those that it has.

    A likelihood fit has its covariance parameters at their estimate, and coefficients and
    effects drawn from their conditional distribution given the data.
    """
    if fit.draws is None and fit.method in ("ols", "ml", "reml"):
        theta, beta, effects = _around(fit, count, rng)
    else:
        theta, beta = drawn_theta(fit)
        chosen = np.linspace(0, len(beta) - 1, min(count, len(beta))).astype(np.int64)
        effects = tuple(u[chosen] for u in fit.draws.flat_effects()) if fit.draws and fitted_groups else ()
        theta, beta = theta.at(chosen), beta[chosen]
    families = (
        {}
        if fit.draws is None
        else {
            what: standard_of(fit.problem.design, fit.draws, what, chosen)
            for what, _ in fit.problem.design.families
        }
    )
    return Parameters(theta, beta, effects if fitted_groups else None, families)


def _around(fit: Fit, count: int, rng: np.random.Generator) -> tuple[Theta, Floats, tuple[Floats, ...]]:
    theta = least_squares_theta(fit) if fit.theta is None else fit.theta
    stacked = theta.repeated(count)
    beta, effects = flat_likelihood(fit.problem).draw(stacked, np.zeros((count, 0)), rng)
    return stacked, beta, effects


def replicated(problem: Problem, given: Parameters, rng: np.random.Generator) -> Floats:
    """Draw the outcomes of all rows, one set for every draw of the parameters, shape (S, n).

    Raises
    ------
    FitError
        The rows are weighted: weights do not say how a row varies.
    """
    design = problem.design
    if design.weights is not None:
        raise FitError("Outcomes of weighted rows cannot be simulated.", remedy="Leave `weights` out.")
    values = given.beta @ design.X.T
    for part in chunks(len(values), len(design.X)):
        theta = given.theta.at(part)
        at = dispersion(problem, theta, moments=True)
        families = {what: Standard(own.family, own.shape[part]) for what, own in given.families.items()}
        if given.effects is None:
            values[part] += _new_groups(design, theta, at, families, rng)
        else:
            values[part] += _fitted_groups(design, [u[part] for u in given.effects])
        values[part] += at.sigma * _unit_residuals(design, at, families, rng) + _sampling(design, at.phi, rng)
    return values


def _fitted_groups(design: Design, effects: Sequence[Floats]) -> Floats:
    """Σ_f z_f'u_f of every row, shape (S, n)."""
    return np.asarray(
        sum(
            u[:, random.ids, k] * random.Z[:, k]
            for random, u in zip(design.random, effects, strict=True)
            for k in range(len(random.names))
        )
        + np.zeros(len(design.X))
    )


def _new_groups(
    design: Design, theta: Theta, at: Dispersion, families: Mapping[str, Standard], rng: np.random.Generator
) -> Floats:
    """The same with effects drawn anew, which the scales of the rows' groups stretch."""
    S = len(theta.L)
    total = np.zeros((S, len(design.X)))
    for f, (random, place) in enumerate(zip(design.random, joined_columns(design.random), strict=True)):
        e = standardised(families.get(random.group), random, (S, len(random.levels)), rng)
        u = e @ np.swapaxes(theta.L[:, place, place], -1, -2)
        total += at.scale[f] * _fitted_groups(replace(design, random=(random,)), [u])
    return total


def _unit_residuals(
    design: Design, at: Dispersion, families: Mapping[str, Standard], rng: np.random.Generator
) -> Floats:
    """Residuals of variance one, correlated between the outcomes of a unit, shape (S, n)."""
    if (own := families.get(of_rows(design))) is not None:
        return own.draw(at.sigma.shape[1], rng)
    if at.C is None:
        return rng.standard_normal(at.sigma.shape)
    factor = np.linalg.cholesky(at.C)
    e = rng.standard_normal((*at.C.shape[:-1], 1))
    return np.asarray((factor @ e)[..., 0][:, design.units, design.which])


def _sampling(design: Design, phi: Floats, rng: np.random.Generator) -> Floats | float:
    """Sampling errors N(0, φV), shape (S, n)."""
    known = design.known
    if known is None:
        return 0.0
    errors = np.sqrt(known.variances) * rng.standard_normal((len(phi), len(design.X)))
    for block in known.blocks:
        values, vectors = np.linalg.eigh(block.V)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        errors[:, block.rows] = rng.standard_normal((len(phi), len(block.rows))) @ root.T
    return np.asarray(np.sqrt(phi)[:, None] * errors)
