"""REML by size: rows, groups and random coefficients; time of build and fit apart, and peak memory.

Every row of the table is a process of its own, so that peak memory is that of the row.
"""

from __future__ import annotations

import json
import resource
import sys
from time import perf_counter

import numpy as np
import pandas as pd
from harness import process, table, versions

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
HEADER = [
    *("rows", "groups", "q", "build, s", "fit, s"),
    *("from arrays, s", "bare pass, s", "arrays / bare", "peak MB"),
]
TEXT = """
`y ~ x + (1 + x | g)` with q random coefficients. Build: data frame to arrays. Fit: REML with EBLUPs,
their covariances and standard errors. From arrays: cross-products and the maximum of the likelihood.
Bare pass: the groups' cross-products by `numpy.bincount`. Peak: the whole process, data and libraries
included.
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
    start = perf_counter()
    model = ld.model(formula, data=data)
    built = perf_counter()
    fit = model.fit("reml")
    fitted = perf_counter()
    reduced = grouped(model.design, model.design.random[0])
    maximise(reduced, restricted=True)
    from_arrays = perf_counter() - fitted
    return {
        "build": built - start,
        "fit": fitted - built,
        "arrays": from_arrays,
        "bare": bare_pass(data, q),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ok": float(fit.status == "ok"),
    }


def bare_pass(data: pd.DataFrame, q: int) -> float:
    """Seconds of one NumPy pass for the groups' cross-products [Z y]'[Z y]."""
    ids = data.g.to_numpy()
    columns = [np.ones(len(data)), *(data[f"x{k}"].to_numpy() for k in range(q - 1)), data.y.to_numpy()]
    start = perf_counter()
    for a, left in enumerate(columns):
        for right in columns[: a + 1]:
            np.bincount(ids, left * right)
    return perf_counter() - start


def main() -> None:
    rows = []
    for n, J, q in SIZES:
        r = process(__file__, str(n), str(J), str(q)).result
        times = [f"{r[name]:.3f}" for name in ("build", "fit", "arrays", "bare")]
        rows.append([f"{n:,}", f"{J:,}", q, *times, f"{r['arrays'] / r['bare']:.1f}", f"{r['peak']:.0f}"])
    print(TEXT)
    print(table(HEADER, rows))
    print(versions("laird", "numpy", "numba", "pandas"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*map(int, sys.argv[1:]))))
    else:
        main()
