"""Errors that say what is wrong, where, what is allowed, and what to do.

Every error raised for bad input derives from :class:`LairdError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LairdError(Exception):
    """Base of all errors raised for bad input.

    Parameters
    ----------
    what
        One sentence: what is wrong.
    where
        The place: a caret block into a formula (see :func:`caret`), or a column
        with its first rows.
    allowed
        The allowed or nearest values.
    remedy
        What the user should do next.
    """

    def __init__(self, what: str, *, where: str = "", allowed: str = "", remedy: str = "") -> None:
        self.what, self.where, self.allowed, self.remedy = what, where, allowed, remedy
        super().__init__("\n".join(part for part in (what, where, allowed, remedy) if part))


class SpecError(LairdError):
    """The text of a model (formula, prior, TOML) is not valid."""


class DataError(LairdError):
    """The data cannot be used with this model."""


class FitError(LairdError):
    """The model cannot be fitted, or a result cannot be computed from the fit."""


class NotFittedError(FitError, AttributeError):
    """A model was asked for what only a fit has."""


class LairdWarning(UserWarning):
    """Something the user should know; the result is still valid."""


def caret(text: str, span: tuple[int, int]) -> str:
    """Return `text` with a line of carets under ``text[span[0]:span[1]]``.

    Examples
    --------
    >>> print(caret("y ~ x z", (6, 7)))
        y ~ x z
              ^
    """
    start, stop = span
    return f"    {text}\n    {' ' * start}{'^' * max(stop - start, 1)}"


def nearest(name: object, candidates: Iterable[str], *, at_most: int = 3) -> str:
    """Return a sentence that names the candidates nearest to `name`, or all of a few.

    Examples
    --------
    >>> nearest("sess", ["ses", "Sector", "school"])
    'Nearest: `ses`.'
    """
    names = [str(candidate) for candidate in candidates]
    by_fold = {candidate.casefold(): candidate for candidate in names}
    close = get_close_matches(str(name).casefold(), by_fold, n=at_most, cutoff=0.6)
    if close:
        return "Nearest: " + ", ".join(f"`{by_fold[fold]}`" for fold in close) + "."
    shown = ", ".join(f"`{candidate}`" for candidate in names[:12])
    return f"Available: {shown}{', …' if len(names) > 12 else ''}." if names else ""
