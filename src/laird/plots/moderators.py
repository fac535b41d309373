"""Moderators: their values in the rows of a fit, and rows in which one of them is varied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.data.coding import CodedColumn, code
from laird.data.labels import level_labels
from laird.design import Design, build_new
from laird.errors import FitError, nearest
from laird.fitting.result import Fit
from laird.inference.refits import subset
from laird.inference.units import column_of
from laird.posterior.codings import outcome_rows
from laird.spec import Term, variables
from laird.spec.syntax import Call, Expr, Name

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]


class _Part(NamedTuple):
    """The columns of one formula, and their values in its rows."""

    rows: Flags
    columns: tuple[CodedColumn, ...]
    values: Floats


def moderators(fit: Fit, data: Any = None) -> Mapping[str, NDArray[Any]]:
    """Return the moderators of a model: numbers, or levels as text, shape (n,).

    Without the data they are those that the arrays of the model tell: a number where it
    is a term by itself, a category where its indicators are.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ duration + meta_V(vi)", "sigma ~ habitat", data=data).fit()
    >>> {name: values[:2].tolist() for name, values in moderators(fit).items()}
    {'duration': [1.438002..., 1.069152...], 'habitat': ['grassland', 'forest']}
    """
    found: dict[str, NDArray[Any]] = {}
    for name in () if data is None else columns_used(fit):
        found[name] = _given(fit, data, name)
    for part in _parts(fit) if data is None else ():
        for name, values in _told(part, fit):
            known = found.setdefault(name, np.full(len(part.rows), np.nan, dtype=values.dtype))
            known[part.rows] = values
    return found


def _given(fit: Fit, data: Any, name: str) -> NDArray[Any]:
    """A column of the data at the rows of the fit."""
    values = column_of(fit, data[name])
    levels = {own.name for own in fit.problem.schema.columns if own.levels}
    if levels & {name, f"C({name})"}:
        return np.array(level_labels(values), dtype=object)
    return values.to_numpy(dtype=float)


def _told(part: _Part, fit: Fit) -> Iterator[tuple[str, NDArray[Any]]]:
    single: dict[Expr, dict[int, Floats]] = {}
    for column, values in zip(part.columns, part.values.T, strict=True):
        if len(column.factors) == 1:
            (factor, place) = column.factors[0]
            single.setdefault(factor, {})[place] = values
    for factor, own in single.items():
        levels = fit.problem.schema.column(factor).levels
        match factor:
            case Name(name) | Call("C", (Name(name), *_)) if levels:
                index = sum((place * (values != 0) for place, values in own.items()), start=np.zeros(1, int))
                yield name, np.asarray(levels, dtype=object)[index]
            case Name(name):
                yield name, own[0]


def _parts(fit: Fit) -> Iterator[_Part]:
    """The formulas of the means and of the sds."""
    design, schema = fit.problem.design, fit.problem.schema
    for k, location in enumerate(fit.spec.locations):
        outcome = design.outcomes[k] if design.outcomes else ""
        rows, columns = outcome_rows(design, outcome), code(location.terms, schema)
        prefix = f"{outcome}: " if outcome else ""
        places = [design.names.index(prefix + column.name) for column in columns]
        yield _Part(rows, columns, design.X[np.ix_(rows, places)])
    terms = {(part.parameter, ":".join(part.target)): part.terms for part in fit.spec.distributional}
    for scale in design.scales:
        key = (scale.parameter, scale.group)
        rows = outcome_rows(design, scale.group if scale.parameter == "sigma" else "")
        if key in terms:
            yield _Part(rows, code(terms[key], schema), scale.W[rows])


def varied(fit: Fit, rows: Flags, name: str, values: Sequence[Any], data: Any = None) -> tuple[Design, Ids]:
    """Return the rows of a fit once for every value that a moderator is given.

    Everything else stays as it is in the rows, so that averages over them are at the values
    of the other moderators that the studies have.

    Parameters
    ----------
    fit, rows
        The fit, and which of its rows, a mask of shape (n,).
    name, values
        The moderator and its m values.
    data
        The data that were fitted, where the arrays of the model do not tell a variable.

    Returns
    -------
    The design, and which of the m values each of its rows has.

    Raises
    ------
    FitError
        The arrays of the model do not tell a variable by itself.
    """
    known = moderators(fit, data)
    needed = columns_used(fit)
    for own in needed:
        if own not in known:
            raise untold(own, known)
    m, n = len(values), int(rows.sum())
    frame = {own: np.tile(known[own][rows], m) for own in needed}
    frame[name] = np.repeat(np.asarray(values), n)
    return _built(fit, frame, rows), np.repeat(np.arange(m), n)


def _built(fit: Fit, frame: Mapping[str, NDArray[Any]], rows: Flags) -> Design:
    """New rows, of the outcome that `rows` are of."""
    design = fit.problem.design
    if not frame:
        return subset(design, rows)
    built = build_new(fit.problem.schema, dict(frame), groups="population")
    return subset(built, built.which == design.which[rows][0]) if design.outcomes else built


def columns_used(fit: Fit) -> tuple[str, ...]:
    """The columns of the data that means and variances depend on."""
    spec = fit.spec
    terms: list[Term] = [term for location in spec.locations for term in location.terms]
    terms += [term for location in spec.locations for random in location.random for term in random.terms]
    terms += [term for part in spec.distributional if part.parameter != "rho" for term in part.terms]
    return tuple(
        dict.fromkeys(name for term in terms for factor in term.factors for name in variables(factor))
    )


def untold(name: str, known: Mapping[str, Any]) -> FitError:
    """The error that a variable is in the model, but not by itself."""
    return FitError(
        f"The model has `{name}` only within functions or interactions, so that its values are not known.",
        allowed=nearest(name, known),
        remedy="Pass the data that were fitted: `data=`.",
    )
