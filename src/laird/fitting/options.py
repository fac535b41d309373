"""Options of the fitters: each is checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from laird.errors import FitError

LARGEST_SEED = 2**63 - 1


def whole_number(name: str, value: Any, least: int) -> int:
    """Return `value` as an int; FitError unless it is a whole number from `least`.

    Examples
    --------
    >>> whole_number("draws", np.int64(200), 100)
    200
    """
    if _is_whole(value) and value >= least:
        return int(value)
    raise FitError(f"{name} = {value!r} is not usable.", allowed=f"Allowed: whole numbers from {least}.")


def one_of(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise FitError unless `value` is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        words = ", ".join(f'"{word}"' for word in allowed)
        raise FitError(f"{name} = {value!r} is not possible.", allowed=f"Allowed: {words}.")


def probability(prob: Any) -> None:
    """Raise FitError unless `prob` is a probability other than 0 and 1."""
    if not isinstance(prob, float | int | np.floating) or not 0.0 < prob < 1.0:
        raise FitError(f"prob = {prob!r} is not a probability.", allowed="Allowed: 0 < prob < 1.")


def share(name: str, value: Any) -> float:
    """Return `value` as a float; FitError unless it is a number between 0 and 1."""
    if isinstance(value, float | np.floating) and 0.0 < value < 1.0:
        return float(value)
    raise FitError(f"{name} = {value!r} is not usable.", allowed="Allowed: numbers between 0 and 1.")


def seed(value: Any) -> int:
    """Return the seed given, or a new one for None, which the fit then records."""
    if value is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if _is_whole(value) and 0 <= value <= LARGEST_SEED:
        return int(value)
    raise FitError(
        f"random_seed = {value!r} is not usable.",
        allowed="Allowed: whole numbers from 0 to 2^63 - 1, or None for a new one.",
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
