"""The explicit graph of a model whose group means of one variable are latent.

The mean x̄_j of the rows of a group stands for the group's own level m_j with an error:

    x_ij ~ N(m_j, σ_x²),    m_j ~ N(w_j'α, τ_x²),    y_ij ~ N(x_ij(m_j)'β + z_ij(m_j)'u_j, σ²),

where x_ij(m) is the row of predictors with m in the place of x̄_j, in ``cvar(x, g)`` and
``dvar(x, g)`` alike, and w_j are the predictors that are constant within groups (Lüdtke et
al. 2008, Psychological Methods 13, 203-229: the multilevel latent covariate model).
Effects between groups are then those of m_j, not attenuated by the error of x̄_j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.graph.covariance import covariance
from laird.graph.predictor import products
from laird.graph.priors import scalar, vector
from laird.posterior.coefficients import centring
from laird.posterior.names import coords, group_names, identifier, outcome_name
from laird.posterior.table import PriorTable

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Tensor = Any

SPREADS = 2.5
"""Prior sd of the level of x, and of what one sd of a predictor of it changes, in sds of x."""


@dataclass(frozen=True, slots=True, eq=False)
class LatentMean:
    """A variable whose group means are latent, and how the columns of a design depend on them.

    Attributes
    ----------
    name
        The variable.
    x, ids
        Its values and the group of each row, shapes (n,).
    means
        The observed group means x̄_j, shape (J,).
    W
        Predictors of the latent means by group, shape (J, k).
    X_slope
        Change of the columns of X per unit of the mean, shape (n, p).
    Z_slopes
        The same of the columns of Z of each grouping factor, shapes (n, q).
    """

    name: str
    x: Floats
    ids: Ids
    means: Floats
    W: Floats
    X_slope: Floats
    Z_slopes: tuple[Floats, ...]


def latent(design: Design, table: PriorTable, own: LatentMean) -> pm.Model:
    """Return the model with the group means of a variable as variables.

    Parameters
    ----------
    design, table
        Arrays of the model as it stands, with observed means, and the priors of all its
        parameters.
    own
        The variable.

    Examples
    --------
    >>> from laird.posterior import prior_table
    >>> x, ids = np.array([1.0, 2.0, 4.0, 5.0, 6.0, 8.0]), np.array([0, 0, 1, 1, 2, 2])
    >>> means, one = np.array([1.5, 4.5, 7.0]), np.ones(6)
    >>> design = Design("y", x**2, np.stack([one, x, means[ids]], axis=1), ("Intercept", "x", "m"), (), ids)
    >>> slope = np.stack([0 * x, 0 * x, one], axis=1)
    >>> own = LatentMean("x", x, ids, means, np.zeros((3, 0)), slope, ())
    >>> latent(design, prior_table([], design), own).free_RVs
    [mean_x, tau_x, sigma_x, z_x, sigma, beta_centred]
    """
    with pm.Model(coords=coords(design) | {"latent_group": np.arange(len(own.means))}) as model:
        moved = _moved(own)
        sigma = scalar("sigma", table.sigma)
        mean = _fixed(design, table, own.X_slope, moved)
        for random, slopes in zip(design.random, own.Z_slopes, strict=True):
            mean += _random(random, table, slopes, moved)
        pm.Normal(outcome_name(design), mean, sigma, observed=design.y, dims="obs")
    return model


def _moved(own: LatentMean) -> Tensor:
    """Add the model of x; return by how much each row's latent mean is above the observed one.

    Its rows enter by what is sufficient, their sum of squares within groups and their means, so
    that the latent means are free variables standardised around what x alone says of them.
    """
    name, sd = identifier(own.name), float(own.x.std(ddof=1))
    level = pm.Normal(f"mean_{name}", float(own.x.mean()), SPREADS * sd)
    if own.W.shape[1]:
        scaled = (own.W - own.W.mean(axis=0)) / own.W.std(axis=0)
        alpha = pm.Normal(f"alpha_{name}", 0.0, SPREADS * sd, shape=own.W.shape[1])
        level = level + sum(products(scaled, [alpha[k] for k in range(own.W.shape[1])]))
    tau = pm.HalfStudentT(f"tau_{name}", nu=3, sigma=sd)
    within = pm.HalfStudentT(f"sigma_{name}", nu=3, sigma=sd)
    counts, squares = np.bincount(own.ids), float(np.sum((own.x - own.means[own.ids]) ** 2))
    df = len(own.x) - len(counts)
    pm.Gamma(f"squares_{name}", alpha=df / 2, beta=0.5 / within**2, observed=squares)
    error = within**2 / counts
    pm.Normal(f"observed_{name}", level, pt.sqrt(tau**2 + error), observed=own.means, dims="latent_group")
    reliability = tau**2 / (tau**2 + error)
    z = pm.Normal(f"z_{name}", 0.0, 1.0, dims="latent_group")
    expected = level + reliability * (own.means - level)
    means = pm.Deterministic(
        f"latent_{name}", expected + pt.sqrt(reliability * error) * z, dims="latent_group"
    )
    return (means - own.means)[own.ids]


def _sum(columns: Floats, slopes: Floats, factors: Sequence[Tensor], moved: Tensor) -> Tensor:
    """Σ_k (column_k + slope_k moved) factor_k, without the slopes that are zero."""
    total = sum(products(columns, factors), start=0.0)
    depends = [k for k in range(slopes.shape[1]) if slopes[:, k].any()]
    if depends:
        total += moved * sum(products(slopes[:, depends], [factors[k] for k in depends]), start=0.0)
    return total


def _fixed(design: Design, table: PriorTable, slopes: Floats, moved: Tensor) -> Tensor:
    T = centring(design.X)
    gamma = vector("beta_centred", table.coefficients, "term", design.names)
    elements = [gamma[k] for k in range(len(T))]
    beta = [sum(t * g for t, g in zip(row, elements, strict=True) if t != 0) for row in T]
    pm.Deterministic("beta", pt.stack(beta), dims="term")
    return _sum(design.X @ T, slopes @ T, elements, moved)


def _random(random: RandomDesign, table: PriorTable, slopes: Floats, moved: Tensor) -> Tensor:
    sd, rows = covariance(random, table)
    names = group_names(random)
    z = pm.Normal(names.z, 0.0, 1.0, dims=(names.group, names.term))
    u = [sd[i] * sum(element * z[:, k] for k, element in row.items()) for i, row in enumerate(rows)]
    return _sum(random.Z, slopes, [own[random.ids] for own in u], moved)


def sample(
    model: pm.Model,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    random_seed: int,
    target_accept: float,
) -> xr.DataTree:
    """Sample a graph by NUTS: nutpie where it is installed, else PyMC's own."""
    with model:
        return pm.sample(  # type: ignore[no-any-return]
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=random_seed,
            target_accept=target_accept,
            progressbar=False,
            nuts_sampler="nutpie" if find_spec("nutpie") else "pymc",
            compute_convergence_checks=False,
            quiet=True,
        )
