"""InstEval by REML: 73,421 ratings, three crossed factors; what a fit spends its time on, next to lme4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import patch

import numpy as np
import pandas as pd
from harness import ROOT, table, timed, versions
from peers import lme4

import laird as ld
from laird.fitting import likelihood
from laird.fitting.curvature import curvature
from laird.gaussian.reduced import density, profiled, solve
from laird.posterior.structure import structure

DATA = ROOT / "tests" / "golden" / "insteval.csv.gz"
FORMULA = "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)"
GROUPS = ("s", "d", "dept")
REPEATS = 5


def stages(data: pd.DataFrame, model: ld.Model) -> Iterator[tuple[str, Callable[[], object]]]:
    """The parts of a fit, in their order, and the whole."""
    reduced = structure(model.design)
    found = likelihood.maximise(reduced, restricted=True)
    Lam = np.linalg.solve(reduced.scaling.T, found.L) / found.sigma
    yield "data frame to arrays", lambda: ld.model(FORMULA, data=data)
    yield "cross-products of the rows", lambda: structure(model.design)
    yield "one value and gradient", lambda: profiled(reduced, Lam, restricted=True)
    yield "search of the maximum", lambda: likelihood.maximise(reduced, restricted=True)
    yield "curvature, for standard errors", lambda: curvature(reduced, found, restricted=True)
    yield "effects and their covariances", lambda: solve(reduced, found.L, found.sigma)
    yield "`model.fit('reml')`, the whole", lambda: model.fit("reml")


def evaluations(model: ld.Model) -> int:
    """Values and gradients that a fit asks for, those for the curvature included."""
    with (
        patch("laird.fitting.likelihood.profiled", wraps=profiled) as searched,
        patch("laird.fitting.curvature.density", wraps=density) as differenced,
    ):
        model.fit("reml")
    return searched.call_count + differenced.call_count


def main() -> None:
    data = pd.read_csv(DATA)
    model = ld.model(FORMULA, data=data)
    fit = model.fit("reml")
    print(f"`{FORMULA}`, {fit.nobs} rows, {', '.join(str(fit.ngroups[g]) for g in GROUPS)} groups\n")
    rows = [(name, f"{1000 * timed(call, REPEATS):.1f}") for name, call in stages(data, model)]
    print(table([f"stage, median of {REPEATS}", "ms"], rows))
    print(
        f"{evaluations(model)} values and gradients of three parameters; REML log-likelihood {fit.loglik:.6f}"
    )
    if peer := lme4(FORMULA, data, GROUPS):
        seconds, difference = float(rows[-1][1]) / 1000, fit.loglik - peer.loglik
        print(f"lme4: {peer.seconds:.2f} s, {peer.seconds / seconds:.1f} × laird's; ", end="")
        print(f"our log-likelihood less lme4's: {difference:.0e}")
    print(f"\n{versions('laird', 'numpy', 'scipy', 'numba')}")


if __name__ == "__main__":
    main()
