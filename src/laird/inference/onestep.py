"""Estimates without each of many units, all from one fit: variance parameters by one Newton step.

At fixed θ the estimates of β without unit i are exact (`laird.inference.deletion`).  What leaving it out
does to θ̂ is found by one step of Newton's method on its own deviance D_(i),

    θ_(i) = θ̂ - D_(i)''⁻¹ (D_(i)' - D'),

from θ̂, where D' = 0 (Pregibon 1981; Christensen, Pearson & Johnson 1992; with the exact second
derivative of D_(i)); β̂_(i) and what else depends on θ follow by a second-order Taylor series.  A unit whose
step is long, or whose deviance is not convex at θ̂, or without which a variance that was zero is not,
is told apart: it must be left out and the model fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.freecoordinates import FreeCoordinates, free_coordinates
from laird.fitting.result import Fit, Method
from laird.gaussian.theta import Theta
from laird.inference.deletion import Engine, Pieces, engine, identified, left
from laird.inference.dispersion import least_squares_theta
from laird.inference.taylor import Taylor, taylor

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]

LONGEST = 0.5
"""Steps are trusted up to this length, in standard errors of θ̂."""

LEAST_CURVATURE = 0.5
"""The curvature of D_(i) in every direction must be at least this share of that of D."""

GROWN = 1e-2
"""Where the deviance next to a variance of zero is looked at, of coordinates of order one."""


class Without(NamedTuple):
    """Estimates without each unit.

    Attributes
    ----------
    beta, se
        β̂_(i), and what standard errors would be with all rows at θ_(i); shapes (U, p).
    log_det
        log|C_(i)|, the covariance of β̂_(i), over that with all rows at θ̂, shape (U,).
    misfit
        e_i'Cov(e_i)⁻¹e_i of the deleted residuals of the unit, shape (U,).
    theta
        θ_(i), one for each unit.
    length
        √((θ_(i) - θ̂)'I(θ_(i) - θ̂)) with the information I of all rows, shape (U,).
    leverage
        Sum of the leverages of the unit's rows at θ̂, shape (U,).
    trusted
        Whether one step is enough, shape (U,).
    identified
        Whether the rows left determine every coefficient, shape (U,).
    """

    beta: Floats
    se: Floats
    log_det: Floats
    misfit: Floats
    theta: tuple[Theta, ...]
    length: Floats
    leverage: Floats
    trusted: Flags
    identified: Flags


class Basis(NamedTuple):
    """An orthogonal basis of X and the residuals at β̂, W (n, p + 1), and β - β̂ of its coefficients, R⁻¹."""

    W: Floats
    inverse: Floats


def basis(fit: Fit) -> Basis:
    """W for a fit: the deletions do not depend on units or offsets of the columns."""
    design = fit.problem.design
    Q, R = np.linalg.qr(design.X)
    return Basis(np.column_stack([Q, design.y - design.X @ fit.point.beta]), np.linalg.inv(R))


def without_each(fit: Fit, codes: Ids, *, held: bool = False) -> Without:
    """Estimates without each unit.

    Parameters
    ----------
    fit
        By ``"ols"``, ``"ml"`` or ``"reml"``.
    codes
        Unit of each row, shape (n,), integers from 0 without gaps.
    held
        Hold θ at its estimate.
    """
    own = _Function.of(fit, codes)
    start, units = own.at.start, len(own.sound)
    if held:
        values, steps, trusted, length = own(start), np.zeros((units, len(start))), own.sound, np.zeros(units)
    else:
        series = taylor(own, start)
        steps, trusted = _steps(series), own.trusted(series)
        length = _lengths(steps, series.curvature[-1, DEVIANCE])
        values = series.at(np.vstack([steps, np.zeros(len(start))])[:, None, :])
    parts = own.split(values)
    return Without(
        beta=fit.point.beta + parts.gamma[:-1] @ own.inverse.T,
        se=np.exp(parts.log_variance[:-1] / 2),
        log_det=parts.log_information[-1] - parts.log_information[:-1],
        misfit=np.maximum(parts.misfit[:-1], 0.0),
        theta=tuple(own.at.theta(start + step) for step in steps),
        length=length,
        leverage=own.pieces(own.estimate).leverage,
        trusted=trusted & (length <= LONGEST),
        identified=own.sound,
    )


DEVIANCE, INFORMATION, MISFIT, FIRST = 0, 1, 2, 3
"""Columns of what is expanded; then γ_(i), then log variances of β̂ from all rows."""


class _Parts(NamedTuple):
    log_information: Floats
    misfit: Floats
    gamma: Floats
    log_variance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Function:
    """What is wanted of every unit, and of no unit (last), as a function of the free coordinates."""

    estimate: Theta
    pieces: Engine
    at: FreeCoordinates
    inverse: Floats
    method: Method
    sound: Flags

    @classmethod
    def of(cls, fit: Fit, codes: Ids) -> _Function:
        W, inverse = basis(fit)
        pieces = engine(fit.problem, codes, W)
        theta = least_squares_theta(fit) if fit.theta is None else fit.theta
        at = free_coordinates(fit.problem, theta)
        return cls(theta, pieces, at, inverse, fit.method, identified(pieces(theta)))

    def __call__(self, part: Floats) -> Floats:
        """Shape (U + 1, 3 + 2p)."""
        return self.of_pieces(self.pieces(self.at.theta(part)))

    def of_pieces(self, found: Pieces) -> Floats:
        removed = np.where(self.sound[:, None, None], found.removed, 0.0)
        none = np.zeros((1, *removed.shape[1:]))
        padded = found._replace(
            removed=np.concatenate([removed, none]), log_precision=np.append(found.log_precision, 0.0)
        )
        rest = left(padded, restricted=self.method != "ml")
        C = self.inverse @ np.linalg.inv(rest.information[-1]) @ self.inverse.T
        log_variance = np.broadcast_to(np.log(np.diag(C)), rest.beta.shape)
        log_information = np.linalg.slogdet(rest.information)[1]
        return np.column_stack([rest.deviance, log_information, rest.misfit, rest.beta, log_variance])

    def split(self, values: Floats) -> _Parts:
        p = len(self.inverse)
        return _Parts(
            values[:, INFORMATION],
            values[:, MISFIT],
            values[:, FIRST : FIRST + p],
            values[:, FIRST + p :],
        )

    def trusted(self, series: Taylor) -> Flags:
        """Units whose deviance is convex enough, and falls nowhere as a variance of zero grows."""
        H = series.curvature[:, DEVIANCE]
        root = np.linalg.inv(np.linalg.cholesky(H[-1])) if H.shape[1] else np.zeros((0, 0))
        convex = np.linalg.eigvalsh(root @ H[:-1] @ root.T).min(axis=1, initial=1.0) >= LEAST_CURVATURE
        return np.asarray(self.sound & convex & self._stays(series.value[:, DEVIANCE]))

    def _stays(self, deviance: Floats) -> Flags:
        """Whether what is zero in the model of all rows is so without each unit; least squares has it so."""
        grown = self.at.grown(GROWN) if self.method != "ols" else ()
        rises = [self.of_pieces(self.pieces(theta))[:, DEVIANCE] >= deviance for theta in grown]
        return np.asarray(np.all(rises, axis=0)[:-1] if rises else np.ones_like(self.sound))


def _steps(series: Taylor) -> Floats:
    """Newton's step of every unit, shape (U, k); none where its deviance is not convex."""
    slope = series.slope[:-1, DEVIANCE] - series.slope[-1, DEVIANCE]
    H = series.curvature[:-1, DEVIANCE]
    convex = np.linalg.eigvalsh(H).min(axis=1, initial=1.0) > 0.0
    H = np.where(convex[:, None, None], H, np.eye(H.shape[1]))
    return np.where(convex[:, None], -np.linalg.solve(H, slope[..., None])[..., 0], 0.0)


def _lengths(steps: Floats, H: Floats) -> Floats:
    """√(δ'Iδ) with the information I = ½D''."""
    return np.asarray(np.sqrt(np.maximum(0.5 * np.einsum("uk,kl,ul->u", steps, H, steps), 0.0)))
