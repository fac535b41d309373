"""Residuals and sampling errors of single outcomes, as part of what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.predict import sampling_variances
from laird.fitting.problem import Problem
from laird.inference.predictions_rows import Targets
from laird.inference.rowcovariance import Dispersion

if TYPE_CHECKING:
    from scipy.sparse import csr_array

type Floats = NDArray[np.float64]


def residual_variance(targets: Targets, at: Dispersion) -> Floats:
    """Variance of the cells' weighted sums of independent residuals, shape (..., r)."""
    return np.asarray((targets.cells.matrix.power(2) @ at.sigma.T**2).T)


def sampling_variance(problem: Problem, targets: Targets, at: Dispersion) -> Floats:
    """Variance of the cells' weighted sums of sampling errors, which have the covariance φV, (..., r).

    Raises
    ------
    DataError
        A model with known sampling variances, and rows without.
    """
    weights = targets.cells.matrix
    own = (weights @ _sampling(problem, targets.design)).multiply(weights).sum(axis=1)
    return np.asarray(at.phi)[..., None] * np.asarray(own).ravel()


def _sampling(problem: Problem, design: Design) -> csr_array:
    """V of the rows of a design, (m, m)."""
    from scipy.sparse import coo_array, csr_array, diags_array

    V = csr_array(diags_array(sampling_variances(problem, design)))
    for block in design.known.blocks if design.known is not None else ():
        off = block.V - np.diag(np.diag(block.V))
        i, j = np.meshgrid(block.rows, block.rows, indexing="ij")
        V = V + csr_array(coo_array((off.ravel(), (i.ravel(), j.ravel())), shape=V.shape))
    return V
