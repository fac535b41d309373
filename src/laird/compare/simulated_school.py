"""One simulated school, for teaching: where its data come from, and what its line can tell.

A school's true line β_j = γ + u_j, u_j ~ N(0, G), is drawn around the population's; its data
scatter around the true line with variance σ²; least squares gives β̂_j, which scatters around
the true line with σ²(X_j'X_j)⁻¹, and around the population's with V_j = G + σ²(X_j'X_j)⁻¹
(slides p. 89 to 100 and 169).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.display import number
from laird.fitting.frozen import freeze
from laird.fitting.options import seed

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimulatedSchool:
    """A school with everything that real data hide.

    Attributes
    ----------
    gamma, G, variance
        Population line (2,), dispersion of the true lines (2, 2), residual variance σ².
    beta
        The school's true line, shape (2,).
    x, errors
        Values of the predictor and residuals ε, shapes (n,).
    """

    gamma: Floats
    G: Floats
    variance: float
    beta: Floats
    x: Floats
    errors: Floats

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def X(self) -> Floats:
        """The matrix (1, x), shape (n, 2)."""
        return np.column_stack([np.ones(len(self.x)), self.x])

    @property
    def y(self) -> Floats:
        """The data, Xβ + ε, shape (n,)."""
        return self.X @ self.beta + self.errors

    @property
    def blue(self) -> Floats:
        """The least-squares line β̂ = (X'X)⁻¹X'y, shape (2,)."""
        return np.asarray(np.linalg.lstsq(self.X, self.y, rcond=None)[0])

    @property
    def blue_cov(self) -> Floats:
        """Dispersion of β̂ around the true line, σ²(X'X)⁻¹, shape (2, 2)."""
        R = np.linalg.qr(self.X, mode="r")
        root = np.linalg.inv(R)
        return np.asarray(self.variance * root @ root.T)

    @property
    def V(self) -> Floats:
        """Dispersion of β̂ around the population line, G + σ²(X'X)⁻¹, shape (2, 2)."""
        return self.G + self.blue_cov

    @property
    def weights(self) -> Floats:
        """W = GV⁻¹, the share of β̂ in the best predictor, shape (2, 2)."""
        return np.asarray(np.linalg.solve(self.V, self.G).T)

    @property
    def blup(self) -> Floats:
        """The best linear unbiased predictor of the true line, Wβ̂ + (I - W)γ, shape (2,)."""
        return np.asarray(self.gamma + self.weights @ (self.blue - self.gamma))

    @property
    def blup_cov(self) -> Floats:
        """Dispersion of the true line around its predictor, G - WG, shape (2, 2)."""
        left = self.G - self.weights @ self.G
        return np.asarray((left + left.T) / 2)

    def to_frame(self) -> pd.DataFrame:
        """The data with what made them: ``x, y, population, true, least_squares, error``, one row each."""
        X = self.X
        lines = {"population": X @ self.gamma, "true": X @ self.beta, "least_squares": X @ self.blue}
        return pd.DataFrame({"x": self.x, "y": self.y, **lines, "error": self.errors})

    def lines(self) -> pd.DataFrame:
        """The four lines: rows ``population, true, least squares, best predictor``; intercept, slope."""
        rows = {
            "population": self.gamma,
            "true": self.beta,
            "least squares": self.blue,
            "best predictor": self.blup,
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["Intercept", "x"])

    def __repr__(self) -> str:
        title = f"Simulated school: {len(self.x)} rows, sigma {number(float(np.sqrt(self.variance)))}"
        return f"{title}\n{self.lines().map(number).to_string()}"


def simulated_school(
    gamma: ArrayLike = (12.0, 2.0),
    G: ArrayLike = ((16.0, 8.0), (8.0, 25.0)),
    variance: float = 20.0,
    *,
    size: float = 30.0,
    x: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    errors: ArrayLike | None = None,
    random_seed: int | None = None,
) -> SimulatedSchool:
    """Simulate one school as the slides do: γ = (12, 2), n ~ Poisson(30), x ~ N(0, 1).

    Parameters
    ----------
    gamma, G, variance
        Population line (2,), covariance of true lines (2, 2), residual variance σ².
    size
        Expected number of rows.
    x, beta, errors
        Predictor (n,), true line (2,), residuals (n,), where they are not to be drawn.
    random_seed
        Seed.

    Raises
    ------
    FitError
        A shape or value is impossible.

    Examples
    --------
    >>> school = simulated_school(random_seed=3)
    >>> school.blue.shape, bool(np.linalg.det(school.V) > np.linalg.det(school.G))
    ((2,), True)
    """
    rng = np.random.default_rng(seed(random_seed))
    centre, covariance = _array("gamma", gamma, (2,)), _covariance(G)
    if not (np.isfinite(variance) and variance > 0):
        raise FitError(f"variance = {variance} is not usable.", allowed="Allowed: a positive number.")
    drawn = centre + _root(covariance) @ rng.standard_normal(2)
    values = _predictor(rng, size) if x is None else _spread(x)
    n = len(values)
    noise = np.sqrt(variance) * rng.standard_normal(n)
    return SimulatedSchool(
        gamma=centre,
        G=covariance,
        variance=float(variance),
        beta=drawn if beta is None else _array("beta", beta, (2,)),
        x=values,
        errors=noise if errors is None else _array("errors", errors, (n,)),
    )


def _array(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Floats:
    found = np.array(value, dtype=float)
    if found.shape != shape or not np.isfinite(found).all():
        raise FitError(f"`{name}` must be {' × '.join(map(str, shape))} finite numbers.")
    return found


def _covariance(value: ArrayLike) -> Floats:
    G = _array("G", value, (2, 2))
    if not np.allclose(G, G.T, rtol=1e-10) or np.linalg.eigvalsh(G)[0] < -1e-10 * np.trace(G):
        raise FitError("`G` is no covariance matrix: it must be symmetric without negative eigenvalues.")
    return (G + G.T) / 2


def _root(G: Floats) -> Floats:
    values, vectors = np.linalg.eigh(G)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _predictor(rng: np.random.Generator, size: float) -> Floats:
    """Poisson many normal values, two or more, so that there is a line."""
    if not (np.isfinite(size) and size >= 2):
        raise FitError(f"size = {size} is not usable.", allowed="Allowed: numbers from 2.")
    return rng.standard_normal(max(int(rng.poisson(size)), 2))


def _spread(x: ArrayLike) -> Floats:
    values = np.array(x, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise FitError("`x` must be finite numbers, two or more of them different.")
    return values
