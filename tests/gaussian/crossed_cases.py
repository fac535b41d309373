"""Models with several factors, and the dense oracle for them: n × n matrices in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag

from laird.gaussian.crossed import Crossed, cross


@dataclass(frozen=True)
class Case:
    """Rows of a model with several factors, random relative factors Λ and a weight D of S."""

    W: np.ndarray
    Z: tuple[np.ndarray, ...]
    ids: tuple[np.ndarray, ...]
    counts: tuple[int, ...]
    Lams: tuple[np.ndarray, ...]
    D: np.ndarray

    @property
    def crossed(self) -> Crossed:
        return cross(self.W, self.Z, self.ids, self.counts)

    @property
    def G(self) -> list[np.ndarray]:
        return [Lam @ Lam.T for Lam in self.Lams]

    @property
    def wide(self) -> list[np.ndarray]:
        """Z as dense matrices with a column for every effect, (n, J q) by factor."""
        return [expand(z, i, J) for z, i, J in zip(self.Z, self.ids, self.counts, strict=True)]

    def covariance(self, G) -> np.ndarray:
        """V/σ² = I + Σ Z_f (I ⊗ G_f) Z_f'."""
        V = np.eye(len(self.W))
        for B, g, J in zip(self.wide, G, self.counts, strict=True):
            V += B @ np.kron(np.eye(J), g) @ B.T
        return V

    def objective(self, G) -> float:
        """tr(DS) + log|V/σ²|."""
        V = self.covariance(G)
        return np.trace(self.D @ self.W.T @ np.linalg.solve(V, self.W)) + np.linalg.slogdet(V)[1]

    def posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of all effects on W, G Z'V⁻¹W, and their covariance given β over σ²."""
        Z = np.hstack(self.wide)
        G = block_diag(*[np.kron(np.eye(J), g) for g, J in zip(self.G, self.counts, strict=True)])
        GZ = G @ Z.T @ np.linalg.inv(self.covariance(self.G))
        return GZ @ self.W, G - GZ @ Z @ G

    def split(self, rows) -> list[np.ndarray]:
        """An array with a row for every effect, as (J, q, …) by factor."""
        stops = np.cumsum([len(Lam) * J for Lam, J in zip(self.Lams, self.counts, strict=True)])
        parts = np.split(rows, stops[:-1])
        return [p.reshape(J, -1, *rows.shape[1:]) for p, J in zip(parts, self.counts, strict=True)]

    def split_blocks(self, matrix) -> list[np.ndarray]:
        """The diagonal blocks of a matrix over all effects, as (J, q, q) by factor."""
        by_rows = self.split(matrix)
        by_both = [self.split(part.reshape(-1, len(matrix)).T)[f] for f, part in enumerate(by_rows)]
        return [
            np.stack([part[j, :, j * q : (j + 1) * q] for j in range(len(part))])
            for part in by_both
            for q in [part.shape[1]]
        ]


def expand(Z, ids, J) -> np.ndarray:
    wide = np.zeros((len(Z), J, Z.shape[1]))
    wide[np.arange(len(Z)), ids] = Z
    return wide.reshape(len(Z), -1)


def case(sizes, counts, *, n=70, p=3, ids=None, Lams=None, seed=0) -> Case:
    """Random ids (so partially crossed), columns and factors, but for those given."""
    rng = np.random.default_rng([seed, *sizes])
    X = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))])
    ids = ids or [rng.integers(0, J, n) for J in counts]
    Z = [np.column_stack([np.ones(n), rng.normal(size=(n, q - 1))]) for q in sizes]
    Lams = Lams or [rng.normal(0, 0.8, (q, q)) for q in sizes]
    root = rng.normal(size=(p + 1, p + 1))
    W = np.column_stack([X, rng.normal(1, 3, n)])
    return Case(W, tuple(Z), tuple(ids), tuple(counts), tuple(Lams), root @ root.T / p)


def with_factors(base: Case, *changes) -> Case:
    """The same rows with Λ_f multiplied from the left by what is given for each factor."""
    return replace(base, Lams=tuple(change @ Lam for change, Lam in zip(changes, base.Lams, strict=True)))


ROWS = np.arange(70)
SHUFFLED = np.random.default_rng(0).permutation(ROWS)
TWO = case((2, 2), (9, 6), seed=5)
ONE_DIRECTION = np.array([[1.0, 0.0], [2.0, 0.0]])

CASES = {
    "two intercepts, every cell filled": case((1, 1), (7, 4), ids=[ROWS % 7, ROWS // 7 % 4]),
    "two intercepts, some cells empty": case((1, 1), (12, 9), seed=1),
    "smaller factor first": case((1, 1), (5, 20), seed=2),
    "slopes in the larger factor": case((2, 1), (11, 5), seed=3),
    "slopes in the smaller factor": case((1, 2), (30, 6), seed=4),
    "slopes in both": TWO,
    "three factors": case((1, 2, 1), (15, 4, 6), seed=6),
    "largest factor in the middle": case((2, 2, 1), (4, 9, 7), seed=7),
    "four factors": case((1, 1, 2, 1), (10, 3, 3, 8), seed=8),
    "nested": case((1, 1), (14, 5), ids=[SHUFFLED // 5, SHUFFLED // 15], seed=9),
    "nested, outer factor with slopes first": case((2, 1), (7, 14), ids=[ROWS // 10, ROWS // 5], seed=10),
    "groups of one row": case((1, 1), (70, 8), ids=[SHUFFLED, ROWS % 8], seed=11),
    "groups without rows": case((1, 1), (90, 20), ids=[ROWS % 60, ROWS % 13], seed=12),
    "one factor twice": case((1, 1), (9, 9), ids=[ROWS % 9, ROWS % 9], seed=13),
    "singular factors": with_factors(TWO, ONE_DIRECTION, ONE_DIRECTION),
    "larger factor zero": with_factors(TWO, np.zeros((2, 2)), np.eye(2)),
    "smaller factor zero": with_factors(TWO, np.eye(2), np.zeros((2, 2))),
    "all factors zero": with_factors(TWO, np.zeros((2, 2)), np.zeros((2, 2))),
    "tiny factors": with_factors(TWO, 1e-6 * np.eye(2), 1e-5 * np.eye(2)),
    "one tiny direction": with_factors(TWO, np.eye(2), np.diag([1.0, 1e-6])),
    "large factors": with_factors(TWO, 30 * np.eye(2), 30 * np.eye(2)),
}
"""The models on which the crossed structure is compared with the oracle."""
