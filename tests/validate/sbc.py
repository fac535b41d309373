"""Simulation-based calibration of whole posteriors: six models, every class of parameter.

Parameters are drawn from the priors, data from the parameters, and the true values are ranked among
posterior draws: uniform ranks if and only if the draws follow the posterior (Talts et al. 2018).
`python -m tests.validate.sbc FOLDER [METHOD…]` writes the ranks to one table by model and method, row by
row; an interrupted run continues.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tests.validate.sbc_cases import CASES, LOG_LIKELIHOOD, Simulated

import laird as ld
from laird.fitting import tables
from laird.fitting.display import row_name

SEED = 20261121
RANKED = 99
"""A true value has a rank from 0 to 99."""
SOUND = "sound"
"""Column of the tables of ranks: whether the fit trusts its own draws."""

type Ranks = dict[str, int]


def empirical_bayes(model: ld.Model, seed: int) -> ld.Fit:
    return model.fit("eb", draws=990, random_seed=seed)


def full_bayes(model: ld.Model, seed: int) -> ld.Fit:
    """990 draws, of which every tenth is ranked."""
    return model.fit("nuts", draws=495, chains=2, cores=1, random_seed=seed, progress=False)


METHODS = {"nuts": full_bayes, "eb": empirical_bayes}
CHECKS = ("rhat", "divergences", "approximation")


def replicates(case: str, method: str, first: int = 0) -> Iterator[Ranks]:
    """Ranks of the true values in every data set from the `first` on."""
    for replicate in range(first, CASES[case].replicates):
        data = CASES[case].simulate(np.random.default_rng([SEED, replicate]))
        yield ranks_in(METHODS[method](CASES[case].model(data), replicate), data)


def ranks_in(fit: ld.Fit, data: Simulated) -> Ranks:
    """Rank every true value of a data set among the draws of its fit."""
    found = draws_by_name(fit)
    checks = fit.check().set_index("check")["status"]
    sound = all(checks[name] == "ok" for name in CHECKS if name in checks)
    return {name: _rank(found[name], value) for name, value in data.truth.items()} | {SOUND: int(sound)}


def draws_by_name(fit: ld.Fit) -> dict[str, np.ndarray]:
    """Draws of every parameter of the summary, of the effects of first groups, and of the log-likelihood."""
    problem, draws = fit.problem, fit.draws
    if draws is None:
        raise ValueError(f"The fit has no draws:\n{fit.check().to_string()}")
    found = {
        row_name(q.component, q.group, q.term): tables.draw_values(
            draws, q, problem.codings, fit.regressions
        ).ravel()
        for q in tables.parameters(
            problem.design.names, problem.design.random, fit.regressions, residual=problem.has_residual
        )
    }
    for random, u in zip(problem.design.random, draws.flat_effects(), strict=True):
        found |= {f"u({random.levels[0]}, {t})": u[:, 0, k] for k, t in enumerate(random.names)}
    parts = ld.log_likelihood(fit, "conditional").to_numpy()
    return found | {LOG_LIKELIHOOD: parts.sum(axis=-1).ravel()}


def _rank(draws: np.ndarray, value: float) -> int:
    chosen = draws[np.linspace(0, len(draws) - 1, RANKED).astype(int)]
    return int(np.count_nonzero(chosen < value))


def ranks(case: str, method: str) -> pd.DataFrame:
    """All ranks, a column by parameter, and whether each fit is sound."""
    return pd.DataFrame(replicates(case, method))


def store(folder: Path, case: str) -> Path:
    """The file of the ranks of a model, named after model and method."""
    return folder / f"{case.replace(' ', '_')}.csv"


def write(path: Path, case: str, method: str) -> None:
    """Append the ranks that a file does not hold yet."""
    done = len(pd.read_csv(path)) if path.exists() else 0
    for row in replicates(case, method, done):
        pd.DataFrame([row]).to_csv(path, mode="a", header=not path.exists(), index=False)


def main(folder: str, *methods: str) -> None:
    for method in methods or METHODS:
        (Path(folder) / method).mkdir(parents=True, exist_ok=True)
        for case in CASES:
            write(store(Path(folder) / method, case), case, method)


if __name__ == "__main__":
    main(*sys.argv[1:])
