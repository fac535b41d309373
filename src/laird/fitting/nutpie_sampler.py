"""NUTS by nutpie's compiled sampler, on densities that it calls by address.

Chains move in whitened coordinates z, phi = mode + Cz, where CC' is the inverse negative Hessian at
the mode: of a posterior near to normal all directions are alike, steps are long and tuning is
short.  Chains start from a t with five degrees of freedom, wider than the posterior.

Only the compiled part of the package is imported: what lies around it draws in ArviZ, xarray and
matplotlib, which took longer than to sample.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import Axes, peak, student
from laird.fitting.settings import Settings
from laird.gaussian.crossed_lapack import one_thread
from laird.posterior.compiled import density_function, is_costly
from laird.posterior.density import Posterior
from laird.posterior.pointer import Address, addressed

type Floats = NDArray[np.float64]
type Statistics = Mapping[str, NDArray[np.generic]]
type Callback = Callable[[Any], None] | None
type Start = Callable[[int], Floats]
type Sampler = Callable[..., Any]

JITTER = 0.5
"""Without a mode, chains start within so much of a point near it, in every element of phi."""

EVERY = 100
"""Milliseconds between two calls of the callback."""

DEPTH, SHORT = 10, 1
"""Doublings of a trajectory, at most, and where an evaluation is costly.

Measured on four independent normals, 4 x 1000 draws: effective draws per evaluation of the mean and
of the variance are 0.44 and 0.15 with trajectories that end where they turn, 0.22 and 0.42 with
single steps.  So single steps are worth no less, and there are a third as many evaluations.
"""

NAMES = {
    "diverging": "diverging",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "logp": "lp",
    "energy": "energy",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}
"""What is kept of every draw, by nutpie's names and ArviZ's."""


def sample(
    target: Posterior, centre: Floats, settings: Settings, callback: Callback
) -> tuple[Floats, Statistics]:
    """Draws of phi (C, S, k), and the sampler's statistics (C, S).

    Parameters
    ----------
    target
        Likelihood and priors.
    centre
        phi near the mode, shape (k,).
    settings, callback
        How to sample, and what is told how far the chains are.
    """
    axes = peak(target, centre)
    own, start = axes or Axes(centre, np.eye(len(centre))), _start_of(len(centre), has_mode=axes is not None)
    with _one_thread_each(settings), addressed(target, *own) as address:
        sampler = _by_address(address, start, len(centre)) if address else _in_python(target, own, start)
        results = _finished(sampler, settings, callback, SHORT if is_costly(target.likelihood) else DEPTH)
    z, stats = _arrays(*results.get_arrow_trace())
    return own.at(z), stats


def _one_thread_each(settings: Settings) -> AbstractContextManager[Any]:
    """Chains are threads already: those of BLAS would only wait for each other."""
    return one_thread() if settings.cores > 1 else nullcontext()


def _start_of(k: int, *, has_mode: bool) -> Start:
    def start(seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        if has_mode:
            return np.asarray(student(np.zeros(k), np.eye(k), 1, rng)[0])
        return rng.uniform(-JITTER, JITTER, k)

    return start


def _by_address(address: Address, start: Start, k: int) -> Sampler:
    """A sampler whose chains hold no interpreter lock."""
    core = _core()
    density = core.LogpFunc(address.function, address.data, None)
    copy = core.ExpandFunc(k, k, _copy().address, address.data, None)
    variables, sizes = _variables(k)
    model = core.PyMcModel(density, copy, variables, k, sizes, {}, start, None)
    return partial(core.PySampler.from_pymc, model=model)


def _in_python(target: Posterior, axes: Axes, start: Start) -> Sampler:
    """The same for a density that is not compiled."""
    core, density, k = _core(), density_function(target), len(axes.centre)

    def whitened(z: Floats) -> tuple[float, Floats]:
        value, gradient = density(axes.at(z))
        return value, axes.C.T @ gradient

    variables, sizes = _variables(k)
    model = core.PyModel(
        lambda: whitened, lambda *_: _expand, variables, k, dim_sizes=sizes, coords={}, init_point_func=start
    )
    return partial(core.PySampler.from_pyfunc, model=model)


def _expand(z: Floats) -> dict[str, Floats]:
    return {"z": z}


def _variables(k: int) -> tuple[Any, dict[str, int]]:
    """What is stored of a draw, and its dimensions, which nutpie names."""
    sizes: dict[str, int] = {}
    return _core().PyVariable.new_variables(["z"], ["float64"], [(k,)], sizes, {}), sizes


@cache
def _copy() -> Any:
    """What is stored of a draw: z itself."""
    from numba import cfunc, types

    numbers = types.CPointer(types.float64)  # type: ignore[no-untyped-call]

    def copy(k, wanted, z, out, data):  # type: ignore[no-untyped-def]  # noqa: ARG001
        for i in range(k):
            out[i] = z[i]
        return 0

    return cfunc(types.int64(types.uint64, types.uint64, numbers, numbers, types.voidptr), cache=True)(copy)


def _finished(sampler: Sampler, settings: Settings, callback: Callback, depth: int) -> Any:
    """Run all chains."""
    core = _core()
    options = core.PyNutsSettings.Diag(settings.random_seed)
    options.update(
        {
            "num_draws": settings.draws,
            "num_tune": settings.tune,
            "num_chains": settings.chains,
            "target_accept": settings.target_accept,
            "maxdepth": depth,
        }
    )
    run = sampler(
        settings=options,
        cores=settings.cores,
        progress_type=core.ProgressType.none(),
        extra_callback=callback,
        extra_callback_rate=EVERY,
        store=core.PyStorage.arrow(),
    )
    try:
        run.wait()
    except BaseException:
        run.abort()
        raise
    return run.take_results()


def _arrays(draws: Sequence[Any], statistics: Sequence[Any]) -> tuple[Floats, Statistics]:
    """Draws of z (C, S, k) and statistics (C, S), without those of tuning."""
    kept = [~_column(batch, "tuning").astype(bool) for batch in statistics]
    z = [_column(batch, "z").reshape(len(own), -1)[own] for batch, own in zip(draws, kept, strict=True)]
    found = {
        name: np.stack([_column(batch, own)[at] for batch, at in zip(statistics, kept, strict=True)])
        for own, name in NAMES.items()
    }
    return np.stack(z), found


def _column(batch: Any, name: str) -> NDArray[Any]:
    """All numbers of a column of an Arrow table."""
    import pyarrow  # type: ignore[import-untyped]

    column = pyarrow.array(batch.column(name))
    return np.asarray((column.flatten() if hasattr(column, "flatten") else column).to_numpy(False))


@cache
def _core() -> Any:
    """nutpie's compiled part, under the name that the package itself imports it by."""
    name = "nutpie._lib"
    if name not in sys.modules:
        package = find_spec("nutpie")
        found = PathFinder.find_spec(name, package.submodule_search_locations if package else None)
        if found is None or found.loader is None:
            return import_module(name)
        sys.modules[name] = module_from_spec(found)
        found.loader.exec_module(sys.modules[name])
    return sys.modules[name]
