"""The marginal graph: covariance parameters only, all else integrated out.

    sigma ~ …    sd_g ~ …    partial_g ~ …    log_sigma ~ …    phi ~ …    rho ~ …
    y ~ ∫∫ N(y | Xβ + Zu, R) N(u | 0, G) p(β) du dβ

Coefficients whose prior is neither normal nor flat stay in the graph as ``beta_sampled``,
the coefficients of centred columns (see `laird.posterior.coefficients`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Constant

from laird.design import Design
from laird.errors import FitError
from laird.gaussian.likelihoods import bind
from laird.graph.likelihood import Outcomes, Sizes, log_density
from laird.graph.predictor import products
from laird.graph.priors import vector
from laird.graph.scales import Parameters, parameters
from laird.graph.simulate import simulate
from laird.posterior.coefficients import CoefficientPrior, centring, coefficient_prior
from laird.posterior.names import coords, outcome_name
from laird.posterior.structure import is_plain, structure
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]
type Tensor = Any
type Draw = Callable[[Tensor, Tensor], Tensor]

SEEDS = 2**31 - 1
"""Outcomes are drawn by a generator with one of so many seeds."""


def marginal(design: Design, table: PriorTable, *, signed: bool = False) -> pm.Model:
    """Return the model of the covariance parameters, with one observed node for all rows.

    The observed node is named after the outcome.  Its predictive draws (prior or
    posterior) draw coefficients from their prior and group effects anew: they predict
    another study like this one, not these groups.

    Parameters
    ----------
    design
        Arrays of a model.
    table
        Priors of all its parameters, from `laird.posterior.prior_table`.
    signed
        Whether group sds are absolute values of free variables, where their priors are
        halves of symmetric families: the same posterior, which NUTS explores several
        times faster when an sd may be zero.

    Examples
    --------
    >>> from laird.design import RandomDesign
    >>> from laird.posterior import prior_table
    >>> y, one = np.array([1.0, 2.0, 4.0, 5.0]), np.ones((4, 1))
    >>> school = RandomDesign("school", ("a", "b"), np.array([0, 0, 1, 1]), one, ("Intercept",), ((0,),))
    >>> design = Design("score", y, one, ("Intercept",), (school,), np.arange(4))
    >>> marginal(design, prior_table([], design)).free_RVs
    [sigma, sd_school]
    """
    prior = coefficient_prior(table)
    with pm.Model(coords=coords(design)) as model:
        found = parameters(model, design, table, signed=signed)
        sampled = _sampled(model, prior, table)
        _outcome(design, prior, found, sampled)
    return model


def _has_one_factor(design: Design) -> bool:
    """At most one grouping factor, a constant sigma: outcomes are drawn in PyTensor itself."""
    return is_plain(design) and len(design.random) <= 1


def _sampled(model: pm.Model, prior: CoefficientPrior, table: PriorTable) -> list[Tensor]:
    rows = [table.coefficients[k] for k in prior.sampled]
    if not rows:
        return []
    terms = [row.parameter for row in rows]
    model.add_coord("sampled_term", terms)
    beta = vector("beta_sampled", rows, "sampled_term", terms)
    return [beta[k] for k in range(len(rows))]


def _outcome(design: Design, prior: CoefficientPrior, found: Parameters, sampled: list[Tensor]) -> None:
    """Add the observed node; its parameter is θ and the sampled coefficients as one vector."""
    q, deltas = sum(len(r.names) for r in design.random), tuple(map(len, found.delta))
    sizes = Sizes(q, len(found.alpha), deltas, len(found.log_phi), len(found.zeta), len(sampled))

    def logp(value: Tensor, theta: Tensor) -> Tensor:
        """Reduce the observed values to what the density needs, once, when the graph is built."""
        likelihood = bind(structure(replace(design, y=_constant(value))), *prior)
        return log_density(theta, likelihood, sizes)

    pm.CustomDist(
        outcome_name(design), found.vector(design, sampled),
        dist=(_drawn_plainly if _has_one_factor(design) else _drawn)(design, prior, sizes),
        logp=logp, signature="(k)->(n)", observed=design.y, dims="obs",
    )  # fmt: skip


def _drawn(design: Design, prior: CoefficientPrior, sizes: Sizes) -> Draw:
    def one(theta: Floats, rng: np.random.Generator) -> Floats:
        return simulate(design, prior, *sizes.split(theta), rng)

    return lambda theta, _size: Outcomes(one).make_node(theta, pm.DiscreteUniform.dist(0, SEEDS)).outputs[0]


def _drawn_plainly(design: Design, prior: CoefficientPrior, sizes: Sizes) -> Draw:
    size = sizes.q**2

    def draw(theta: Tensor, _size: Tensor) -> Tensor:
        mean = _drawn_mean(design, prior, theta[:size].reshape((sizes.q, sizes.q)), theta[size + 1 :])
        return pm.Normal.dist(mean, pt.exp(theta[size]), shape=len(design.y))

    return draw


def _constant(value: Tensor) -> Floats:
    if not isinstance(value, Constant):
        raise FitError(
            "The marginal graph holds the cross-products of its data, so they cannot be exchanged.",
            remedy='Build a new graph from the new data, or use graph(form="explicit").',
        )
    return np.asarray(value.data)


def _groups(design: Design) -> tuple[Floats, NDArray[np.int64], int, tuple[tuple[int, ...], ...]]:
    if not design.random:
        n = len(design.y)
        return np.zeros((n, 0)), np.zeros(n, dtype=np.int64), 1, ()
    random = design.random[0]
    return random.Z, random.ids, len(random.levels), random.blocks


def _drawn_mean(design: Design, prior: CoefficientPrior, L: Tensor, b: Tensor) -> Tensor:
    """Draw coefficients from their prior and group effects from N(0, LL'); return XTγ + Zu."""
    Z, ids, J, _ = _groups(design)
    q = Z.shape[1]
    z = [pm.Normal.dist(0.0, 1.0, shape=J) for _ in range(q)]
    effects = [sum(L[i, j] * z[j] for j in range(q))[ids] for i in range(q)]
    columns = design.X @ centring(design.X)
    return sum(products(columns, _coefficients(prior, b))) + sum(products(Z, effects))


def _coefficients(prior: CoefficientPrior, b: Tensor) -> list[Tensor]:
    given = {k: b[place] for place, k in enumerate(prior.sampled)}
    return [
        given[k] if k in given else _coefficient(mean, precision)
        for k, (mean, precision) in enumerate(zip(prior.mean, prior.precision, strict=True))
    ]


def _coefficient(mean: float, precision: float) -> Tensor:
    return pm.Normal.dist(mean, precision**-0.5) if precision > 0 else pm.Flat.dist()
