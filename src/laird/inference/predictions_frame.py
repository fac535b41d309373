"""From a data frame to the rows of predictions: their groups, and the cells over which they are averaged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import decoded
from laird.data.encode import read_new
from laird.data.factors import crossed, discrete
from laird.data.frame import as_frame, frame_of
from laird.design import Design, RandomDesign, build_new
from laird.errors import FitError, nearest
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.predictions_rows import Cells, averages, each_row
from laird.inference.units import column_of

type Ids = NDArray[np.int64]
type Groups = Literal["existing", "new", "population"]
type Kind = Literal["mean", "conditional", "predictive"]

GROUPS = ("existing", "new", "population")


def checked_groups(fit: Fit, groups: Groups | None) -> Groups:
    """What `groups` says; it must be said of a model with group effects.

    Raises
    ------
    FitError
        Nothing is said of a model with groups, or something unknown.
    """
    if not isinstance(fit, Fit):
        raise FitError(f"A {type(fit).__name__} is no fit.", remedy="Pass what `model.fit` gives.")
    if fit.method == "ols" or not fit.problem.design.random:
        return "population"
    if groups is None:
        raise FitError(
            "It must be said which groups the predictions are of: `groups=`.",
            allowed='Allowed: "existing" (the fitted groups), "new" (groups that were not fitted are draws '
            'from the population), "population" (no particular group).',
        )
    one_of("groups", groups, GROUPS)
    return groups


def fitted_frame(fit: Fit, new: Any = None) -> Any:
    """The frame asked about; None: the rows of the fit.

    Raises
    ------
    FitError
        The fit was not made from a data frame.
    """
    if new is not None:
        return new
    if fit.problem.table is None:
        raise FitError("The fit does not hold its data.", remedy="Pass them as `new`.")
    return frame_of(fit.problem.table)


def rows_for(fit: Fit, new: Any, groups: Groups) -> Design:
    """The rows to predict, the groups that were not fitted numbered from J on.

    Parameters
    ----------
    fit
        A fit.
    new
        A data frame; None: the rows of the fit.
    groups
        For ``"population"`` every row of the frame is in a new group of its own.
    """
    design = fit.problem.design
    if new is not None:
        design = build_new(fit.problem.schema, new, groups=groups)
    if fit.method == "ols":
        return replace(design, random=())
    if groups == "population":
        own = np.unique(design.rows, return_inverse=True)[1].astype(np.int64)
        return replace(design, random=tuple(_numbered(random, own) for random in design.random))
    unseen = any(np.any(random.ids < 0) for random in design.random)
    return _with_new_groups(fit, new, design) if unseen else design


def _with_new_groups(fit: Fit, new: Any, design: Design) -> Design:
    """Rows of one new group get one number."""
    schema = fit.problem.schema
    table = read_new(schema, new, outcome=False, groups="new")
    place = np.searchsorted(table.rows, design.rows)
    found = []
    for random in design.random:
        columns = [discrete(table.column(name)) for name in schema.group(random.group).columns]
        codes = crossed(columns).codes[place]
        ids = np.where(random.ids < 0, len(random.levels) + codes, random.ids)
        found.append(replace(random, ids=ids))
    return replace(design, random=tuple(found))


def _numbered(random: RandomDesign, own: Ids) -> RandomDesign:
    return replace(random, ids=len(random.levels) + own)


def cells_for(fit: Fit, new: Any, by: Any, design: Design) -> tuple[Cells, pd.DataFrame]:
    """Cells of the rows, and the columns that name the cells.

    Parameters
    ----------
    fit, new, design
        The fit, the frame (None: the fitted rows), and its rows.
    by
        None: every row by itself; True: all rows together; names of columns of the frame, of
        the fitted rows of grouping factors; or labels, one for each row.

    Raises
    ------
    FitError
        A name or labels that do not fit.
    """
    outcome = _outcomes(design)
    if by is None:
        rows = pd.DataFrame({"row": design.rows}) if design.outcomes else outcome
        return each_row(len(design.X)), rows.join(outcome)
    labels = _labels(fit, new, by, design).join(outcome)
    if not labels.shape[1]:
        return averages(np.zeros(len(design.X), dtype=np.int64)), pd.DataFrame(index=range(1))
    cell, first = pd.factorize(pd.MultiIndex.from_frame(labels), sort=True)
    names = pd.DataFrame(first.to_list(), columns=labels.columns)
    return averages(cell.astype(np.int64)), names


def _outcomes(design: Design) -> pd.DataFrame:
    if not design.outcomes:
        return pd.DataFrame(index=range(len(design.X)))
    return pd.DataFrame({"outcome": [design.outcomes[k] for k in design.which]})


def _labels(fit: Fit, new: Any, by: Any, design: Design) -> pd.DataFrame:
    if by is True:
        return pd.DataFrame(index=range(len(design.X)))
    names = [by] if isinstance(by, str) else by
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        found = (_fitted(fit, name) if new is None else _column(new, name, design.rows) for name in names)
        return pd.DataFrame(dict(zip(names, found, strict=True)))
    if new is None:
        column = column_of(fit, by)
        return pd.DataFrame({str(column.name or "by"): column.to_numpy()})
    raise FitError(
        f"by = {by!r} is not possible.", allowed="Allowed: None, True, the name of a column or several."
    )


def _fitted(fit: Fit, name: str) -> NDArray[Any]:
    """Labels of the groups of the fitted rows, or a column that the model uses."""
    design, table = fit.problem.design, fit.problem.table
    for random in design.random:
        if random.group == name:
            return np.asarray(random.levels, dtype=object)[random.ids]
    columns = {} if table is None else {column.name: column for column in table.columns}
    if table is None or name not in columns:
        raise FitError(
            f"The fit has no grouping factor or column `{name}` to average over.",
            allowed=nearest(name, [random.group for random in design.random] + list(columns)),
            remedy="Pass the data as `new`, whose columns can be named, or the labels themselves.",
        )
    return decoded(columns[name]).to_numpy()[np.searchsorted(table.rows, design.rows)]


def _column(new: Any, name: str, rows: Ids) -> NDArray[Any]:
    """A column of a frame at some of its rows."""
    frame = as_frame(new)
    if name not in frame.columns:
        raise FitError(f"The new data have no column `{name}`.", allowed=nearest(name, frame.columns))
    return pd.Series(frame.get_column(name).to_list()).to_numpy()[rows]
