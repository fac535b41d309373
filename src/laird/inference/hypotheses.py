"""Hypotheses about fixed effects, Kβ = r, from text, patterns and matrices.

    equation := sum ["=" sum]
    sum      := ["+" | "-"] product {("+" | "-") product}
    product  := factor {("*" | "/") factor}
    factor   := number | term | "(" sum ")"

A term is written as in ``fit.fixef``; the longest name that fits is taken, so that
``ses:Sector[Public]`` and ``I(x - 1)`` need no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError, SpecError, caret, nearest
from laird.fitting.frozen import freeze

type Floats = NDArray[np.float64]

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"(?:[^\s+\-*/=()\[\]]|\[[^\]]*\]|\((?:[^()]|\([^()]*\))*\))+")


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """Kβ = r: K (r, p), rhs (r,) and a label for every row."""

    K: Floats
    rhs: Floats
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self)


def read_hypothesis(given: Any, names: Sequence[str]) -> Hypothesis:
    """Read a hypothesis about the coefficients `names`.

    Parameters
    ----------
    given
        An equation or expression (``"a = b"``, ``"a + 2*b"``, which is to be zero); a
        sequence or mapping (label -> text) of them; a compiled regular expression: every
        term in which it is found; an array (r, p) or (p,), or a frame or series with terms
        as columns: rows of K, to be zero.
    names
        Names of the p coefficients.

    Raises
    ------
    SpecError
        Text that cannot be read, or names an unknown term.
    FitError
        A matrix of the wrong shape, rows without coefficients or that follow from others.

    Examples
    --------
    >>> found = read_hypothesis("2*ses = Intercept + 1", ["Intercept", "ses"])
    >>> found.K, found.rhs
    (array([[-1.,  2.]]), array([1.]))
    """
    found = _read(given, tuple(names))
    _refuse_empty(found)
    _refuse_redundant(found)
    return found


def _read(given: Any, names: tuple[str, ...]) -> Hypothesis:
    if isinstance(given, str):
        return _from_texts({given.strip(): given}, names)
    if isinstance(given, re.Pattern):
        return _from_pattern(given, names)
    if isinstance(given, pd.Series):
        given = given.to_frame().T
    if isinstance(given, pd.DataFrame):
        return _from_frame(given, names)
    if isinstance(given, Mapping):
        return _from_texts({str(label): _text(own) for label, own in given.items()}, names)
    if isinstance(given, Sequence) and any(isinstance(own, str) for own in given):
        return _from_texts({_text(own).strip(): _text(own) for own in given}, names)
    return _from_array(given, names)


def _text(own: Any) -> str:
    if not isinstance(own, str):
        raise FitError(f"A list of hypotheses holds {own!r}, which is not text.", remedy="Write equations.")
    return own


def _from_texts(texts: Mapping[str, str], names: tuple[str, ...]) -> Hypothesis:
    rows = [_Reader(text, names).equation() for text in texts.values()]
    K = np.array([row[:-1] for row in rows]).reshape(len(rows), len(names))
    return Hypothesis(K, 0.0 - np.array([row[-1] for row in rows]), tuple(texts))


def _from_pattern(pattern: re.Pattern[str], names: tuple[str, ...]) -> Hypothesis:
    places = [k for k, name in enumerate(names) if pattern.search(name)]
    if not places:
        raise SpecError(
            f"No term contains the pattern {pattern.pattern!r}.", allowed=nearest(pattern.pattern, names)
        )
    return Hypothesis(np.eye(len(names))[places], np.zeros(len(places)), tuple(names[k] for k in places))


def _from_frame(frame: pd.DataFrame, names: tuple[str, ...]) -> Hypothesis:
    for column in frame.columns:
        if column not in names:
            raise SpecError(
                f"The matrix has a column `{column}`, which is no term.", allowed=nearest(str(column), names)
            )
    K = frame.reindex(columns=list(names), fill_value=0.0)
    return Hypothesis(_numbers(K, names), np.zeros(len(K)), tuple(str(label) for label in frame.index))


def _from_array(given: Any, names: tuple[str, ...]) -> Hypothesis:
    K = np.atleast_2d(_numbers(given, names))
    if K.ndim != 2 or K.shape[1] != len(names):
        raise FitError(
            f"The matrix of a hypothesis has shape {K.shape}.",
            allowed=f"It needs {len(names)} columns: " + ", ".join(f"`{name}`" for name in names) + ".",
        )
    labels = tuple(_expression(row, names) for row in K)
    return Hypothesis(K, np.zeros(len(K)), labels)


def _numbers(given: Any, names: tuple[str, ...]) -> Floats:
    try:
        K = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise FitError(
            "A hypothesis is text, a pattern, or a matrix of numbers.",
            remedy=f'Write for example `"{names[-1]} = 0"`.',
        ) from error
    if not np.all(np.isfinite(K)):
        raise FitError("The matrix of a hypothesis has entries that are not finite.")
    return K


def _expression(row: Floats, names: tuple[str, ...]) -> str:
    """Text of a row: ``ses + 2*x``."""
    parts: list[str] = []
    for weight, name in zip(row, names, strict=True):
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):.6g}*"
            sign = ("-" if weight < 0 else "") if not parts else ("- " if weight < 0 else "+ ")
            parts.append(f"{sign}{size}{name}")
    return " ".join(parts)


def _refuse_empty(found: Hypothesis) -> None:
    if not len(found.K):
        raise FitError("The hypothesis has no rows.")
    for row, label in zip(found.K, found.labels, strict=True):
        if not row.any():
            raise FitError(f"The hypothesis `{label}` is about no coefficient.")


def _refuse_redundant(found: Hypothesis) -> None:
    rows = found.K / np.linalg.norm(found.K, axis=1, keepdims=True)
    for k in range(1, len(rows)):
        if np.linalg.matrix_rank(rows[: k + 1], tol=1e-10) <= k:
            raise FitError(
                f"Row {k + 1} of the hypothesis, `{found.labels[k]}`, follows from the rows before it or "
                "contradicts them.",
                remedy="Leave it out; its own interval is that of a hypothesis of this row alone.",
            )


class _Reader:
    """Reads one equation; a linear form is a vector (p + 1,): weights, then the constant."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text, self.names, self.at = text, names, 0
        flexible = [r"\s*".join(re.escape(part) for part in name.split()) for name in names]
        self.patterns = sorted(
            ((re.compile(own + r"(?![\w.:\[(])"), k) for k, own in enumerate(flexible)),
            key=lambda pair: -len(names[pair[1]]),
        )

    def equation(self) -> Floats:
        form = self._sum()
        if self._taken("="):
            form = form - self._sum()
        if self._next():
            remedy = "Write two hypotheses in a list." if self._next() == "=" else "Is an operator missing?"
            raise self._error("The hypothesis goes on where it should end.", remedy)
        return form

    def _sum(self) -> Floats:
        sign = -1.0 if self._taken("-") else 1.0
        if sign > 0:
            self._taken("+")
        form = sign * self._product()
        while (operator := self._next()) in ("+", "-") and operator:
            self.at += 1
            form = form + (1.0 if operator == "+" else -1.0) * self._product()
        return form

    def _product(self) -> Floats:
        form = self._factor()
        while (operator := self._next()) in ("*", "/") and operator:
            self.at += 1
            start, other = self.at, self._factor()
            form = self._times(form, other) if operator == "*" else self._divided(form, other, start)
        return form

    def _times(self, a: Floats, b: Floats) -> Floats:
        if a[:-1].any() and b[:-1].any():
            raise self._error("A hypothesis is linear: two coefficients cannot be multiplied.")
        return np.asarray(a * b[-1] if a[:-1].any() else b * a[-1])

    def _divided(self, a: Floats, b: Floats, start: int) -> Floats:
        if b[:-1].any() or b[-1] == 0.0:
            self.at = start
            raise self._error("A hypothesis can be divided by a number other than zero only.")
        return np.asarray(a / b[-1])

    def _factor(self) -> Floats:
        self._next()
        if (k := self._name()) is not None:
            return self._unit(k)
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return float(number.group()) * self._unit(-1)
        if self._taken("("):
            form = self._sum()
            if not self._taken(")"):
                raise self._error("A parenthesis is not closed.")
            return form
        raise self._unknown()

    def _unit(self, k: int) -> Floats:
        form = np.zeros(len(self.names) + 1)
        form[k] = 1.0
        return form

    def _name(self) -> int | None:
        for pattern, k in self.patterns:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return k
        return None

    def _next(self) -> str:
        """The next character that is no space, "" at the end."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _taken(self, character: str) -> bool:
        found = self._next() == character
        self.at += found
        return found

    def _unknown(self) -> SpecError:
        word = _WORD.match(self.text, self.at)
        if word is None:
            return self._error("A term or a number is missing here.")
        own = word.group()
        alike = [name for name in self.names if own in name]
        return SpecError(
            f"The model has no fixed effect `{own}`.",
            where=caret(self.text, word.span()),
            allowed=nearest(own, self.names),
            remedy=f'For all terms that contain it: `pattern="{re.escape(own)}"`.' if alike else "",
        )

    def _error(self, what: str, remedy: str = "") -> SpecError:
        return SpecError(what, where=caret(self.text, (self.at, self.at + 1)), remedy=remedy)
