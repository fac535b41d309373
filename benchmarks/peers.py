"""The same REML fits by other packages, where they are installed: lme4 (through Rscript) and statsmodels."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from harness import timed

LME4 = """
suppressMessages(library(lme4))
frame <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
{factors}
fit <- function() suppressMessages(suppressWarnings(lmer({formula}, data = frame)))
invisible(lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy))
seconds <- replicate({repeats}, system.time(found <<- fit())[["elapsed"]])
cat(median(seconds), format(as.numeric(logLik(found)), digits = 15))
"""


class Peer(NamedTuple):
    """Median seconds of a fit, and its REML log-likelihood."""

    seconds: float
    loglik: float


def lme4(
    formula: str, frame: pd.DataFrame, groups: tuple[str, ...], *, repeats: int = 1, limit: float = 600.0
) -> Peer | None:
    """`lmer` with its default optimiser; None without R and lme4, or after `limit` seconds."""
    if not shutil.which("Rscript"):
        return None
    factors = "".join(f"frame${name} <- factor(frame${name}); " for name in groups)
    code = LME4.format(formula=formula, factors=factors, repeats=repeats)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "frame.csv")
        frame.to_csv(data, index=False)
        command = ["Rscript", "-e", code, str(data)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
        except subprocess.TimeoutExpired:
            return None
    return Peer(*map(float, done.stdout.split())) if done.returncode == 0 else None


def statsmodels(fixed: str, slopes: str, group: str, frame: pd.DataFrame, *, repeats: int = 1) -> Peer | None:
    """`MixedLM` with its default optimiser; None where it is not installed."""
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        return None

    def fit():
        model = MixedLM.from_formula(fixed, frame, groups=group, re_formula=slopes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the boundary
            return model.fit(reml=True)

    return Peer(timed(fit, repeats), float(fit().llf))
