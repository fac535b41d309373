"""Rows with a known Σ, and the same quantities by matrices of rows by rows, from their definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tests import peers

from laird.inference.rowblocks import Layout, layout
from laird.meta.effects import log_risk_ratio

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows in blocks of different sizes, in no order, with a dense Σ."""

    y: Floats
    X: Floats
    labels: NDArray[np.int64]
    Sigma: Floats

    @property
    def where(self) -> Layout:
        return layout(self.labels)

    def stacks(self, dense: Floats | None = None) -> list[Floats]:
        """A dense matrix of rows as the layout holds it."""
        given = self.Sigma if dense is None else dense
        return [np.stack([given[np.ix_(block, block)] for block in rows]) for rows in self.where.stacks]


def some_rows(seed: int, n: int = 17, blocks: int = 7, p: int = 3) -> Rows:
    """Blocks that are random covariances, and predictors that vary within and between them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, blocks, n)
    A = rng.normal(size=(n, n))
    same = labels[:, None] == labels[None, :]
    Sigma = same * (0.3 * A @ A.T / n) + np.diag(rng.uniform(0.2, 1.0, n))
    between = rng.normal(size=blocks)[labels]
    X = np.column_stack([np.ones(n), rng.normal(size=n), between])[:, :p]
    return Rows(X @ rng.normal(size=p) + rng.normal(size=n), X, labels, Sigma)


def projection(X: Floats, Sigma: Floats) -> Floats:
    """P = Σ⁻¹ - Σ⁻¹X(X'Σ⁻¹X)⁻¹X'Σ⁻¹."""
    Si = np.linalg.inv(Sigma)
    return np.asarray(Si - Si @ X @ np.linalg.inv(X.T @ Si @ X) @ X.T @ Si)


def bcg() -> pd.DataFrame:
    """The 13 trials of BCG vaccines with their log risk ratios."""
    d = pd.DataFrame(peers.golden("metafor_tests")["bcg"])
    return d.join(log_risk_ratio(d.tpos, d.tpos + d.tneg, d.cpos, d.cpos + d.cneg))
