"""Posteriors that are known: in closed form, by quadrature, as published, and of graphs with everything in.

Means and sds of draws are compared with them in Monte Carlo standard errors (MCSE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import halfcauchy

import laird as ld
from laird.fitting import tables
from laird.fitting.display import row_name
from laird.fitting.draws import Draws
from tests.bambi_peer import summarise
from tests.peers import golden

type Floats = np.ndarray
type Chains = Mapping[str, Floats]
"""Draws (chains, draws) by parameter."""
type Moments = Mapping[str, tuple[float, float]]
"""Mean and sd by parameter."""

LIMIT = 4.0
"""Monte Carlo standard errors that a mean or sd may be away; chance does it once in 16,000."""


@dataclass(frozen=True)
class Known:
    """A model and the exact means and sds of its posterior."""

    model: ld.Model
    exact: Moments


def chains(fit: ld.Fit, draws: Draws | None = None) -> Chains:
    """Draws of all parameters and group effects, by default those of the fit, under its names."""
    problem, draws = fit.problem, draws or fit.draws
    every = tables.parameters(
        problem.design.names, problem.design.random, fit.regressions, residual=problem.has_residual
    )
    found = {
        row_name(q.component, q.group, q.term): tables.draw_values(draws, q, problem.codings, fit.regressions)
        for q in every
    }
    for random, u in zip(problem.design.random, draws.u, strict=True):
        for k, term in enumerate(random.names):
            found |= {f"u({level}, {term})": u[:, :, j, k] for j, level in enumerate(random.levels)}
    return found


def apart(found: Chains, exact: Moments) -> dict[tuple[str, str], float]:
    """Distances of means and sds of draws from exact ones, in MCSE."""
    summary = summarise({name: found[name] for name in exact})
    return {
        (name, what): abs(own[what] - value) / own[f"mcse_{what}"]
        for name, own in summary.items()
        for what, value in zip(("mean", "sd"), exact[name], strict=True)
    }


def frame(J: int = 8, n: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(17)
    g = np.repeat(np.arange(J), n)
    x = rng.normal(1.0, 2.0, J * n)
    y = 3.0 + 0.5 * x + rng.normal(size=J)[g] + 1.5 * rng.normal(size=J * n)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{k}" for k in g]})


def least_squares() -> Known:
    """Flat priors of β and σ: σ² is inverse gamma, β is a multivariate t (Gelman et al. 2013, 14.2).

    With p(σ) constant, σ² | y ~ IG(a, b) with a = (n - p - 1)/2, b = RSS/2.
    """
    data = frame()
    model = ld.model("y ~ x", data=data, priors="flat")
    X, y = model.design.X, model.design.y
    beta, (rss,), *_ = np.linalg.lstsq(X, y)
    a, b = (len(y) - X.shape[1] - 1) / 2, rss / 2
    variance = b / (a - 1)
    mean_sigma = np.sqrt(b) * np.exp(gammaln(a - 0.5) - gammaln(a))
    sds = np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X)))
    exact = dict(zip(model.design.names, zip(beta, sds, strict=True), strict=True))
    return Known(model, exact | {"sigma": (mean_sigma, np.sqrt(variance - mean_sigma**2))})


def known_variances(sd: float = 0.8, sigma: float = 1.4) -> Known:
    """Priors that fix both sds to a part in 100,000: β and u are jointly normal (Lindley & Smith 1972)."""
    data = frame()
    priors = {
        "Intercept": "normal(2, 1.5)",
        "x": "normal(0, 0.7)",
        "sd": f"lognormal({np.log(sd)}, 0.00001)",
        "sigma": f"lognormal({np.log(sigma)}, 0.00001)",
    }
    model = ld.model("y ~ x + (1 | g)", data=data, priors=priors)
    design, random = model.design, model.design.random[0]
    Z = np.eye(len(random.levels))[random.ids]
    centred = design.X - np.array([0.0, design.X[:, 1].mean()])
    W = np.hstack([centred, Z])
    prior_precision = np.concatenate([[1.5**-2, 0.7**-2], np.full(Z.shape[1], sd**-2)])
    prior_mean = np.concatenate([[2.0, 0.0], np.zeros(Z.shape[1])])
    cov = np.linalg.inv(W.T @ W / sigma**2 + np.diag(prior_precision))
    mean = cov @ (W.T @ design.y / sigma**2 + prior_precision * prior_mean)
    T = np.eye(len(mean))
    T[0, 1] = -design.X[:, 1].mean()
    mean, cov = T @ mean, T @ cov @ T.T
    names = [*design.names, *(f"u({level}, Intercept)" for level in random.levels)]
    return Known(model, dict(zip(names, zip(mean, np.sqrt(np.diag(cov)), strict=True), strict=True)))


def eight_schools() -> Known:
    """Rubin's eight schools with the priors of posteriordb, μ ~ N(0, 5), τ ~ half-Cauchy(5), by quadrature.

    Given τ everything is normal; moments over τ by the trapezoidal rule in log τ.
    """
    stored = golden("eight_schools")
    y, s = (np.array(stored[name], dtype=float) for name in ("effect", "se"))
    schools = [f"theta[{k + 1}]" for k in range(len(y))]
    data = pd.DataFrame({"y": y, "v": s**2, "school": schools})
    priors = {"Intercept": "normal(0, 5)", "sd(school)": "half_cauchy(5)"}
    model = ld.model("y ~ 1 + (1 | school) + meta_V(v)", "sigma ~ 0", data=data, priors=priors)
    log_tau = np.linspace(np.log(1e-4), np.log(1e5), 20_001)
    tau = np.exp(log_tau)
    w = 1.0 / (s**2 + tau[:, None] ** 2)
    precision = w.sum(axis=1) + 1 / 25
    mu, mu_variance = (w @ y) / precision, 1 / precision
    log_density = 0.5 * (np.log(w).sum(axis=1) - np.log(precision) - (w @ y**2) + mu**2 * precision)
    log_density += halfcauchy.logpdf(tau, scale=5) + log_tau
    p = np.exp(log_density - log_density.max())
    p /= p.sum()
    share = w * tau[:, None] ** 2
    theta = share * y + (1 - share) * mu[:, None]
    theta_variance = share * s**2 + (1 - share) ** 2 * mu_variance[:, None]
    means = np.column_stack([theta, mu, tau])
    variances = np.column_stack([theta_variance, mu_variance, np.zeros(len(tau))])
    mean = p @ means
    sd = np.sqrt(p @ (variances + means**2) - mean**2)
    return Known(model, dict(zip(stored["names"], zip(mean, sd, strict=True), strict=True)))


def school_chains(fit: ld.Fit) -> Chains:
    """Draws of the eight schools under posteriordb's names."""
    found = chains(fit)
    levels = fit.problem.design.random[0].levels
    theta = {level: found["Intercept"] + found[f"u({level}, Intercept)"] for level in levels}
    return theta | {"mu": found["Intercept"], "tau": found["sd(school, Intercept)"]}


KNOWN = {
    "least squares, flat priors": (least_squares, chains),
    "known sds": (known_variances, chains),
    "eight schools": (eight_schools, school_chains),
}
