"""Records as JSON text and named arrays, and back: exact to the last bit; nothing stored is executed.

A record is a dataclass or NamedTuple of `RECORDS`, written with the names of its fields.  Its arrays
stand beside the text, end to end in one array for each type: a file with a variable for every
block of V would take seconds to open.  An array that the file has already (draws of
coefficients, the outcome) is referred to, not written again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.arrays import KnownBlock, KnownDesign, RandomDesign, RhoDesign, ScaleDesign, read_only
from laird.data.schema import ColumnInfo, GroupInfo, Schema
from laird.design import Design
from laird.errors import FitError
from laird.fitting.checks import Check
from laird.fitting.draws import Draws
from laird.fitting.point import Point
from laird.fitting.regressions import Regression
from laird.fitting.summaries import EffectSummary
from laird.fitting.uncertainty import ScaleUncertainty
from laird.gaussian.solution import Effects
from laird.gaussian.theta import Theta
from laird.posterior.table import PriorRow, PriorTable
from laird.spec import Spec, spec_from_toml
from laird.spec.syntax import Bar, Binary, Call, Name, Number, String, Unary

type Array = NDArray[Any]
type Json = Any

RECORDS: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        *(Number, String, Name, Call, Unary, Binary, Bar),
        *(ColumnInfo, GroupInfo, Schema),
        *(Design, RandomDesign, ScaleDesign, RhoDesign, KnownDesign, KnownBlock),
        *(Point, Effects, Theta, ScaleUncertainty, Regression, Check),
        *(Draws, EffectSummary, PriorTable, PriorRow),
    )
}
PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Encoded:
    """What stands for a record.

    Attributes
    ----------
    text
        JSON.
    arrays
        All numbers that `elsewhere` does not have, by type.
    digest
        SHA-256 of the text and of all arrays that it names.
    """

    text: str
    arrays: Mapping[str, Array]
    digest: str


def encode(value: object, elsewhere: Mapping[str, Array] | None = None) -> Encoded:
    """Write a record.

    Parameters
    ----------
    value
        Numbers, texts, arrays, tuples, mappings, specs, and records of these.
    elsewhere
        Arrays by the name under which the reader will find them.

    Examples
    --------
    >>> found = encode({"theta": Theta(np.eye(1), np.zeros(1))}, {"here": np.ones(3)})
    >>> list(found.arrays)
    ['float64']
    >>> decode(found.text, found.arrays.__getitem__)["theta"].L
    array([[1.]])
    """
    writer = _Writer({_memory(array): name for name, array in (elsewhere or {}).items() if array.size})
    text = json.dumps(writer.write(value), ensure_ascii=False)
    arrays = {name: np.concatenate(parts) for name, parts in writer.parts.items()}
    return Encoded(text, arrays, _digest(text, writer.used))


def decode(text: str, array: Callable[[str], Array]) -> Any:
    """Read what `encode` wrote; `array` gives the arrays by name.

    Raises
    ------
    FitError
        The records have other fields in this version of laird.
    """
    return _read(json.loads(text), array)


def digest(text: str, array: Callable[[str], Array]) -> str:
    """SHA-256 of a text of `encode` and of the arrays that it names."""
    return _digest(text, [_restored(reference, array) for reference in _references(json.loads(text))])


def _digest(text: str, arrays: list[Array]) -> str:
    found = hashlib.sha256(text.encode())
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _memory(array: Array) -> tuple[object, ...]:
    """Where an array lies: equal for arrays that are one."""
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str


@dataclass(slots=True)
class _Writer:
    known: Mapping[tuple[object, ...], str]
    parts: dict[str, list[Array]] = field(default_factory=dict)
    lengths: Counter[str] = field(default_factory=Counter)
    used: list[Array] = field(default_factory=list)

    def write(self, value: Any) -> Json:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, np.ndarray):
            self.used.append(value)
            return {"array": self._place(value), "shape": list(value.shape), "columns": _by_columns(value)}
        if isinstance(value, Spec):
            return {"spec": value.to_toml()}
        if type(value).__name__ in RECORDS:
            return {"record": type(value).__name__, "fields": self._fields(_items(value))}
        if isinstance(value, Mapping):
            return {"mapping": self._fields(value)}
        return [self.write(own) for own in value]

    def _fields(self, items: Mapping[str, Any]) -> Json:
        return {name: self.write(own) for name, own in items.items()}

    def _place(self, array: Array) -> Json:
        """Where the numbers are: the name of an array of the file, or a type and a place in its array."""
        if (found := self.known.get(_memory(array))) is not None:
            return [found, None]
        name, start = array.dtype.name, self.lengths[array.dtype.name]
        self.parts.setdefault(name, []).append(array.ravel())
        self.lengths[name] += array.size
        return [name, start]


def _by_columns(array: Array) -> bool:
    return array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous


def _items(record: Any) -> dict[str, Any]:
    names = [own.name for own in fields(record)] if is_dataclass(record) else record._fields
    return {name: getattr(record, name) for name in names}


def _read(value: Json, array: Callable[[str], Array]) -> Any:
    match value:
        case list():
            return tuple(_read(own, array) for own in value)
        case {"array": _, "shape": _, "columns": _}:
            return read_only(_restored(value, array))
        case {"spec": toml}:
            return spec_from_toml(toml)
        case {"record": name, "fields": own}:
            return _record(name, {key: _read(item, array) for key, item in own.items()})
        case {"mapping": own}:
            return {key: _read(item, array) for key, item in own.items()}
    return value


def _restored(reference: Mapping[str, Any], array: Callable[[str], Array]) -> Array:
    """An array in its order in memory, which decides how sums round."""
    (name, start), shape = reference["array"], reference["shape"]
    values = array(name)
    if start is not None:
        values = values[start : start + prod(shape)].reshape(shape)
    return np.asarray(values, order="F" if reference["columns"] else "C")


def _record(name: str, items: Mapping[str, Any]) -> Any:
    try:
        return RECORDS[name](**items)
    except (KeyError, TypeError):
        raise FitError(
            f"The stored record `{name}` has other fields than in this version of laird.",
            remedy="Load it with the version that wrote it (attribute `laird_version`), or fit again.",
        ) from None


def _references(value: Json) -> list[Mapping[str, Any]]:
    """The arrays that a text names, in its order."""
    if isinstance(value, list):
        return [found for own in value for found in _references(own)]
    if not isinstance(value, dict):
        return []
    return [value] if value.keys() == {"array", "shape", "columns"} else _references(list(value.values()))
