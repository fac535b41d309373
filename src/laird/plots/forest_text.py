"""The text of a forest plot: names on the left, weights and estimates with intervals on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from laird.data.labels import level_labels
from laird.inference.distributions import t_quantile
from laird.inference.units import column_of
from laird.plots.columns import GAP, Column
from laird.plots.forest_rows import Row, Summary
from laird.plots.studies import Studies

MINUS = "\N{MINUS SIGN}"
CLOSE = 4.0
"""Points between the parts of an interval."""


def left_columns(
    own: Studies, rows: Sequence[Row], columns: Mapping[str, Sequence[Any]] | None
) -> list[Column]:
    """Names, then what the user adds."""
    names = ["Study" if row.kind == "header" else row.text for row in rows]
    return [
        Column(names, "left", 0.0),
        *(_column(own, rows, header, values) for header, values in (columns or {}).items()),
    ]


def _column(own: Studies, rows: Sequence[Row], header: str, values: Sequence[Any]) -> Column:
    texts = level_labels(column_of(own.fit, values).to_numpy(dtype=object)[own.rows])
    cells = [texts[row.number] if row.kind == "study" else "" for row in rows]
    return Column([header, *cells[1:]])


def right_columns(
    own: Studies,
    rows: Sequence[Row],
    shown: Sequence[Summary],
    digits: int,
    prob: float,
    *,
    exponentiate: bool,
) -> list[Column]:
    """Weight; estimate, lower and upper limit."""
    numbers = [_numbers(own, row, shown, prob) for row in rows]
    texts = [tuple(_text(value, digits, exponentiate=exponentiate) for value in row) for row in numbers]
    weights = [f"{own.weight[row.number]:.1f}" if row.kind == "study" else "" for row in rows]
    estimates = [text for text, _, _ in texts]
    lower, upper = ([f"[{a}," if a else "" for _, a, _ in texts], [f"{b}]" if b else "" for _, _, b in texts])
    heading = f"{100 * prob:g} % interval"
    return [
        Column(["Weight %", *weights[1:]]),
        Column(["Effect", *estimates[1:]]),
        Column(["", *lower[1:]], "right", GAP),
        Column([heading, *upper[1:]], "right", CLOSE, wide_header=True),
    ]


def _numbers(own: Studies, row: Row, shown: Sequence[Summary], prob: float) -> tuple[float, float, float]:
    """Estimate and limits of a row, NaN for none."""
    if row.kind == "study":
        y, half = own.y[row.number], float(t_quantile(0.5 + prob / 2, np.inf)) * np.sqrt(own.v[row.number])
        return float(y), float(y - half), float(y + half)
    found = shown[row.number].means if row.kind in ("mean", "interval") else None
    if found is None:
        return np.nan, np.nan, np.nan
    if row.kind == "mean":
        return float(found.estimate[0]), float(found.lower[0]), float(found.upper[0])
    return np.nan, float(found.pi_lower[0]), float(found.pi_upper[0])


def _text(value: float, digits: int, *, exponentiate: bool) -> str:
    """A number with a minus sign as wide as a digit's place; blank for NaN."""
    if np.isnan(value):
        return ""
    text = f"{np.exp(value) if exponentiate else value:.{digits}f}"
    zero = f"{-0.0:.{digits}f}"
    return text.removeprefix("-") if text == zero else text.replace("-", MINUS)
