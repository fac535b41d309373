"""The explicit graph: plain PyMC, every quantity of the model a variable.

    y ~ N(Xβ + Zu, R),    u_j ~ N(0, e_j²G),    G = D C D

with R = σ²I, or what known variances, regressions of sigma and several outcomes make of it
(`laird.graph.residuals`), and e_j = 1 unless the sds of the groups have predictors: for
readers, and for models beyond the normal one, whose e and u have other distributions of the
same mean and covariance (`laird.graph.families`).  Sums are written out column by column:
matrix products cost seconds of compilation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from laird.design import Design
from laird.graph.effects import (
    Fixed,
    Own,
    Shares,
    contributions,
    partly_centred,
    standardised,
    themselves,
    true_deviations,
)
from laird.graph.families import NORMAL, Standard, standards
from laird.graph.predictor import products
from laird.graph.priors import vector
from laird.graph.residuals import observe, residual_sds
from laird.graph.scales import Parameters, parameters
from laird.posterior.codings import group_predictors
from laird.posterior.coefficients import centring
from laird.posterior.names import coords
from laird.posterior.structure import noise
from laird.posterior.table import PriorTable
from laird.spec.families import ERRORS, TRUE_EFFECTS

type Tensor = Any


def explicit(
    design: Design,
    table: PriorTable,
    *,
    centred: bool = False,
    shares: Shares | None = None,
) -> pm.Model:
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
    shares
        In between, effect by effect: see `laird.graph.effects`.

    Examples
    --------
    >>> from laird.design import RandomDesign
    >>> from laird.posterior import prior_table
    >>> y, one = np.array([1.0, 2.0, 4.0, 5.0]), np.ones((4, 1))
    >>> school = RandomDesign("school", ("a", "b"), np.array([0, 0, 1, 1]), one, ("Intercept",), ((0,),))
    >>> design = Design("score", y, one, ("Intercept",), (school,), np.arange(4))
    >>> explicit(design, prior_table([], design)).free_RVs
    [sigma, sd_school, beta, z_school]
    """
    with pm.Model(coords=coords(design)) as model:
        found = parameters(model, design, table)
        families = standards(design, table)
        fixed = _fixed(design, table)
        mean = fixed.mean()
        own = zip(design.random, found.groups, found.delta, group_predictors(design), strict=True)
        for f, (random, (sd, rows), delta, s) in enumerate(own):
            stretch = pt.exp(sum(products(s, delta))) if delta else 1.0
            one = Own(random, sd, rows, stretch, families.get(random.group, NORMAL))
            if shares is not None:
                effects = partly_centred(one, shares.groups[f], fixed.lines(random))
            else:
                effects = themselves(one) if centred else standardised(one)
            mean += sum(contributions(one, effects), start=0.0)
        _observe(design, mean, found, families, shares)
    return model


def _fixed(design: Design, table: PriorTable) -> Fixed:
    """Add the coefficients; return those of the (centred) columns."""
    T = centring(design.X, design.which)
    if np.array_equal(T, np.eye(len(T))):
        beta = vector("beta", table.coefficients, "term", design.names)
        return Fixed(design.X, [beta[k] for k in range(len(T))])
    gamma = vector("beta_centred", table.coefficients, "term", design.names)
    elements = [gamma[k] for k in range(len(T))]
    beta = [sum(t * g for t, g in zip(row, elements, strict=True) if t != 0) for row in T]
    pm.Deterministic("beta", pt.stack(beta), dims="term")
    return Fixed(design.X @ T, elements)


def _observe(
    design: Design, mean: Tensor, found: Parameters, families: Mapping[str, Standard], shares: Shares | None
) -> None:
    """Add the outcome; before it the true effects, where these are not normal."""
    sigma = None
    if TRUE_EFFECTS in families:
        rows = None if shares is None else shares.rows
        heterogeneity = residual_sds(noise(design), found)
        mean += true_deviations(heterogeneity, families[TRUE_EFFECTS], rows, mean)
        sigma = pt.zeros(len(design.y))
    observe(design, mean, found, families.get(ERRORS, NORMAL), sigma)
