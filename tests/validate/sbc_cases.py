"""Six models with proper priors, and how their data are drawn: in plain NumPy, without laird."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import laird as ld

LOG_LIKELIHOOD = "log-likelihood"

type Truth = dict[str, float]
type Floats = np.ndarray
type Rng = np.random.Generator


class Simulated(NamedTuple):
    """A data set, the values behind it, and the known covariances of its rows.

    Among the values is the log-likelihood given the effects of groups: ranks of parameters alone
    are uniform even for draws that ignore the data (Modrák et al. 2023).
    """

    frame: pd.DataFrame
    truth: Truth
    known: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Case:
    """A model, its priors, how its parameters and data are drawn, and how often."""

    parts: tuple[str, ...]
    priors: Mapping[str, str]
    simulate: Callable[[Rng], Simulated]
    replicates: int = 200

    def model(self, data: Simulated) -> ld.Model:
        return ld.model(*self.parts, data=data.frame, known=data.known, priors=self.priors)


def _labels(prefix: str, ids: np.ndarray) -> list[str]:
    return [f"{prefix}{j:02d}" for j in ids]


def _centred(values: Floats) -> Floats:
    return values - values.mean()


def _log_density(residuals: Floats, variances: Floats) -> float:
    """Of residuals (n, m) with covariances (n, m, m)."""
    squares = np.einsum("ni,nij,nj->n", residuals, np.linalg.inv(variances), residuals)
    return float(-0.5 * np.sum(squares + np.linalg.slogdet(2 * np.pi * variances)[1]))


def _rows(truth: Truth, mean: Floats, variances: Floats, rng: Rng) -> Floats:
    """Draw independent rows, and enter their log-likelihood into the truth."""
    e = np.sqrt(variances) * rng.standard_normal(len(mean))
    truth[LOG_LIKELIHOOD] = _log_density(e[:, None], np.broadcast_to(variances, mean.shape)[:, None, None])
    return mean + e


def _hierarchical(rng: Rng, slopes: bool) -> Simulated:
    ids = np.repeat(np.arange(15), 6)
    X = np.column_stack([np.ones(90), _centred(rng.standard_normal(90))])[:, : 1 + slopes]
    beta = rng.normal(0, [2.0, 1.0][: X.shape[1]])
    sd, sigma = np.abs(rng.standard_normal(X.shape[1])), rng.lognormal(0, 0.5)
    rho = 2 * rng.beta(2, 2) - 1
    C = np.array([[1, rho], [rho, 1]])[: len(sd), : len(sd)]
    u = rng.standard_normal((15, len(sd))) @ np.linalg.cholesky(C).T * sd
    terms = ("Intercept", "x")[: len(sd)]
    truth = dict(zip(terms, beta, strict=True)) | {"sigma": sigma}
    truth |= {f"sd(g, {t})": s for t, s in zip(terms, sd, strict=True)}
    truth |= {f"u(g00, {t})": v for t, v in zip(terms, u[0], strict=True)}
    truth |= {"cor(g, Intercept, x)": rho} if slopes else {}
    y = _rows(truth, X @ beta + np.sum(X * u[ids], axis=1), sigma**2, rng)
    return Simulated(pd.DataFrame({"y": y, "x": X[:, -1], "g": _labels("g", ids)}), truth)


def _two_factors(rng: Rng, a: np.ndarray, b: np.ndarray, second: tuple[str, str]) -> Simulated:
    """Rows in groups a and b; the second factor's name and its first level are those of the model."""
    mean, (sd_a, sd_b) = rng.normal(0, 2), np.abs(rng.standard_normal(2))
    sigma = rng.lognormal(0, 0.5)
    u_a, u_b = sd_a * rng.standard_normal(a.max() + 1), sd_b * rng.standard_normal(b.max() + 1)
    factor, level = second
    truth = {"Intercept": mean, "sigma": sigma, "sd(a, Intercept)": sd_a, f"sd({factor}, Intercept)": sd_b}
    truth |= {"u(a00, Intercept)": u_a[0], f"u({level}, Intercept)": u_b[0]}
    y = _rows(truth, mean + u_a[a] + u_b[b], sigma**2, rng)
    return Simulated(pd.DataFrame({"y": y, "a": _labels("a", a), "b": _labels("b", b)}), truth)


def _nested(rng: Rng) -> Simulated:
    return _two_factors(rng, np.repeat(np.arange(10), 9), np.repeat(np.arange(30), 3), ("a:b", "a00:b00"))


def _crossed(rng: Rng) -> Simulated:
    return _two_factors(rng, np.repeat(np.arange(12), 7), np.tile(np.arange(7), 12), ("b", "b00"))


def _location_scale(rng: Rng) -> Simulated:
    study = np.repeat(np.arange(20), 3)
    w, x = _centred(rng.standard_normal(20)), _centred(rng.standard_normal(60))
    v = rng.uniform(0.05, 0.3, 60)
    (mean, slope), sd, sigma = rng.normal(0, [2.0, 1.0]), abs(rng.standard_normal()), rng.lognormal(-0.5, 0.5)
    delta, alpha = rng.normal(0, 0.5, 2)
    u = sd * np.exp(delta * w) * rng.standard_normal(20)
    truth = {"Intercept": mean, "x": slope, "u(s00, Intercept)": u[0]}
    truth |= {"log_sd(study, Intercept)": np.log(sd), "log_sd(study, w)": delta}
    truth |= {"log_sigma(Intercept)": np.log(sigma), "log_sigma(x)": alpha}
    y = _rows(truth, mean + slope * x + u[study], v + (sigma * np.exp(alpha * x)) ** 2, rng)
    frame = pd.DataFrame({"y": y, "x": x, "w": w[study], "v": v, "study": _labels("s", study)})
    return Simulated(frame, truth)


def _covariances(sd: Floats, rho: Floats) -> Floats:
    """Covariances (n, 2, 2) of sds (n, 2) and correlations (n,)."""
    return sd[:, :, None] * sd[:, None, :] * np.moveaxis([[rho**0, rho], [rho, rho**0]], -1, 0)


def _bivariate(rng: Rng) -> Simulated:
    n = 40
    x = _centred(rng.standard_normal(n))
    (mean_a, mean_b, slope), sd = rng.normal(0, [2.0, 2.0, 1.0]), rng.lognormal(-0.5, 0.5, 2)
    rho, (alpha, zeta) = 2 * rng.beta(2, 2) - 1, rng.normal(0, 0.5, 2)
    V = _covariances(np.sqrt(rng.uniform(0.05, 0.3, (n, 2))), np.full(n, 0.4))
    own = np.column_stack([sd[0] * np.exp(alpha * x), np.full(n, sd[1])])
    total = V + _covariances(own, np.tanh(np.arctanh(rho) + zeta * x))
    e = np.einsum("nij,nj->ni", np.linalg.cholesky(total), rng.standard_normal((n, 2)))
    truth = {"a: Intercept": mean_a, "a: x": slope, "b: Intercept": mean_b, "sigma(b)": sd[1]}
    truth |= {"log_sigma(a, Intercept)": np.log(sd[0]), "log_sigma(a, x)": alpha}
    truth |= {"atanh_rho(a, b, Intercept)": np.arctanh(rho), "atanh_rho(a, b, x)": zeta}
    truth[LOG_LIKELIHOOD] = _log_density(e, total)
    frame = pd.DataFrame({"a": mean_a + slope * x + e[:, 0], "b": mean_b + e[:, 1], "x": x})
    return Simulated(frame, truth, {"V": list(V)})


_BASE = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)", "sigma": "lognormal(0, 0.5)"}
_SLOPES = _BASE | {"x": "normal(0, 1)", "cor": "lkj(2)"}
_META = {
    "Intercept": "normal(0, 2)",
    "x": "normal(0, 1)",
    "sd": "half_normal(1)",
    "log_sd(study, w)": "normal(0, 0.5)",
    "sigma": "lognormal(-0.5, 0.5)",
    "log_sigma(x)": "normal(0, 0.5)",
}
_TWO = {
    "a: Intercept": "normal(0, 2)",
    "b: Intercept": "normal(0, 2)",
    "a: x": "normal(0, 1)",
    "sigma(a)": "lognormal(-0.5, 0.5)",
    "sigma(b)": "lognormal(-0.5, 0.5)",
    "log_sigma(a, x)": "normal(0, 0.5)",
    "rho(a, b)": "lkj(2)",
    "atanh_rho(a, b, x)": "normal(0, 0.5)",
}

CASES: Mapping[str, Case] = {
    "random intercept": Case(("y ~ 1 + (1 | g)",), _BASE, lambda rng: _hierarchical(rng, False), 400),
    "correlated slope": Case(("y ~ x + (1 + x | g)",), _SLOPES, lambda rng: _hierarchical(rng, True), 250),
    "nested": Case(("y ~ 1 + (1 | a/b)",), _BASE, _nested, 400),
    "crossed": Case(("y ~ 1 + (1 | a) + (1 | b)",), _BASE, _crossed),
    "location-scale": Case(
        ("y ~ x + (1 | study) + meta_V(v)", "sd(study) ~ w", "sigma ~ x"), _META, _location_scale
    ),
    "bivariate": Case(("a ~ x + meta_V(V)", "b ~ 1", "sigma(a) ~ x", "rho(a, b) ~ x"), _TWO, _bivariate),
}
