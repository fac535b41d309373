"""TOML -> `Spec`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laird.errors import SpecError, caret, nearest
from laird.spec.multilevel import multilevel
from laird.spec.spec import LABELS, Spec, parse_spec


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be, in words and as a test."""

    words: str
    fits: Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


_TEXT = Shape("text", _is_text)
_LIST = Shape("a list of text", _is_list)
_TRUTH = Shape("true or false", lambda value: isinstance(value, bool))

KEYS: dict[str, Shape] = {
    **dict.fromkeys(LABELS, _TEXT),
    "study": _LIST,
    "formula": _TEXT,
    "parts": _LIST,
    "missing": _TEXT,
    "weights": _TEXT,
    "known": Shape("a table of text", _is_table(_is_text)),
    "families": Shape("a table of text", _is_table(_is_text)),
    "levels": Shape("a table of lists of text", _is_table(_is_list)),
    "priors": Shape(
        '"flat", "informative", or a table of text',
        lambda value: _is_text(value) or _is_table(_is_text)(value),
    ),
    "multilevel": Shape("a table", lambda value: isinstance(value, dict)),
}
MULTILEVEL_KEYS: dict[str, Shape] = {
    "level1": _TEXT,
    "within": _TEXT,
    "level2": _LIST,
    "random": _LIST,
    "correlated": _TRUTH,
}


def read_spec(path: str | Path) -> Spec:
    """Return the spec in the TOML file `path`.

    Parameters
    ----------
    path
        A file with a `formula` (and `parts`) or a table `[multilevel]`, and optionally
        `name`, `title`, `question`, `data`, `study`, `missing`, `weights`, `[known]`,
        `[families]`, `[levels]`, `[priors]`.

    Raises
    ------
    SpecError
        When there is no such file, or its text is not a spec.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> spec = parse_spec("mathach ~ ses + (1 | school)", name="hs")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "hs.toml")
    ...     size = path.write_text(spec.to_toml(), encoding="utf-8")
    ...     read_spec(path) == spec
    True
    """
    return spec_from_toml(_file_text(Path(path)))


def spec_from_toml(source: str) -> Spec:
    """Return the spec that the TOML text `source` describes; see `read_spec`.

    Examples
    --------
    >>> print(spec_from_toml('formula = "y ~ x"'))
    y ~ 1 + x
    """
    table = _checked(_parsed(source), KEYS, "A spec")
    formula, levels = table.pop("formula", None), table.pop("multilevel", None)
    parts = table.pop("parts", ())
    if (formula is None) == (levels is None):
        problem = "neither" if formula is None else "both"
        raise SpecError(f"A spec has a `formula` or a table `[multilevel]`; this one has {problem}.")
    if formula is not None:
        return parse_spec(formula, *parts, **table)
    return multilevel(_required(levels, "level1"), *parts, **_multilevel_table(levels), **table)


def _multilevel_table(table: Mapping[str, Any]) -> dict[str, Any]:
    checked = _checked(table, MULTILEVEL_KEYS, "[multilevel]")
    _required(checked, "within")
    return {key: value for key, value in checked.items() if key != "level1"}


def _required(table: Mapping[str, Any], key: str) -> Any:
    if key not in table:
        raise SpecError(
            f"[multilevel] lacks the key `{key}`.", remedy='Write level1 = "y ~ x", within = "group".'
        )
    return table[key]


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = sorted(other.name for other in path.parent.glob("*.toml"))
        raise SpecError(f"There is no file {path}.", allowed=nearest(path.name, beside)) from None
    except UnicodeDecodeError as error:
        raise SpecError(f"The file {path} is not UTF-8 text: {error.reason}.") from None
    except OSError as error:
        raise SpecError(f"The file {path} cannot be read: {error.strerror}.") from None


def _parsed(source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"This is not TOML: {error}.", where=_toml_place(source, str(error))) from None


def _toml_place(source: str, message: str) -> str:
    if not (place := re.search(r"at line (\d+), column (\d+)", message)):
        return ""
    line, column = int(place[1]), int(place[2])
    return caret(source.split("\n")[line - 1], (column - 1, column))


def _checked(table: Mapping[str, Any], keys: Mapping[str, Shape], owner: str) -> dict[str, Any]:
    for key, value in table.items():
        if key not in keys:
            raise SpecError(f"{owner} has no key `{key}`.", allowed=nearest(key, keys))
        if not keys[key].fits(value):
            raise SpecError(
                f"The value of `{key}` must be {keys[key].words}.", where=f"    {key} = {value!r}"
            )
    return dict(table)
