"""A recipe and columns -> the sampling covariance that ``meta_V`` names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.evaluate import numbers
from laird.data.frame import Table
from laird.errors import DataError
from laird.meta.covariances import vcov_bivariate, vcov_cluster
from laird.spec import Recipe, Spec, recipe_columns, recipe_text
from laird.spec.syntax import Call, Expr, Name, Number, String

type Mask = NDArray[np.bool_]
type Floats = NDArray[np.float64]

LABELS = ("cluster", "type")
"""Arguments that may be labels; all others are numbers."""


def recipe_of(spec: Spec, name: str) -> Recipe | None:
    """How the spec builds the matrix `name`, if it does."""
    return next((recipe for recipe in spec.known if recipe.name == name), None)


def can_build(recipe: Recipe, available: Collection[str]) -> bool:
    """Whether all columns of a recipe are there.

    Examples
    --------
    >>> from laird.spec.recipes import parse_recipes
    >>> (recipe,) = parse_recipes({"V": "vcov_cluster(vi, study, rho=0.6)"})
    >>> can_build(recipe, ["vi"]), can_build(recipe, ["vi", "study"])
    (False, True)
    """
    return set(recipe_columns([recipe])) <= set(available)


def built(recipe: Recipe, table: Table, there: Mask) -> Any:
    """Build V.

    Parameters
    ----------
    recipe
        The builder and its arguments.
    table
        The columns.
    there
        Which outcomes each row has that the matrix is of, shape (n, 1) or (n, 2).

    Returns
    -------
    For one outcome V of the rows that have it; for two the blocks of all rows, where the entries
    of an outcome that is not there are 0.

    Raises
    ------
    DataError
        The columns do not give a covariance matrix; rows of the message are those of V.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> from laird.spec.recipes import parse_recipes
    >>> (recipe,) = parse_recipes({"V": "vcov_bivariate(a, b, cov=c)"})
    >>> nan = float("nan")
    >>> table = read_table({"a": [2.0, 1.0], "b": [3.0, nan], "c": [1.0, nan]}, ["a", "b", "c"])
    >>> built(recipe, table, np.array([[True, True], [True, False]]))[1]
    array([[1., 0.],
           [0., 0.]])
    """
    try:
        if recipe.call.function == "vcov_bivariate":
            return vcov_bivariate(**_of_two(recipe.call, table, there))
        return vcov_cluster(**_of_one(recipe.call, table.take(there.any(axis=1))))
    except DataError as error:
        where = "\n".join(part for part in (f"    {recipe_text(recipe)}", error.where) if part)
        raise DataError(error.what, where=where, allowed=error.allowed, remedy=error.remedy) from None


def _of_one(call: Call, table: Table) -> dict[str, Any]:
    given = zip(("v", "cluster"), call.args, strict=True)
    return {name: _value(value, name, table) for name, value in (*given, *call.keywords)}


def _of_two(call: Call, table: Table, there: Mask) -> dict[str, Any]:
    """Variances of both outcomes and what joins them, 0 where it is not needed."""
    needed = {"v1": there[:, 0], "v2": there[:, 1]}
    given = zip(("v1", "v2"), call.args, strict=True)
    both = there.all(axis=1)
    return {
        name: np.where(needed.get(name, both), _value(value, name, table), 0.0)
        for name, value in (*given, *call.keywords)
    }


def _value(expr: Expr, name: str, table: Table) -> Any:
    match expr:
        case Name(column):
            return _column(table.column(column), name)
        case Number(value) | String(value):
            return value
        case Call(_, values):
            return tuple(_value(value, name, table) for value in values)
    raise ValueError(f"no value of a recipe: {expr}")


def _column(column: Column, name: str) -> Any:
    if name in LABELS:
        return np.array(column.labels, dtype=object)[column.values] if column.labels else column.values
    return numbers(column)


def unneeded(recipe: Recipe, there: Mask, owners: Sequence[bool]) -> Iterator[tuple[str, Mask]]:
    """Where a recipe does without the values of its columns, because outcomes are missing there.

    Parameters
    ----------
    recipe
        The recipe.
    there
        Which outcomes each row has, shape (n, m).
    owners
        The outcomes whose formulas name the matrix; one of two outcomes has both.
    """
    if recipe.call.function == "vcov_bivariate":
        yield from _unneeded_of_two(recipe.call, there)
        return
    absent = ~there[:, list(owners)].any(axis=1)
    yield from ((name, absent) for name in recipe_columns([recipe]))


def _unneeded_of_two(call: Call, there: Mask) -> Iterator[tuple[str, Mask]]:
    parts = [~there[:, 0], ~there[:, 1], *([~there.all(axis=1)] * len(call.keywords))]
    values = (*call.args, *(value for _, value in call.keywords))
    for value, absent in zip(values, parts, strict=True):
        if isinstance(value, Name):
            yield value.name, absent
