"""A table of text -> TOML: strings, lists of strings, and tables of these."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

type Value = str | tuple[str, ...] | Mapping[str, str | tuple[str, ...]]


def toml(table: Mapping[str, Value]) -> str:
    """Return `table` as TOML; plain values first, then the tables.

    Examples
    --------
    >>> print(toml({"formula": "y ~ x", "levels": {"Sex": ("Male", "Female")}}), end="")
    formula = "y ~ x"
    <BLANKLINE>
    [levels]
    Sex = ["Male", "Female"]
    """
    plain = [_line(key, value) for key, value in table.items() if not isinstance(value, Mapping)]
    tables = [_table(key, value) for key, value in table.items() if isinstance(value, Mapping)]
    return "\n".join(["".join(plain), *tables] if plain else tables)


def _table(name: str, rows: Mapping[str, str | tuple[str, ...]]) -> str:
    return f"[{_key(name)}]\n" + "".join(_line(key, value) for key, value in rows.items())


def _line(key: str, value: str | tuple[str, ...]) -> str:
    return f"{_key(key)} = {_value(value)}\n"


def _value(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return _string(value)
    return f"[{', '.join(map(_string, value))}]"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _string(key)


def _string(value: str) -> str:
    """JSON's strings are TOML's basic strings, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
