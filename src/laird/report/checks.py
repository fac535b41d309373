"""Whether the fits converged, and how good their approximations are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from laird.fitting.display import row_name
from laird.fitting.result import Fit
from laird.report.blocks import Block, Cell, Section, Table, Text, Verdict, Verdicts
from laird.report.study import SHORT, Study
from laird.report.words import number, plural

STATUS = {
    "ok": "ok",
    "note": "note",
    "warning": "warning",
    "boundary": "on the boundary",
    "not_converged": "not converged",
}
_CLOSED_FORM = Verdict("convergence", "ok", "Least squares has a closed form.", "")


def checks_section(study: Study, pictures: Sequence[Block]) -> Section:
    """The verdicts of every fit, and the diagnostics of its chains."""
    verdicts = tuple(_verdicts(fit) for fit in study.fits)
    tables = tuple(_chains(fit) for fit in study.fits if fit.method == "nuts")
    return Section("checks", "Convergence and approximation", (*verdicts, *_guide(study), *tables, *pictures))


def _verdicts(fit: Fit) -> Verdicts:
    rows = tuple(Verdict(c.check, c.status, c.message, c.remedy) for c in fit.checks)
    return Verdicts(SHORT[fit.method], fit.status, rows or (_CLOSED_FORM,))


def _guide(study: Study) -> Iterator[Block]:
    if any(fit.method == "nuts" for fit in study.fits):
        yield Text(
            "The chains agree when R-hat is at most 1.01, and the intervals can be trusted when the "
            "effective sample sizes (ESS) are at least 100 for each chain (Vehtari et al. 2021)."
        )


def _chains(fit: Fit) -> Table:
    head = ("Parameter", "R-hat", "ESS, bulk", "ESS, tail")
    rows = tuple(tuple(map(Cell, _chain_row(row))) for row in fit.summary().itertuples(index=False))
    return Table(f"Diagnostics of {_size(fit)}", "lrrr", tuple(map(Cell, head)), rows)


def _size(fit: Fit) -> str:
    chains, draws = fit.draws.shape if fit.draws else (0, 0)
    return f"{plural(chains, 'chain')} of {plural(draws, 'draw')}"


def _chain_row(row: Any) -> tuple[str, ...]:
    rhat = f"{row.rhat:.3f}" if row.rhat == row.rhat else number(row.rhat)
    return (
        row_name(row.component, row.group, row.term),
        rhat,
        number(row.ess_bulk, 4),
        number(row.ess_tail, 4),
    )
