"""Linear predictors as sums of columns: matrix products cost seconds of compilation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def products(columns: NDArray[np.float64], factors: Sequence[Any]) -> Iterator[Any]:
    """Yield every column of an (n, k) array times its factor; a column of ones needs no product.

    Examples
    --------
    >>> list(products(np.array([[1.0, 2.0], [1.0, 3.0]]), [10.0, 5.0]))
    [10.0, array([10., 15.])]
    """
    for k, factor in enumerate(factors):
        column = columns[:, k]
        yield factor if np.all(column == 1) else column * factor
