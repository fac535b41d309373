"""Sds of the rows of a design at every draw of the covariance parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.draws import Draws
from laird.fitting.problem import Problem
from laird.gaussian.theta import Theta
from laird.posterior.codings import Coding, outcome_rows, sigma_designs

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DrawnScales:
    """Residual and group sds of rows by draw.

    Attributes
    ----------
    problem
        The fitted model.
    design
        The rows asked for: the fitted ones, or others.
    theta
        Draws of the covariance parameters, every array with a leading axis S.
    """

    problem: Problem
    design: Design
    theta: Theta

    def sigma(self, part: slice) -> Floats:
        """Residual sds of some rows, shape (S, rows); zero for an outcome without one."""
        rows = np.arange(len(self.design.X))[part]
        found = np.zeros((len(self.theta.alpha), len(rows)))
        for scale in sigma_designs(self.design):
            coding = self.problem.codings.of("sigma", scale.group)
            if coding is not None:
                own = outcome_rows(self.design, scale.group)[rows]
                found[:, own] = np.exp(self._log(coding, scale.W[rows[own]]))
        return found

    def phi(self) -> Floats:
        """Multiplier of the known variances, shape (S,)."""
        coding = self.problem.codings.of("phi")
        if coding is None:
            return np.ones(len(self.theta.alpha))
        return np.exp(coding.coefficients(self.theta)[:, 0])

    def stretch(self, group: str, part: slice) -> Floats:
        """How much larger the sds of a row's group are than those of θ, shape (S, rows)."""
        coding = self.problem.codings.of("sd", group)
        if coding is None:
            return np.ones((1, 1))
        scale = next(s for s in self.design.scales if (s.parameter, s.group) == ("sd", group))
        first = np.linalg.norm(self.theta.L[:, coding.column, :], axis=-1)
        return np.asarray(np.exp(self._log(coding, scale.W[part])) / first[:, None])

    def _log(self, coding: Coding, W: Floats) -> Floats:
        return np.asarray(coding.coefficients(self.theta) @ W.T)


def drawn_scales(problem: Problem, design: Design, draws: Draws) -> DrawnScales:
    """The sds of the rows of a design at every draw, chains joined."""
    names = ("L", "alpha", "log_phi", "zeta")
    L, alpha, log_phi, zeta = (draws.flat(name) for name in names)
    delta = tuple(own.reshape(len(alpha), -1) for own in draws.delta)
    return DrawnScales(problem, design, Theta(L, alpha, delta, log_phi, zeta))
