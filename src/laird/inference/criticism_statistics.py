"""Statistics of outcomes that come in groups, of many sets of rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Statistic = Callable[[Floats], float]
type GroupStatistic = Callable[["Grouping", Floats], Floats]


class Grouping:
    """Rows in groups: sums over them of sets of outcomes Y (S, n)."""

    def __init__(self, codes: Ids) -> None:
        from scipy.sparse import csr_array

        self.codes = codes
        self.sizes = np.bincount(codes)
        ones = np.ones(len(codes))
        self._sum = csr_array((ones, (codes, np.arange(len(codes)))), shape=(len(self.sizes), len(codes)))

    def means(self, Y: Floats) -> Floats:
        """Means of the groups, shape (S, J)."""
        return np.asarray((self._sum @ Y.T).T / self.sizes)

    def within(self, Y: Floats) -> Floats:
        """Pooled variance within groups, shape (S,)."""
        left = Y - self.means(Y)[:, self.codes]
        return np.asarray(np.sum(left**2, axis=1) / (Y.shape[1] - len(self.sizes)))

    @property
    def has_within(self) -> bool:
        """Whether some group has more rows than one, and there are several groups."""
        return 1 < len(self.sizes) < len(self.codes)


OF_ROWS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "mean": lambda Y: Y.mean(axis=1),
        "sd": lambda Y: Y.std(axis=1, ddof=1),
        "min": lambda Y: Y.min(axis=1),
        "max": lambda Y: Y.max(axis=1),
    }
)
OF_GROUPS: Mapping[str, GroupStatistic] = MappingProxyType(
    {
        "sd of group means": lambda own, Y: own.means(Y).std(axis=1, ddof=1),
        "min group mean": lambda own, Y: own.means(Y).min(axis=1),
        "max group mean": lambda own, Y: own.means(Y).max(axis=1),
        "within / between variance": lambda own, Y: own.within(Y) / own.means(Y).var(axis=1, ddof=1),
    }
)


def statistics_of(
    Y: Floats, groupings: Mapping[str, Ids], given: Mapping[str, Statistic] | None = None
) -> Iterator[tuple[str, Floats]]:
    """Yield the name of each statistic and its values, shape (S,).

    Parameters
    ----------
    Y
        Sets of outcomes, shape (S, n).
    groupings
        Group of each row, shape (n,), by the name of the grouping; statistics of groups need several
        rows in some.  Of several groupings each statistic says whose it is.
    given
        Further statistics by name: functions of one set of outcomes (n,).

    Raises
    ------
    FitError
        A statistic has no name, is no function or gives no number.
    """
    yield from ((name, own(Y)) for name, own in OF_ROWS.items())
    for factor, codes in groupings.items():
        grouping = Grouping(codes)
        if grouping.has_within:
            suffix = f" ({factor})" if len(groupings) > 1 else ""
            yield from ((name + suffix, own(grouping, Y)) for name, own in OF_GROUPS.items())
    if not isinstance(given, Mapping | None):
        raise FitError("Statistics have names.", remedy='Write {"median": numpy.median}.')
    for name, statistic in (given or {}).items():
        yield name, _each(name, statistic, Y)


def _each(name: str, statistic: Statistic, Y: Floats) -> Floats:
    if not callable(statistic):
        raise FitError(f"The statistic `{name}` is no function.", remedy="Pass a function of an array (n,).")
    values = [statistic(y) for y in Y]
    if not all(np.ndim(value) == 0 for value in values):
        raise FitError(f"The statistic `{name}` does not give one number.")
    found = np.array(values, dtype=float)
    if np.isnan(found).any():
        raise FitError(f"The statistic `{name}` is not a number for some sets of outcomes.")
    return found
