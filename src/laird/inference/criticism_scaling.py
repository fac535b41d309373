"""Power-scaling: how much the posterior moves when the prior or the likelihood counts a little more."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.options import one_of
from laird.fitting.priorweight import covariance_priors
from laird.fitting.result import Fit
from laird.fitting.tables import Parameter, draw_values, parameters
from laird.fitting.target import target_of
from laird.inference.criticism_loglik import total_densities
from laird.inference.dispersion import drawn_theta
from laird.inference.logo_rows import centred_rows
from laird.posterior.families import logpdf
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]
type Scaled = Literal["covariance", "coefficients", "all"]

THRESHOLD = 0.05
"""Sensitivities above count (Kallioinen et al. 2024, section 3.2)."""


def power_scaling(fit: Fit, scaled: Scaled = "covariance") -> pd.DataFrame:
    """Measure how sensitive the posterior is to its priors and to the likelihood.

    The density of the priors, then that of the data, is raised to powers near one; the draws are
    weighted accordingly, and the distance of the distribution of each parameter from the
    unweighted one is measured per doubling of the power (Kallioinen, Paananen, Bürkner &
    Vehtari 2024, Stat. Comput. 34).  Only priors of hyperparameters are scaled, not the
    distribution of the group effects, which are integrated out of the likelihood.

    Parameters
    ----------
    fit
        A fit by ``"eb"`` or ``"nuts"``.
    scaled
        Priors of the ``"covariance"`` parameters, of the ``"coefficients"``, or ``"all"``.

    Returns
    -------
    ``component, group, term, prior, likelihood, diagnosis``, one row per parameter: sensitivities, and
    ``"strong prior or weak data"`` (prior above 0.05, likelihood below) or ``"prior and data
    conflict"`` (both above).

    Raises
    ------
    FitError
        The fit has no draws.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    >>> found = ld.power_scaling(model.fit("eb", random_seed=1))
    >>> found[["component", "prior"]].round(1).values.tolist()
    [['fixed', 0.0], ['sd', 0.1], ['sigma', 0.0]]
    """
    one_of("scaled", scaled, ("covariance", "coefficients", "all"))
    if fit.draws is None or fit.priors is None:
        raise FitError("The fit has no draws.", remedy='Fit with "eb" or "nuts".')
    log_prior = log_priors(fit, fit.priors, scaled)
    log_data = total_densities(fit)
    design = fit.problem.design
    shown = parameters(design.names, design.random, fit.regressions, residual=fit.problem.has_residual)
    values = {_key(q): draw_values(fit.draws, q, fit.problem.codings, fit.regressions) for q in shown}
    table = pd.DataFrame(
        [(q.component, q.group, q.term) for q in shown], columns=["component", "group", "term"]
    )
    table["prior"] = _sensitivities(values, log_prior)
    table["likelihood"] = _sensitivities(values, log_data)
    table["diagnosis"] = [_diagnosis(*own) for own in zip(table["prior"], table["likelihood"], strict=True)]
    return table


def _key(q: Parameter) -> str:
    return f"{q.component}|{q.group}|{q.term}"


def _sensitivities(values: dict[str, Floats], log_density: Floats) -> list[float]:
    """Distance per doubling of the power of a density (S,), for every parameter."""
    import xarray as xr
    from arviz_stats import psense

    shape = next(iter(values.values())).shape
    if np.ptp(log_density) == 0.0:
        return [0.0] * len(values)
    axes = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({name: (axes, own) for name, own in values.items()}),
            "log_prior": xr.Dataset({"all": (axes, (log_density - log_density.mean()).reshape(shape))}),
        }
    )
    found = psense(tree, group="prior")
    return [float(found[name]) for name in values]


def _diagnosis(prior: float, likelihood: float) -> str:
    if prior < THRESHOLD:
        return ""
    return "prior and data conflict" if likelihood >= THRESHOLD else "strong prior or weak data"


def log_priors(fit: Fit, priors: PriorTable, scaled: Scaled) -> Floats:
    """Log prior densities of the chosen parameters themselves, shape (S,)."""
    _, beta = drawn_theta(fit)
    total = np.zeros(len(beta))
    if scaled != "coefficients":
        total += _of_covariance(fit, priors)
    if scaled != "covariance":
        gamma = np.linalg.solve(centred_rows(fit).T, beta.T).T
        for row, values in zip(priors.coefficients, gamma.T, strict=True):
            total += logpdf(row.family, values, *row.values)
    return total


def _of_covariance(fit: Fit, priors: PriorTable) -> Floats:
    """Sds, correlation matrices and slopes of every draw, without the Jacobian of phi."""
    theta, _ = drawn_theta(fit)
    own = target_of(fit.problem, priors).coordinates
    none = np.zeros(own.places.b)
    return covariance_priors(own, np.array([own.join(theta.at(s), none) for s in range(len(theta.L))]))
