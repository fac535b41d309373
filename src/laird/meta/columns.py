"""Columns that the user gives one by one: of one length, finite where present, within bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from laird.errors import DataError

type Floats = NDArray[np.float64]

_SHOWN = 3


def read_columns(given: Mapping[str, Any]) -> tuple[dict[str, Floats], pd.Index[Any]]:
    """Read columns as numbers, shapes (k,); single numbers are repeated.

    Parameters
    ----------
    given
        Column, list or number by the name of the argument.

    Returns
    -------
    Numbers by name (NaN where missing), and the index of the first pandas column, else 0 … k-1.

    Raises
    ------
    DataError
        Not numbers, of different lengths, or infinite.

    Examples
    --------
    >>> columns, index = read_columns({"mean1": [1.0, 2.0], "n1": 10})
    >>> columns["n1"], len(index)
    (array([10., 10.]), 2)
    """
    arrays = {name: _numbers(name, values) for name, values in given.items()}
    lengths = {name: len(values) for name, values in arrays.items() if np.ndim(given[name])}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        raise DataError(
            "The columns are of different lengths.",
            where=f"    {listed}",
            remedy="Pass columns of one data frame.",
        )
    k = max(lengths.values(), default=1)
    found = {name: np.broadcast_to(values, (k,)).astype(float) for name, values in arrays.items()}
    return found, _index(given.values(), k)


def _numbers(name: str, values: Any) -> Floats:
    if np.ndim(values) > 1:
        raise DataError(
            f"`{name}` has shape {np.shape(values)}.", allowed="Allowed: one column, or one number."
        )
    column = values if isinstance(values, pd.Series) else pd.Series(np.atleast_1d(_untyped(values)))
    column = column.infer_objects()
    if not is_numeric_dtype(column):
        raise DataError(
            f"`{name}` is not a column of numbers.", where=f"    type: {column.dtype}", remedy="Pass numbers."
        )
    found: Floats = np.asarray(column.to_numpy(dtype=float, na_value=np.nan))
    refuse(np.isinf(found), f"`{name}` is infinite", "Correct it, or leave it missing.")
    return found


def _untyped(values: Any) -> NDArray[Any]:
    """An array in which None is NaN."""
    found = np.asarray(values)
    return np.asarray(pd.Series(list(values)).to_numpy()) if found.dtype == object else found


def _index(given: Iterable[Any], k: int) -> pd.Index[Any]:
    indices = (values.index for values in given if isinstance(values, pd.Series))
    return next(indices, pd.RangeIndex(k))


def refuse(bad: NDArray[np.bool_], what: str, remedy: str) -> None:
    """Raise a DataError that counts and names the entries where `bad` is true.

    Examples
    --------
    >>> refuse(np.array([False, True]), "`n1` is negative", "Correct it.")
    Traceback (most recent call last):
    laird.errors.DataError: `n1` is negative in 1 of 2 entries.
        entry 1 (counted from 0)
    Correct it.
    """
    if not bad.any():
        return
    places = np.flatnonzero(bad)
    shown = ", ".join(map(str, places[:_SHOWN].tolist())) + (", …" if len(places) > _SHOWN else "")
    raise DataError(
        f"{what} in {len(places)} of {len(bad)} entries.",
        where=f"    entr{'y' if len(places) == 1 else 'ies'} {shown} (counted from 0)",
        remedy=remedy,
    )


def refuse_below(
    columns: Mapping[str, Floats], names: Iterable[str], least: float, *, strict: bool = False
) -> None:
    """Raise a DataError where one of the named columns is below `least`, or equal to it if `strict`."""
    for name in names:
        values = columns[name]
        bad = values <= least if strict else values < least
        bound = "above" if strict else "at least"
        refuse(bad, f"`{name}` must be {bound} {least:g}, and is not", "Correct it, or leave it missing.")
