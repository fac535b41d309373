"""What every fitter is given: the spec, the schema, the arrays, and their cross-products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laird.data.schema import Schema
from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.lines import pooled_residual, unexplained_share, within_residual
from laird.spec import Spec

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
        Cross-products of the single grouping factor (no groups: q = 0).
    """

    spec: Spec
    schema: Schema
    design: Design
    data: Grouped

    @property
    def random(self) -> RandomDesign | None:
        """The random coefficients, None for a model without."""
        return self.design.random[0] if self.design.random else None


def problem(spec: Spec, schema: Schema, design: Design) -> Problem:
    """Reduce the rows to cross-products; FitError for structures that are not available."""
    _refuse_unavailable(spec, design)
    random = design.random[0] if design.random else None
    n = len(design.y)
    Z, ids = (random.Z, random.ids) if random else (np.zeros((n, 0)), np.zeros(n, dtype=np.int64))
    J, blocks = (len(random.levels), random.blocks) if random else (1, ())
    data = group(design.y, design.X, Z, ids, J, blocks)
    _refuse_exact(design, data)
    if random:
        _refuse_absorbed(random, data)
    return Problem(spec, schema, design, data)


def _refuse_unavailable(spec: Spec, design: Design) -> None:
    """Name the parts of a spec that this version reads but cannot fit, and who fits them meanwhile."""
    location = spec.locations[0]
    unavailable = [
        (len(spec.locations) > 1, "several outcomes", "brms"),
        (bool(spec.distributional), "a regression of sigma, sd or rho", "brms or glmmTMB"),
        (location.known is not None, "known sampling variances (`meta_V`)", "metafor"),
        (len(design.random) > 1, "several grouping factors (nested or crossed)", "lme4 or Bambi"),
    ]
    for present, what, others in unavailable:
        if present:
            raise FitError(
                f"This version of laird reads but cannot fit {what}.",
                allowed="Available: one outcome, constant sigma, random coefficients of one grouping factor.",
                remedy=f"Remove that part of the model, or fit it with {others} meanwhile.",
            )


def _refuse_exact(design: Design, data: Grouped) -> None:
    """Without residual variation there is no likelihood to maximise."""
    rounding = _rounding_share(data)
    if pooled_residual(data) < rounding:
        raise FitError(
            f"The outcome `{design.outcome}` is an exact linear function of the predictors (a perfect fit): "
            "the residual variance is zero.",
            remedy="Remove the predictor that copies the outcome.",
        )
    if data.q and within_residual(data) < rounding:
        group_name = design.random[0].group
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
