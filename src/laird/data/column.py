"""One column of any data frame, as numbers or as codes into labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.labels import level_labels
from laird.errors import DataError

type Kind = Literal["number", "boolean", "text", "category", "date"]
type Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column as read, before any choice of a model.

    Attributes
    ----------
    name
        Name in the frame.
    kind
        ``"number"``, ``"boolean"``, ``"text"``, ``"category"`` or ``"date"``.
    values
        Numbers (int or float), or for every other kind codes into `labels`; shape (n,).
    missing
        True where the frame has no value, shape (n,).
    labels
        Labels of the codes; a category keeps the order of its data type.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    missing: Mask
    labels: tuple[str, ...] = ()

    def take(self, keep: Mask) -> Column:
        """Return the rows where `keep` is True."""
        return replace(self, values=self.values[keep], missing=self.missing[keep])

    def infinite(self) -> Mask:
        """True where a number is infinite."""
        if self.values.dtype.kind != "f":
            return np.zeros(len(self.values), dtype=bool)
        return np.isinf(self.values)


def read_column(name: str, series: nw.Series[Any]) -> Column:
    """Read a narwhals series.

    Raises
    ------
    DataError
        The column holds complex numbers, lists, or values of several kinds.

    Examples
    --------
    >>> import narwhals.stable.v2 as nw, pandas as pd
    >>> column = read_column("x", nw.from_native(pd.Series(["b", "a", None]), series_only=True))
    >>> column.kind, column.values.tolist(), column.labels, column.missing.tolist()
    ('text', [0, 1, -1], ('b', 'a'), [False, False, True])
    """
    dtype = series.dtype
    if dtype.is_numeric():
        return _number(name, series)
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return _category(name, series)
    if dtype == nw.Boolean:
        return _boolean(name, series)
    if dtype == nw.String or dtype.is_temporal():
        return _coded(name, "text" if dtype == nw.String else "date", *_factorise(series))
    return _of_objects(name, series.to_numpy())


def decoded(column: Column) -> pd.Series:
    """Return the values of a column: numbers, truth values, or labels with their order.

    Examples
    --------
    >>> decoded(Column("g", "text", np.array([0, -1]), np.array([False, True]), ("a",))).tolist()
    ['a', nan]
    """
    if column.kind == "boolean" and not column.missing.any():
        return pd.Series(column.values.astype(bool))
    if column.labels:
        codes = np.where(column.missing, -1, column.values)
        return pd.Series(pd.Categorical.from_codes(codes, pd.Index(column.labels)))
    return pd.Series(column.values).mask(column.missing) if column.missing.any() else pd.Series(column.values)


def _number(name: str, series: nw.Series[Any]) -> Column:
    missing = series.is_null().to_numpy()
    values = (series.fill_null(0) if missing.any() else series).to_numpy()
    if values.dtype.kind not in "iu":
        values = values.astype(np.float64, copy=False)
        missing = missing | np.isnan(values)
    return Column(name, "number", values, missing)


def _boolean(name: str, series: nw.Series[Any]) -> Column:
    missing = series.is_null().to_numpy()
    values = (series.fill_null(value=False) if missing.any() else series).to_numpy()
    return Column(name, "boolean", values.astype(np.int64), missing, ("False", "True"))


def _category(name: str, series: nw.Series[Any]) -> Column:
    native = series.to_native()
    if isinstance(native, pd.Series):
        codes, categories = native.cat.codes.to_numpy(), list(native.cat.categories)
    else:
        codes, categories = _declared(series)
    return _coded(name, "category", codes, categories)


def _declared(series: nw.Series[Any]) -> tuple[NDArray[Any], list[Any]]:
    """Codes in the order of the categories; polars shares undeclared ones between columns."""
    codes, values = _factorise(series)
    used = dict.fromkeys(values)
    categories = series.cat.get_categories().to_list()
    if not isinstance(series.dtype, nw.Enum):
        categories = [category for category in categories if category in used]
    position = {category: code for code, category in enumerate(categories)}
    return np.append([position[value] for value in used], -1)[codes], categories


def _factorise(series: nw.Series[Any]) -> tuple[NDArray[Any], Iterable[Any]]:
    """Codes into the different values, -1 where there is none; by the frame's own library where it can."""
    native = series.to_native()
    if isinstance(native, pd.Series):
        return pd.factorize(native)
    if series.dtype.is_temporal():
        return pd.factorize(series.to_numpy())
    values = series.unique(maintain_order=True).drop_nulls().to_list()
    codes = series.replace_strict(values, list(range(len(values))), return_dtype=nw.Int64)
    return codes.fill_null(-1).to_numpy(), values


def _coded(name: str, kind: Kind, codes: NDArray[Any], values: Iterable[Any]) -> Column:
    return Column(name, kind, codes.astype(np.int64), codes < 0, level_labels(values))


_OBJECT_KINDS: dict[str, Kind] = {
    "string": "text",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "time": "date",
    "timedelta": "date",
    "period": "date",
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "empty": "number",
}


def _of_objects(name: str, values: NDArray[Any]) -> Column:
    if values.dtype.kind == "c":
        raise _unusable(name, "complex numbers")
    if values.ndim > 1:
        raise _unusable(name, "several values in each row")
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    kind = _OBJECT_KINDS.get(inferred)
    if kind is None:
        raise _unusable(name, _describe(inferred, values))
    if kind in ("text", "date"):
        return _coded(name, kind, *pd.factorize(values))
    missing = np.asarray(pd.isna(values))
    filled = np.where(missing, 0, values)
    if kind == "boolean":
        return Column(name, kind, filled.astype(np.int64), missing, ("False", "True"))
    numbers = _whole(name, filled) if inferred == "integer" else filled.astype(np.float64)
    return Column(name, kind, numbers, missing)


def _whole(name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    """Whole numbers stay exact: as floating-point numbers, large ids would become equal."""
    try:
        return values.astype(np.int64)
    except OverflowError as error:
        raise DataError(
            f"Column `{name}` holds whole numbers of more than 64 bits.",
            remedy="Convert labels to text, e.g. `data[name].astype(str)`, and quantities to floating point.",
        ) from error


def _describe(inferred: str, values: NDArray[Any]) -> str:
    if inferred == "complex":
        return "complex numbers"
    if any(isinstance(value, list | tuple | dict | set | np.ndarray) for value in values):
        return "several values in each row"
    kinds = sorted({type(value).__name__ for value in values})
    return "values of several kinds (" + ", ".join(kinds) + ")" if len(kinds) > 1 else f"`{kinds[0]}` objects"


def _unusable(name: str, content: str) -> DataError:
    return DataError(
        f"Column `{name}` holds {content}.",
        remedy="A column of a model is one number, one truth value or one label for each row.",
    )
