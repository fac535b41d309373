"""What every fitter is given: the spec, the schema, the arrays, and their cross-products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from laird.data.schema import Schema
from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.gaussian.composite import compose
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.lines import (
    absorbed_columns,
    level2_weights,
    pooled_residual,
    unexplained_share,
    within_residual,
)
from laird.gaussian.reduced import Reduced
from laird.spec import Spec

type Floats = NDArray[np.float64]

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
    data: Reduced

    @property
    def random(self) -> RandomDesign | None:
        """The random coefficients of the first grouping factor, None for a model without."""
        return self.design.random[0] if self.design.random else None

    @property
    def grouped(self) -> Grouped:
        """The cross-products of a model with at most one grouping factor; else a FitError."""
        if isinstance(self.data, Grouped):
            return self.data
        groups = ", ".join(f"`{random.group}`" for random in self.design.random)
        raise FitError(
            f"This method fits at most one grouping factor; the model has {groups}.",
            allowed='Available for several: "ols", "ml", "reml".',
            remedy='Use "reml", or keep one grouping factor.',
        )


def problem(spec: Spec, schema: Schema, design: Design) -> Problem:
    """Reduce the rows to cross-products; FitError for structures that are not available."""
    _refuse_unavailable(spec)
    single = [grouped(design, random) for random in design.random or (None,)]
    _refuse_exact(design, single)
    for random, data in zip(design.random, single, strict=False):
        _refuse_absorbed(random, data)
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


def _several(design: Design) -> Reduced:
    return compose(
        design.y,
        design.X,
        [r.Z for r in design.random],
        [r.ids for r in design.random],
        [len(r.levels) for r in design.random],
        [r.blocks for r in design.random],
    )


def _refuse_unavailable(spec: Spec) -> None:
    """Name the parts of a spec that this version reads but cannot fit, and who fits them meanwhile."""
    location = spec.locations[0]
    unavailable = [
        (len(spec.locations) > 1, "several outcomes", "brms"),
        (bool(spec.distributional), "a regression of sigma, sd or rho", "brms or glmmTMB"),
        (location.known is not None, "known sampling variances (`meta_V`)", "metafor"),
    ]
    for present, what, others in unavailable:
        if present:
            raise FitError(
                f"This version of laird reads but cannot fit {what}.",
                allowed="Available: one outcome, constant sigma, random coefficients of grouping factors.",
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
