"""REML by size: rows, groups and random coefficients; time of build and fit apart, and peak memory.

Every row of the table is a process of its own, so that peak memory is that of the row.  lme4 and
statsmodels fit the same data in the same run, where they are installed and do not take minutes.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from harness import process, table, versions
from peers import Peer, lme4, statsmodels

SIZES = [
    (10_000, 100, 2),
    (100_000, 1_000, 2),
    (250_000, 125_000, 1),
    (183_000, 30_000, 2),
    (1_000_000, 10_000, 1),
    (1_000_000, 10_000, 2),
    (1_000_000, 10_000, 3),
    (1_000_000, 10_000, 5),
    (1_000_000, 100, 2),
    (1_000_000, 300_000, 2),
    (10_000_000, 1_000_000, 2),
]
LME4_LIMIT = 60.0
"""lme4 is stopped after so many seconds, reading the data included."""
LARGEST_FOR_LME4, LARGEST_FOR_STATSMODELS = 1_000_000, 100_000
"""Rows; statsmodels needs minutes for more."""

HEADER = [
    *("rows", "groups", "q", "build, s", "fit, s", "bare pass, s", "(build + fit) / bare"),
    *("from arrays, s", "arrays / bare", "lme4, s", "lme4 / fit", "statsmodels, s", "peak MB"),
]
TEXT = """
`y ~ x + (1 + x | g)` with q random coefficients. Build: data frame to arrays. Fit: REML with EBLUPs,
their covariances and standard errors. From arrays: cross-products and the maximum of the likelihood.
Bare pass: the groups' cross-products by `numpy.bincount`. Medians of three, but for the largest.
Peak: the whole process, data and libraries included. lme4: `lmer` alone, its data read and sorted out;
stopped after a minute.
"""


def frame(n: int, J: int, q: int) -> tuple[pd.DataFrame, str]:
    """Data with q random coefficients by group, and their formula."""
    rng = np.random.default_rng(0)
    g = np.sort(rng.integers(0, J, n))
    x = rng.normal(size=(n, max(q - 1, 1)))
    Z = np.column_stack([np.ones(n), x[:, : q - 1]])
    u = rng.normal(size=(J, q)) * np.linspace(1.0, 0.4, q)
    y = 1.0 + 0.5 * x[:, 0] + np.einsum("iq,iq->i", Z, u[g]) + 2.0 * rng.normal(size=n)
    names = [f"x{k}" for k in range(x.shape[1])]
    random = " + ".join(["1", *names[: q - 1]])
    return pd.DataFrame({"y": y, "g": g, **dict(zip(names, x.T, strict=True))}), (
        f"y ~ {' + '.join(names)} + ({random} | g)"
    )


def measure(n: int, J: int, q: int) -> dict[str, float]:
    """Times of one size, compiled kernels loaded."""
    import laird as ld
    from laird.fitting.likelihood import maximise
    from laird.fitting.problem import grouped

    small, formula = frame(2_000, 50, q)
    ld.model(formula, data=small).fit("reml")
    data, formula = frame(n, J, q)
    repeats = 3 if n <= 1_000_000 else 1
    model = ld.model(formula, data=data)
    build = median_of(lambda: ld.model(formula, data=data), repeats)
    fit = median_of(lambda: model.fit("reml"), repeats)
    random = model.design.random[0]
    arrays = median_of(lambda: maximise(grouped(model.design, random), restricted=True), repeats)
    bare = median_of(lambda: bare_pass(data, q), repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"build": build, "fit": fit, "arrays": arrays, "bare": bare, "peak": peak}


def median_of(call: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        seconds.append(perf_counter() - start)
    return median(seconds)


def bare_pass(data: pd.DataFrame, q: int) -> None:
    """One NumPy pass for the groups' cross-products [Z y]'[Z y]."""
    ids = data.g.to_numpy()
    columns = [np.ones(len(data)), *(data[f"x{k}"].to_numpy() for k in range(q - 1)), data.y.to_numpy()]
    for a, left in enumerate(columns):
        for right in columns[: a + 1]:
            np.bincount(ids, left * right)


def peers(n: int, J: int, q: int) -> tuple[Peer | None, Peer | None]:
    """The same fit by lme4 and by statsmodels, where that is a matter of seconds."""
    data, formula = frame(n, J, q)
    fixed, slopes = formula.split(" + (")[0], "~" + formula.split("(")[1].split(" |")[0]
    return (
        lme4(formula, data, ("g",), limit=LME4_LIMIT) if n <= LARGEST_FOR_LME4 else None,
        statsmodels(fixed, slopes, "g", data) if n <= LARGEST_FOR_STATSMODELS else None,
    )


def row(n: int, J: int, q: int) -> list[str]:
    """One line of the table."""
    r = process(__file__, str(n), str(J), str(q)).result
    by_lme4, by_statsmodels = peers(n, J, q)
    return [
        *(f"{n:,}", f"{J:,}", f"{q}"),
        *(f"{r[name]:.3f}" for name in ("build", "fit", "bare")),
        f"{(r['build'] + r['fit']) / r['bare']:.1f}",
        *(f"{r['arrays']:.3f}", f"{r['arrays'] / r['bare']:.1f}"),
        *((f"{by_lme4.seconds:.2f}", f"{by_lme4.seconds / r['fit']:.0f}") if by_lme4 else ("", "")),
        f"{by_statsmodels.seconds:.1f}" if by_statsmodels else "",
        f"{r['peak']:.0f}",
    ]


def main() -> None:
    print(TEXT)
    print(table(HEADER, (row(*size) for size in SIZES)))
    print(versions("laird", "numpy", "numba", "pandas", "statsmodels"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*map(int, sys.argv[1:]))))
    else:
        main()
