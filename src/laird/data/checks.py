"""What the data must satisfy before a model can use them: errors and warnings in the user's words."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.factors import Codes, quoted
from laird.data.labels import look_alikes
from laird.errors import DataError, LairdWarning, nearest

_NOT_A_RESPONSE = {
    "text": ("holds text", "Pass a numeric response; convert numbers stored as text first."),
    "category": ("is a category", "Pass a numeric response; categorical outcomes are not available."),
    "boolean": (
        "holds truth values",
        "Convert it to 0 and 1 for a linear probability model; binary outcomes are not available.",
    ),
    "date": ("holds dates", "Convert it to a number first, e.g. days since a start."),
}


SHOWN = 3
"""Sets of look-alike labels that a warning spells out."""


def check_response(column: Column) -> None:
    """Refuse a response that is not numeric.

    Raises
    ------
    DataError
        The column holds text, categories, truth values or dates.
    """
    if column.kind != "number":
        problem, remedy = _NOT_A_RESPONSE[column.kind]
        raise DataError(f"The response `{column.name}` {problem}, not numbers.", remedy=remedy)


def check_rows(n: int) -> None:
    """Refuse data of one row.

    Raises
    ------
    DataError
        There is one row.
    """
    if n == 1:
        raise DataError("The data have 1 row.", remedy="A model needs more rows than coefficients.")


LARGEST, SMALLEST = 1e150, 1e-150
"""Numbers whose squares are floating-point numbers too."""


def check_magnitude(name: str, low: float, high: float) -> None:
    """Refuse a column, with values from `low` to `high`, whose squares overflow or vanish.

    Raises
    ------
    DataError
        The largest absolute value is above `LARGEST`, or below `SMALLEST` but not zero.
    """
    largest = max(abs(low), abs(high))
    if largest > LARGEST or 0.0 < largest < SMALLEST:
        raise DataError(
            f"`{name}` has absolute values up to {largest:.0e}: their squares are beyond floating point.",
            remedy=f"Give `{name}` in another unit.",
        )


def check_varies(name: str, y: NDArray[np.float64]) -> None:
    """Refuse a response without variation.

    Raises
    ------
    DataError
        All values are equal, or too large or small to be squared.
    """
    check_magnitude(name, float(y.min()), float(y.max()))
    if y.min() == y.max():
        raise DataError(
            f"The response is constant: `{name}` is {y[0]:g} in all {len(y)} rows.",
            remedy="Check that the right column was chosen and that no filter left one value only.",
        )


def check_groups(name: str, levels: Sequence[str], *, stated: bool = False) -> None:
    """Refuse a random term with one group, unless a prior of its sd is `stated`; warn of two.

    Raises
    ------
    DataError
        There is one group.
    """
    if len(levels) == 1 and not stated:
        raise DataError(
            f"`{name}` has one group ({quoted(levels)}); a standard deviation between groups needs several.",
            remedy=f"Leave the random term of `{name}` out; or state what is known of its sd, such as "
            f'priors={{"sd({name})": "half_normal(1)"}}, and fit by "nuts".',
        )
    if len(levels) == 1:
        warn(
            f"`{name}` has one group ({quoted(levels)}): the data say nothing about the standard deviation "
            'between groups, which is as its prior has it; only "nuts" fits this.'
        )
    if len(levels) == 2:
        warn(
            f"`{name}` has 2 groups: the data say almost nothing about the standard deviation between"
            " groups, and its estimate rests on the prior or the method."
        )


def check_unambiguous(name: str, labels: Sequence[str]) -> None:
    """Refuse crossed groups whose joined labels coincide.

    Raises
    ------
    DataError
        Two combinations of levels have one label.
    """
    if len(set(labels)) < len(labels):
        raise DataError(
            f"`{name}`: two different groups have one label, because labels contain a colon.",
            remedy="Replace the colons in the columns' labels.",
        )


def check_levels(column: Column, found: Codes) -> None:
    """Refuse a categorical predictor with one level.

    Raises
    ------
    DataError
        Every row has the same level.
    """
    if len(found.labels) == 1:
        raise DataError(
            f"Column `{column.name}` has one level, {quoted(found.labels)}, in all rows; it has no contrast.",
            remedy=f"Leave `{column.name}` out of the formula, or use rows with other levels.",
        )


def check_predictor(column: Column) -> None:
    """Refuse dates as predictors.

    Raises
    ------
    DataError
        The column holds dates.
    """
    if column.kind == "date":
        raise DataError(
            f"Column `{column.name}` holds dates; it is not clear whether they are numbers or categories.",
            remedy=f"Add a column of numbers, e.g. days since a start, or write C({column.name}).",
        )


def check_chosen_levels(chosen: Collection[str], used: Collection[str]) -> None:
    """Refuse `levels=` for a column that the model does not use.

    Raises
    ------
    DataError
        There is such a column.
    """
    for name in chosen:
        if name not in used:
            raise DataError(
                f"`levels` names `{name}`, which is not a column of the model.",
                allowed=nearest(name, used),
                remedy="Correct the name, or leave it out of `levels`.",
            )


def note_unused(name: str, unused: Sequence[str]) -> None:
    """Warn of levels without rows."""
    if unused:
        warn(f"Column `{name}`: levels without rows were dropped: {quoted(unused)}.")


def note_look_alikes(column: Column) -> None:
    """Warn of labels that differ only in spaces or case, and of blank ones."""
    if column.kind not in ("text", "category"):
        return
    if alike := look_alikes(column.labels):
        shown = "; ".join(quoted(labels) for labels in alike[:SHOWN])
        more = f" and {len(alike) - SHOWN} more such sets" if len(alike) > SHOWN else ""
        warn(
            f"Column `{column.name}`: labels that differ only in spaces or case are kept apart:"
            f" {shown}{more}."
        )
    if any(not label.strip() for label in column.labels):
        warn(f"Column `{column.name}`: a blank label is kept as a level of its own; is it a missing value?")


def warn(message: str) -> None:
    """Issue a `LairdWarning`."""
    warnings.warn(message, LairdWarning, stacklevel=3)
