"""InstEval by REML: 73,421 ratings, three crossed factors; lme4 1.1 takes 16.4 s on a 2-core machine.

Run as `python benchmarks/bench_insteval.py`.  Prints the time of every stage, then of two ways to
the maximum of the likelihood with a check by the Hessian, from the start θ = 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from laird.fitting.newton import minimise
from laird.gaussian.crossed import Crossed, cross, effects, eliminate, sensitivities

DATA = Path(__file__).parent.parent / "tests" / "golden" / "insteval.csv.gz"
LME4_SECONDS, LME4_LOGLIK = 16.4, -118866.917063759
REPEATS = 5


class Deviance:
    """-2 log L_R profiled over β and σ, and its gradient in θ; counts its evaluations."""

    def __init__(self, crossed: Crossed, n: int) -> None:
        self.crossed, self.df, self.evaluations = crossed, n - len(crossed.WW) + 1, 0

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        factors = [np.array([[t]]) for t in theta]
        found = eliminate(self.crossed, factors)
        inverse = np.linalg.inv(found.S[:-1, :-1])
        left = np.append(-inverse @ found.S[:-1, -1], 1.0)
        variance = left @ found.S @ left / self.df
        D = np.outer(left, left) / variance
        D[:-1, :-1] += inverse
        value = found.logdet - np.linalg.slogdet(inverse)[1]
        value += self.df * (1 + np.log(2 * np.pi * variance))
        return value, 2 * theta * np.ravel(sensitivities(self.crossed, factors, found, D))


def load() -> tuple[np.ndarray, list[np.ndarray]]:
    """[X y] of y ~ 1 + service, and the group of every row by factor."""
    frame = pd.read_csv(DATA)
    W = np.column_stack([np.ones(len(frame)), frame.service, frame.y]).astype(float)
    return W, [frame.groupby(factor).ngroup().to_numpy() for factor in ("s", "d", "dept")]


def reduce(W: np.ndarray, ids: list[np.ndarray]) -> Crossed:
    return cross(W, [np.ones((len(W), 1))] * len(ids), ids, [i.max() + 1 for i in ids])


def newton(deviance: Deviance) -> np.ndarray:
    return minimise(deviance, np.ones(3)).x


def quasi_newton_then_newton(deviance: Deviance) -> np.ndarray:
    """L-BFGS-B to the neighbourhood of the maximum; Newton's method confirms and polishes it."""
    near = minimize(
        deviance, np.ones(3), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 3, options={"ftol": 1e-10}
    )
    return minimise(deviance, near.x).x


def seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """The least of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    W, ids = load()
    crossed = reduce(W, ids)
    factors, D = [np.array([[t]]) for t in (0.28, 0.44, 0.07)], np.eye(len(crossed.WW))
    found = eliminate(crossed, factors)
    sensitivities(crossed, factors, found, D)  # compiles
    beta, cov = np.zeros(2), np.eye(2)
    print("| stage | ms |\n|---|---|")
    for label, work in {
        "cross-products": lambda: reduce(W, ids),
        "value": lambda: eliminate(crossed, factors),
        "gradient, after the value": lambda: sensitivities(crossed, factors, found, D),
        "effects and their covariances": lambda: effects(crossed, factors, found, beta, cov),
    }.items():
        print(f"| {label} | {1000 * seconds(work):.1f} |")
    print("\n| REML from θ = 1 | evaluations | s | lme4's time / this | log-likelihood - lme4's |")
    print("|---|---|---|---|---|")
    for fit in (newton, quasi_newton_then_newton):
        deviance = Deviance(crossed, len(W))
        start = time.perf_counter()
        value = -deviance(fit(deviance))[0] / 2
        elapsed = time.perf_counter() - start
        label = fit.__name__.replace("_", " ")
        ratio = LME4_SECONDS / elapsed
        print(
            f"| {label} | {deviance.evaluations} | {elapsed:.2f} | {ratio:.1f} | {value - LME4_LOGLIK:.1e} |"
        )


if __name__ == "__main__":
    main()
