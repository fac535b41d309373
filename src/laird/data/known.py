"""``meta_V(...)`` of all outcomes -> the known sampling covariance of the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.arrays import KnownBlock, KnownDesign, read_only
from laird.data.column import Column
from laird.data.covariance import (
    SINGULAR,
    Entries,
    check_covariance,
    connected_blocks,
    of_vector,
    read_covariance,
    smallest_eigenvalues,
)
from laird.data.evaluate import numbers
from laird.data.frame import Table
from laird.data.recipes import built, can_build, recipe_of
from laird.data.stack import Stack
from laird.data.usage import known_names
from laird.errors import DataError, SpecError, nearest
from laird.spec import Recipe, Spec, normalised, text

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Known = Mapping[str, Any]
type Label = Callable[[int], str]


class _Piece(NamedTuple):
    """A covariance matrix of some of the stacked rows, `rows`."""

    V: Entries
    rows: Ids


def named(known: Known | None) -> Known:
    """Return what ``known=`` gives, by names as they are compared; nothing for None.

    Raises
    ------
    DataError
        It is no mapping.
    """
    if known is not None and not isinstance(known, Mapping):
        raise DataError(
            f"`known` must be a mapping of names, not {type(known).__name__}.",
            remedy='Write known={"V": V} beside meta_V(V).',
        )
    return {normalised(str(name)): given for name, given in (known or {}).items()}


def check_aligned(known: Known, data: Any) -> None:
    """Refuse pandas objects whose labels are those of the data in another order: rows go by position.

    Raises
    ------
    DataError
        The index of what `known` gives is that of the data, rearranged.
    """
    labels: Any = getattr(data, "index", None)
    for name, given in known.items():
        own: Any = getattr(given, "index", None)
        if not (hasattr(labels, "equals") and hasattr(own, "equals")):
            continue
        if len(own) == len(labels) and not own.equals(labels) and set(own) == set(labels):
            raise DataError(
                f"`{name}` has the rows of the data in another order, by its index.",
                remedy=f"Pass `{name}` in the order of the data, such as {name}.loc[data.index],"
                " or an array without an index.",
            )


def check_named(spec: Spec, available: Collection[str], known: Known) -> None:
    """Refuse names that only one of formula and data knows, and those that both data and `known` have.

    Raises
    ------
    SpecError
        `known` gives what no ``meta_V`` names.
    DataError
        A ``meta_V`` names neither a column nor what `known` gives or the spec builds, or two of these.
    """
    check_used(spec, known)
    recipes = [recipe.name for recipe in spec.known]
    for name in known_names(spec):
        homes = [home for home in (available, known, recipes) if name in home]
        if len(homes) != 1:
            raise _twice(name) if homes else _neither(name, available, known)


def check_used(spec: Spec, known: Known) -> None:
    """Refuse what no formula names.

    Raises
    ------
    SpecError
        `known` gives what no ``meta_V`` names.
    """
    used = known_names(spec)
    for name in known:
        if name not in used:
            raise SpecError(
                f"`known` gives `{name}`, which no meta_V(...) names.",
                where=f"    {spec.formula}",
                allowed=nearest(name, used),
                remedy=f"Write meta_V({name}) into the formula, or leave `{name}` out of `known`.",
            )


def _neither(name: str, available: Collection[str], known: Known) -> DataError:
    return DataError(
        f"meta_V({name}): there is no column `{name}` in the data, and `known` does not give it.",
        allowed=nearest(name, (*known, *available)),
        remedy=f'Correct the name, or pass known={{"{name}": …}}: a matrix, or how columns build it.',
    )


def _twice(name: str) -> DataError:
    return DataError(
        f"meta_V({name}): `{name}` is given twice: by a column of the data, in `known`, or by the spec.",
        remedy="Rename one of them, or leave it out.",
    )


def known_design(
    spec: Spec, table: Table, stack: Stack, known: Known, label: Label, *, fitted: bool
) -> KnownDesign | None:
    """Return V of the stacked rows; None without ``meta_V``, or for new data without their V.

    Parameters
    ----------
    spec, table, stack
        The model, the columns, and the stacked rows.
    known
        As `named` gives it; what it gives is for all rows of the user's frame.
    label
        Describes a stacked row.
    fitted
        The rows are those of a fit: V must be there, and not zero.

    Raises
    ------
    DataError
        V does not fit the rows, or is no covariance matrix.
    """
    names = known_names(spec)
    columns = [column.name for column in table.columns]
    buildable = [recipe.name for recipe in spec.known if can_build(recipe, columns)]
    if not names or not (fitted or set(names) <= {*known, *columns, *buildable}):
        return None
    variances, blocks = np.zeros(len(stack.rows)), list[KnownBlock]()
    for piece in _pieces(spec, table, stack, known):
        found = _checked(piece, label)
        variances[piece.rows] = piece.V.diagonal()
        blocks += (KnownBlock(read_only(piece.rows[block.rows]), block.V) for block in found)
    joint = ", ".join(names)
    if fitted:
        _check_some(joint, variances)
    scale = next(one.known.scale for one in spec.locations if one.known)
    ordered = tuple(sorted(blocks, key=lambda block: int(block.rows[0])))
    return KnownDesign(joint, scale == "proportional", read_only(variances), ordered)


def _checked(piece: _Piece, label: Label) -> tuple[KnownBlock, ...]:
    def of_piece(row: int) -> str:
        return label(int(piece.rows[row]))

    check_covariance(piece.V, of_piece)
    return connected_blocks(piece.V, of_piece)


def _pieces(spec: Spec, table: Table, stack: Stack, known: Known) -> Iterator[_Piece]:
    for name in known_names(spec):
        owners = [k for k, one in enumerate(spec.locations) if one.known and one.known.name == name]
        if (recipe := recipe_of(spec, name)) is not None:
            yield from _built_pieces(recipe, spec, table, stack, owners)
            continue
        if name not in known:
            values = _variances(table.column(name))
            yield from (_column_piece(name, values, table, stack, owner) for owner in owners)
            continue
        V = read_covariance(name, known[name])
        _check_size(spec, V, table.total)
        if V.size == table.total:
            yield from (_own_piece(V, table, stack, owner) for owner in owners)
        else:
            _check_alone(spec, name)
            yield _Piece(V.subset(stack.positions(table)), np.arange(len(stack.rows)))


def _built_pieces(
    recipe: Recipe, spec: Spec, table: Table, stack: Stack, owners: Iterable[int]
) -> Iterator[_Piece]:
    if recipe.call.function == "vcov_bivariate":
        _check_alone(spec, recipe.name)
        V = read_covariance(recipe.name, built(recipe, table, stack.present(range(2), len(table))))
        yield _Piece(V.subset(stack.rows * stack.count + stack.which), np.arange(len(stack.rows)))
        return
    for owner in owners:
        V = read_covariance(recipe.name, built(recipe, table, stack.present([owner], len(table))))
        yield _Piece(V, np.flatnonzero(stack.of(owner)))


def _variances(column: Column) -> Floats:
    if column.kind != "number":
        raise DataError(
            f"meta_V({column.name}): the column `{column.name}` does not hold numbers.",
            remedy="Name the column of sampling variances, the squares of standard errors.",
        )
    return numbers(column)


def _column_piece(name: str, values: Floats, table: Table, stack: Stack, owner: int) -> _Piece:
    rows = np.flatnonzero(stack.of(owner))
    own = stack.rows[rows]
    return _Piece(of_vector(name, values[own], table.rows[own]), rows)


def _own_piece(V: Entries, table: Table, stack: Stack, owner: int) -> _Piece:
    rows = np.flatnonzero(stack.of(owner))
    return _Piece(V.subset(table.rows[stack.rows[rows]]), rows)


def _check_size(spec: Spec, V: Entries, total: int) -> None:
    m = len(spec.locations)
    if V.size in (total, m * total):
        return
    allowed = f"{total}, one for each row of the data frame, those that are dropped too"
    if m > 1:
        order = ", ".join(text(one.outcome) for one in spec.locations)
        allowed = f"{m * total} (first {order} of the first row, then of the second, …), or {allowed}"
    raise DataError(
        f"`{V.name}` has {V.size} rows, but the data have {total} rows"
        + (f" of {m} outcomes." if m > 1 else "."),
        allowed=f"Allowed: {allowed}.",
        remedy="Give the covariances of all rows; laird leaves out those of rows that it drops.",
    )


def _check_alone(spec: Spec, name: str) -> None:
    others = [other for other in known_names(spec) if other != name]
    if others:
        raise DataError(
            f"`{name}` has the covariances of all outcomes, so meta_V({others[0]}) has nothing left to say.",
            remedy=f"Leave meta_V({others[0]}) out.",
        )


def _check_some(name: str, variances: Floats) -> None:
    if not variances.any():
        raise DataError(
            f"The sampling variances `{name}` are 0 in all {len(variances)} rows.",
            remedy=f"Leave meta_V({name}) out, or check that the right column was chosen.",
        )


def check_regular(known: KnownDesign, zero: NDArray[np.bool_], label: Label) -> None:
    """Refuse rows that ``sigma ~ 0`` would leave without any variation of their own.

    Parameters
    ----------
    known
        The sampling covariance.
    zero
        True where sigma is zero, shape (n,).
    label
        Describes a row.

    Raises
    ------
    DataError
        Such a row has a sampling variance of 0, or such rows have a singular block of V.
    """
    exact = [np.flatnonzero(zero & (known.variances == 0))[:1]]
    exact += [
        block.rows
        for block in known.blocks
        if zero[block.rows].all() and smallest_eigenvalues(block.V[np.newaxis])[0] < SINGULAR
    ]
    for rows in exact:
        if len(rows):
            raise DataError(
                f"`{known.name}` gives these rows, or a contrast of them, no sampling error,"
                " and `sigma ~ 0` gives them no other.",
                where="\n".join(f"    {label(int(row))}" for row in rows[:5]),
                remedy="Estimate sigma (sigma ~ 1), or correct the variances.",
            )
