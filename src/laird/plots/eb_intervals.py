"""Intervals of empirical Bayes estimates side by side: what estimated variances add to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.bound import Model
from laird.compare import eb_intervals as compared
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.plots.intervals import draw_intervals
from laird.plots.sources import choose, coefficient_name
from laird.plots.style import DARK, LOOKS, METHODS, Look, axes, label, legend_above, shortened

type Floats = NDArray[np.float64]

KINDS: Mapping[str, Look] = MappingProxyType(
    {
        "naive": Look("naive: variances as estimated", LOOKS["eblup"].colour, "o", filled=False),
        "corrected": Look("corrected (Kass & Steffey)", LOOKS["eb"].colour, "D"),
        "morris": Look("corrected (Morris)", METHODS["ml"].colour, "v"),
        "posterior": Look("posterior, weighted draws", LOOKS["posterior"].colour, "s"),
        "nuts": Look("posterior, NUTS", DARK, "X"),
    }
)

MOST = 40
"""Of more groups every second, third, … in the order of their estimates is shown."""

ROW, FRAME = 0.3, 1.2
"""Height of a group, and of what stands around the groups, in inches."""


def eb_intervals(
    source: pd.DataFrame | Model | Fit | Iterable[Fit],
    term: str = "Intercept",
    *,
    group: str | None = None,
    labels: object = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the intervals of `laird.eb_intervals` of each group, or of the true effect of each study.

    Groups stand in the order of the naive estimates.  Naive intervals take estimated variances
    for the true ones; corrected ones are longer by what is not known of these, most where a
    group is far from the others, and the draws have the shape of the posterior too.

    Parameters
    ----------
    source
        A table of `laird.eb_intervals`, a model, its fit by ``"eb"``, or ``[eb, nuts]``.
    term
        The coefficient; true effects have none.
    group, labels, prob
        As for `laird.eb_intervals`, of which a table was made with its own.
    ax
        Axes to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        Not such a table, or a term that it does not have.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("eb", random_seed=1)
    >>> [tick.get_text() for tick in ld.plots.eb_intervals(fit).get_yticklabels()]
    ['F', 'D', 'A', 'B', 'C', 'E']
    """
    notes = [] if isinstance(source, pd.DataFrame) else [f"{100 * prob:g} % intervals"]
    if not isinstance(source, pd.DataFrame):
        source = compared.eb_intervals(source, group, labels=labels, prob=prob)
    rows, names, quantity = _rows(source, term)
    order = _order(rows)[:: ceil(len(rows) / MOST)]
    ax = axes(ax, (7.0, FRAME + ROW * len(order)))
    kinds = [kind for kind in KINDS if kind in rows and rows[kind].notna().any()]
    _dress(ax, [shortened(str(names[k])) for k in order], rows.iloc[order], kinds)
    for k, kind in enumerate(kinds):
        _draw(ax, rows.iloc[order], kind, (k + 0.5) / len(kinds) - 0.5)
    shown = f"{len(order)} of {len(rows)}, evenly in the order of the estimates"
    label(ax, quantity, "", [*notes, *([shown] if len(order) < len(rows) else [])])
    legend_above(ax)
    return ax


def _rows(table: pd.DataFrame, term: str) -> tuple[pd.DataFrame, NDArray[np.object_], str]:
    """The rows of one coefficient, the names of their groups, and what is drawn."""
    if not {"naive", "naive_lower", "naive_upper"} <= set(table):
        raise FitError(
            "This is no table of intervals of empirical Bayes estimates.",
            remedy='Pass `ld.eb_intervals(...)` or `model.fit("eb")`.',
        )
    if "term" not in table:
        return table, table["label"].to_numpy(dtype=object), "True effect"
    choose("coefficient", term, list(dict.fromkeys(table["term"])))
    rows = table[table["term"] == term]
    return rows, rows["group"].to_numpy(dtype=object), coefficient_name(term)


def _order(rows: pd.DataFrame) -> NDArray[np.intp]:
    """Ascending by the naive estimates; those that differ by rounding only as the data have them."""
    unit = 1e-9 * float((rows["naive_upper"] - rows["naive_lower"]).max())
    return np.argsort(np.round(rows["naive"].to_numpy(dtype=float) / unit), kind="stable")


def _dress(ax: Axes, names: list[str], rows: pd.DataFrame, kinds: list[str]) -> None:
    """One line of the picture for each group, and room for all intervals."""
    ends = rows[[f"{kind}_{end}" for kind in kinds for end in ("lower", "upper")]].to_numpy(dtype=float)
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_yticks(range(len(names)), names)
    ax.grid(visible=False, axis="y")
    if low < 0.0 < high:
        ax.axvline(0.0, color=DARK, linewidth=0.6, zorder=1)


def _draw(ax: Axes, rows: pd.DataFrame, kind: str, offset: float) -> None:
    """Intervals and estimates of one kind, beside the others of their groups."""
    look, heights = KINDS[kind], np.arange(len(rows)) + 0.8 * offset
    ends = (rows[f"{kind}_{end}"].to_numpy(dtype=float) for end in ("lower", "upper"))
    draw_intervals(ax, heights, *ends, head=4.0, color=look.colour, linewidth=1.4, zorder=3)
    ax.plot(rows[kind], heights, label=look.label, zorder=4, **look.points(4.0))
