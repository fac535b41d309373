"""Full Bayes where it was thought too slow: three crossed factors, a million rows, and the cost of calls.

``python bench_bayes.py calls`` compares a call by the sampler with the bare kernel for every kind of
model; ``insteval`` and ``million`` sample 4 chains of 1000 draws; without an argument, all three.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from bench_insteval import DATA
from harness import table, versions
from numba import cfunc, njit, types

import laird as ld
from laird.fitting.nuts import signed_elements
from laird.fitting.problem import problem
from laird.fitting.target import near, start, target_of
from laird.gaussian.crossed_lapack import one_thread
from laird.posterior.compiled import log_likelihood, model_of
from laird.posterior.density import Posterior
from laird.posterior.pointer import Address, addressed

HEADER = ["4 × 1000 draws", "wall s", "processor s", "target, s", "bulk ESS", "tail ESS", "R-hat"]
NUMBERS = ctypes.POINTER(ctypes.c_double)
CALLS, REPEATS = 200, 7
DENSITY = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, NUMBERS, NUMBERS, NUMBERS, ctypes.c_void_p)


def insteval() -> ld.Model:
    return ld.model("y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)", data=pd.read_csv(DATA))


def million(rows: int = 1_000_000, groups: int = 10_000) -> ld.Model:
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, groups, rows), rng.standard_normal(rows)
    u = rng.standard_normal((groups, 2)) @ np.array([[1.0, 0.2], [0.0, 0.5]])
    y = 1.0 + 0.5 * x + u[g, 0] + u[g, 1] * x + rng.standard_normal(rows)
    return ld.model("y ~ x + (1 + x | g)", data=pd.DataFrame({"y": y, "x": x, "g": g}))


def sampled(name: str, model: ld.Model, target: int) -> list[object]:
    """One fit, from the bound model to the draws of all group effects."""
    wall, processor = perf_counter(), process_time()
    fit = model.fit("nuts", random_seed=1, progress=False)
    wall, processor = perf_counter() - wall, process_time() - processor
    rows = fit.summary()
    ess = (f"{rows[column].min():,.0f}" for column in ("ess_bulk", "ess_tail"))
    return [name, f"{wall:.0f}", f"{processor:.0f}", f"< {target}", *ess, f"{rows.rhat.max():.3f}"]


def kinds() -> Iterator[tuple[str, ld.Model]]:
    """One model of every kind of density."""
    rng, J, n = np.random.default_rng(2), 100, 1000
    g, x, w = np.repeat(np.arange(J), n // J), rng.standard_normal(n), rng.standard_normal(J)
    y = rng.standard_normal(J)[g] + x + rng.standard_normal(n)
    frame = pd.DataFrame({"y": y, "x": x, "g": g, "h": np.arange(n) // 5, "c": np.arange(n) % 20, "w": w[g]})
    frame = frame.assign(y2=0.5 * y + rng.standard_normal(n), v=rng.uniform(0.1, 1.0, n))
    h = frame.h.to_numpy()
    V = np.where(np.equal.outer(h, h), 0.05, 0.0) + np.diag(frame.v)
    yield "one factor", ld.model("y ~ x + (1 + x | g)", data=frame)
    yield "nested", ld.model("y ~ x + (1 + x | g) + (1 | g:h)", data=frame)
    yield "crossed", ld.model("y ~ x + (1 + x | g) + (1 | c)", data=frame)
    yield "`sigma ~ x`", ld.model("y ~ x + (1 | g)", "sigma ~ x", data=frame)
    yield "`sd(g) ~ w`", ld.model("y ~ x + (1 | g)", "sd(g) ~ w", data=frame)
    yield "crossed, `sigma ~ x`", ld.model("y ~ x + (1 | g) + (1 | c)", "sigma ~ x", data=frame)
    yield "V in blocks", ld.model("y ~ x + (1 | g) + meta_V(V)", data=frame, known={"V": V})
    yield "two outcomes", ld.model("y ~ x + (1 | g)", "y2 ~ x + (1 | g)", "rho(y, y2) ~ 1", data=frame)


def call_costs(name: str, model: ld.Model) -> list[object]:
    """A call of the address that the sampler has, and the likelihood with its gradient in a compiled loop."""
    bound = problem(model.spec, model.schema, model.design)
    target = target_of(bound, model.priors).signed(signed_elements(bound))
    phi = target.coordinates.enter(near(target, *start(bound, target)))
    with one_thread(), addressed(target, phi, np.eye(len(phi))) as address:
        inside = _per_call(_caller(address, len(phi))) if address else np.nan
        inside -= _per_call(_caller(Address(_nothing.address, 0), len(phi)))  # what a call costs Python
        bare = _bare(target, phi)
    return [name, f"{1e6 * bare:.1f}", f"{1e6 * inside:.1f}", f"{inside / bare:.2f}"]


@cfunc(types.int64(types.uint64, *[types.CPointer(types.float64)] * 3, types.voidptr))
def _nothing(_k: Any, _z: Any, _gradient: Any, _value: Any, _data: Any) -> int:
    return 0


def _caller(address: Address, k: int) -> Callable[[], object]:
    density, z, gradient, value = DENSITY(address.function), np.zeros(k), np.zeros(k), np.zeros(1)
    places = [own.ctypes.data_as(NUMBERS) for own in (z, gradient, value)]
    return lambda: [density(k, *places, address.data) for _ in range(CALLS)]


@njit(error_model="numpy")
def _loop(model: Any, L: Any, alpha: Any, delta: Any, log_phi: Any, zeta: Any, b: Any, calls: int) -> float:
    total = 0.0
    for _ in range(calls):
        total += log_likelihood(
            model, L, alpha, delta, log_phi, zeta, b,
            np.zeros(L.shape), np.zeros(len(alpha)), np.zeros(len(delta)), np.zeros(len(log_phi)),
            np.zeros(len(zeta)), np.zeros(len(b)),
        )  # fmt: skip
    return total


def _bare(target: Posterior, phi: np.ndarray) -> float:
    """Seconds of the likelihood and its gradient, without priors, coordinates and callers."""
    theta, b = target.coordinates.split(phi)
    delta = np.concatenate([np.zeros(0), *theta.delta])
    arguments = (model_of(target.likelihood), theta.L, theta.alpha, delta, theta.log_phi, theta.zeta, b)
    return _per_call(lambda: _loop(*arguments, CALLS))


def _per_call(run: Callable[[], object]) -> float:
    """Least processor time of several runs, by call."""
    run()
    times = []
    for _ in range(REPEATS):
        start = process_time()
        run()
        times.append((process_time() - start) / CALLS)
    return min(times)


def main(wanted: str = "") -> None:
    if wanted in ("", "calls"):
        header = ["call", "bare kernel, µs", "by the sampler, µs", "ratio, target 1.5"]
        print(table(header, (call_costs(*kind) for kind in kinds())))
    if wanted in ("", "million"):
        print(table(HEADER, [sampled("1,000,000 rows × 10,000 groups, random slope", million(), 90)]))
    if wanted in ("", "insteval"):
        print(table(HEADER, [sampled("InstEval, 73,421 rows, three crossed factors", insteval(), 300)]))
    print(versions("laird", "numpy", "numba", "nutpie"))


if __name__ == "__main__":
    main(*sys.argv[1:])
