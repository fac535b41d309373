"""The covariance parameters of a fit, row by row: at any θ, at the estimate, and of every draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.refusals import beyond_normal
from laird.fitting.result import Fit
from laird.gaussian.outcomes import correlations, pairs_of
from laird.gaussian.theta import Theta
from laird.inference.rowblocks import Layout
from laird.inference.rowcovariance import Dispersion, RowCovariance, row_covariance, row_layout
from laird.posterior.codings import linear, outcome_rows, sigma_designs

type Floats = NDArray[np.float64]

CELLS = 2_000_000
"""Draws times rows held in memory at once."""


def dispersion(
    problem: Problem, theta: Theta, rows: Design | None = None, *, moments: bool = False
) -> Dispersion:
    """Covariance parameters by row at θ, or at a stack of θ.

    Parameters
    ----------
    problem
        The model that θ belongs to.
    theta
        Every array may have a leading axis for draws.
    rows
        A design of the same model, of other rows; None: the problem's own.
    moments
        True where only means and variances are asked for, which have their meaning in any family.

    Raises
    ------
    FitError
        Errors or effects are not normal.
    """
    if problem.design.families and not moments:
        raise beyond_normal(problem.design)
    design = problem.design if rows is None else rows
    G = theta.L @ np.swapaxes(theta.L, -1, -2)
    places = joined_columns(design.random)
    axes = theta.L.shape[:-2]
    return Dispersion(
        G=tuple(G[..., place, place] for place in places),
        scale=tuple(_group_scale(problem, theta, design, random.group) for random in design.random),
        sigma=_sigma(problem, theta, design),
        C=_unit_correlations(problem, theta, design) if design.rhos and len(design.units) else None,
        phi=np.exp(theta.log_phi[..., 0]) if theta.log_phi.shape[-1] else np.ones(axes),
    )


def _sigma(problem: Problem, theta: Theta, design: Design) -> Floats:
    """Residual sd of every row, zero for an outcome without, shape (..., n)."""
    found = np.zeros((*theta.L.shape[:-2], len(design.X)))
    for scale in sigma_designs(design):
        coding = problem.codings.of("sigma", scale.group)
        if coding is not None:
            rows = outcome_rows(design, scale.group)
            found[..., rows] = np.exp(linear(scale.W[rows], coding.coefficients(theta)))
    return found


def _group_scale(problem: Problem, theta: Theta, design: Design, group: str) -> Floats:
    """What each row's group sds are multiplied by, shape (..., n)."""
    coding = problem.codings.of("sd", group)
    if coding is None:
        return np.ones((*theta.L.shape[:-2], len(design.X)))
    W = next(own.W for own in design.scales if (own.parameter, own.group) == ("sd", group))
    return np.asarray(np.exp(linear((W @ coding.A)[:, 1:], theta.delta[coding.factor])))


def _unit_correlations(problem: Problem, theta: Theta, design: Design) -> Floats:
    """Correlation matrices of the outcomes of every unit, shape (..., U, m, m)."""
    m = len(design.outcomes)
    pairs, axes = pairs_of(m), theta.zeta.shape[:-1]
    units, first = np.unique(design.units, return_index=True)
    eta = np.zeros((*axes, int(units.max()) + 1, len(pairs)))
    for own in design.rhos:
        a, b = own.pair
        coding = problem.codings.of("rho", f"{design.outcomes[a]}, {design.outcomes[b]}")
        if coding is not None:
            eta[..., units, pairs.index((b, a))] = linear(own.W[first], coding.coefficients(theta))
    return correlations(eta.reshape(-1, len(pairs)), m).reshape(*axes, -1, m, m)


def dispersion_at(fit: Fit, rows: Design | None = None, *, moments: bool = False) -> Dispersion:
    """Covariance parameters at the estimate; of a fit with draws alone, means of variances."""
    if fit.theta is not None:
        return dispersion(fit.problem, fit.theta, rows)
    if fit.draws is None:
        return dispersion(fit.problem, least_squares_theta(fit), rows)
    return _mean(list(dispersion_chunks(fit, rows, moments=moments)))


def least_squares_theta(fit: Fit) -> Theta:
    """θ of least squares: no variance between groups."""
    return Theta(np.zeros_like(fit.point.G), np.array([np.log(fit.point.sigma)]))


def _mean(parts: list[tuple[Floats, Dispersion]]) -> Dispersion:
    chunks = [at for _, at in parts]

    def mean(arrays: list[Floats]) -> Floats:
        return np.asarray(np.concatenate(arrays).mean(axis=0))

    return Dispersion(
        G=tuple(mean(list(own)) for own in zip(*(at.G for at in chunks), strict=True)),
        scale=tuple(mean(list(own)) for own in zip(*(at.scale for at in chunks), strict=True)),
        sigma=np.sqrt(mean([at.sigma**2 for at in chunks])),
        C=None if chunks[0].C is None else mean([at.C for at in chunks if at.C is not None]),
        phi=mean([at.phi for at in chunks]),
    )


def dispersion_chunks(
    fit: Fit, rows: Design | None = None, *, moments: bool = False
) -> Iterator[tuple[Floats, Dispersion]]:
    """β (S, p) and covariance parameters of the draws, some draws at a time."""
    theta, beta = drawn_theta(fit)
    n = len((fit.problem.design if rows is None else rows).X)
    step = max(CELLS // max(n, 1), 1)
    for start in range(0, len(beta), step):
        part = slice(start, start + step)
        yield beta[part], dispersion(fit.problem, theta.at(part), rows, moments=moments)


def drawn_theta(fit: Fit) -> tuple[Theta, Floats]:
    """Draws of θ, every array with a leading axis S, and of β (S, p).

    Raises
    ------
    FitError
        The fit has no draws: its approximate posterior failed.
    """
    draws = fit.draws
    if draws is None:
        raise FitError("The fit has no draws: see `fit.check()`.", remedy='Fit with "nuts".')
    flat = draws.flat
    S = draws.shape[0] * draws.shape[1]
    delta = tuple(own.reshape(S, own.shape[-1]) for own in draws.delta)
    theta = Theta(flat("L"), flat("alpha"), delta, flat("log_phi"), flat("zeta"))
    return theta, flat("beta")


def rows_of(fit: Fit, where: Layout | None = None, *, moments: bool = False) -> RowCovariance:
    """Σ and its parts for the rows of a fit, at the estimate; `moments` as in `dispersion`."""
    design = fit.problem.design
    at = dispersion_at(fit, moments=moments)
    return row_covariance(design, row_layout(design) if where is None else where, at)
