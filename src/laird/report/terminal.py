"""The estimates of several methods as a short table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from laird.fitting.display import row_name
from laird.fitting.result import Fit
from laird.report.estimates import Comparison, cell
from laird.report.study import SHORT


def comparison_text(fits: Iterable[Fit]) -> str:
    """Return estimate ± standard error of every parameter by method, and the verdicts.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    >>> print(comparison_text([model.fit("ml"), model.fit("reml")]))
                              ML        REML
    Intercept             1,528 ± 18  1,528 ± 19
    sd(Batch, Intercept)     37 ± 15     42 ± 17
    sigma                 49.5 ± 7.1  49.5 ± 7.1
    status                        ok          ok
    """
    comparison = Comparison(tuple(fits))
    rows = [("", *(SHORT[fit.method] for fit in comparison.fits))]
    rows += [
        (row_name(*key), *(cell(comparison.of(fit.method, key), key[0]).text for fit in comparison.fits))
        for key in comparison.keys
    ]
    rows.append(("status", *(fit.status for fit in comparison.fits)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = (
        text.rjust(width) if k else text.ljust(width)
        for k, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((first, *rest))
