"""The arrays of a model, read-only: what fitting is given, and nothing else.

Z is stored as values and integer ids, never as a matrix of rows by groups; V by connected
blocks, never as a matrix of rows by rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def read_only[T: np.generic](array: NDArray[T]) -> NDArray[T]:
    """Return a view of `array` that cannot be written to.

    Examples
    --------
    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    view = array.view()
    view.flags.writeable = False
    return view


_EMPTY: Ids = read_only(np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class RandomDesign:
    """All random terms of one grouping factor.

    Attributes
    ----------
    group
        Name of the factor (``school``, ``batch:cask``).
    levels
        Labels of the J groups, as strings.
    ids
        Group of each row, shape (n,), integers in [0, J); -1 for a group of new data
        that the fitted data did not have.
    Z
        Values of the random-effect columns, shape (n, q).
    names
        Names of the q columns (``Intercept``, ``ses``).
    blocks
        Column indices that share a correlation matrix, e.g. ``((0, 1),)`` for
        ``(1 + x | g)`` and ``((0,), (1,))`` for ``(1 + x || g)``.
    """

    group: str
    levels: tuple[str, ...]
    ids: Ids
    Z: Floats
    names: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScaleDesign:
    """A regression of a log standard deviation.

    Attributes
    ----------
    parameter
        ``"sigma"``, or ``"sd"`` of the groups of `group`.
    group
        The grouping factor of an ``"sd"``, else ``""``.
    W
        Predictors by row, shape (n, k).
    names
        Names of the k columns.
    """

    parameter: str
    group: str
    W: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownBlock:
    """Rows whose sampling errors are correlated, (k,) ascending, and their covariance (k, k)."""

    rows: Ids
    V: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KnownDesign:
    """The known sampling covariance V of the rows, by connected blocks.

    Attributes
    ----------
    name
        What ``meta_V(...)`` names.
    proportional
        True: the rows have covariance φV with φ estimated, else V.
    variances
        Diagonal of V, shape (n,).
    blocks
        Connected components of V with more than one row.
    """

    name: str
    proportional: bool
    variances: Floats
    blocks: tuple[KnownBlock, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RhoDesign:
    """A regression of the atanh correlation of two outcomes (with more: partial correlation).

    Attributes
    ----------
    pair
        Positions of the outcomes, first < second.
    W
        Predictors by row, equal in all rows of a unit, shape (n, k).
    names
        Names of the k columns.
    """

    pair: tuple[int, int]
    W: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """y, X and the random-effect columns of a model, shapes (n,), (n, p), (n, q).

    Several outcomes are stacked: rows of one unit follow each other, in the order of the
    outcomes, without those that are missing; X, Z and W of an outcome are zero in the rows
    of the others, and their columns are called ``outcome: column``.

    Attributes
    ----------
    outcome
        Name of the (first) outcome.
    y, X, names
        Outcome, fixed-effect columns, their names.  For new data without the outcome `y`
        has shape (0,).
    random
        Random coefficients by grouping factor.
    rows
        Positions of the rows in the user's frame, counted from 0, shape (n,).
    scales
        Regressions of log sds: ``sigma ~ x`` (`group` ``""``, with several outcomes the
        outcome's name; W of shape (n, 0) is a sigma of zero), ``sd(g) ~ x``.
    known
        Known sampling covariance, None without ``meta_V``.
    outcomes, which
        Names of all outcomes, and the position of each row's outcome, shape (n,); both
        empty for a single outcome.
    units
        Observation unit of each row, shape (n,); empty for a single outcome.
    rhos
        Regressions of the correlations of outcomes; a pair without one is uncorrelated.
    weights
        Multipliers of the rows' log-likelihoods, shape (n,), or None.
    families
        Pairs (what, family) of what is not normal; see `laird.spec.families`.
    """

    outcome: str
    y: Floats
    X: Floats
    names: tuple[str, ...]
    random: tuple[RandomDesign, ...]
    rows: Ids
    scales: tuple[ScaleDesign, ...] = ()
    known: KnownDesign | None = None
    outcomes: tuple[str, ...] = ()
    which: Ids = field(default_factory=lambda: _EMPTY)
    units: Ids = field(default_factory=lambda: _EMPTY)
    rhos: tuple[RhoDesign, ...] = ()
    weights: Floats | None = None
    families: tuple[tuple[str, str], ...] = ()


def outcome_prefix(outcome: str) -> str:
    """Return what the names of the columns of one of several outcomes begin with.

    Examples
    --------
    >>> outcome_prefix("AL")
    'AL: '
    """
    return f"{outcome}: "


def outcome_designs(design: Design) -> tuple[Design, ...]:
    """Return the design of each outcome alone, without what they share: V, rho, other outcomes' columns.

    The columns have their names in the formula of the outcome.  A single outcome is returned
    as it is.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    >>> both = Design("a", np.arange(3.0), X, ("a: x", "b: x"), (), np.array([0, 0, 1]),
    ...     outcomes=("a", "b"), which=np.array([0, 1, 0]), units=np.array([0, 0, 1]))
    >>> [(one.outcome, one.y, one.names) for one in outcome_designs(both)]
    [('a', array([0., 2.]), ('x',)), ('b', array([1.]), ('x',))]
    """
    if not design.outcomes:
        return (design,)
    return tuple(_alone(design, outcome, design.which == k) for k, outcome in enumerate(design.outcomes))


def _alone(design: Design, outcome: str, rows: NDArray[np.bool_]) -> Design:
    X, names = _own_columns(design.X[rows], design.names, outcome)
    random = (_random_alone(one, outcome, rows) for one in design.random)
    return Design(
        outcome=outcome,
        y=read_only(design.y[rows]),
        X=X,
        names=names,
        random=tuple(one for one in random if one.names),
        rows=read_only(design.rows[rows]),
        scales=tuple(
            ScaleDesign("sigma", "", *_own_columns(one.W[rows], one.names, outcome))
            for one in design.scales
            if (one.parameter, one.group) == ("sigma", outcome)
        ),
    )


def _own_columns(columns: Floats, names: tuple[str, ...], outcome: str) -> tuple[Floats, tuple[str, ...]]:
    prefix = outcome_prefix(outcome)
    own = [k for k, name in enumerate(names) if name.startswith(prefix)]
    return read_only(columns[:, own]), tuple(names[k].removeprefix(prefix) for k in own)


def _random_alone(random: RandomDesign, outcome: str, rows: NDArray[np.bool_]) -> RandomDesign:
    Z, names = _own_columns(random.Z[rows], random.names, outcome)
    own = [k for k, name in enumerate(random.names) if name.startswith(outcome_prefix(outcome))]
    blocks = (tuple(own.index(k) for k in block if k in own) for block in random.blocks)
    ids = read_only(random.ids[rows])
    return RandomDesign(random.group, random.levels, ids, Z, names, tuple(block for block in blocks if block))
