"""A REML fit once everything is imported, next to lme4, statsmodels and a bare lower bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from harness import table, timed, versions
from peers import lme4, statsmodels

import laird as ld

FORMULA = "mathach ~ ses * Sector + (1 + ses | school)"
REPEATS = 50


def main() -> None:
    frame = ld.load_data("hsfull")
    model = ld.model(FORMULA, data=frame)
    ours = timed(lambda: model.fit("reml"), REPEATS)
    fit = model.fit("reml")
    build = timed(lambda: ld.model(FORMULA, data=frame), REPEATS)
    bound = timed(cross_products(model), REPEATS)
    rows = [
        ("`model.fit('reml')`", ours, fit.loglik),
        ("`ld.model(…)`: reads the data and builds the arrays", build, None),
        ("lower bound: one NumPy pass for the groups' cross-products", bound, None),
        *peers(frame),
    ]
    print(f"`{FORMULA}`, {len(frame)} rows, {frame.school.nunique()} schools; target of the fit: 30 ms\n")
    header = ["median", "ms", "time / laird's fit", "REML log-likelihood"]
    print(
        table(
            header, ([name, f"{1000 * s:.2f}", f"{s / ours:.1f}", _text(loglik)] for name, s, loglik in rows)
        )
    )
    print(f"laird's status: {fit.status}\n")
    print(versions("laird", "numpy", "numba", "statsmodels"))


def _text(loglik: float | None) -> str:
    return "" if loglik is None else f"{loglik:.4f}"


def cross_products(model: ld.Model):
    """All products of the columns [Z X y], summed by group: what every fit needs at least once."""
    design = model.design
    random = design.random[0]
    order = np.argsort(random.ids, kind="stable")
    C = np.column_stack([random.Z, design.X, design.y])[order]
    starts = np.flatnonzero(np.diff(random.ids[order], prepend=-1))
    left, right = np.triu_indices(C.shape[1])
    return lambda: np.add.reduceat(C[:, left] * C[:, right], starts)


def peers(frame: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    """Times and log-likelihoods of the peers that are installed."""
    if found := lme4(FORMULA, frame, ("school",), repeats=10):
        yield ("lme4's `lmer`, its default optimiser", *found)
    text = frame.astype({"school": str, "Sector": str})
    if found := statsmodels(FORMULA.split(" + (")[0], "~ses", "school", text, repeats=3):
        yield ("statsmodels' `MixedLM`", *found)


if __name__ == "__main__":
    main()
