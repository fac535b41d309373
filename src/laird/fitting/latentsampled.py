"""Contextual effects of a latent group mean by the explicit graph, sampled."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.transforms import group_means
from laird.fitting.convergence import convergence
from laird.fitting.derivatives import Effect
from laird.fitting.fitted import Fitted
from laird.fitting.latentparts import latent_parts
from laird.fitting.options import seed, share, whole_number
from laird.posterior import prior_table

type Floats = NDArray[np.float64]

RHAT_LIMIT = 1.01


def sampled_effects(
    fit: Fitted,
    found: Sequence[Effect],
    prob: float,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float = 0.9,
) -> pd.DataFrame:
    """Sample a model with the group mean of a variable latent; estimates and intervals of its effects.

    Returns
    -------
    ``estimate, se, lower, upper, above, method, ess_bulk, ess_tail, rhat``, one row per effect.

    Raises
    ------
    FitError
        The model is not one that has a graph with a latent mean, or an option is not usable.
    """
    from laird.graph.latent import LatentMean, latent, sample

    problem = fit.problem
    own = latent_parts(problem, found)
    ids, J = own.random.ids, len(own.random.levels)
    table = fit.priors or prior_table(fit.problem.spec.priors, problem.design)
    means = group_means(own.x, ids, J)
    mean = LatentMean(own.name, own.x, ids, means, own.W, own.X_slope, own.Z_slopes)
    trace = sample(
        latent(problem.design, table, mean),
        draws=whole_number("draws", draws, 4),
        tune=whole_number("tune", tune, 1),
        chains=whole_number("chains", chains, 1),
        cores=whole_number("cores", cores or min(chains, os.cpu_count() or 1), 1),
        random_seed=seed(random_seed),
        target_accept=share("target_accept", target_accept),
    )
    beta = np.asarray(trace["posterior"]["beta"])
    return _table(beta @ np.stack([effect.weights for effect in found]).T, prob)


def _table(values: Floats, prob: float) -> pd.DataFrame:
    """The posterior of effects, draws of shape (chains, draws, effects)."""
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=(0, 1))
    diagnostics = np.array([convergence(values[..., k]) for k in range(values.shape[2])])
    worst = float(np.nanmax(diagnostics[:, 2]))
    if worst > RHAT_LIMIT:
        warn(f"Sampling has not converged: largest R-hat {worst:.3f}; raise `tune` and `draws`.")
    return pd.DataFrame(
        {
            "estimate": values.mean(axis=(0, 1)),
            "se": values.std(axis=(0, 1), ddof=1),
            "lower": lower,
            "upper": upper,
            "above": (values > 0).mean(axis=(0, 1)),
            "method": "posterior, latent mean",
            "ess_bulk": diagnostics[:, 0],
            "ess_tail": diagnostics[:, 1],
            "rhat": diagnostics[:, 2],
        }
    )
