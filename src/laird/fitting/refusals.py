"""Models that have no maximum to find, refused before any search, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.lines import pooled_residual, unexplained_share, within_residual

type Floats = NDArray[np.float64]

EXACT = 1e-13
"""A residual sum of squares below this share of the outcome's is rounding, not variation."""

ABSENT = 1e-10
"""The same for what the fixed effects leave of a random coefficient's columns."""


def refuse_exact(design: Design, single: Sequence[Grouped]) -> None:
    """Without residual variation there is no likelihood to maximise; sampling variances are some.

    Parameters
    ----------
    design, single
        The model, and its cross-products by grouping factor (one without groups if none).
    """
    if design.known is not None:
        return
    rounding = _rounding_share(single[0])
    if pooled_residual(single[0]) < rounding:
        raise FitError(
            f"The outcome `{design.outcome}` is an exact linear function of the predictors (a perfect fit): "
            "the residual variance is zero.",
            remedy="Remove the predictor that copies the outcome.",
        )
    for random, data in zip(design.random, single, strict=False):
        if within_residual(data) < rounding:
            raise _no_variation_within(design.outcome, random.group)


def _no_variation_within(outcome: str, group: str) -> FitError:
    return FitError(
        f"The outcome `{outcome}` does not vary around the lines of the groups of `{group}`: "
        "the residual standard deviation is at its floor, zero.",
        remedy=f"Check that `{outcome}` was observed, and is no mean or prediction; if so, aggregate to "
        f"one row per group and leave the random term of `{group}` out; estimates with known sampling "
        "variances `v` take `meta_V(v)`.",
    )


def _rounding_share(data: Grouped) -> float:
    """`EXACT`, or what the outcome lost as floating-point numbers when it is far from zero."""
    s = data.scaling
    return max(EXACT, float(np.finfo(float).eps * s.y_mean / s.y_scale) ** 2)


def refuse_absorbed(random: RandomDesign, data: Grouped) -> None:
    """A random coefficient that the fixed effects give to every group has no variance to estimate."""
    for name, share in zip(random.names, unexplained_share(data), strict=True):
        if share < ABSENT:
            raise FitError(
                f"The fixed effects already hold a separate `{name}` for every group of `{random.group}`, so "
                "its variance between groups cannot be estimated.",
                where=f"    ({name if name != 'Intercept' else 1} | {random.group})",
                remedy=f"Leave `{random.group}` out of the fixed effects, or leave this random term out.",
            )
