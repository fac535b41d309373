"""What was asked of speed and what is found: every fit is a process of its own, lme4 in the same run."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator

import bench_insteval
import pandas as pd
from bench_scale import frame, median_of
from harness import process, table, versions
from peers import lme4

import laird as ld

HEADER = ["work", "laird", "compared with", "found", "asked"]
HIGH_SCHOOL = "mathach ~ ses * Sector + (1 + ses | school)"
ONE_LARGE, MANY_GROUPS, LARGEST = (1_000_000, 10_000, 2), (250_000, 125_000, 1), (10_000_000, 1_000_000, 2)


def measure(name: str) -> dict[str, float]:
    """Median seconds of building and fitting a model of bundled data, and peak memory."""
    formula, data, repeats = case(name)
    ld.model(formula, data=data).fit("reml")
    model = ld.model(formula, data=data)
    return {
        "build": median_of(lambda: ld.model(formula, data=data), repeats),
        "fit": median_of(lambda: model.fit("reml"), repeats),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def case(name: str) -> tuple[str, pd.DataFrame, int]:
    """Formula, data and number of repetitions."""
    if name == "hsfull":
        return HIGH_SCHOOL, ld.load_data("hsfull"), 51
    return bench_insteval.FORMULA, pd.read_csv(bench_insteval.DATA), 5


def bundled(name: str, work: str, groups: tuple[str, ...], asked: int) -> Iterator[list[str]]:
    """A fit against lme4's."""
    formula, data, repeats = case(name)
    seconds = process(__file__, name).result["fit"]
    peer = lme4(formula, data, groups, repeats=min(repeats, 11) if name == "hsfull" else 1)
    yield against(work, seconds, peer.seconds if peer else None, asked)


def against(work: str, seconds: float, peer: float | None, asked: int) -> list[str]:
    """A line of the table."""
    compared, found = (f"lme4: {peer:.2f} s", f"{peer / seconds:.0f} ×") if peer else ("", "")
    return [work, f"{seconds:.3f} s", compared, found, f"≥ {asked} ×"]


def simulated(n: int, J: int, q: int) -> dict[str, float]:
    """Seconds and memory of a size of `bench_scale.py`."""
    result: dict[str, float] = process("benchmarks/bench_scale.py", str(n), str(J), str(q)).result
    return {**result, "whole": result["build"] + result["fit"]}


def large() -> Iterator[list[str]]:
    """A million rows: from arrays against lme4, from the data frame against a bare pass over the columns."""
    work = "1,000,000 rows × 10,000 groups, random slope"
    r, (data, formula) = simulated(*ONE_LARGE), frame(*ONE_LARGE)
    peer = lme4(formula, data, ("g",))
    yield against(f"{work}: cross-products and maximum", r["arrays"], peer.seconds if peer else None, 100)
    passes = f"{r['whole'] / r['bare']:.1f} passes"
    yield [
        f"{work}: data frame to fit",
        f"{r['whole']:.3f} s",
        f"a bare pass: {r['bare']:.3f} s",
        passes,
        "≤ 5 passes",
    ]


def by_the_clock(
    size: tuple[int, int, int], work: str, seconds: float, gigabytes: float
) -> Iterator[list[str]]:
    """Data frame to fit within some seconds and some memory."""
    r = simulated(*size)
    found = f"{r['whole']:.2f} s, {r['peak'] / 1024:.1f} GiB"
    asked = f"< {seconds:g} s, < {gigabytes:g} GiB"
    yield [work, f"{r['whole']:.3f} s", "", found, asked]


def main() -> None:
    rows = [
        *bundled("hsfull", "hsfull, random slope", ("school",), 3),
        *large(),
        *bundled("insteval", "InstEval, three crossed factors", ("s", "d", "dept"), 8),
        *by_the_clock(MANY_GROUPS, "250,000 rows × 125,000 groups, random intercept", 0.3, 1),
        *by_the_clock(LARGEST, "10,000,000 rows × 1,000,000 groups, random slope", 20, 8),
    ]
    print("REML with standard errors and EBLUPs; builds and fits of ours are medians once all is imported.\n")
    print(table(HEADER, rows))
    print(versions("laird", "numpy", "scipy", "numba", "pandas"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
