"""The same model by the same method, fitted to other rows or other columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, KnownBlock, KnownDesign, RandomDesign
from laird.fitting import eb, nuts, ols, reml, robust
from laird.fitting.problem import problem
from laird.fitting.result import Fit
from laird.posterior import prior_table

type Ids = NDArray[np.int64]


def refit(fit: Fit, design: Design, method: str | None = None, **options: Any) -> Fit:
    """Fit the model of `fit` to another design.

    Parameters
    ----------
    fit
        What to repeat.
    design
        Other rows, or fewer columns.
    method
        The method; None: that of `fit`.
    **options
        Of ``eb`` and ``nuts``; the seed is that of `fit` unless given.

    Priors are those of `fit` where the columns are the same, else those of its spec.
    """
    bound = problem(fit.spec, fit.problem.schema, design)
    by = method or fit.method
    if by == "ols":
        return ols.fit(bound)
    if by in ("ml", "reml"):
        return reml.fit(bound, restricted=by == "reml")
    same = design.names == fit.problem.design.names
    priors = fit.priors if same and fit.priors is not None else prior_table(fit.spec.priors, design)
    how = {"random_seed": fit.origin.seed, **options}
    if by == "eb":
        return eb.fit(bound, priors, **how)
    if design.families:
        return robust.fit(bound, priors, **how)
    return nuts.fit(bound, priors, **how)


def subset(design: Design, keep: NDArray[np.bool_]) -> Design:
    """The rows of a design where `keep` is true; groups without rows are gone."""
    rows, n = np.flatnonzero(keep), len(design.X)
    return replace(
        design,
        y=design.y[rows] if len(design.y) else design.y,
        X=design.X[rows],
        random=tuple(_of_random(random, rows) for random in design.random),
        rows=design.rows[rows],
        scales=tuple(replace(own, W=own.W[rows]) for own in design.scales),
        known=None if design.known is None else _of_known(design.known, rows, n),
        which=design.which[rows] if len(design.which) else design.which,
        units=design.units[rows] if len(design.units) else design.units,
        rhos=tuple(replace(own, W=own.W[rows]) for own in design.rhos),
        weights=None if design.weights is None else design.weights[rows],
    )


def _of_random(random: RandomDesign, rows: Ids) -> RandomDesign:
    left, ids = np.unique(random.ids[rows], return_inverse=True)
    levels = tuple(random.levels[j] for j in left)
    return replace(random, levels=levels, ids=ids.astype(np.int64), Z=random.Z[rows])


def _of_known(known: KnownDesign, rows: Ids, n: int) -> KnownDesign:
    place = np.full(n, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    blocks = []
    for own in known.blocks:
        left = np.flatnonzero(place[own.rows] >= 0)
        if len(left) > 1:
            blocks.append(KnownBlock(place[own.rows[left]], own.V[np.ix_(left, left)]))
    return replace(known, variances=known.variances[rows], blocks=tuple(blocks))
