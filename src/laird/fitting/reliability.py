"""How reliable the mean of a variable in a group is.

λ_j = τ_x² / (τ_x² + σ_x² / n_j), with the variances of x between and within groups by REML
(Raudenbush & Bryk 2002, p. 46).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.evaluate import numbers
from laird.data.factors import crossed, ordered
from laird.data.frame import complete, read_table
from laird.data.transforms import group_means, is_constant
from laird.fitting.derivatives import Effect
from laird.fitting.likelihood import maximise
from laird.fitting.parts import Part, Variable, column_of, parts_of
from laird.fitting.problem import Problem
from laird.gaussian.crossproducts import group as reduced
from laird.spec.parser import parse
from laird.spec.syntax import Call, Expr

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def reliability(data: Any, variable: str, group: str) -> pd.DataFrame:
    """Reliability of the mean of a numeric variable in each group.

    The mean of a small sample of a group is the group's level with an error; a contextual
    effect of that mean is attenuated by about the reliability.  Where all members of a
    group are in the data and their mean itself is meant, this is no error.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts.
    variable
        A numeric column.
    group
        The grouping column, or several joined by a colon.

    Returns
    -------
    pandas.DataFrame
        One row per group, index `group`: ``n``, ``mean``, ``reliability`` in [0, 1].

    Raises
    ------
    DataError
        A column is absent, has missing values, or is not numeric.

    Examples
    --------
    >>> import laird as ld
    >>> ld.reliability(ld.load_data("hs"), "ses", "school").head(2).round(3)
             n   mean  reliability
    school
    1317    48  0.345        0.950
    1906    53  0.512        0.955
    """
    names = group.split(":")
    table = complete(read_table(data, [variable, *names]), "error")
    codes = crossed([ordered(table.column(name)) for name in names])
    x, J = numbers(table.column(variable)), len(codes.labels)
    return pd.DataFrame(
        {
            "n": np.bincount(codes.codes, minlength=J),
            "mean": group_means(x, codes.codes, J),
            "reliability": reliabilities(x, codes.codes, J),
        },
        index=pd.Index(codes.labels, name=group),
    )


def reliabilities(x: Floats, ids: Ids, J: int) -> Floats:
    """λ_j of the mean of x in each group, shape (J,).

    1 where x has no spread within groups, 0 where the groups do not differ.

    Examples
    --------
    >>> x, ids = np.array([0.0, 2.0, 10.0, 12.0, 20.0, 22.0]), np.array([0, 0, 1, 1, 2, 2])
    >>> reliabilities(x, ids, 3)
    array([0.99, 0.99, 0.99])
    """
    if is_constant(x, ids):
        return np.ones(J)
    one = np.ones((len(x), 1))
    estimate = maximise(reduced(x, one, one, ids, J, ((0,),)), restricted=True)
    between, within = float(estimate.L[0, 0]) ** 2, estimate.sigma**2
    return np.asarray(between / (between + within / np.bincount(ids, minlength=J)))


def mean_reliability(problem: Problem, effect: Effect) -> float:
    """Average reliability of the group mean that an effect is of.

    NaN for an effect within groups, for weighted means and means of the others, and where
    the model does not tell the rows' values or groups.
    """
    part = next(part for part in parts_of(problem) if part.outcome == effect.outcome)
    if effect.group not in {group.name for group in part.schema.groups}:
        return float("nan")
    x, ids = values_of(part, effect.variable), _ids(problem, part, effect)
    if x is None or ids is None:
        return float("nan")
    return float(reliabilities(x, ids, int(ids.max()) + 1).mean())


def values_of(part: Part, own: Variable) -> Floats | None:
    """x in every row: itself, or its deviation from the mean of a group and that mean."""
    raw = column_of(part, own.expr, own.level)
    if raw is not None:
        return raw
    sums = (_plus_mean(part, own, call, call.args[1]) for call in _deviations(part, own, n_args=2))
    return next((total for total in sums if total is not None), None)


def _plus_mean(part: Part, own: Variable, call: Call, group: Expr) -> Floats | None:
    mean, column = _mean(part, own, group), column_of(part, call, max(own.level - 1, 0))
    return None if mean is None or column is None else column + mean


def _mean(part: Part, own: Variable, group: Expr) -> Floats | None:
    """Mean of x in the row's group: a column, or the deviation from the groups above and their mean."""
    mean = column_of(part, Call("cvar", (own.expr, group)), max(own.level - 1, 0))
    if mean is not None:
        return mean
    inner = (call for call in _deviations(part, own, n_args=3) if call.args[1] == group)
    sums = (_plus_mean(part, own, call, call.args[2]) for call in inner)
    return next((total for total in sums if total is not None), None)


def _deviations(part: Part, own: Variable, n_args: int) -> Iterator[Call]:
    for column in part.columns:
        for factor, _ in column.factors:
            match factor:
                case Call("dvar", (x, *_), ()) if x == own.expr and len(factor.args) == n_args:
                    yield factor


def _ids(problem: Problem, part: Part, effect: Effect) -> Ids | None:
    """Group of each row: of the random terms, or told by the means when these are all different."""
    design, levels = problem.design, part.schema.group(effect.group).levels
    rows = design.which == design.outcomes.index(part.outcome) if part.outcome else slice(None)
    for random in design.random:
        if random.group == effect.group:
            return np.asarray(random.ids[rows])
    mean = _mean(part, effect.variable, parse(effect.group))
    values, ids = np.unique(np.zeros(0) if mean is None else mean, return_inverse=True)
    return ids if len(values) == len(levels) else None
