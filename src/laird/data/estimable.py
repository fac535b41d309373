"""Can a design be estimated?  Every check of its arrays, in the words of the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from laird.arrays import Design, KnownDesign, RandomDesign, RhoDesign, ScaleDesign, outcome_designs
from laird.data import identifiable, separable
from laird.data.checks import check_magnitude, check_varies, warn
from laird.data.grouping import counted
from laird.data.known import check_regular
from laird.errors import DataError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

FEW = 5
"""Fewer effect sizes than these are warned of."""


def check_design(design: Design, label: Callable[[int], str]) -> None:
    """Refuse a design whose coefficients, variances or correlations the data cannot tell apart.

    Parameters
    ----------
    design
        The arrays.
    label
        Describes a row for messages.

    Raises
    ------
    DataError
        Constant or collinear columns, too few rows or groups, a random slope of
        something constant within groups, variances that only their sum is known of.
    SpecError
        The regression of a group sd has no constant.
    """
    parts = outcome_designs(_informative(design))
    known = [bool(_variances(design, k).any()) for k in range(len(parts))]
    for part, is_known in zip(parts, known, strict=True):
        _check_part_sizes(part, is_known)
    for part, is_known in zip(parts, known, strict=True):
        _check_part_columns(part, is_known)
    for a, b in combinations(design.random, 2):
        _check_different(a, b)
    for scale in design.scales:
        if scale.parameter == "sd":
            _check_group_scale(scale, design.random)
    for rho in design.rhos:
        _check_rho(design, rho)
    if design.known is not None:
        _check_known(design, design.known, label)
    elif design.outcomes:
        _check_coefficients(design)


def _informative(design: Design) -> Design:
    """Leave out rows of weight 0; a design with weights has no random terms."""
    if design.weights is None or design.weights.all():
        return design
    own = design.weights > 0
    scales = tuple(ScaleDesign(s.parameter, s.group, s.W[own], s.names) for s in design.scales)
    return Design(design.outcome, design.y[own], design.X[own], design.names, (), design.rows[own], scales)


def _variances(design: Design, outcome: int) -> Floats:
    """Known variances of the rows of an outcome; none without V."""
    if design.known is None:
        return np.zeros(0)
    return design.known.variances[_rows(design, outcome)]


def _rows(design: Design, outcome: int) -> NDArray[np.bool_]:
    return design.which == outcome if design.outcomes else np.ones(len(design.y), dtype=bool)


def _sigma(design: Design, outcome: int) -> tuple[str, Floats]:
    """Name and predictors (n, k) of the sigma of an outcome; a constant by default."""
    owner = design.outcomes[outcome] if design.outcomes else ""
    own = _rows(design, outcome)
    W = next(
        (s.W for s in design.scales if (s.parameter, s.group) == ("sigma", owner)), np.ones((len(own), 1))
    )
    return f"sigma({owner})" if owner else "sigma", W[own]


def _check_part_sizes(part: Design, is_known: bool) -> None:
    n = len(part.y)
    if n == 0:
        raise DataError(
            f"The outcome `{part.outcome}` is missing in all rows.",
            remedy="Leave its formula out, or check that the right column was chosen.",
        )
    identifiable.check_size(n, part.names)
    if is_known:
        check_magnitude(part.outcome, float(part.y.min()), float(part.y.max()))
    else:
        check_varies(part.outcome, part.y)
    for random in part.random:
        identifiable.check_distinct(random.group, random.names)
        if not is_known:
            _check_groups_suffice(random, n)


def _check_groups_suffice(random: RandomDesign, n: int) -> None:
    n_groups = _n_groups(random)
    identifiable.check_groups_repeat(random.group, n, n_groups)
    for block in random.blocks:
        names = [random.names[k] for k in block]
        identifiable.check_random_size(random.group, names, n, n_groups)


def _n_groups(random: RandomDesign) -> int:
    return int(np.count_nonzero(np.bincount(random.ids)))


def _check_part_columns(part: Design, is_known: bool) -> None:
    identifiable.check_columns(part.X, part.names)
    for random in part.random:
        if not (is_known and _n_groups(random) == len(part.y)):
            identifiable.check_slopes_vary(random.group, random.names, random.Z, random.ids)
    for scale in part.scales:
        if scale.parameter == "sigma" and scale.names:
            identifiable.check_columns(scale.W, scale.names)


def _check_different(a: RandomDesign, b: RandomDesign) -> None:
    shared = [name for name in a.names if name in b.names]
    if len(a.levels) == len(b.levels):
        identifiable.check_different_groups(a.group, b.group, shared, (a.ids, b.ids))


def _check_group_scale(scale: ScaleDesign, random: Sequence[RandomDesign]) -> None:
    own = next(one for one in random if one.group == scale.group)
    identifiable.check_columns(scale.W, scale.names)
    identifiable.check_constant_within(scale.group, own.levels, scale.names, scale.W, own.ids)
    identifiable.check_has_constant(scale.group, scale.names, scale.W)


def _check_rho(design: Design, rho: RhoDesign) -> None:
    first, second = (design.units[design.which == outcome] for outcome in rho.pair)
    both = np.intersect1d(first, second)
    a, b = (design.outcomes[outcome] for outcome in rho.pair)
    if len(both) <= len(rho.names):
        raise DataError(
            f"The correlation of `{a}` and `{b}` has {counted(len(rho.names), 'coefficient')},"
            f" but only {len(both)} rows have both outcomes.",
            where=f"    rho({a}, {b}): {', '.join(rho.names)}",
            remedy=f"Write rho({a}, {b}) ~ 0: no correlation.",
        )
    rows = (design.which == rho.pair[0]) & np.isin(design.units, both)
    identifiable.check_columns(rho.W[rows], rho.names)


def _check_known(design: Design, known: KnownDesign, label: Callable[[int], str]) -> None:
    if design.weights is not None and known.blocks:
        raise DataError(
            f"`weights` multiply the log-likelihoods of independent rows,"
            f" but `{known.name}` correlates some.",
            where=f"    {label(int(known.blocks[0].rows[0]))}\n    {label(int(known.blocks[0].rows[1]))}",
            remedy="Leave `weights` out.",
        )
    _check_coefficients(design)
    outcomes = range(max(len(design.outcomes), 1))
    sigmas = [_sigma(design, k) for k in outcomes]
    zero = np.zeros(len(design.y), dtype=bool)
    for k, (name, W) in zip(outcomes, sigmas, strict=True):
        if W.shape[1] == 0:
            zero |= _rows(design, k)
        elif _variances(design, k).any():
            _note_few(name, int(_rows(design, k).sum()))
            _check_sigma(design, known, k, name, W)
    check_regular(known, zero, label)
    if known.proportional and not known.blocks:
        _check_residuals(design, known.variances, "φ")


def _note_few(sigma: str, n: int) -> None:
    if n < FEW:
        warn(
            f"`{sigma}` is estimated from {n} effect sizes: the data say almost nothing about their"
            " heterogeneity, and its estimate rests on the prior or the method."
        )


def _check_sigma(design: Design, known: KnownDesign, outcome: int, name: str, W: Floats) -> None:
    own = _rows(design, outcome)
    if known.proportional and not any(own[block.rows].any() for block in known.blocks):
        separable.check_proportional(known.name, known.variances[own], W, name)
    _check_residuals(design, own.astype(np.float64), name)


def _check_residuals(design: Design, target: Floats, what: str) -> None:
    for random in design.random:
        separable.check_residual(
            random.group, random.names, random.Z, random.ids, random.blocks, target, what
        )


def _check_coefficients(design: Design) -> None:
    for random in design.random:
        separable.check_coefficients(random.group, random.names, random.Z, random.ids, random.blocks)
