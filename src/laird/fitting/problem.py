"""What every fitter is given: the spec, the schema, the arrays, and their cross-products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from laird.data.schema import Schema
from laird.design import Design, RandomDesign, ScaleDesign
from laird.errors import FitError
from laird.gaussian.composite import Blocks, compose
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.lines import (
    absorbed_columns,
    level2_weights,
    pooled_residual,
    unexplained_share,
    within_residual,
)
from laird.gaussian.reduced import Reduced
from laird.gaussian.scaled import Scaled, scale
from laird.gaussian.standardise import standard_columns
from laird.spec import Spec

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

EXACT = 1e-13
"""A residual sum of squares below this share of the outcome's is rounding, not variation."""

ABSENT = 1e-10
"""The same for what the fixed effects leave of a random coefficient's columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A model bound to data, ready to be fitted.

    Attributes
    ----------
    spec, schema, design
        Text, what was learned from the data, arrays.
    data
        Cross-products: of the single grouping factor (no groups: q = 0), or of several.
    """

    spec: Spec
    schema: Schema
    design: Design
    data: Reduced | Scaled

    @property
    def random(self) -> RandomDesign | None:
        """The random coefficients of the first grouping factor, None for a model without."""
        return self.design.random[0] if self.design.random else None

    @property
    def plain(self) -> Reduced:
        """The same model with constant sds."""
        design = self.design
        return _several(design) if len(design.random) > 1 else grouped(design, self.random)

    @property
    def grouped(self) -> Grouped:
        """The cross-products of a model with at most one grouping factor; else a FitError."""
        if isinstance(self.data, Grouped):
            return self.data
        raise FitError(
            "This method fits one grouping factor and a constant sigma in this version; the model has more.",
            allowed='Available: "ols", "ml", "reml".',
            remedy='Use "reml", or simplify the model.',
        )


def problem(spec: Spec, schema: Schema, design: Design) -> Problem:
    """Reduce the rows to cross-products; FitError for structures that are not available."""
    _refuse_unavailable(spec)
    single = [grouped(design, random) for random in design.random or (None,)]
    _refuse_exact(design, single)
    for random, data in zip(design.random, single, strict=False):
        _refuse_absorbed(random, data)
    if design.scales:
        return Problem(spec, schema, design, _scaled(design))
    return Problem(spec, schema, design, single[0] if len(single) == 1 else _several(design))


def grouped(design: Design, random: RandomDesign | None) -> Grouped:
    """Cross-products of one grouping factor, or of a model without."""
    n = len(design.y)
    if random is None:
        return group(design.y, design.X, np.zeros((n, 0)), np.zeros(n, dtype=np.int64), 1, ())
    return group(design.y, design.X, random.Z, random.ids, len(random.levels), random.blocks)


def level2_weights_of(design: Design, random: RandomDesign, data: Grouped) -> Floats:
    """A_j with X_j,absorbed = Z_jA_j for one grouping factor, shape (J, q, p)."""
    absorbed = absorbed_columns(data)
    return level2_weights(design.X, random.Z, random.ids, len(random.levels), absorbed)


def joined_columns(random: Sequence[RandomDesign]) -> tuple[slice, ...]:
    """Places of the factors' columns among the random coefficients of all factors."""
    starts = np.concatenate([[0], np.cumsum([len(r.names) for r in random])]).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in pairwise(starts))


def _factors(design: Design) -> tuple[list[Floats], list[Ids], list[int], list[Blocks]]:
    random = design.random
    ids, counts = [r.ids for r in random], [len(r.levels) for r in random]
    return [r.Z for r in random], ids, counts, [r.blocks for r in random]


def _factors_or_none(design: Design) -> tuple[list[Floats], list[Ids], list[int], list[Blocks]]:
    """`_factors`, or one group without coefficients when there are none."""
    if design.random:
        return _factors(design)
    n = len(design.y)
    return [np.zeros((n, 0))], [np.zeros(n, dtype=np.int64)], [1], [()]


def _several(design: Design) -> Reduced:
    return compose(design.y, design.X, *_factors(design))


def _scaled(design: Design) -> Scaled:
    """The structure of sds that depend on predictors, which are standardised first."""
    w = next((s.W for s in design.scales if s.parameter == "sigma"), np.ones((len(design.y), 1)))
    by_group = {s.group: s for s in design.scales if s.parameter == "sd"}
    s = [_level2_predictors(by_group.get(r.group), r) for r in design.random] or [np.zeros((1, 0))]
    return scale(design.y, design.X, *_factors_or_none(design), standard_columns(w)[0], s)


def _level2_predictors(found: ScaleDesign | None, random: RandomDesign) -> Floats:
    """Standardised predictors of a log group sd, one row per group, without the constant."""
    J = len(random.levels)
    if found is None:
        return np.zeros((J, 0))
    values = np.zeros((J, found.W.shape[1]))
    values[random.ids] = found.W
    return standard_columns(values)[0][:, 1:]


def _refuse_unavailable(spec: Spec) -> None:
    """Name the parts of a spec that this version reads but cannot fit, and who fits them meanwhile."""
    location = spec.locations[0]
    unavailable = [
        (len(spec.locations) > 1, "several outcomes", "brms"),
        (any(p.parameter == "rho" for p in spec.distributional), "a regression of rho", "brms"),
        (location.known is not None, "known sampling variances (`meta_V`)", "metafor"),
    ]
    for present, what, others in unavailable:
        if present:
            raise FitError(
                f"This version of laird reads but cannot fit {what}.",
                allowed="Available: one outcome, random coefficients, regressions of sigma and of sd.",
                remedy=f"Remove that part of the model, or fit it with {others} meanwhile.",
            )


def _refuse_exact(design: Design, single: Sequence[Grouped]) -> None:
    """Without residual variation there is no likelihood to maximise."""
    rounding = _rounding_share(single[0])
    if pooled_residual(single[0]) < rounding:
        raise FitError(
            f"The outcome `{design.outcome}` is an exact linear function of the predictors (a perfect fit): "
            "the residual variance is zero.",
            remedy="Remove the predictor that copies the outcome.",
        )
    for random, data in zip(design.random, single, strict=False):
        if within_residual(data) >= rounding:
            continue
        group_name = random.group
        raise FitError(
            f"The outcome `{design.outcome}` does not vary around the lines of the groups of `{group_name}`: "
            "the residual standard deviation is at its floor, zero.",
            remedy=f"Check that `{design.outcome}` is what was observed, not a mean or a prediction; if so, "
            f"aggregate to one row per group and leave the random term of `{group_name}` out.",
        )


def _rounding_share(data: Grouped) -> float:
    """`EXACT`, or what the outcome lost as floating-point numbers when it is far from zero."""
    s = data.scaling
    return max(EXACT, float(np.finfo(float).eps * s.y_mean / s.y_scale) ** 2)


def _refuse_absorbed(random: RandomDesign, data: Grouped) -> None:
    """A random coefficient that the fixed effects give to every group has no variance to estimate."""
    for name, share in zip(random.names, unexplained_share(data), strict=True):
        if share < ABSENT:
            raise FitError(
                f"The fixed effects already hold a separate `{name}` for every group of `{random.group}`, so "
                "its variance between groups cannot be estimated.",
                where=f"    ({name if name != 'Intercept' else 1} | {random.group})",
                remedy=f"Leave `{random.group}` out of the fixed effects, or leave this random term out.",
            )
