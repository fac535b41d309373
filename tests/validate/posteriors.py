"""The six models sampled twice: by laird, β and u integrated out, and by PyMC and nutpie, everything in."""

from __future__ import annotations

from functools import cache

import numpy as np
from tests.bambi_peer import discrepancies, summarise
from tests.posteriors import KNOWN, Chains, apart, chains
from tests.validate.sbc_cases import CASES

import laird as ld
from laird.fitting.draws import Draws
from laird.fitting.target import target_of
from laird.graph.scales import phi_of_trace
from laird.posterior.names import group_names

SEED = 20261121
OPTIONS = {"draws": 4000, "tune": 1000, "chains": 4}


@cache
def against_graph(case: str) -> dict[tuple[str, str], float]:
    """Differences of means and sds of laird's draws from the explicit graph's, in MCSE of the difference."""
    model = CASES[case].model(CASES[case].simulate(np.random.default_rng(SEED)))
    fit = model.fit("nuts", random_seed=1, progress=False, **OPTIONS)
    ours, theirs = chains(fit), chains(fit, explicit_draws(model, fit))
    return discrepancies(summarise(_free(ours)), summarise(_free(theirs)))


def _free(found: Chains) -> Chains:
    return {name: values for name, values in found.items() if np.ptp(values) > 0}


def explicit_draws(model: ld.Model, fit: ld.Fit) -> Draws:
    """Draws of the explicit graph, sampled by nutpie, as those of a fit."""
    import pymc as pm

    with model.graph("explicit"):
        trace = pm.sample(
            nuts_sampler="nutpie", target_accept=0.95, random_seed=2, progressbar=False, **OPTIONS
        )["posterior"]
    coordinates = target_of(fit.problem, model.priors).coordinates
    theta, _ = coordinates.split(phi_of_trace(model.design, coordinates, trace))
    return Draws(
        beta=np.asarray(trace["beta"]),
        **theta._asdict(),
        u=tuple(np.asarray(trace[group_names(random).u]) for random in model.design.random),
        summaries=(),
        stats={},
    )


@cache
def against_exact(name: str) -> dict[tuple[str, str], float]:
    """Distances of means and sds of laird's draws from exact ones, in MCSE."""
    make, named = KNOWN[name]
    known = make()
    return apart(named(known.model.fit("nuts", random_seed=4, progress=False, **OPTIONS)), known.exact)
