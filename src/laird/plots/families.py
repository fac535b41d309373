"""How the effect of every group, or every study, is shrunk by each family."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from laird.errors import FitError, nearest
from laird.plots.style import CHAINS, DARK, LIGHT, LOOKS, MEDIUM, Look, axes, label, legend_above

LABELLED = 60
"""So many names can be read."""
OUTLYING = 0.5
"""Weights below are written at their row."""
ROW = 0.2
"""Inches for each row."""
MARKERS = ("s", "D", "^", "v", "X")
_ENDS = ("_sd", "_factor", "_weight")
_FRAME = ("label", "term", "blue")


def families(table: pd.DataFrame, term: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the effects of `laird.family_effects`: own estimate, and posterior mean by family.

    Rows are in the order of their own estimates.  The distance from the own estimate to a posterior
    mean is the shrinkage; of a t it is less for outliers, whose weights below ½ are written
    beside them.

    Parameters
    ----------
    table
        What `laird.family_effects` returns.
    term
        The coefficient, when groups have several.
    ax
        Axes to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        An unknown term, or several without one named.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["a", "b"], "term": "", "blue": [0.0, 4.0], "blue_sd": 1.0,
    ...     "normal": [0.1, 3.0], "normal_sd": 1.0, "t": [0.1, 3.9], "t_sd": 1.0, "t_weight": [1.0, 0.2]})
    >>> [text.get_text() for text in families(table).get_yticklabels()]
    ['a', 'b']
    """
    rows = _rows(table, term).sort_values("blue", kind="stable", ignore_index=True)
    ax = axes(ax, (7.0, max(2.5, 1.2 + ROW * min(len(rows), LABELLED))))
    y = np.arange(len(rows))
    blue = LOOKS["blue"]
    ax.errorbar(rows.blue, y, xerr=rows.blue_sd, fmt="none", ecolor=LIGHT, elinewidth=1.0, zorder=2)
    ax.plot(rows.blue, y, label=f"{blue.label} ± 1 sd", zorder=3, **blue.points(5.0))
    names = _names(rows)
    for k, name in enumerate(names):
        look = Look(name, CHAINS[(k + 1) % len(CHAINS)], MARKERS[k % len(MARKERS)])
        ax.plot(rows[name], y, label=f"posterior mean, {name}", zorder=4 + k, **look.points(4.5))
    _write_weights(ax, rows, names)
    ax.set_yticks(y if len(rows) <= LABELLED else [], rows.label if len(rows) <= LABELLED else [])
    ax.set_ylim(-0.8, len(rows) - 0.2)
    label(ax, rows.term[0] or "true effect", "", [])
    legend_above(ax)
    return ax


def _rows(table: pd.DataFrame, term: str | None) -> pd.DataFrame:
    terms = list(dict.fromkeys(table.term))
    if term is None and len(terms) > 1:
        raise FitError("The groups have several coefficients.", allowed=f"Name one of {', '.join(terms)}.")
    if term is not None and term not in terms:
        raise FitError(f"There is no coefficient `{term}`.", allowed=nearest(term, terms))
    return table if term is None else table[table.term == term]


def _names(rows: pd.DataFrame) -> list[str]:
    columns = map(str, rows.columns)
    return [name for name in columns if name not in _FRAME and not name.endswith(_ENDS)]


def _write_weights(ax: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """The smallest weight of every outlying row, at its right end."""
    weights = [rows[f"{name}_weight"] for name in names if f"{name}_weight" in rows]
    if not weights:
        return
    least = pd.concat(weights, axis=1).min(axis=1)
    right = rows[["blue", *names]].max(axis=1)
    for k in np.flatnonzero(least < OUTLYING):
        x = max(float(right[k]), float(rows.blue[k] + rows.blue_sd[k]))
        ax.annotate(
            f"weight {least[k]:.2f}",
            (x, k),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=DARK if least[k] < OUTLYING / 2 else MEDIUM,
        )
