"""``cvar`` and ``dvar``: means of the groups, deviations from them, and what has none.

With m_g the mean of x in the row's group of g: ``cvar(x, g)`` is m_g, ``dvar(x, g)`` is
x - m_g, and for groups g within groups h ``dvar(x, g, h)`` is m_g - m_h.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.frame import first_rows
from laird.data.transforms import AVERAGING, is_constant
from laird.errors import DataError
from laird.spec import text
from laird.spec.functions import averaging_groups
from laird.spec.syntax import Call, Expr

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_ROUNDING = 8 * float(np.finfo(float).eps)


def group_names(call: Call) -> tuple[str, ...]:
    """Names of the grouping factors of a ``cvar`` or ``dvar``, the inner one first.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> group_names(parse_spec("y ~ dvar(x, a:b, a)").locations[0].terms[1].factors[0])
    ('a:b', 'a')
    """
    return tuple(map(":".join, averaging_groups(call)))


def means_of(call: Call) -> tuple[Call, ...]:
    """The means that a call needs, as ``cvar`` calls: the keys of their states.

    Examples
    --------
    >>> from laird.spec import parse_spec, text
    >>> call = parse_spec("y ~ dvar(x, a, b)").locations[0].terms[1].factors[0]
    >>> [text(mean) for mean in means_of(call)]
    ['cvar(x, a)', 'cvar(x, b)']
    """
    return tuple(Call("cvar", (call.args[0], group), call.keywords) for group in call.args[1:])


def leaves_own_out(call: Call) -> bool:
    """Tell whether the means of a call leave out the row itself."""
    return "loo" in dict(call.keywords)


def average(
    call: Call, x: Floats, weights: Floats, ids: Mapping[str, Ids], states: Mapping[Expr, Floats]
) -> Floats:
    """Value of a ``cvar`` or ``dvar`` in each row, in the shape of x.

    Parameters
    ----------
    call
        The call in canonical form.
    x
        What is averaged, shape (n,), or (n, k) for the indicators of a category.
    weights
        Weight of each row, shape (n,).
    ids
        Group of each row by grouping factor.
    states
        The learned means by their ``cvar`` call.
    """
    apply = AVERAGING[leaves_own_out(call)].apply
    pairs = zip(means_of(call), group_names(call), strict=True)
    means = [apply(states[mean], x, ids[group], weights) for mean, group in pairs]
    if call.function == "cvar":
        return means[0]
    return np.asarray(x - means[0] if len(means) == 1 else means[0] - means[1])


def learn_means(
    call: Call, x: Floats, weights: Floats, ids: Mapping[str, Ids], rows: Ids
) -> dict[Expr, Floats]:
    """Learn the means that a call needs, by their ``cvar`` call.

    Raises
    ------
    DataError
        A weight is not positive; x is constant, or its groups do not differ; a group has
        one row where the row itself is left out; the groups of a three-level ``dvar`` are
        not nested.
    """
    groups = group_names(call)
    _check_weights(call, weights, rows)
    _check_nested(call, [ids[group] for group in groups])
    _check_spread(call, x, ids)
    learn = AVERAGING[leaves_own_out(call)].learn
    if leaves_own_out(call):
        _check_others(call, groups[0], ids[groups[0]], rows)
    states: dict[Expr, Floats] = {
        mean: learn(x, ids[group], int(ids[group].max()) + 1, weights)
        for mean, group in zip(means_of(call), groups, strict=True)
    }
    if call.function == "cvar" and not leaves_own_out(call):
        _check_means_differ(call, groups[0], *states.values())
    return states


def _check_weights(call: Call, weights: Floats, rows: Ids) -> None:
    wrong = weights <= 0
    if wrong.any():
        name = text(dict(call.keywords)["weights"])
        raise DataError(
            f"The weights of `{text(call)}` must be positive; `{name}` is not in {int(wrong.sum())} rows.",
            where=f"    column {name}: {first_rows(wrong, rows)} (counted from 0)",
            remedy="Leave out rows that shall not count.",
        )


def _check_nested(call: Call, ids: list[Ids]) -> None:
    if len(ids) == 1 or is_constant(ids[1], ids[0]):
        return
    inner, outer = group_names(call)
    raise DataError(
        f"`{text(call)}` needs groups of `{inner}` within groups of `{outer}`; they are crossed.",
        remedy=f"If each `{outer}` has its own `{inner}` 1, 2, …, write {outer}:{inner}; if they are truly"
        f" crossed, give each its own mean: cvar({text(call.args[0])}, {inner}) and"
        f" cvar({text(call.args[0])}, {outer}).",
    )


def _check_spread(call: Call, x: Floats, ids: Mapping[str, Ids]) -> None:
    """Refuse what is constant; a variable of the groups is its own mean."""
    name, group = text(call.args[0]), group_names(call)[0]
    if (x == x[0]).all():
        raise DataError(
            f"`{text(call)}`: `{name}` has the same value in all {len(x)} rows.",
            remedy="Leave it out; without variation there is no effect to estimate.",
        )
    if not all(is_constant(column, ids[group]) for column in _columns(x)):
        return
    if call.function == "cvar":
        warn(f"`{text(call)}` is `{name}` itself, which is constant within each group of `{group}`.")
    elif len(call.args) == 2:
        raise DataError(
            f"`{text(call)}` is 0 in all rows: `{name}` is constant within each group of `{group}`.",
            remedy=f"Use `{name}` itself; it is a variable of the groups.",
        )


def _check_others(call: Call, group: str, ids: Ids, rows: Ids) -> None:
    alone = np.bincount(ids)[ids] == 1
    if alone.any():
        raise DataError(
            f"`{text(call)}` is the mean of the other rows of a group; in `{group}` some groups"
            f" ({int(alone.sum())}) have one row.",
            where=f"    {group}: {first_rows(alone, rows)} (counted from 0)",
            remedy="Leave these groups out, or use the mean of all rows, without `loo`.",
        )


def _check_means_differ(call: Call, group: str, means: Floats) -> None:
    if (np.ptp(means, axis=0) > _ROUNDING * np.abs(means).max(axis=0)).any():
        return
    value = f" {means[0]:g}" if means.ndim == 1 else " the same"
    raise DataError(
        f"`{text(call)}` is{value} in every group of `{group}`: there is nothing between groups.",
        remedy=f"Leave it out; all of the effect of `{text(call.args[0])}` is within groups.",
    )


def _columns(x: Floats) -> Floats:
    return x.reshape(len(x), -1).T
