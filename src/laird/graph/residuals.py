"""The observed node of the explicit graph: y ~ N(mean, R), R by blocks of correlated rows.

Independent rows are one normal vector.  Else the blocks of R of equal size form a batch of
multivariate normals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from laird.design import Design
from laird.gaussian.noise import Noise, blocks_of
from laird.gaussian.outcomes import pairs_of
from laird.graph.families import NORMAL, Standard
from laird.graph.predictor import products
from laird.graph.scales import Parameters
from laird.posterior.lkj import cholesky_rows, correlations
from laird.posterior.names import outcome_name
from laird.posterior.structure import noise

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Tensor = Any


class Batch(NamedTuple):
    """Blocks of R of m rows: their rows (B, m) and V (B, m, m)."""

    rows: Ids
    V: Floats


def observe(
    design: Design, mean: Tensor, found: Parameters, standard: Standard = NORMAL, sigma: Tensor = None
) -> None:
    """Add the outcome to the model in context; `sigma` in the place of the residual sds of θ."""
    errors, name = noise(design), outcome_name(design)
    sigma = residual_sds(errors, found) if sigma is None else sigma
    phi = pt.exp(found.log_phi[0]) if found.log_phi else 1.0
    if errors.is_diagonal:
        sd = pt.sqrt(sigma**2 + phi * errors.variances) if design.known is not None else sigma
        standard.variable(name, mean, sd * standard.unit, observed=design.y, dims="obs")
        return
    batches = _batches(errors)
    covariances = [_covariance(errors, batch, sigma, phi, found.zeta) for batch in batches]
    _observe_blocks(name, design.y, mean, batches, covariances)


def residual_sds(errors: Noise, found: Parameters) -> Tensor:
    """Residual sd: one symbol when it is constant, else by row (n,)."""
    n, k = errors.W.shape
    if not k:
        return pt.zeros(n)
    if k == 1 and errors.has_sigma.all() and np.all(errors.W == 1):
        return pt.exp(found.alpha[0])
    total = sum(products(errors.W, found.alpha))
    return pt.switch(errors.has_sigma, pt.exp(total), 0.0)


def _batches(errors: Noise) -> list[Batch]:
    """The blocks by their number of rows."""
    block, n = blocks_of(errors), len(errors.W)
    order = np.argsort(block, kind="stable")
    counts = np.bincount(block)
    blocks = np.split(order, np.cumsum(counts)[:-1])
    V = {int(rows[0]): (rows, own) for rows, own in errors.covariances}
    found = []
    for size in np.unique(counts):
        rows = np.array([own for own in blocks if len(own) == size])
        known = np.zeros((len(rows), size, size))
        known[:, np.arange(size), np.arange(size)] = errors.variances[rows]
        place = np.full(n, -1)
        for b, own in enumerate(rows):
            place[own] = np.arange(size)
            for first in own:
                if int(first) in V:
                    inside, covariance = V[int(first)]
                    known[b][np.ix_(place[inside], place[inside])] = covariance
        found.append(Batch(rows, known))
    return found


def _covariance(errors: Noise, batch: Batch, sigma: Tensor, phi: Tensor, zeta: Sequence[Tensor]) -> Tensor:
    """φV + DCD of the blocks of a batch, (B, m, m)."""
    each = pt.zeros(len(errors.W)) + sigma
    D = each[batch.rows]
    C = np.broadcast_to(np.eye(batch.rows.shape[1]), batch.V.shape) + _correlations(errors, batch, zeta)
    return phi * batch.V + D[:, :, None] * D[:, None, :] * C


def _correlations(errors: Noise, batch: Batch, zeta: Sequence[Tensor]) -> Tensor:
    """Correlations of different outcomes of one unit, (B, m, m)."""
    m = int(errors.which.max(initial=0)) + 1
    partials, start = dict.fromkeys(pairs_of(m), 0.0), 0
    for (a, b), P in errors.rhos:
        stop = start + P.shape[1]
        partials[b, a] = pt.tanh(sum(products(P, zeta[start:stop])) + pt.zeros(len(P)))
        start = stop
    rho = dict(zip(pairs_of(m), correlations(cholesky_rows(list(partials.values()))), strict=True))
    unit, which = errors.units[batch.rows], errors.which[batch.rows]
    same = (unit[:, :, None] == unit[:, None, :]).astype(float)
    total: Tensor = np.zeros(batch.V.shape)
    for (i, j), values in rho.items():
        here = (which[:, :, None] == i) & (which[:, None, :] == j)
        mask = same * (here | here.transpose(0, 2, 1))
        first = batch.rows[:, :, None] * np.ones_like(batch.rows)[:, None, :]
        total = total + mask * (values[first] if mask.any() and not isinstance(values, float) else 0.0)
    return total


def _observe_blocks(
    name: str, y: Floats, mean: Tensor, batches: Sequence[Batch], covariances: Sequence[Tensor]
) -> None:
    def logp(value: Tensor, mean: Tensor, *covariances: Tensor) -> Tensor:
        parts = [
            pm.logp(pm.MvNormal.dist(mean[batch.rows], cov=R), value[batch.rows]).sum()
            for batch, R in zip(batches, covariances, strict=True)
        ]
        return sum(parts[1:], start=parts[0])

    def draw(mean: Tensor, *rest: Tensor) -> Tensor:
        drawn = pt.zeros(len(y))
        for batch, R in zip(batches, rest, strict=False):
            drawn = drawn[batch.rows].set(pm.MvNormal.dist(mean[batch.rows], cov=R))
        return drawn

    shapes = ",".join(f"(b{k},m{k},m{k})" for k in range(len(batches)))
    pm.CustomDist(
        name, mean, *covariances,
        dist=draw, logp=logp, signature=f"(n),{shapes}->(n)", observed=y, dims="obs",
    )  # fmt: skip
