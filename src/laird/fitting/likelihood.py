"""Maximum likelihood and REML for every structure, with the boundary as an ordinary point.

The optimiser works on the entries of a relative factor Λ, G = σ²ΛΛ', unbounded: the
deviance is even in each column of Λ, so a zero diagonal (variance zero, correlation one)
is an interior stationary point.  Whether it is a minimum is decided by the derivative of
the deviance with respect to G in the vanished directions (Kuhn-Tucker), never by a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.newton import Objective, Optimum, hessian, minimise
from laird.gaussian.composite import Composite
from laird.gaussian.coordinates import factor_entries, lower_factor
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.grouped import profiled_deviance
from laird.gaussian.reduced import Reduced, information, profiled

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]

ZERO = 1e-5
"""A diagonal of Λ below this is tried at zero exactly, and kept there if the fit is no worse."""

SMALL = 0.05
"""A search does not start from smaller diagonals of Λ: zero is a stationary point."""

MANY = 5000
"""Groups from which on the Hessian is computed at the start and the end only."""

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

    theta, curvature = _start(data, objective, restricted)
    for _ in range(ESCAPES):
        optimum = minimise(objective, theta, approximate=curvature)
        theta = snap_to_zero(objective, optimum.x, rows, columns)
        better = _escape(data, _matrix(theta, rows, columns, data.q), restricted)
        if better is None:
            break
        theta = better[rows, columns]
    value = optimum.value if np.array_equal(theta, optimum.x) else objective(theta)[0]
    return _estimate(data, _matrix(theta, rows, columns, data.q), value, optimum, restricted)


def _start(data: Reduced, objective: Objective, restricted: bool) -> tuple[Floats, Floats | None]:
    """Where the search begins, and the Hessian there, at least roughly, if evaluations take long.

    With crossed factors they do, with each of them alone they do not, and the maxima of those,
    with their Hessians, are close to what all have together.
    """
    rows, columns = factor_entries(data.blocks)
    theta = np.where(rows == columns, 1.0, 0.0)
    alone = data.alone() if isinstance(data, Composite) else None
    if alone is None:
        return theta, hessian(objective, theta) if _has_many_groups(data) else None
    H = np.zeros((len(theta), len(theta)))
    for place, ZZ, ZW in alone:
        own = np.flatnonzero((place.start <= rows) & (rows < place.stop))
        at = rows[own] - place.start, columns[own] - place.start
        found = minimise(_alone(ZZ, ZW, data.WW, data.n, at, restricted), theta[own])
        theta[own], H[np.ix_(own, own)] = found.x, found.hessian
    return np.where((rows == columns) & (np.abs(theta) < SMALL), SMALL, theta), H


def _has_many_groups(data: Reduced) -> bool:
    return isinstance(data, Grouped) and data.J >= MANY


def _alone(
    ZZ: Floats, ZW: Floats, WW: Floats, n: int, at: tuple[Places, Places], restricted: bool
) -> Objective:
    """The profiled deviance of one factor in the entries `at` of its Λ."""

    def objective(theta: Floats) -> tuple[float, Floats]:
        Lam = np.zeros(ZZ.shape[1:])
        Lam[at] = theta
        value, gradient = profiled_deviance(Lam, ZZ, ZW, WW, n, restricted)
        return float(value), gradient[at]

    return objective


def _matrix(theta: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], q: int) -> Floats:
    Lam = np.zeros((q, q))
    Lam[rows, columns] = theta
    return Lam


def snap_to_zero(objective, theta: Floats, rows, columns) -> Floats:  # type: ignore[no-untyped-def]
    """Set nearly zero diagonals to zero when that does not worsen the deviance beyond rounding."""
    small = np.flatnonzero((rows == columns) & (np.abs(theta) < ZERO))
    value = objective(theta)[0] if len(small) else 0.0
    for k in small:
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


def _estimate(data: Reduced, Lam: Floats, deviance: float, optimum: Optimum, restricted: bool) -> Estimate:
    p, s = data.p, data.scaling
    S = information(data, Lam)
    rss = S[p, p] - S[p, :p] @ np.linalg.solve(S[:p, :p], S[:p, p]) if p else S[p, p]
    df = data.n - p if restricted else data.n
    unit = 2.0 * df * np.log(s.y_scale) + (2.0 * np.sum(np.log(s.x_scale)) if restricted else 0.0)
    if not np.isfinite(deviance):
        raise FitError(
            "The residual variance is zero at the estimate: the model fits the data exactly.",
            remedy="Check whether the outcome is a copy of a predictor or of the group.",
        )
    sigma = float(np.sqrt(rss / df)) * s.y_scale
    return Estimate(
        L=lower_root(s.y_scale * s.T @ Lam * np.sqrt(rss / df), data.blocks),
        sigma=sigma,
        log_likelihood=-0.5 * (deviance + unit),
        optimum=optimum,
    )


def lower_root(root: Floats, blocks: Sequence[Sequence[int]]) -> Floats:
    """Lower triangular L with LL' = RR' for a `root` R, with the rank of R: vanished directions stay zero.

    Block by block, by a QR factorisation of R'.

    Examples
    --------
    >>> lower_root(np.array([[3.0, 4.0], [0.0, 0.0]]), [(0, 1)])
    array([[5., 0.], [0., 0.]])
    """
    L = np.zeros_like(root)
    for block in blocks:
        members = np.ix_(list(block), list(block))
        L[members] = _canonical(np.linalg.qr(root[members].T, mode="r").T)
    return L


def _canonical(L: Floats) -> Floats:
    """Non-negative diagonal; exact zeros where rounding left less than 1e-12 of the row."""
    rows = np.linalg.norm(L, axis=1, keepdims=True)
    cleaned = np.where(np.abs(L) <= 1e-12 * rows, 0.0, L)
    return cleaned * np.where(np.diag(cleaned) < 0, -1.0, 1.0)[None, :] + 0.0
