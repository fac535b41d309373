"""What the benchmarks share: processes timed from outside, fresh caches, Markdown tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished process: its wall time in seconds, and what it printed."""

    seconds: float
    output: str

    @property
    def result(self) -> Any:
        """The last line of the output, read as JSON."""
        return json.loads(self.output.strip().splitlines()[-1])


def process(*arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run this Python with `arguments` in the repository's root."""
    start = perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | dict(environment or {}),
    )  # fmt: skip
    seconds = perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return Run(seconds, done.stdout)


def processes(runs: int, *arguments: str) -> list[Run]:
    """Run the same process several times, after one run that is not counted."""
    return processes_each([arguments] * (runs + 1))


def processes_each(commands: Iterable[Sequence[str]]) -> list[Run]:
    """Run one process after the other; the first one, which fills caches, is not counted."""
    return [process(*arguments) for arguments in commands][1:]


def seconds(runs: Iterable[Run]) -> float:
    """Median wall time."""
    return median(run.seconds for run in runs)


@contextmanager
def empty_caches() -> Iterator[dict[str, str]]:
    """Environment of a first-ever run: no function of numba or PyTensor is compiled yet."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ",".join(
            [f"base_compiledir={folder}/pytensor", *os.environ.get("PYTENSOR_FLAGS", "").split()]
        )
        yield {"NUMBA_CACHE_DIR": f"{folder}/numba", "PYTENSOR_FLAGS": flags}


def timed(call: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    call()
    return median(_once(call) for _ in range(repeats))


def _once(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, its first column to the left."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


def versions(*packages: str) -> str:
    """Return the versions of Python and of the packages that are installed."""
    found = [f"Python {sys.version.split()[0]}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)
