"""Lines of y on x in every group: its own, with a common slope, and those of a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.compare.estimates import Sample, common_slopes
from laird.compare.question import Question
from laird.data.factors import Codes
from laird.data.frame import as_frame
from laird.data.grouping import of_kind, values_at
from laird.data.levels import between
from laird.errors import SpecError
from laird.fitting.result import Fit
from laird.spec import spec_variables
from laird.spec.syntax import Name

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

POINTS = 21
"""Of a line of a fit, which may be curved."""


class Lines(NamedTuple):
    """A line for each group, within the range of its x: shapes (J, m); NaN for none."""

    x: Floats
    y: Floats


def ranges(sample: Sample, points: int = 2) -> Floats:
    """Return evenly spaced values from the smallest to the largest x of every group, (J, points).

    Examples
    --------
    >>> x, ids = np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1])
    >>> sample = Sample(np.zeros(3), x, np.ones((2, 1)), ids, ("x",), ("1",), ("a", "b"), "g")
    >>> ranges(sample).tolist()
    [[1.0, 3.0], [5.0, 5.0]]
    """
    x = sample.x[:, 0]
    lowest, highest = np.full(sample.J, np.inf), np.full(sample.J, -np.inf)
    np.minimum.at(lowest, sample.ids, x)
    np.maximum.at(highest, sample.ids, x)
    return np.linspace(lowest, highest, points, axis=1)


def own_lines(sample: Sample) -> Lines:
    """Return the least-squares line of each group; groups without spread of x have none."""
    return _through_means(sample, own_slopes(sample))


def split_lines(sample: Sample, kinds: Codes) -> tuple[Lines, ...]:
    """Return the least-squares lines of each group's rows of each kind; NaN where there are too few."""
    return tuple(_lines_of(sample, kinds.codes == k) for k in range(len(kinds.labels)))


def _lines_of(sample: Sample, rows: NDArray[np.bool_]) -> Lines:
    groups, ids = np.unique(sample.ids[rows], return_inverse=True)
    names = tuple(sample.groups[j] for j in groups)
    part = replace(sample, y=sample.y[rows], x=sample.x[rows], w=sample.w[groups], ids=ids, groups=names)
    own, found = own_lines(part), np.full((2, sample.J, 2), np.nan)
    found[:, groups] = own
    return Lines(*found)


def own_slopes(sample: Sample) -> Floats:
    """Return the slope of y on the first x in each group, NaN without spread of x, shape (J,)."""
    dx, dy = sample.within(sample.x)[:, 0], sample.within(sample.y)
    xx, xy = (np.bincount(sample.ids, dx * d, sample.J) for d in (dx, dy))
    rounding = (64 * np.finfo(float).eps * np.abs(sample.x).max()) ** 2
    return np.asarray(np.divide(xy, xx, out=np.full(sample.J, np.nan), where=xx > rounding))


def own_coefficients(sample: Sample) -> Floats:
    """Return intercept and slope of each group's own line, shape (J, 2)."""
    slopes = own_slopes(sample)
    return np.column_stack([sample.means(sample.y) - slopes * sample.means(sample.x)[:, 0], slopes])


def parallel_lines(sample: Sample) -> Lines:
    """Return the fixed-effects lines: own intercepts, slopes γ'w_j that groups of one kind share."""
    return _through_means(sample, sample.w @ common_slopes(sample).coefficients)


def _through_means(sample: Sample, slopes: Floats) -> Lines:
    x, means = ranges(sample), sample.means(sample.x)
    return Lines(x, sample.means(sample.y)[:, None] + slopes[:, None] * (x - means))


def fitted_lines(question: Question, data: Any, fit: Fit) -> Lines:
    """Return the lines of a fit: predictions as x varies, other variables at their mean or mode in the group.

    Raises
    ------
    SpecError
        x is not a column of the data.
    DataError
        The data lack a column of the fit, or have groups that it does not have.
    """
    x, sample = ranges(question.sample, POINTS), question.sample
    new = _rows(data, question.table.rows, fit, question.group, x_column(question), x)
    mean = fit.predict(new, groups="existing")["estimate"].to_numpy()
    return Lines(x, mean.reshape(sample.J, POINTS))


def x_column(question: Question) -> str:
    """Return the name of the column on the x axis; SpecError when it is not one column."""
    factors = [factor for term in question.within for factor in term.factors]
    match factors:
        case [Name(name) as x] if not question.schema.column(x).levels:
            return name
    raise SpecError(
        "The x axis is one numeric column of the data.",
        where=f"    {question.title}",
        remedy="Write `y ~ x`; further variables belong into a fit: `fits=model.fit()`.",
    )


def _rows(data: Any, rows: Ids, fit: Fit, group: str, x_name: str, x: Floats) -> Any:
    """A row for each group and value of x, with the columns that the fit needs."""
    frame = as_frame(data)
    needed = {*spec_variables(fit.spec), group} - {x_name}
    kept = {name: values_at(frame, name, rows) for name in frame.columns if name in needed}
    groups = as_frame(between(of_kind(frame, kept), group, all=True))
    repeated = np.repeat(np.arange(len(x)), x.shape[1])
    columns = {name: values_at(groups, name, repeated) for name in groups.columns}
    return of_kind(frame, {**columns, x_name: x.ravel()})
