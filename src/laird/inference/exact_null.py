"""The exact null distribution of the likelihood ratio for one variance (Crainiceanu & Ruppert 2004).

For y = Xβ + Zu + e, u ~ N(0, λσ²I), and λ = 0 in truth: with μ the eigenvalues of Z'P_0Z,
P_0 = I - X(X'X)⁻¹X', ξ those of Z'Z, and independent w_s ~ χ²_1, w_0 ~ χ²_{n-p-K} (their theorem 1),

    N(λ) = Σ λμ_s/(1 + λμ_s) w_s,     D(λ) = Σ w_s/(1 + λμ_s) + w_0,
    RLRT = sup_λ (n - p) log(1 + N/D) - Σ log(1 + λμ_s),
    LRT  = sup_λ n log(1 + N/D) - Σ log(1 + λξ_s).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

GRID = np.concatenate([[0.0], np.geomspace(1e-5, 1e6, 240)])
"""Values of λ times the mean eigenvalue; the supremum between two neighbours is flat to about 1e-3 of it."""

AT_ONCE = 2_000
"""Draws held in memory at once."""


def draw_null(
    ZZ: Floats,
    ZX: Floats,
    XX: Floats,
    n: int,
    *,
    restricted: bool,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw likelihood ratios of a variance that is zero.

    Parameters
    ----------
    ZZ, ZX, XX, n
        Z'Z of the J groups (J,) (one column each), Z'X (J, p), X'X (p, p), number of rows.
    restricted
        REML (the same fixed part in both models) instead of ML.
    draws
        Number of draws S.
    rng
        Source of randomness.

    Returns
    -------
    Shape (S,); about half of them are zero.

    Examples
    --------
    >>> ten = np.full(10, 5.0)
    >>> found = draw_null(ten, ten[:, None], np.array([[50.0]]), 50,
    ...                   restricted=True, draws=1000, rng=np.random.default_rng(1))
    >>> bool(0.5 < np.mean(found == 0) < 0.7)
    True
    """
    mu = np.linalg.eigvalsh(np.diag(ZZ) - ZX @ np.linalg.solve(XX, ZX.T))
    mu = mu[mu > 1e-10 * mu[-1]]
    p, size = len(XX), float(mu.mean())
    grid = GRID / size
    penalty = np.log1p(np.outer(grid, mu if restricted else np.sort(ZZ))).sum(axis=1)
    kept = 1.0 / (1.0 + np.outer(mu, grid))
    df = n - p if restricted else n
    parts = [
        _suprema(rng, min(AT_ONCE, draws - start), n - p - len(mu), kept, penalty, df)
        for start in range(0, draws, AT_ONCE)
    ]
    return np.concatenate(parts)


def _suprema(
    rng: np.random.Generator, draws: int, rest: int, kept: Floats, penalty: Floats, df: int
) -> Floats:
    w = rng.chisquare(1.0, (draws, len(kept)))
    w0 = rng.chisquare(rest, (draws, 1)) if rest > 0 else np.zeros((draws, 1))
    remaining = w @ kept + w0
    total = w.sum(axis=1, keepdims=True) + w0
    return np.max(df * np.log(total / remaining) - penalty, axis=1)
