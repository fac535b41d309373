"""What a long run is doing: a bar on a terminal, one line for each step anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter

type Step = Callable[[str], AbstractContextManager[None]]
"""``with step("REML"): ...`` says that this is being done, and how long it took."""


def progress(total: int, *, quiet: bool = False) -> AbstractContextManager[Step]:
    """Return the progress of `total` steps, shown on standard error.

    Examples
    --------
    >>> with progress(2, quiet=True) as step:
    ...     with step("read the data"):
    ...         pass
    """
    if quiet:
        return nullcontext(lambda _: nullcontext())
    return _bar(total) if _is_interactive() else nullcontext(_line)


def _is_interactive() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and "CI" not in os.environ


@contextmanager
def _line(label: str) -> Iterator[None]:
    start = perf_counter()
    yield
    sys.stderr.write(f"{_done(label, start)}\n")
    sys.stderr.flush()


def _done(label: str, start: float) -> str:
    return f"{label:<46} {perf_counter() - start:7.2f} s"


@contextmanager
def _bar(total: int) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as bar:
        task = bar.add_task("", total=total)

        @contextmanager
        def step(label: str) -> Iterator[None]:
            start = perf_counter()
            bar.update(task, description=label)
            yield
            bar.console.print(f"[green]✓[/green] {_done(label, start)}")
            bar.advance(task)

        yield step
