"""Maximum likelihood and REML for models whose log sds depend on predictors.

The parameters are the entries of the factor of G, the coefficients α of log σ and δ of
the log group sds.  Inside, predictors of log sds are standardised
(`laird.gaussian.standardise.standard_columns`), so that the search does not depend on
their units; coefficients are reported for the predictors as given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, ScaleDesign
from laird.fitting.likelihood import Estimate, maximise, snap_to_zero
from laird.fitting.newton import Optimum, minimise
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.uncertainty import ScaleUncertainty, scale_uncertainty
from laird.gaussian.coordinates import factor_entries
from laird.gaussian.reduced import Reduced
from laird.gaussian.scaled import Parameters, Scaled, density
from laird.gaussian.standardise import standard_columns

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScaleEstimate:
    """Maximum of the (restricted) likelihood.

    Attributes
    ----------
    at
        Parameters, in standardised predictors.
    log_likelihood, optimum
        As in `laird.fitting.likelihood.Estimate`.
    """

    at: Parameters
    log_likelihood: float
    optimum: Optimum


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Coefficients of one log sd, for its predictors as given.

    Attributes
    ----------
    parameter, group, names
        As in `laird.design.ScaleDesign`.
    estimate, se
        Shapes (k,).
    """

    parameter: str
    group: str
    names: tuple[str, ...]
    estimate: Floats
    se: Floats


def maximise_scaled(data: Scaled, plain: Reduced, *, restricted: bool) -> ScaleEstimate:
    """Maximise from the estimate of the same model with constant sds (`plain`)."""
    start = maximise(plain, restricted=restricted)
    rows, columns = factor_entries(data.blocks)
    s = data.scaling
    units = (s.y_scale / s.z_scale)[rows]
    sizes = [len(rows), data.w.shape[1], *(own.shape[1] for own in data.s)]
    ends = np.cumsum(sizes)

    def unpack(theta: Floats) -> Parameters:
        L = np.zeros((data.q, data.q))
        L[rows, columns] = theta[: ends[0]] * units
        delta = tuple(theta[a:b] for a, b in pairwise(ends[1:]))
        return Parameters(L, theta[ends[0] : ends[1]], delta)

    def deviance(theta: Floats) -> tuple[float, Floats]:
        value, g = density(data, unpack(theta), restricted=restricted)
        gradient = np.concatenate([g.L[rows, columns] * units, g.alpha, *g.delta])
        return -2.0 * value, -2.0 * gradient

    theta = _start(data, start, rows, columns, units, sizes)
    optimum = minimise(deviance, theta)
    pad = np.full(len(theta) - len(rows), -1)
    theta = snap_to_zero(deviance, optimum.x, np.append(rows, pad), np.append(columns, pad - 1))
    at = unpack(theta)
    signs = np.where(np.diag(at.L) < 0, -1.0, 1.0)
    return ScaleEstimate(at._replace(L=at.L * signs), -0.5 * deviance(theta)[0], optimum)


def _start(
    data: Scaled,
    start: Estimate,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    units: Floats,
    sizes: Sequence[int],
) -> Floats:
    """Constant sds: a vanished direction starts small, not at zero."""
    L = start.L[rows, columns] / units
    L = np.where((rows == columns) & (np.abs(L) < 0.05), 0.05, L)
    alpha = np.linalg.lstsq(data.w, np.full(len(data.w), np.log(start.sigma)), rcond=None)[0]
    return np.concatenate([L, alpha, np.zeros(sum(sizes[2:]))])


def uncertainty_of(data: Scaled, found: ScaleEstimate, *, restricted: bool) -> ScaleUncertainty:
    """Standard errors of log sds, correlations, α and δ, from the Hessian."""
    at = found.at
    ends = np.cumsum([len(at.alpha), *(len(d) for d in at.delta)])

    def log_likelihood(L: Floats, rest: Floats) -> tuple[float, Floats, Floats]:
        delta = tuple(rest[a:b] for a, b in pairwise(ends))
        value, g = density(data, Parameters(L, rest[: ends[0]], delta), restricted=restricted)
        return value, g.L, np.concatenate([g.alpha, *g.delta])

    rest = np.concatenate([at.alpha, *at.delta])
    return scale_uncertainty(log_likelihood, at.L, rest, data.blocks)


def regressions(
    problem: Problem, found: ScaleEstimate, uncertainty: ScaleUncertainty
) -> tuple[Regression, ...]:
    """The coefficients of every log sd with standard errors, for the predictors as given."""
    return tuple(_regression(problem, scale, found, uncertainty) for scale in problem.design.scales)


def _regression(
    problem: Problem, scale: ScaleDesign, found: ScaleEstimate, uncertainty: ScaleUncertainty
) -> Regression:
    """β = Aγ for the coefficients γ of the standardised predictors V = WA."""
    design, cov = problem.design, uncertainty.cov
    first = len(cov) - len(found.at.alpha) - sum(map(len, found.at.delta))
    if scale.parameter == "sigma":
        A, gamma = standard_columns(scale.W)[1], found.at.alpha
        places = list(range(first, first + len(gamma)))
    else:
        f = [random.group for random in design.random].index(scale.group)
        own = joined_columns(design.random)[f].start
        A = _group_transform(design, f, scale)
        gamma = np.append(np.log(np.linalg.norm(found.at.L[own])), found.at.delta[f])
        before = first + len(found.at.alpha) + sum(len(d) for d in found.at.delta[:f])
        places = [own, *range(before, before + len(found.at.delta[f]))]
    covariance = A @ cov[np.ix_(places, places)] @ A.T
    return Regression(scale.parameter, scale.group, scale.names, A @ gamma, np.sqrt(np.diag(covariance)))


def _group_transform(design: Design, f: int, scale: ScaleDesign) -> Floats:
    random = design.random[f]
    values = np.zeros((len(random.levels), scale.W.shape[1]))
    values[random.ids] = scale.W
    return standard_columns(values)[1]


def row_sigma(problem: Problem, found: ScaleEstimate) -> Floats:
    """Fitted residual sd of every row, shape (n,)."""
    design = problem.design
    W = next((s.W for s in design.scales if s.parameter == "sigma"), np.ones((len(design.y), 1)))
    return np.asarray(np.exp(standard_columns(W)[0] @ found.at.alpha))
