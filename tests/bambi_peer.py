"""The same models in Bambi, with laird's priors, and both packages' posteriors under laird's names.

Bambi has independent group effects only, and centres predictors as laird does, so that the
priors of intercept and slopes mean the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import laird as ld
from laird.posterior.table import PriorRow

type Draws = Mapping[str, np.ndarray]
"""Draws (chains, draws) by parameter: ``ses``, ``sigma``, ``sd(school, ses)``, ``u(1224, ses)``."""


@dataclass(frozen=True)
class Case:
    """A model that both packages fit."""

    data: str
    formula: str

    def model(self) -> ld.Model:
        return ld.model(self.formula, data=ld.load_data(self.data))


CASES = {
    "sleepstudy": Case("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    "hs": Case("hs", "mathach ~ ses * Sector + (1 + ses || school)"),
    "hsfull": Case("hsfull", "mathach ~ ses * Sector + (1 + ses || school)"),
}


def fit_bambi(case: Case, **options: Any) -> Any:
    """Fit by Bambi and nutpie; return the ArviZ tree."""
    import bambi

    model = case.model()
    priors = _priors(model.priors, model.design.random[0].group)
    formula = case.formula.replace("||", "|")
    return bambi.Model(formula, ld.load_data(case.data), priors=priors).fit(
        inference_method="nutpie", progressbar=False, **options
    )


def _priors(table: Sequence[PriorRow], group: str) -> dict[str, Any]:
    import bambi

    rows = {row.parameter: _prior(row) for row in table}
    found = {re.sub(r"\[[^\]]*\]", "", name): prior for name, prior in rows.items() if "(" not in name}
    for row in table:
        if row.kind == "sd":
            term = row.parameter.split(", ")[1].rstrip(")").replace("Intercept", "1")
            found[f"{term}|{group}"] = bambi.Prior("Normal", mu=0, sigma=rows[row.parameter])
    return found


def _prior(row: PriorRow) -> Any:
    import bambi

    name, arguments = {
        "normal": ("Normal", ("mu", "sigma")),
        "half_student_t": ("HalfStudentT", ("nu", "sigma")),
    }[row.family]
    return bambi.Prior(name, **dict(zip(arguments, row.values, strict=True)))


def bambi_draws(tree: Any, case: Case) -> Draws:
    """Bambi's draws under laird's names."""
    return dict(_bambi_draws(tree.posterior, case.model()))


def _bambi_draws(posterior: Any, model: ld.Model) -> Iterator[tuple[str, np.ndarray]]:
    random = model.design.random[0]
    for name in (*model.design.names, "sigma"):
        values = np.asarray(posterior[re.sub(r"\[[^\]]*\]", "", name)])
        yield name, values.reshape(values.shape[:2])
    for term in random.names:
        own = f"{term.replace('Intercept', '1')}|{random.group}"
        yield f"sd({random.group}, {term})", np.asarray(posterior[f"{own}_sigma"])
        effects = posterior[own]
        for level in random.levels:
            yield f"u({level}, {term})", np.asarray(effects.sel({effects.dims[-1]: level}))


def laird_draws(fit: ld.Fit) -> Draws:
    """laird's draws under the same names."""
    draws, design = fit.draws, fit.problem.design
    random = design.random[0]
    found = {name: draws.beta[..., k] for k, name in enumerate(design.names)} | {"sigma": draws.sigma}
    for k, term in enumerate(random.names):
        found[f"sd({random.group}, {term})"] = draws.sd[..., k]
        found |= {f"u({level}, {term})": draws.u[0][:, :, j, k] for j, level in enumerate(random.levels)}
    return found


def summarise(draws: Draws) -> dict[str, dict[str, float]]:
    """Mean and sd with their Monte Carlo standard errors, and the bulk effective sample size."""
    import arviz as az

    measures: dict[str, Callable[[np.ndarray], float]] = {
        "mean": np.mean,
        "sd": np.std,
        "mcse_mean": lambda values: az.mcse(values, method="mean"),
        "mcse_sd": lambda values: az.mcse(values, method="sd"),
        "ess": lambda values: az.ess(values, method="bulk"),
    }
    return {name: {m: float(f(values)) for m, f in measures.items()} for name, values in draws.items()}


def discrepancies(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Differences of means and of sds over the Monte Carlo standard error of the difference."""
    if ours.keys() != theirs.keys():
        raise ValueError(f"Parameters differ: {sorted(ours.keys() ^ theirs.keys())}")
    return {
        (name, what): abs(ours[name][what] - theirs[name][what])
        / np.hypot(ours[name][f"mcse_{what}"], theirs[name][f"mcse_{what}"])
        for name in ours
        for what in ("mean", "sd")
    }
