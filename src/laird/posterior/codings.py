"""Which coefficients the regressions of sds and correlations have, and where they stand in θ.

Inside, predictors of log sds and atanh correlations are standardised
(`laird.gaussian.standardise.standard_columns`), so that no search depends on their units.
With V = WA, a coefficient vector γ of V is Aγ for the predictors W as given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign, RhoDesign, ScaleDesign
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.standardise import is_ones, standard_columns
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]

CONSTANT = ("Intercept",)


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """One regression of a log sd, a log multiplier or an atanh correlation.

    Attributes
    ----------
    parameter
        ``"sigma"``, ``"sd"``, ``"phi"`` or ``"rho"``.
    group
        Outcome of a sigma (``""`` when there is one), grouping factor of an sd, both
        outcomes of a rho (``"AL, PD"``).
    names
        Names of the k coefficients.
    A
        Coefficients as given from standardised ones, shape (k, k).
    place
        Where the standardised coefficients stand in α, log φ or ζ; those of an sd, without
        the first, in δ of the factor.
    factor, column
        Of an sd: position of the factor, and first of its columns among those of all.
    """

    parameter: Literal["sigma", "sd", "phi", "rho"]
    group: str
    names: tuple[str, ...]
    A: Floats
    place: slice
    factor: int = -1
    column: int = -1

    @property
    def constant(self) -> bool:
        """True when the parameter is one number."""
        return self.names == CONSTANT

    def coefficients(self, theta: Theta) -> Floats:
        """Coefficients as given at θ, or at a stack of θ, shape (..., k)."""
        return linear(self.A, self.standardised(theta))

    def standardised(self, theta: Theta) -> Floats:
        """Standardised coefficients at θ, shape (..., k)."""
        if self.parameter == "sd":
            with np.errstate(divide="ignore"):
                first = np.log(np.linalg.norm(theta.L[..., self.column, :], axis=-1))
            return np.concatenate([first[..., None], theta.delta[self.factor]], axis=-1)
        array = {"sigma": theta.alpha, "phi": theta.log_phi, "rho": theta.zeta}[self.parameter]
        return array[..., self.place]


def linear(W: Floats, coefficients: Floats) -> Floats:
    """W (n, k) times coefficients (..., k), of which some may be the -∞ of an sd that is zero; (..., n).

    Examples
    --------
    >>> linear(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([-np.inf, 3.0]))
    array([-inf,   6.])
    """
    infinite = np.isinf(coefficients)
    if not infinite.any():
        return np.asarray(coefficients @ W.T)
    finite = np.where(infinite, 0.0, coefficients) @ W.T
    return np.where(infinite.astype(float) @ (W != 0).T > 0, -np.inf, finite)


class Codings(tuple[Coding, ...]):
    """All regressions of a model: sigma by outcome, group sds, φ, correlations."""

    __slots__ = ()

    def of(self, parameter: str, group: str = "") -> Coding | None:
        """The regression of a parameter, None when it has none."""
        return next((c for c in self if (c.parameter, c.group) == (parameter, group)), None)


def codings(design: Design) -> Codings:
    """List the regressions of a model; a constant sigma of a single outcome is one of them.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> design = Design("y", y, np.ones((3, 1)), ("Intercept",), (), np.arange(3))
    >>> codings(design)[0].names
    ('Intercept',)
    """
    return Codings([*_sigmas(design), *_sds(design), *_phi(design), *_rhos(design)])


def sigma_designs(design: Design) -> tuple[ScaleDesign, ...]:
    """The regressions of log sigma by outcome; a constant where nothing else was said."""
    found = tuple(scale for scale in design.scales if scale.parameter == "sigma")
    if found:
        return found
    return (ScaleDesign("sigma", "", np.ones((len(design.X), 1)), CONSTANT),)


def outcome_rows(design: Design, group: str) -> Flags:
    """Rows of an outcome, all rows when there is one outcome."""
    if not design.outcomes:
        return np.ones(len(design.X), dtype=bool)
    return np.asarray(design.which == design.outcomes.index(group))


def sigma_predictors(design: Design) -> tuple[Floats, Flags]:
    """Standardised predictors of log sigma (n, k), and which rows have a sigma at all (n,)."""
    parts, present = [], np.zeros(len(design.X), dtype=bool)
    for scale in sigma_designs(design):
        rows = outcome_rows(design, scale.group)
        W = np.zeros(scale.W.shape)
        if scale.names:
            W[rows] = standard_columns(scale.W[rows])[0]
            present |= rows
        parts.append(W)
    return np.hstack(parts), present


def group_predictors(design: Design) -> tuple[Floats, ...]:
    """Standardised predictors of the log sds of each factor's groups, without the constant."""
    by_group = {scale.group: scale for scale in design.scales if scale.parameter == "sd"}
    return tuple(_group_columns(by_group.get(random.group), random)[0][:, 1:] for random in design.random)


def rho_predictors(design: Design) -> tuple[tuple[tuple[int, int], Floats], ...]:
    """Pairs of outcomes and their standardised predictors, in the order of the coefficients ζ."""
    return tuple((rho.pair, standard_columns(rho.W)[0]) for rho in _ordered_rhos(design))


def is_constant(scale: ScaleDesign, rows: Flags) -> bool:
    """Whether a regression of sigma has a constant only."""
    return scale.W.shape[1] == 1 and bool(is_ones(scale.W[rows])[0])


def _sigmas(design: Design) -> Iterator[Coding]:
    start = 0
    for scale in sigma_designs(design):
        k = len(scale.names)
        if k:
            W = scale.W[outcome_rows(design, scale.group)] if design.outcomes else scale.W
            A = standard_columns(W)[1]
            names = tuple(name.removeprefix(f"{scale.group}: ") for name in scale.names)
            yield Coding("sigma", scale.group, names, A, slice(start, start + k))
        start += k


def _sds(design: Design) -> Iterator[Coding]:
    groups = [random.group for random in design.random]
    starts = np.concatenate([[0], np.cumsum([len(r.names) for r in design.random])]).astype(int)
    for scale in design.scales:
        if scale.parameter == "sd":
            f = groups.index(scale.group)
            A = _group_columns(scale, design.random[f])[1]
            yield Coding("sd", scale.group, scale.names, A, slice(0, 0), f, int(starts[f]))


def _group_columns(scale: ScaleDesign | None, random: RandomDesign) -> tuple[Floats, Floats]:
    """Standardised predictors by group, (J, k), and their transform; a constant without a regression."""
    J = len(random.levels)
    if scale is None:
        return np.ones((J, 1)), np.eye(1)
    values = np.zeros((J, scale.W.shape[1]))
    values[random.ids] = scale.W
    return standard_columns(values)


def _phi(design: Design) -> Iterator[Coding]:
    if design.known is not None and design.known.proportional:
        yield Coding("phi", "", CONSTANT, np.eye(1), slice(0, 1))


def _ordered_rhos(design: Design) -> list[RhoDesign]:
    order = correlated_pairs((tuple(range(len(design.outcomes))),))
    return sorted(design.rhos, key=lambda rho: order.index((rho.pair[1], rho.pair[0])))


def _rhos(design: Design) -> Iterator[Coding]:
    start = 0
    for rho in _ordered_rhos(design):
        k, (a, b) = len(rho.names), rho.pair
        group = f"{design.outcomes[a]}, {design.outcomes[b]}"
        yield Coding("rho", group, rho.names, standard_columns(rho.W)[1], slice(start, start + k))
        start += k
