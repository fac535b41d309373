"""How often intervals of empirical Bayes estimates cover, and what exact posteriors say.

Data are drawn with fixed variances and true effects drawn anew each time, so that intervals are
judged as Morris (1983) judges them: over data and true effects, averaged over the groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

import laird as ld

SIMULATIONS, DRAWS = 300, 400
METHODS = ("naive", "corrected", "morris", "posterior")


@dataclass(frozen=True)
class Studies:
    """K studies with sampling variances around 1 and heterogeneity τ."""

    K: int
    tau: float

    @property
    def name(self) -> str:
        return f"true effects of {self.K} studies, τ = {self.tau}"

    def simulate(self, rng: np.random.Generator) -> tuple[ld.Model, np.ndarray]:
        v = rng.uniform(0.5, 1.5, self.K)
        effects = 1.0 + self.tau * rng.standard_normal(self.K)
        frame = pd.DataFrame({"y": effects + np.sqrt(v) * rng.standard_normal(self.K), "v": v})
        return ld.model("y ~ 1 + meta_V(v)", data=frame), effects


@dataclass(frozen=True)
class Groups:
    """J groups of four rows, residual sd 2 (the sd of a mean is 1), and group sd τ."""

    J: int
    tau: float

    @property
    def name(self) -> str:
        return f"means of {self.J} groups of 4 rows, τ = {self.tau}"

    def simulate(self, rng: np.random.Generator) -> tuple[ld.Model, np.ndarray]:
        means = 1.0 + self.tau * rng.standard_normal(self.J)
        ids = np.repeat(np.arange(self.J), 4)
        y = means[ids] + 2.0 * rng.standard_normal(len(ids))
        frame = pd.DataFrame({"y": y, "g": [f"g{j:02d}" for j in ids]})
        return ld.model("y ~ 1 + (1 | g)", data=frame), means


CELLS = (
    Studies(8, 0.5),
    Studies(8, 1.0),
    Studies(20, 0.5),
    Studies(20, 1.0),
    Groups(8, 0.5),
    Groups(8, 1.0),
    Groups(20, 0.5),
    Groups(20, 1.0),
)


def coverage(cell: Studies | Groups, simulations: int, seed: int) -> Mapping[str, float]:
    """Share of 95 % intervals that hold the true effect, by method."""
    seeds = np.random.SeedSequence([seed, CELLS.index(cell)])
    hits: dict[str, list[float]] = {}
    for k, rng in enumerate(map(np.random.default_rng, seeds.spawn(simulations))):
        model, truth = cell.simulate(rng)
        table = ld.eb_intervals(model.fit("eb", draws=DRAWS, random_seed=k))
        for name in METHODS:
            if name in table:
                held = (table[f"{name}_lower"] <= truth) & (truth <= table[f"{name}_upper"])
                hits.setdefault(name, []).append(float(held.mean()))
    return {name: float(np.mean(own)) for name, own in hits.items()}


def exact_sigma(model: ld.Model, prob: float = 0.95) -> tuple[float, float]:
    """Equal-tailed interval of the heterogeneity by quadrature; coefficients are integrated exactly.

    For ``y ~ … + meta_V(v)`` with independent errors and default priors: normal of the centred
    coefficients, half Student t of sigma.
    """
    design, rows = model.design, {row.parameter: row for row in model.priors}
    centred = design.X - np.where(np.arange(design.X.shape[1]) > 0, design.X.mean(axis=0), 0.0)
    location, spread = np.array([rows[name].values for name in design.names]).T
    nu, scale = rows["sigma"].values
    tau = np.linspace(0.0, 12.0 * scale, 12_001)[1:, None]
    w = 1.0 / (design.known.variances + tau**2)
    Q = np.einsum("tk,ka,kb->tab", w, centred, centred) + np.diag(spread**-2)
    right = w @ (centred * design.y[:, None]) + location * spread**-2
    beta = np.linalg.solve(Q, right[..., None])[..., 0]
    log_p = 0.5 * np.log(w).sum(axis=1) - 0.5 * np.linalg.slogdet(Q)[1]
    log_p -= 0.5 * (w @ design.y**2 - np.sum(beta * right, axis=1))
    log_p += student(nu, 0.0, scale).logpdf(tau[:, 0])
    below = np.cumsum(np.exp(log_p - log_p.max()))
    lower, upper = np.interp([(1 - prob) / 2, (1 + prob) / 2], below / below[-1], tau[:, 0])
    return float(lower), float(upper)
