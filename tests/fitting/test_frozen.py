from dataclasses import dataclass

import numpy as np
import pytest

from laird.fitting.frozen import freeze


@dataclass(frozen=True, slots=True)
class Record:
    number: float
    values: np.ndarray

    def __post_init__(self):
        freeze(self)


def test_arrays_are_read_only_and_the_rest_is_left_alone():
    record = Record(1.0, np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        record.values[0] = 1
    assert record.number == 1.0
