"""Draws of the variables of a graph by NUTS."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from warnings import catch_warnings, filterwarnings

import numpy as np
import pymc as pm
from numpy.typing import NDArray

type Arrays = dict[str, NDArray[Any]]


def sample(
    model: pm.Model,
    names: Collection[str],
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    random_seed: int,
    target_accept: float,
    progress: bool,
    sampler: str,
) -> tuple[Arrays, Arrays]:
    """Return draws of some variables by name, (C, S, ...), and the sampler's statistics, (C, S).

    Parameters
    ----------
    model, names
        The graph, and the variables wanted.
    draws, tune, chains, cores, random_seed, target_accept, progress
        As in `laird.fitting.nuts.fit`.
    sampler
        ``"nutpie"`` or ``"pymc"``.
    """
    options = {
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "cores": cores,
        "target_accept": target_accept,
    }
    run = _with_nutpie if sampler == "nutpie" else _with_pymc
    trace = run(model, names, options, random_seed, progress)
    posterior, stats = trace["posterior"], trace["sample_stats"]
    return _arrays(posterior, names), _arrays(stats, list(stats.data_vars))


def _with_nutpie(
    model: pm.Model, names: Collection[str], options: Mapping[str, Any], seed: int, progress: bool
) -> Any:
    import nutpie

    compiled = nutpie.compile_pymc_model(model, var_names=list(names))
    return nutpie.sample(compiled, **options, seed=seed, progress_bar=progress, save_warmup=False)


def _with_pymc(
    model: pm.Model, names: Collection[str], options: Mapping[str, Any], seed: int, progress: bool
) -> Any:
    with model, catch_warnings():
        filterwarnings("ignore", message="Numba will use object mode")
        return pm.sample(
            **options,
            random_seed=seed,
            progressbar=progress,
            var_names=list(names),
            nuts_sampler="pymc",
            compute_convergence_checks=False,
            quiet=not progress,
        )


def _arrays(data: Mapping[str, Any], names: Collection[str]) -> Arrays:
    """Numbers of some variables; others, such as texts of samplers, are left out."""
    values = {name: np.asarray(data[name]) for name in names}
    return {name: own for name, own in values.items() if own.dtype.kind in "fib"}
