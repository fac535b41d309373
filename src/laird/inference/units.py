"""Studies: the units of a model that are left out, added or clustered together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError, nearest
from laird.fitting.frozen import freeze
from laird.fitting.result import Fit
from laird.inference.rowblocks import connected_rows

type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Units of rows.

    Attributes
    ----------
    name
        What they are.
    codes
        Unit of each row, shape (n,), integers from 0.
    labels
        Their names, in the order of their first rows.
    """

    name: str
    codes: Ids
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self)


def units_of(fit: Fit, by: Any = None) -> Units:
    """The units of a fit.

    Parameters
    ----------
    fit
        A fit.
    by
        Name of a grouping factor; labels, one for each row of the fit or of the user's
        data; None: the factor outside all others, without factors the rows that no
        sampling covariance connects.

    Raises
    ------
    FitError
        An unknown factor, labels of the wrong length or missing, factors of which none is
        outside all others.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    >>> units_of(fit).labels
    ('A', 'B', 'C', 'D', 'E', 'F')
    """
    design = fit.problem.design
    if by is None:
        return _outermost(design) if design.random else _rows(design)
    if isinstance(by, str):
        return _factor(design, by)
    column = column_of(fit, by)
    return _coded(str(column.name or "unit"), column)


def groupings(design: Design) -> Mapping[str, Ids]:
    """Groups of the rows (n,) by factor: of the factor outside all others, or where they cross of each."""
    if not design.random:
        units = _rows(design)
        return {units.name: units.codes}
    outside = _outside(design)
    return {r.group: r.ids for r in design.random if outside in (None, r.group)}


def _outside(design: Design) -> str | None:
    """The factor whose groups are the connected parts of the data."""
    parts = len(np.unique(connected_rows(design)))
    return next((r.group for r in design.random if len(np.unique(r.ids)) == parts), None)


def _outermost(design: Design) -> Units:
    group = _outside(design)
    if group is not None:
        return _factor(design, group)
    raise FitError(
        "No grouping factor is outside all others: groups cross, or sampling errors connect them.",
        allowed="Factors: " + ", ".join(f"`{random.group}`" for random in design.random) + ".",
        remedy="Name a factor, or pass labels.",
    )


def _rows(design: Design) -> Units:
    labels = connected_rows(design)
    if len(np.unique(labels)) == len(labels):
        return _coded("row", pd.Series(design.rows))
    first = pd.Series(design.rows).groupby(labels).transform("min")
    return _coded("row", first)


def _factor(design: Design, name: str) -> Units:
    names = [random.group for random in design.random]
    if name not in names:
        raise FitError(
            f"The model has no grouping factor `{name}`.",
            allowed=nearest(name, names) or "It has none.",
            remedy="Pass the labels themselves: a column with one entry per row.",
        )
    random = design.random[names.index(name)]
    return _coded(name, pd.Series(np.asarray(random.levels, dtype=object)[random.ids]))


def column_of(fit: Fit, given: Any) -> pd.Series:
    """A column of the user's data, or of the rows of the fit, at the rows of the fit.

    Raises
    ------
    FitError
        The wrong length, or missing entries.
    """
    design = fit.problem.design
    column = given if isinstance(given, pd.Series) else pd.Series(_listed(given))
    n, least = len(design.rows), int(design.rows.max()) + 1
    if len(column) != n and len(column) < least:
        raise FitError(
            f"The labels have {len(column)} entries; the fit has {n} rows, the last is row {least - 1}.",
            remedy="Pass a column of the data that were fitted.",
        )
    found = column if len(column) == n else column.iloc[design.rows]
    if found.isna().any():
        raise FitError(f"{int(found.isna().sum())} labels are missing.", remedy="Fill them in.")
    return found


def _listed(given: Any) -> Any:
    return given if isinstance(given, np.ndarray | list | tuple) else np.asarray(given)


def _coded(name: str, column: pd.Series) -> Units:
    codes, labels = pd.factorize(column)
    return Units(name, codes.astype(np.int64), tuple(str(label) for label in labels))
