"""Tables of counts with totals."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.factors import Codes
from laird.data.frame import as_frame
from laird.data.grouping import codes_of, column_of, of_kind
from laird.errors import DataError

TOTAL = "Total"
MISSING = "(missing)"


def table(data: Any, *columns: str) -> Any:
    """Count the rows of every combination of levels, with totals.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    *columns
        One or more columns; the levels of the last one are side by side.  Missing values
        are a level of their own.

    Returns
    -------
    A frame of the same kind as `data`
        For pandas the other columns are the index; else they come first.  Levels are text,
        in the order of the data type or sorted.

    Raises
    ------
    DataError
        A column is absent or unusable, or has a level called like the total.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> ld.table(hs, "Sector", "Sex")
    Sex       Female  Male  Total
    Sector
    Catholic     651   493   1144
    Public       423   410    833
    Total       1074   903   1977
    >>> ld.table(hs, "Sex", "Sector", "Minority").loc[("Female", "Total")].to_dict()
    {'No': 775, 'Yes': 299, 'Total': 1074}
    """
    if not columns or len(set(columns)) < len(columns):
        raise DataError("A table needs one or more different columns.", remedy='Write table(data, "a", "b").')
    frame = as_frame(data)
    levels = [_levels(column_of(frame, name)) for name in columns]
    counts = _with_totals(_counts(levels, len(frame)))
    labels = [[*one.labels, TOTAL] for one in levels]
    if isinstance(frame.to_native(), pd.DataFrame):
        return _pandas(counts, labels, columns)
    *leading, last = labels
    rows = list(product(*leading))
    texts = {name: [row[k] for row in rows] for k, name in enumerate(columns[:-1])}
    flat = counts.reshape(-1, len(last))
    return of_kind(frame, {**texts, **{label: flat[:, k] for k, label in enumerate(last)}})


def _levels(column: Any) -> Codes:
    codes = codes_of(column)
    if TOTAL in codes.labels:
        raise DataError(
            f'Column `{column.name}` has a level "{TOTAL}", which the table needs for its sums.',
            remedy="Rename the level.",
        )
    if not column.missing.any():
        return codes
    missing = len(codes.labels)
    return Codes(np.where(codes.codes < 0, missing, codes.codes), (*codes.labels, MISSING))


def _counts(levels: list[Codes], n: int) -> NDArray[np.int64]:
    shape = tuple(len(one.labels) for one in levels)
    cells = np.ravel_multi_index([one.codes for one in levels], shape) if n else np.zeros(0, dtype=np.int64)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def _with_totals(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    for axis in range(counts.ndim):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    return counts


def _pandas(counts: NDArray[np.int64], labels: list[list[str]], columns: tuple[str, ...]) -> pd.DataFrame:
    *leading, last = labels
    if not leading:
        return pd.DataFrame({"n": counts}, index=pd.Index(last, name=columns[0]))
    index = (
        pd.Index(leading[0], name=columns[0])
        if len(leading) == 1
        else pd.MultiIndex.from_product(leading, names=columns[:-1])
    )
    return pd.DataFrame(counts.reshape(-1, len(last)), index=index, columns=pd.Index(last, name=columns[-1]))
