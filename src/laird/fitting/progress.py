"""How far all chains are, on one line: on a terminal, or in a notebook, which keeps its last state.

In a notebook the line is one output that is replaced as chains go on; what is saved is the last:
chains, draws, divergences and time, as text and as HTML.  Nothing else is left behind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import escape
from importlib import import_module
from time import perf_counter
from typing import Any, Literal, Protocol

from laird.fitting.settings import Settings

INTERVAL = 0.2
"""Seconds between two states that are shown."""


class ChainProgress(Protocol):
    """What a sampler says of one chain."""

    finished_draws: int
    divergences: int


@dataclass(frozen=True, slots=True)
class State:
    """How far the chains are.

    Examples
    --------
    >>> State(chains=4, draws=1000, tune=500, done=3000, divergences=0, seconds=1.25)
    4 chains of 1,000 draws after 500 of tuning: 50 %, 0 divergences, 1.2 s
    """

    chains: int
    draws: int
    tune: int
    done: int = 0
    divergences: int = 0
    seconds: float = 0.0
    ended: Literal["", "finished", "stopped"] = ""

    @property
    def total(self) -> int:
        """Draws of all chains, tuning included."""
        return self.chains * (self.draws + self.tune)

    def __repr__(self) -> str:
        share = "finished" if self.ended == "finished" else f"{100 * self.done // self.total} %"
        share = f"stopped at {share}" if self.ended == "stopped" else share
        chains = f"{self.chains} chain{'s' * (self.chains != 1)} of {self.draws:,} draws"
        divergences = f"{self.divergences:,} divergence{'s' * (self.divergences != 1)}"
        return f"{chains} after {self.tune:,} of tuning: {share}, {divergences}, {self.seconds:.1f} s"

    def _repr_html_(self) -> str:
        bar = "" if self.ended else f'<progress value="{self.done}" max="{self.total}"></progress> '
        return f'<div class="laird-progress">{bar}<small>{escape(repr(self))}</small></div>'


type Show = Callable[[State], None]


class Watch:
    """The state of the chains, shown from time to time; samplers call it."""

    def __init__(self, state: State, show: Show) -> None:
        self.state, self.show = state, show
        self.start = perf_counter()
        self.shown = -INTERVAL

    def __call__(self, chains: Sequence[ChainProgress]) -> None:
        """nutpie's callback: all chains at once."""
        done, divergences = (
            sum(getattr(c, what) for c in chains) for what in ("finished_draws", "divergences")
        )
        self._update(done, divergences)

    def draw(self, *, trace: object, draw: Any) -> None:  # noqa: ARG002  # PyMC passes both by name
        """PyMC's callback: one draw of one chain."""
        diverging = not draw.tuning and bool(draw.stats[0].get("diverging", False))
        self._update(self.state.done + 1, self.state.divergences + diverging)

    def _update(self, done: int, divergences: int) -> None:
        seconds = perf_counter() - self.start
        self.state = replace(self.state, done=done, divergences=divergences, seconds=seconds)
        if seconds - self.shown >= INTERVAL:
            self.shown = seconds
            self.show(self.state)

    def finish(self, divergences: int) -> None:
        """Show the last state: all draws are there, of which so many diverged."""
        self._end(replace(self.state, done=self.state.total, divergences=divergences, ended="finished"))

    def stop(self) -> None:
        """Show that the chains came to no end."""
        self._end(replace(self.state, ended="stopped"))

    def _end(self, state: State) -> None:
        if not self.state.ended:
            self.state = replace(state, seconds=perf_counter() - self.start)
            self.show(self.state)


@contextmanager
def watching(settings: Settings) -> Iterator[Watch]:
    """Watch chains while they are sampled; call `Watch.finish` when all is there.

    Examples
    --------
    >>> from laird.fitting.settings import settings_of
    >>> with watching(settings_of(chains=2, progress=False)) as watch:
    ...     watch.finish(divergences=3)
    >>> watch.state.ended
    'finished'
    """
    state = State(settings.chains, settings.draws, settings.tune)
    watch = Watch(state, _display() if settings.progress else _nowhere)
    try:
        yield watch
    except BaseException:
        watch.stop()
        raise


def _display() -> Show:
    if "ipykernel" in sys.modules:
        return _notebook()
    return _terminal if sys.stderr.isatty() else _log


def _notebook() -> Show:
    """One output of the cell, which every state replaces."""
    show = import_module("IPython.display").display
    handle: list[Any] = []

    def update(state: State) -> None:
        if handle:
            handle[0].update(state)
        else:
            handle.append(show(state, display_id=True))

    return update


def _terminal(state: State) -> None:
    """One line of a terminal, written again and again."""
    sys.stderr.write(f"\r\x1b[2K{state!r}" + "\n" * bool(state.ended))
    sys.stderr.flush()


def _log(state: State) -> None:
    """A file gets the end alone."""
    if state.ended:
        sys.stderr.write(f"{state!r}\n")


def _nowhere(_: State) -> None:
    """Show nothing."""
