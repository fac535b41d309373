"""Formula text -> tokens.

The scanner knows characters only, no grammar: every token knows its place, and nothing is
skipped but white space.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from laird.errors import SpecError, caret
from laird.spec.syntax import Span

type Kind = Literal["number", "string", "name", "column", "operator", "end"]

OPERATORS = ("||", "**", "~", "+", "-", ":", "*", "/", "^", "(", ")", ",", "=", "|")
LOOKALIKES = {
    "−": "-",
    "–": "-",
    "—": "-",
    "∼": "~",
    "˜": "~",
    "×": "*",
    "·": ":",
    "“": '"',
    "”": '"',
    "’": "'",
}
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_QUOTED: dict[str, Kind] = {"`": "column", '"': "string", "'": "string"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the formula; `kind` is ``"column"`` for a name in backticks."""

    kind: Kind
    value: str
    span: Span


def error_at(source: str, span: Span, what: str, *, allowed: str = "", remedy: str = "") -> SpecError:
    """Return a `SpecError` with a caret under ``source[span[0]:span[1]]``.

    Examples
    --------
    >>> print(error_at("y ~ x z", (6, 7), "An operator is missing."))
    An operator is missing.
        y ~ x z
              ^
    """
    return SpecError(what, where=caret(re.sub(r"\s", " ", source), span), allowed=allowed, remedy=remedy)


def scan(source: str) -> tuple[Token, ...]:
    """Return the tokens of `source`; the last one is always of kind ``"end"``.

    Raises
    ------
    SpecError
        At a character without meaning, or at a quote that is never closed.

    Examples
    --------
    >>> [token.value for token in scan("y ~ log(x)")]
    ['y', '~', 'log', '(', 'x', ')', '']
    """
    end = len(source.rstrip())
    tokens = []
    position = 0
    while (position := _after_space(source, position)) < end:
        tokens.append(_token(source, position))
        position = tokens[-1].span[1]
    return (*tokens, Token("end", "", (end, end)))


def normalised(text: str) -> str:
    r"""Return `text` with every accented letter as one character (Unicode NFC), as names are compared.

    Examples
    --------
    >>> len("e\N{COMBINING ACUTE ACCENT}"), len(normalised("e\N{COMBINING ACUTE ACCENT}"))
    (2, 1)
    """
    return unicodedata.normalize("NFC", text)


def is_plain(name: str) -> bool:
    """Tell whether `name` can stand in a formula without backticks.

    Examples
    --------
    >>> is_plain("mean.ses"), is_plain("père"), is_plain("mean ses"), is_plain("2nd")
    (True, True, False, False)
    """
    return bool(name) and _name_end(name, 0) == len(name)


def _after_space(source: str, position: int) -> int:
    while position < len(source) and source[position].isspace():
        position += 1
    return position


def _token(source: str, start: int) -> Token:
    first = source[start]
    if first in _QUOTED:
        return _quoted(source, start)
    if number := _NUMBER.match(source, start):
        return Token("number", number.group(), number.span())
    if (stop := _name_end(source, start)) > start:
        return Token("name", source[start:stop], (start, stop))
    for operator in OPERATORS:
        if source.startswith(operator, start):
            return Token("operator", operator.replace("**", "^"), (start, start + len(operator)))
    raise _meaningless(source, start)


def _name_end(source: str, start: int) -> int:
    """Names follow Python (any alphabet), and may contain dots after the first letter."""
    if start >= len(source) or not source[start].isidentifier():
        return start
    stop = start + 1
    while stop < len(source) and (source[stop] == "." or f"a{source[stop]}".isidentifier()):
        stop += 1
    return stop


def _quoted(source: str, start: int) -> Token:
    quote = source[start]
    stop = source.find(quote, start + 1)
    if stop < 0:
        raise error_at(
            source, (start, start + 1), f"This {quote} is never closed.", remedy=f"Add the second {quote}."
        )
    if stop == start + 1 and quote == "`":
        raise error_at(source, (start, stop + 1), "There is no name between the backticks.")
    return Token(_QUOTED[quote], source[start + 1 : stop], (start, stop + 1))


def _meaningless(source: str, start: int) -> SpecError:
    character = source[start]
    remedy = "Put a column name that contains it in backticks: `my column`."
    if character in LOOKALIKES:
        remedy = f"Write {LOOKALIKES[character]} instead."
    return error_at(
        source,
        (start, start + 1),
        f"The character {character} has no meaning in a formula.",
        allowed="Operators: ~ + - : * / ^ | ( ).",
        remedy=remedy,
    )
