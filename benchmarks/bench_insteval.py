"""InstEval by REML: 73,421 ratings, three crossed factors; lme4 1.1 took 16.4 s on a 2-core machine.

The time of every stage, then of two ways to the maximum of the likelihood, both confirmed by the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from harness import table, timed, versions
from scipy.optimize import minimize

from laird.fitting.newton import minimise
from laird.gaussian.crossed import Crossed, cross, draw, effects, eliminate, sensitivities

DATA = Path(__file__).parent.parent / "tests" / "golden" / "insteval.csv.gz"
LME4_SECONDS, LME4_LOGLIK = 16.4, -118866.917063759
FORMULA = "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)"
REPEATS, RNG = 11, np.random.default_rng(0)


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


def main() -> None:
    W, ids = load()
    crossed = reduce(W, ids)
    print(f"`{FORMULA}`, {len(W)} rows, {', '.join(map(str, crossed.counts))} groups\n")
    print(
        table(
            ["stage", "ms"], ([name, f"{1000 * timed(work, REPEATS):.1f}"] for name, work in stages(W, ids))
        )
    )
    header = ["REML from θ = 1", "s", "evaluations", "lme4's time / this", "log-likelihood less lme4's"]
    print(table(header, (fit_row(fit, crossed, len(W)) for fit in (newton, quasi_newton_then_newton))))
    print(versions("laird", "numpy", "scipy", "numba"))


def stages(W: np.ndarray, ids: list[np.ndarray]) -> Iterator[tuple[str, Callable[[], object]]]:
    crossed = reduce(W, ids)
    factors, D = [np.array([[t]]) for t in (0.28, 0.44, 0.07)], np.eye(len(crossed.WW))
    found = eliminate(crossed, factors)
    yield "cross-products of the rows", lambda: reduce(W, ids)
    yield "value", lambda: eliminate(crossed, factors)
    yield "gradient, after the value", lambda: sensitivities(crossed, factors, found, D)
    yield "effects and covariances", lambda: effects(crossed, factors, found, np.zeros(2), np.eye(2))
    yield "a draw of the effects", lambda: draw(crossed, factors, found, 1.2, np.zeros(2), RNG)


def fit_row(fit: Callable[[Deviance], np.ndarray], crossed: Crossed, n: int) -> list[str]:
    deviance = Deviance(crossed, n)
    start = perf_counter()
    theta = fit(deviance)
    seconds, evaluations = perf_counter() - start, deviance.evaluations
    difference = -deviance(theta)[0] / 2 - LME4_LOGLIK
    ratio = LME4_SECONDS / seconds
    return [
        fit.__name__.replace("_", " "),
        f"{seconds:.2f}",
        f"{evaluations}",
        f"{ratio:.1f}",
        f"{difference:.0e}",
    ]


if __name__ == "__main__":
    main()
