"""Weights of rows: multipliers of their log-likelihoods, which are no inverse variances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.evaluate import numbers
from laird.data.frame import Table, first_rows, numeric_names, read_table
from laird.data.usage import known_names, outcome_columns
from laird.errors import DataError
from laird.spec import Spec

type Floats = NDArray[np.float64]

EQUAL = 1e-6
"""Weights times variances that differ by a smaller share than this are constant."""


def row_weights(spec: Spec, table: Table) -> Floats | None:
    """Return the weights of the rows, shape (n,), or None.

    Raises
    ------
    DataError
        A weight is negative, or all are zero.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> from laird.spec import parse_spec
    >>> row_weights(parse_spec("y ~ 1", weights="w"), read_table({"w": [1, 2]}, ["w"]))
    array([1., 2.])
    """
    if not spec.weights:
        return None
    weights = numbers(table.column(spec.weights))
    negative = weights < 0
    if negative.any():
        raise DataError(
            f"The weights `{spec.weights}` are negative in {int(negative.sum())} of {len(weights)} rows.",
            where=f"    {spec.weights}: {first_rows(negative, table.rows)} (counted from 0)",
            remedy="A weight says how many times a row counts: 0 or more.",
        )
    if not weights.any():
        raise DataError(
            f"The weights `{spec.weights}` are 0 in all {len(weights)} rows: no row counts.",
            remedy="Check that the right column was chosen.",
        )
    return weights


def note_inverse_variance(spec: Spec, table: Table, frame: Any) -> None:
    """Warn of weights that are one over a variance: ``meta_V`` is what was meant.

    With ``meta_V(v)`` only v is looked at, else every numeric column of the frame.
    """
    if not spec.weights:
        return
    weights = numbers(table.column(spec.weights))
    for name, variances in _candidates(spec, table, frame):
        if _is_inverse(weights, variances):
            warn(
                f"The weights `{spec.weights}` are 1 / `{name}` up to a factor. Weights multiply the rows'"
                f" log-likelihoods and are no inverse variances: for the known sampling variances `{name}`"
                f" write meta_V({name}) and no weights."
            )


def _candidates(spec: Spec, table: Table, frame: Any) -> Iterator[tuple[str, Floats]]:
    used = {spec.weights, *(name for columns in outcome_columns(spec) for name in columns)}
    names = known_names(spec) or [name for name in numeric_names(frame) if name not in used]
    available = [name for name in names if name in table.available]
    if available:
        own = read_table(frame, available)
        for column in own.columns:
            yield column.name, column.values[table.rows].astype(np.float64)


def _is_inverse(weights: Floats, variances: Floats) -> bool:
    """Tell whether the weights vary as one over the variances do.

    Examples
    --------
    >>> _is_inverse(np.array([1.0, 4.0]), np.array([2.0, 0.5]))
    True
    """
    if weights.min() == weights.max() or not (np.isfinite(variances) & (variances > 0)).all():
        return False
    products = weights * variances
    return bool(products.max() - products.min() <= EQUAL * products.max())
