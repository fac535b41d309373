"""Meta-analyses: seconds inside one process once imported, next to metafor where R has it.

Run with ``python benchmarks/bench_meta.py``; prints Markdown.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import process, table, timed

import laird as ld

LIMIT = 120.0
"""Seconds after which metafor is stopped."""

METAFOR = """
suppressMessages(library(metafor))
dat <- read.csv(commandArgs(TRUE)[1])
invisible(rma(yi, vi, data = dat[1:20, ]))
{setup}
cat(system.time(found <- {call})[["elapsed"]], format(as.numeric(logLik(found)), digits = 15))
"""

BLOCKS = """
block <- function(v) { V <- 0.5 * sqrt(v %o% v); diag(V) <- v; V }
V <- bldiag(lapply(split(dat$vi, dat$study), block))
"""


@dataclass(frozen=True)
class Work:
    """One row of the table: a model, its data, the same in metafor, and the seconds asked for."""

    name: str
    parts: tuple[str, ...]
    frame: Callable[[], pd.DataFrame]
    asked: float
    metafor: str = ""
    setup: str = ""
    known: dict[str, str] | None = None

    def model(self) -> ld.Model:
        return ld.model(*self.parts, data=self.frame(), known=self.known)


def simulated(rows: int, studies: int) -> pd.DataFrame:
    """Effect sizes in studies, with a moderator of rows and one of studies."""
    rng = np.random.default_rng(1)
    study = np.sort(rng.permutation(rows) % studies)
    x, w = rng.normal(size=rows), rng.normal(size=studies)[study]
    v = rng.uniform(0.01, 0.1, rows)
    u = 0.2 * np.exp(0.3 * w) * rng.normal(size=studies)[study]
    y = 0.2 + 0.1 * x + u + np.sqrt(v + 0.04 * np.exp(0.4 * x)) * rng.normal(size=rows)
    return pd.DataFrame({"study": study, "effect": np.arange(rows), "x": x, "w": w, "vi": v, "yi": y})


WORKS = (
    Work(
        "`yi ~ x`, `sigma ~ x`, k = 2,000",
        ("yi ~ x + meta_V(vi)", "sigma ~ x"),
        lambda: simulated(2000, 500),
        0.05,
        "rma(yi, vi, mods = ~ x, scale = ~ x, data = dat)",
    ),
    Work(
        "three-level, k = 2,000, 500 studies",
        ("yi ~ x + (1 | study) + meta_V(vi)",),
        lambda: simulated(2000, 500),
        0.05,
        "rma.mv(yi, vi, mods = ~ x, random = ~ 1 | study / effect, data = dat, sparse = TRUE)",
    ),
    Work(
        "V in blocks of 4, k = 1,000, `(1 | study)`",
        ("yi ~ x + (1 | study) + meta_V(V)",),
        lambda: simulated(1000, 250),
        0.1,
        "rma.mv(yi, V, mods = ~ x, random = ~ 1 | study / effect, data = dat, sparse = TRUE)",
        BLOCKS,
        {"V": "vcov_cluster(vi, study, rho=0.5)"},
    ),
    Work(
        "`sd(study) ~ w`, 10,000 rows, 2,000 studies",
        ("yi ~ x + (1 | study) + meta_V(vi)", "sd(study) ~ w"),
        lambda: simulated(10_000, 2000),
        0.2,
    ),
    Work(
        "`(1 | study)`, `sigma ~ x`, 100,000 rows, 10,000 studies",
        ("yi ~ x + (1 | study) + meta_V(vi)", "sigma ~ x"),
        lambda: simulated(100_000, 10_000),
        1.0,
    ),
)

NUTS = """
from time import perf_counter
import laird as ld
levels = {"habitat": ["grassland", "forest"]}
model = ld.model("yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat",
                 data=ld.load_data("restoration"), levels=levels)
start = perf_counter()
fit = model.fit("nuts", draws=1000, chains=4, random_seed=1, progress=False)
first = perf_counter() - start
start = perf_counter()
model.fit("nuts", draws=1000, chains=4, random_seed=2, progress=False)
print([first, perf_counter() - start])
"""


def metafor(work: Work, frame: pd.DataFrame) -> str:
    """Seconds of metafor, `> LIMIT` when it was stopped, nothing where it cannot be run."""
    if not (work.metafor and shutil.which("Rscript")):
        return ""
    code = METAFOR.format(setup=work.setup, call=work.metafor)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "frame.csv")
        frame.to_csv(data, index=False)
        command = ["Rscript", "-e", code, str(data)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return f"> {LIMIT:.0f}"
    return done.stdout.split()[0] if done.returncode == 0 else ""


def rows() -> Iterator[tuple[Any, ...]]:
    for work in WORKS:
        frame = work.frame()
        model = work.model()
        fit, whole = timed(lambda m=model: m.fit("reml"), 5), timed(lambda w=work: w.model().fit("reml"), 3)
        peer = metafor(work, frame)
        ratio = f"{float(peer.removeprefix('> ')) / whole:,.0f}" if peer else ""
        yield work.name, f"{fit:.4f}", f"{whole:.4f}", f"{work.asked}", peer, ratio


def main() -> None:
    print("# Meta-analysis\n")
    print("Seconds by REML: `model.fit()`, and from the data frame to the fit; metafor in the same run.\n")
    print(table(["work", "fit", "data frame to fit", "asked", "metafor", "times faster"], rows()))
    warm = [process("-c", NUTS).result for _ in range(2)][1]
    print("\nNUTS, 4 x 1000 draws, `restoration`, in a process of its own, kernels cached (asked < 3):\n")
    print(table(["first fit, imports of the samplers included", "second fit"], [[f"{s:.2f}" for s in warm]]))


if __name__ == "__main__":
    main()
