"""What compilation costs: the first fit after installation, and the first fit of any later process.

Processor seconds, which other work on the machine lengthens less than seconds by the clock. Every
fit is a process of its own; what is counted begins once pandas and the data are there: importing
laird and numba, reading or compiling kernels, model, fit and summary, less a second fit.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from time import perf_counter, process_time

import pandas as pd
from harness import ROOT, empty_caches, process, table, versions

LATER = 5
ASKED_FIRST, ASKED_LATER = 10, 1
GOLDEN = ROOT / "tests" / "golden"
THREE_LEVELS = ("yi ~ 1 + meta_V(vi) + (1 | district / school)", "sigma ~ 0")
CASES = {
    "random slope": (("mathach ~ ses * Sector + (1 + ses | school)",), "hsfull"),
    "nested": (("strength ~ 1 + (1 | batch / cask)",), "pastes"),
    "crossed": (("diameter ~ 1 + (1 | plate) + (1 | sample)",), "penicillin"),
    "meta-analysis, location and scale": (("yi ~ ni100 + meta_V(vi)", "sigma ~ ni100"), "bangertdrowns2004"),
    "meta-analysis, three levels": (THREE_LEVELS, "konstantopoulos2011"),
}


def data_of(name: str) -> pd.DataFrame:
    """A bundled data set, or one of the tests'."""
    folder = ROOT / "src" / "laird" / "data" / "datasets"
    (path,) = [*folder.glob(f"{name}.*"), *GOLDEN.glob(f"{name}.*")][:1]
    data = pd.read_csv(path)
    return data.assign(ni100=data.ni / 100) if "ni" in data else data


def measure(name: str) -> list[float]:
    """Processor and wall seconds of a process's first model, fit and summary, less those of a second."""
    parts, source = CASES[name]
    data = data_of(source)
    first, second = (_timed(parts, data) for _ in range(2))
    return [a - b for a, b in zip(first, second, strict=True)]


def _timed(parts: tuple[str, ...], data: pd.DataFrame) -> tuple[float, float]:
    processor, wall = process_time(), perf_counter()
    import laird as ld

    ld.model(*parts, data=data).fit("reml").summary()
    return process_time() - processor, perf_counter() - wall


def rows() -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        with empty_caches() as caches:  # an installation has bytecode; here this process writes it
            process(__file__, "nested", environment=caches | bytecode)
        for name in CASES:
            with empty_caches() as caches:
                yield _row(name, caches | bytecode)


def _row(name: str, environment: dict[str, str]) -> list[str]:
    first, wall = process(__file__, name, environment=environment).result
    later = [process(__file__, name, environment=environment).result[0] for _ in range(LATER)]
    return [name, f"{first:.1f}", f"{ASKED_FIRST}", f"{median(later):.2f}", f"{ASKED_LATER}", f"{wall:.1f}"]


def main() -> None:
    header = ["first fit by REML, seconds more than a second fit", "after installation", "asked <"]
    header += [f"in a later process, median of {LATER}", "asked <", "after installation, by the clock"]
    print(table(header, rows()))
    print(versions("laird", "numpy", "pandas", "numba"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
