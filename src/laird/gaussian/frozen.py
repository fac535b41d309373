"""Records whose arrays cannot be changed either."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np


def freeze(record: Any) -> None:
    """Make the arrays among the fields of a dataclass, also those in tuples, read-only.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Record:
    ...     values: np.ndarray
    ...     def __post_init__(self): freeze(self)
    >>> Record(np.zeros(3)).values.flags.writeable
    False
    """
    for field in fields(record):
        value = getattr(record, field.name)
        for array in value if isinstance(value, tuple) else (value,):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
