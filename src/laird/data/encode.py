"""(Schema, Table) -> values: levels and groups as the fitted data numbered them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from laird.data.averages import group_names
from laird.data.checks import warn
from laird.data.column import Mask
from laird.data.evaluate import Context, calls, evaluate
from laird.data.factors import Codes, crossed, discrete, known_codes, quoted
from laird.data.frame import Table, complete, first_rows, read_table
from laird.data.known import Known, check_used, named
from laird.data.schema import GroupInfo, Schema
from laird.data.stack import may_be_missing
from laird.data.usage import factors, groupings, known_names, outcomes
from laird.errors import DataError
from laird.spec import recipe_columns, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Expr

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type NewGroups = Literal["error", "population", "existing", "new"]

UNSEEN = -1


def read_new(
    schema: Schema, frame: Any, *, outcome: bool, groups: NewGroups, known: Known | None = None
) -> Table:
    """Return the complete rows of the columns that new data need.

    The columns of ``meta_V`` are read where the new data have them.

    Raises
    ------
    DataError
        A column is absent, unusable or incomplete; there is no row.
    """
    spec = schema.spec
    exprs = (*factors(spec), *(outcomes(spec) if outcome else ()))
    needed = dict.fromkeys(name for expr in exprs for name in variables(expr))
    columns = dict.fromkeys(name for group in groupings(spec).values() for name in group)
    optional = groups == "population"
    given = named(known)
    check_used(spec, given)
    in_frame = [*(name for name in known_names(spec) if name not in given), *recipe_columns(spec.known)]
    table = read_table(
        frame,
        needed if optional else {**needed, **columns},
        optional=(*(columns if optional else ()), *in_frame),
        formula=spec.formula,
        empty=("The new data have 0 rows: there is nothing to predict.", "Pass at least one row."),
    )
    return complete(table, spec.missing, allowed=may_be_missing(spec, table) if outcome else None)


def factor_values(schema: Schema, used: Iterable[Expr], context: Context) -> dict[Expr, Floats | Ids]:
    """Return floats for numeric factors and codes of levels for categorical ones.

    Raises
    ------
    DataError
        A column has a level that the fitted data did not have.
    """
    return {
        factor: known_codes(context.table.column(variables(factor)[0]), levels, context.table.rows)
        if (levels := schema.column(factor).levels)
        else evaluate(factor, context)
        for factor in used
    }


def group_ids(schema: Schema, table: Table, groups: NewGroups) -> dict[str, Ids]:
    """Return the group of each row by grouping factor; new groups are numbered after the fitted ones.

    A factor whose columns the table does not have gives -1.

    Raises
    ------
    DataError
        There are new groups and `groups` is ``"error"`` or ``"existing"``.
    """
    return {info.name: _ids(info, schema, table, groups) for info in schema.groups}


def _ids(info: GroupInfo, schema: Schema, table: Table, groups: NewGroups) -> Ids:
    if not {column.name for column in table.columns}.issuperset(info.columns):
        return np.full(len(table), UNSEEN)
    found = crossed([discrete(table.column(name)) for name in info.columns])
    new = _new(found, info.levels)
    ids = found.recoded((*info.levels, *new)).codes
    if new and groups in ("error", "existing"):
        raise DataError(
            f"`{info.name}` has groups that the fitted data did not have: {quoted(new)}.",
            where=_place(info.name, ids >= len(info.levels), table),
            allowed=f"Groups: {quoted(info.levels)}.",
            remedy='Correct them, or say what they are: groups="new" or groups="population".',
        )
    if new:
        _note_new_means(info.name, new, schema)
    return ids


def _new(found: Codes, levels: Sequence[str]) -> tuple[str, ...]:
    known = {*levels, *found.unused()}
    return tuple(label for label in found.labels if label not in known)


def _note_new_means(group: str, new: Sequence[str], schema: Schema) -> None:
    used = calls(factors(schema.spec))
    if any(call.function in AVERAGES and group in group_names(call) for call in used):
        warn(f"Group means of the new groups of `{group}` ({quoted(new)}) are those of the rows given.")


def _place(name: str, wrong: Mask, table: Table) -> str:
    return f"    {name}: {int(wrong.sum())} of {len(wrong)} rows, {first_rows(wrong, table.rows)}"
