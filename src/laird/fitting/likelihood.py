"""Maximum likelihood and REML for every structure, with the boundary as an ordinary point.

The optimiser works on the entries of a relative factor Λ, G = σ²ΛΛ', unbounded: the
deviance is even in each column of Λ, so a zero diagonal (variance zero, correlation one)
is an interior stationary point.  Whether it is a minimum is decided by the derivative of
the deviance with respect to G in the vanished directions (Kuhn-Tucker), never by a name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.newton import Optimum, minimise
from laird.gaussian.coordinates import factor_entries, lower_factor
from laird.gaussian.reduced import Reduced, information, is_costly, profiled

type Floats = NDArray[np.float64]

ZERO = 1e-5
"""A diagonal of Λ below this is tried at zero exactly, and kept there if the fit is no worse."""

ESCAPES = 5
"""How often the search is sent away from a stationary point at the boundary that is no minimum."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Maximum of the profiled (restricted) likelihood, user's units.

    Attributes
    ----------
    L
        Lower triangular factor of Ĝ, shape (q, q), block-diagonal by grouping factor; a zero
        diagonal is a vanished direction.
    sigma
        Residual sd.
    log_likelihood
        As lme4 and nlme report it (no ½ log|X'X| for REML).
    optimum
        The optimiser's verdict, in relative starred factors.
    """

    L: Floats
    sigma: float
    log_likelihood: float
    optimum: Optimum

    @property
    def at_boundary(self) -> bool:
        """True when a direction of G has variance exactly zero."""
        return bool(np.any(np.diag(self.L) == 0.0))


def maximise(data: Reduced, *, restricted: bool) -> Estimate:
    """Maximise the profiled likelihood (`restricted` for REML) of a model."""
    rows, columns = factor_entries(data.blocks)

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = profiled(data, _matrix(theta, rows, columns, data.q), restricted=restricted)
        return value, gradient[rows, columns]

    theta = np.where(rows == columns, 1.0, 0.0)
    for _ in range(ESCAPES):
        optimum = minimise(objective, theta, costly=is_costly(data))
        theta = snap_to_zero(objective, optimum.x, rows, columns)
        better = _escape(data, _matrix(theta, rows, columns, data.q), restricted)
        if better is None:
            break
        theta = better[rows, columns]
    return _estimate(data, _matrix(theta, rows, columns, data.q), optimum, restricted)


def _matrix(theta: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], q: int) -> Floats:
    Lam = np.zeros((q, q))
    Lam[rows, columns] = theta
    return Lam


def snap_to_zero(objective, theta: Floats, rows, columns) -> Floats:  # type: ignore[no-untyped-def]
    """Set nearly zero diagonals to zero when that does not worsen the deviance beyond rounding."""
    value = objective(theta)[0]
    for k in np.flatnonzero((rows == columns) & (np.abs(theta) < ZERO)):
        trial = theta.copy()
        trial[columns == columns[k]] = 0.0
        if objective(trial)[0] <= value + 1e-10 * max(abs(value), 1.0):
            theta = trial
    return theta


def _escape(data: Reduced, Lam: Floats, restricted: bool) -> Floats | None:
    """A better factor when the deviance falls as G grows in a vanished direction, else None.

    For G + t·vv' the derivative at t = 0 is v'Hv with H = dD/dG; H v is read off the
    gradient of the deviance in an empty column of Λ.
    """
    for block in data.blocks:
        members = list(block)
        empty = [k for k in members if not Lam[:, k].any()]
        if not empty:
            continue
        N = _null_space(Lam[np.ix_(members, members)])
        t = 1e-3
        slopes = np.empty((len(members), N.shape[1]))
        for c, v in enumerate(N.T):
            trial = Lam.copy()
            trial[members, empty[0]] = t * v
            gradient = profiled(data, trial, restricted=restricted)[1]
            slopes[:, c] = gradient[members, empty[0]] / (2 * t)
        w, V = np.linalg.eigh(N.T @ slopes)
        if w[0] < -1e-6 * data.n:
            trial = Lam.copy()
            trial[members, empty[0]] = 0.1 * (N @ V[:, 0])
            return lower_factor(trial @ trial.T, data.blocks)
    return None


def _null_space(L: Floats) -> Floats:
    U, s, _ = np.linalg.svd(L)
    return U[:, s <= 1e-12 * max(s[0], 1.0)]


def _estimate(data: Reduced, Lam: Floats, optimum: Optimum, restricted: bool) -> Estimate:
    p, s = data.p, data.scaling
    S = information(data, Lam)
    rss = S[p, p] - S[p, :p] @ np.linalg.solve(S[:p, :p], S[:p, p]) if p else S[p, p]
    df = data.n - p if restricted else data.n
    deviance = profiled(data, Lam, restricted=restricted)[0]
    unit = 2.0 * df * np.log(s.y_scale) + (2.0 * np.sum(np.log(s.x_scale)) if restricted else 0.0)
    if not np.isfinite(deviance):
        raise FitError(
            "The residual variance is zero at the estimate: the model fits the data exactly.",
            remedy="Check whether the outcome is a copy of a predictor or of the group.",
        )
    sigma = float(np.sqrt(rss / df)) * s.y_scale
    return Estimate(
        L=_user_factor(data, Lam * np.sqrt(rss / df)),
        sigma=sigma,
        log_likelihood=-0.5 * (deviance + unit),
        optimum=optimum,
    )


def _user_factor(data: Reduced, Lam: Floats) -> Floats:
    """Lower factor of G = s²TΛΛ'T' with the rank of Λ: vanished directions stay exactly zero.

    With T upper triangular and columns reordered, a QR factorisation of (TΛ)' keeps the rank.
    """
    full = data.scaling.y_scale * data.scaling.T @ Lam
    L = np.zeros_like(full)
    for block in data.blocks:
        members = np.ix_(list(block), list(block))
        R = np.linalg.qr(full[members].T, mode="r")
        L[members] = _canonical(R.T)
    return L


def _canonical(L: Floats) -> Floats:
    """Non-negative diagonal; exact zeros where rounding left less than 1e-12 of the row."""
    rows = np.linalg.norm(L, axis=1, keepdims=True)
    cleaned = np.where(np.abs(L) <= 1e-12 * rows, 0.0, L)
    return cleaned * np.where(np.diag(cleaned) < 0, -1.0, 1.0)[None, :]
