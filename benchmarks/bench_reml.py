"""A REML fit once everything is imported, next to lme4, statsmodels and a bare lower bound."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from harness import table, timed, versions

import laird as ld

FORMULA = "mathach ~ ses * Sector + (1 + ses | school)"
REPEATS = 50
LME4 = """
suppressMessages(library(lme4))
hs <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
fit <- function() suppressMessages(suppressWarnings(lmer({formula}, data = hs)))
invisible(fit())
seconds <- replicate(10, system.time(fit())[["elapsed"]])
cat(median(seconds), format(as.numeric(logLik(fit())), digits = 15))
"""


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
        *lme4(frame),
        *statsmodels(frame),
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


def lme4(frame: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    """lme4's time and log-likelihood, where R has it."""
    if not shutil.which("Rscript"):
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "hs.csv")
        frame.to_csv(data, index=False)
        command = ["Rscript", "-e", LME4.format(formula=FORMULA), str(data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        seconds, loglik = map(float, done.stdout.split())
        yield "lme4's `lmer`, its default optimiser", seconds, loglik


def statsmodels(frame: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    """statsmodels' time and log-likelihood, where it is installed."""
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        return
    import warnings

    data = frame.astype({"school": str, "Sector": str})

    def fit():
        model = MixedLM.from_formula(FORMULA.split(" + (")[0], data, groups="school", re_formula="~ses")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the boundary
            return model.fit(reml=True)

    yield "statsmodels' `MixedLM`", timed(fit, 3), float(fit().llf)


if __name__ == "__main__":
    main()
