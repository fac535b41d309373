"""Several outcomes as one: the rows of a unit follow each other, in the order of the outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Mask
from laird.data.frame import Table
from laird.data.recipes import unneeded
from laird.data.usage import known_names, outcome_columns
from laird.spec import Spec, spec_variables, text

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Which row of a table, and which outcome, each stacked row is.

    Attributes
    ----------
    rows, which
        Row of the table and position of the outcome, shapes (N,).
    count
        Number m of outcomes.
    """

    rows: Ids
    which: Ids
    count: int

    def of(self, outcome: int) -> Mask:
        """True in the stacked rows of an outcome."""
        return np.asarray(self.which == outcome)

    def present(self, outcomes: Iterable[int], n: int) -> Mask:
        """Tell which of some outcomes each of the n rows of the table has, shape (n, len(outcomes)).

        Examples
        --------
        >>> stacked(np.array([[True, True], [False, True]])).present([0], 2)
        array([[ True],
               [False]])
        """
        columns = list(outcomes)
        there = np.zeros((n, self.count), dtype=bool)
        there[self.rows, self.which] = True
        return there[:, columns]

    def positions(self, table: Table) -> Ids:
        """Places of the stacked rows among m times the rows of the user's frame."""
        return table.rows[self.rows] * self.count + self.which

    def join(self, columns: Sequence[Floats], owners: Sequence[int]) -> Floats:
        """Stack columns of the table, each with its owner's rows alone: shape (N, len(columns)).

        Examples
        --------
        >>> stack = stacked(np.array([[True, True], [False, True]]))
        >>> stack.join([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [0, 1])
        array([[1., 0.],
               [0., 3.],
               [0., 4.]])
        """
        out = np.zeros((len(self.rows), len(columns)))
        for k, (column, owner) in enumerate(zip(columns, owners, strict=True)):
            own = self.of(owner)
            out[own, k] = column[self.rows[own]]
        return out


def stacked(present: Mask) -> Stack:
    """Return the stack of the outcomes that are `present`, shape (n, m).

    Examples
    --------
    >>> stack = stacked(np.array([[True, True], [False, True]]))
    >>> stack.rows, stack.which
    (array([0, 0, 1]), array([0, 1, 1]))
    """
    n, m = present.shape
    if present.all():
        return Stack(np.repeat(np.arange(n), m), np.tile(np.arange(m), n), m)
    rows, which = np.nonzero(present)
    return Stack(rows.astype(np.int64), which.astype(np.int64), m)


def present(spec: Spec, table: Table) -> Mask:
    """Tell which outcomes each row of the table has, shape (n, m)."""
    return np.stack([~_missing(table, columns) for columns in outcome_columns(spec)], axis=1)


def everywhere(spec: Spec, table: Table) -> Mask:
    """Every outcome in every row, as new data need: shape (n, m)."""
    return np.ones((len(table), len(spec.locations)), dtype=bool)


def may_be_missing(spec: Spec, table: Table) -> dict[str, Mask]:
    """Where columns may be missing: an outcome beside another one, and its sampling variance with it.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> from laird.spec import parse_spec
    >>> spec = parse_spec("a ~ 1 + meta_V(v)", "b ~ 1")
    >>> nan = float("nan")
    >>> data = {"a": [1.0, nan, nan], "b": [1.0, 2.0, nan], "v": [1.0, nan, nan]}
    >>> table = read_table(data, data)
    >>> {name: mask.tolist() for name, mask in may_be_missing(spec, table).items()}
    {'a': [True, True, False], 'b': [True, True, False], 'v': [False, True, True]}
    """
    if len(spec.locations) == 1:
        return {}
    there = present(spec, table)
    some = there.any(axis=1)
    allowed = {name: some for columns in outcome_columns(spec) for name in columns}
    predictors = set(spec_variables(spec))
    for name, without in _sampling_columns(spec, there):
        if name not in predictors:
            allowed[name] = allowed.get(name, without) & without
    return allowed


def _sampling_columns(spec: Spec, there: Mask) -> Iterator[tuple[str, Mask]]:
    """Columns that known sampling covariances come from, and which rows do without them."""
    recipes = {recipe.name: recipe for recipe in spec.known}
    for name in known_names(spec):
        users = [one.known is not None and one.known.name == name for one in spec.locations]
        if name in recipes:
            yield from unneeded(recipes[name], there, users)
        else:
            yield name, ~there[:, users].any(axis=1)


def unobserved(spec: Spec, table: Table) -> tuple[tuple[str, int], ...]:
    """Count the rows without each outcome that some row is without, ``((outcome, count), ...)``."""
    counts = (~present(spec, table)).sum(axis=0).tolist()
    names = [text(one.outcome) for one in spec.locations]
    return tuple((name, count) for name, count in zip(names, counts, strict=True) if count)


def _missing(table: Table, columns: Sequence[str]) -> Mask:
    return np.any([table.column(name).missing for name in columns], axis=0)
