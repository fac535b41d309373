"""What a report is made of: sections of blocks, without any HTML but equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; words in backticks are shown as code."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Short facts under their names, ``((name, text), ...)``."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, a second line in small print, a symbol as MathML."""

    text: str
    detail: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows; a row of one cell heads those below it.

    Attributes
    ----------
    caption
        Above the table.
    align
        One letter a column: ``l`` for words, ``r`` for numbers.
    head, rows
        The cells.
    note
        In small print below.
    """

    kind: ClassVar[str] = "table"
    caption: str
    align: str
    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: data URI, what it shows to whom cannot see it, its caption and size in CSS pixels."""

    source: str
    alt: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures side by side where there is room; `wide` ones scroll on a narrow screen."""

    kind: ClassVar[str] = "pictures"
    pictures: tuple[Picture, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Equation:
    """A titled block of equations, as MathML."""

    kind: ClassVar[str] = "equation"
    title: str
    mathml: str


@dataclass(frozen=True, slots=True)
class Legend:
    """What symbols mean: pairs of MathML and words."""

    kind: ClassVar[str] = "legend"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied."""

    kind: ClassVar[str] = "code"
    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of a fit: what was found, and what to do."""

    check: str
    status: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The checks of one fit under its name."""

    kind: ClassVar[str] = "verdicts"
    title: str
    status: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that are shown on demand."""

    kind: ClassVar[str] = "details"
    title: str
    blocks: tuple[Block, ...]


type Block = Text | Facts | Table | Pictures | Equation | Legend | Code | Verdicts | Details


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its heading; `anchor` is its address within the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report; the summary is paragraphs with their headings."""

    title: str
    question: str
    summary: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str
