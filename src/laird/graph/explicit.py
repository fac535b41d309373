"""The explicit graph: plain PyMC, every quantity of the model a variable.

    y ~ N(Xβ + Zu, R),    u_j ~ N(0, e_j²G),    G = D C D

with R = σ²I, or what known variances, regressions of sigma and several outcomes make of it
(`laird.graph.residuals`), and e_j = 1 unless the sds of the groups have predictors: for
readers, and for models beyond the normal one.  Sums are written out column by column:
matrix products cost seconds of compilation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from laird.design import Design, RandomDesign
from laird.graph.covariance import Row
from laird.graph.predictor import products
from laird.graph.priors import vector
from laird.graph.residuals import observe
from laird.graph.scales import parameters
from laird.posterior.codings import group_predictors
from laird.posterior.coefficients import centring
from laird.posterior.names import GroupNames, coords, group_names, identifier
from laird.posterior.table import PriorTable

type Tensor = Any


def explicit(design: Design, table: PriorTable, *, centred: bool = False) -> pm.Model:
    """Return the model with coefficients and group effects as variables.

    Parameters
    ----------
    design
        Arrays of a model.
    table
        Priors of all its parameters, from `laird.posterior.prior_table`.
    centred
        True: group effects are variables themselves.  False: standardised group effects
        are the free variables, better for sampling when groups are small.

    Examples
    --------
    >>> from laird.posterior import prior_table
    >>> y, one = np.array([1.0, 2.0, 4.0, 5.0]), np.ones((4, 1))
    >>> school = RandomDesign("school", ("a", "b"), np.array([0, 0, 1, 1]), one, ("Intercept",), ((0,),))
    >>> design = Design("score", y, one, ("Intercept",), (school,), np.arange(4))
    >>> explicit(design, prior_table([], design)).free_RVs
    [sigma, sd_school, beta, z_school]
    """
    with pm.Model(coords=coords(design)) as model:
        found = parameters(model, design, table)
        mean = sum(_fixed(design, table), start=0.0)
        own = zip(design.random, found.groups, found.delta, group_predictors(design), strict=True)
        for random, covariance, delta, s in own:
            stretch = pt.exp(sum(products(s, delta))) if delta else 1.0
            mean += sum(_random(random, *covariance, stretch, centred), start=0.0)
        observe(design, mean, found)
    return model


def _fixed(design: Design, table: PriorTable) -> Iterable[Tensor]:
    """Add the coefficients; yield the contribution of every (centred) column."""
    T = centring(design.X, design.which)
    if np.array_equal(T, np.eye(len(T))):
        beta = vector("beta", table.coefficients, "term", design.names)
        return products(design.X, [beta[k] for k in range(len(T))])
    gamma = vector("beta_centred", table.coefficients, "term", design.names)
    elements = [gamma[k] for k in range(len(T))]
    beta = [sum(t * g for t, g in zip(row, elements, strict=True) if t != 0) for row in T]
    pm.Deterministic("beta", pt.stack(beta), dims="term")
    return products(design.X @ T, elements)


def _random(
    random: RandomDesign, sd: Tensor, rows: tuple[Row, ...], stretch: Tensor, centred: bool
) -> Iterable[Tensor]:
    """Add the group effects; yield the contribution of every column of Z."""
    names = group_names(random)
    build = _centred if centred else _standardised
    effects = build(names, random, sd, rows, stretch)
    pm.Deterministic(names.u, pt.stack(effects, axis=1), dims=(names.group, names.term))
    return products(random.Z, [u[random.ids] for u in effects])


def _standardised(
    names: GroupNames, _random: RandomDesign, sd: Tensor, rows: Sequence[Row], stretch: Tensor
) -> list[Tensor]:
    """u_ji = e_j sd_i Σ_k L_ik z_jk with standard normal z."""
    z = pm.Normal(names.z, 0.0, 1.0, dims=(names.group, names.term))
    return [
        stretch * sd[i] * sum(element * z[:, k] for k, element in row.items()) for i, row in enumerate(rows)
    ]


def _centred(
    names: GroupNames, random: RandomDesign, sd: Tensor, rows: Sequence[Row], stretch: Tensor
) -> list[Tensor]:
    """u_ji given u_jk, k < i: N(sd_i Σ_k L_ik z_jk, (sd_i L_ii)²) times e_j, z the standardised effects."""
    effects: list[Tensor] = []
    standardised: list[Tensor] = []
    for i, row in enumerate(rows):
        before = sum((element * standardised[k] for k, element in row.items() if k < i), start=0.0)
        name, scale = identifier(f"{names.u}_{random.names[i]}"), stretch * sd[i]
        effects.append(pm.Normal(name, scale * before, scale * row[i], dims=names.group))
        standardised.append((effects[i] / scale - before) / row[i])
    return effects
