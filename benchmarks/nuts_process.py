"""One fit by NUTS, 4 chains of 1000 draws after 1000 of tuning, in a process of its own.

``python -m benchmarks.nuts_process laird "(1 + ses || school)" 1`` (package, random terms, seed)
prints one line of JSON: seconds of sampling alone, and of a second fit in the same process (laird);
processor seconds; the smallest bulk effective sample size over coefficients, sds, correlations,
sigma and group effects, whose it is, and the seconds that the second fit and this took.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
from tests.bambi_peer import Case, Draws, bambi_draws, fit_bambi, laird_draws

from laird.fitting.convergence import convergence

OPTIONS = {"draws": 1000, "tune": 1000, "chains": 4}


class Stopwatch:
    """Adds up the seconds spent in functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self, module: Any, name: str) -> None:
        function: Callable[..., Any] = getattr(module, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            start = perf_counter()
            result = function(*arguments, **options)
            self.seconds += perf_counter() - start
            return result

        setattr(module, name, watched)


def laird(case: Case, seed: int, stopwatch: Stopwatch) -> Draws:
    """Sampling includes the exact draws of coefficients and group effects."""
    from laird.fitting import nutpie_sampler, nuts

    stopwatch.watch(nutpie_sampler, "sample")
    stopwatch.watch(nuts, "joint_draws")
    fit = case.model().fit("nuts", random_seed=seed, progress=False, **OPTIONS)
    correlation = {"cor": fit.draws.correlation[..., 0, 1]} if "||" not in case.formula else {}
    return laird_draws(fit) | correlation


def bambi(case: Case, seed: int, stopwatch: Stopwatch) -> Draws:
    import nutpie

    stopwatch.watch(nutpie, "sample")
    return bambi_draws(fit_bambi(case, random_seed=seed, **OPTIONS), case)


def main(package: str, random: str, seed: str) -> None:
    stopwatch = Stopwatch()
    case = Case("hsfull", f"mathach ~ ses * Sector + {random}")
    draws = {"laird": laird, "bambi": bambi}[package](case, int(seed), stopwatch)
    sampling, processor, start = stopwatch.seconds, process_time(), perf_counter()
    again = _again(case, int(seed)) if package == "laird" else 0.0
    ess = {name: convergence(np.asarray(values))[0] for name, values in draws.items()}
    least = min(ess, key=ess.__getitem__)
    found = {"sampling": sampling, "again": again, "processor": processor, "ess": ess[least], "least": least}
    print(json.dumps(found | {"checking": perf_counter() - start}))


def _again(case: Case, seed: int) -> float:
    """Seconds of a fit once all is imported and compiled."""
    model = case.model()
    start = perf_counter()
    model.fit("nuts", random_seed=seed, progress=False, **OPTIONS)
    return perf_counter() - start


if __name__ == "__main__":
    main(*sys.argv[1:])
