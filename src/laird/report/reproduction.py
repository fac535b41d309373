"""How to obtain the same report again."""

from __future__ import annotations

from collections.abc import Iterator

from laird.fitting.origin import versions
from laird.fitting.result import Fit
from laird.report.blocks import Block, Cell, Code, Facts, Section, Table
from laird.report.study import SHORT, Study
from laird.report.words import DASH, number


def reproduction_section(study: Study) -> Section:
    """Command, model file, seeds, hashes, versions."""
    return Section("reproduce", "How to reproduce this", tuple(_blocks(study)))


def _blocks(study: Study) -> Iterator[Block]:
    if study.command:
        yield Code("Command", study.command)
    yield Code("Model file", study.model.spec.to_toml())
    yield _runs(study)
    origin = study.reference.origin
    installed = ", ".join(f"{name} {number_}" for name, number_ in versions().items())
    yield Facts(
        (
            ("Spec, SHA-256", f"`{origin.spec_hash}`"),
            ("Data, SHA-256", f"`{origin.data_hash}`"),
            ("Versions", installed),
            ("Fitted (UTC)", origin.created.removesuffix("+00:00").replace("T", " ")),
        )
    )


def _runs(study: Study) -> Table:
    head = ("Method", "Seed", "Options", "Seconds")
    return Table("Runs", "lrlr", tuple(map(Cell, head)), tuple(_run(fit) for fit in study.fits))


def _run(fit: Fit) -> tuple[Cell, ...]:
    origin = fit.origin
    options = ", ".join(f"{name} {value}" for name, value in origin.options) or DASH
    seed = DASH if origin.seed is None else str(origin.seed)
    return tuple(map(Cell, (SHORT[fit.method], seed, options, number(origin.seconds, 2))))
