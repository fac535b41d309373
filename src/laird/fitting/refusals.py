"""Models that have no maximum to find, refused before any search, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.lines import pooled_residual, rounding_share, unexplained_share, within_residual
from laird.gaussian.standardise import column_moments

type Floats = NDArray[np.float64]

PERFECT = 1e-11
"""A residual sd below this share of the outcome's is rounding, of numbers computed in some steps."""

ABSENT = 1e-10
"""Less than this share of a random coefficient's squares is rounding of what the fixed effects leave."""


def beyond_normal(design: Design) -> FitError:
    """The error for what needs the normal likelihood, in a model with other families."""
    others = ", ".join(f"{what} {family}" for what, family in design.families)
    return FitError(
        f"This needs normal errors and effects; the model has other families ({others}).",
        allowed='Such models are fitted by "nuts"; `laird.compare_families` tells of them.',
        remedy="Leave `families` out for the normal model.",
    )


def refuse_exact(design: Design, single: Sequence[Grouped]) -> None:
    """Without residual variation there is no likelihood to maximise; sampling variances are some.

    Parameters
    ----------
    design, single
        The model, and its cross-products by grouping factor (one without groups if none).
    """
    if design.known is not None:
        return
    if _is_plane(design.y, single[0]):
        raise FitError(
            f"The outcome `{design.outcome}` is an exact linear function of the predictors (a perfect fit): "
            f"the residual standard deviation is zero, or below {PERFECT:.0e} of the outcome's.",
            remedy="Remove the predictor that copies the outcome.",
        )
    for random, data in zip(design.random, single, strict=False):
        if within_residual(data) < rounding_share(data, design.y):
            raise _no_variation_within(design.outcome, random.group)


def _is_plane(y: Floats, data: Grouped) -> bool:
    """Whether the fixed effects leave no more of y than rounding."""
    if not data.scaling.line.any():
        return False
    left = np.sqrt(max(pooled_residual(data), 0.0)) * data.scaling.y_scale
    (mean,), (sd,) = column_moments(y[:, None])
    return bool(left <= max(PERFECT * sd, float(np.finfo(float).eps) * abs(mean)))


def _no_variation_within(outcome: str, group: str) -> FitError:
    return FitError(
        f"The outcome `{outcome}` does not vary around the lines of the groups of `{group}`: "
        "the residual standard deviation is at its floor, zero, or too small to be told from rounding.",
        remedy=f"Check that `{outcome}` was observed, and is no mean or prediction; if so, aggregate to "
        f"one row per group and leave the random term of `{group}` out; estimates with known sampling "
        "variances `v` take `meta_V(v)`.",
    )


def refuse_single(design: Design, method: str) -> None:
    """One group says nothing of how groups vary: there is a prior, but nothing to maximise.

    Raises
    ------
    FitError
        A factor has one group.
    """
    for random in design.random:
        if len(random.levels) == 1:
            raise FitError(
                f'`{random.group}` has one group ("{random.levels[0]}"); {method} needs several to estimate '
                "a standard deviation between groups.",
                remedy=f'Fit by "nuts", which draws it from its prior, or leave the random term of '
                f"`{random.group}` out.",
            )


def refuse_absorbed(random: RandomDesign, data: Grouped) -> None:
    """A random coefficient that the fixed effects give to every group has no variance to estimate.

    Of a single group, where nothing tells the two apart, its prior does: see `refuse_single`.
    """
    if len(random.levels) == 1:
        return
    for name, share in zip(random.names, unexplained_share(data), strict=True):
        if share < ABSENT:
            raise FitError(
                f"The fixed effects already hold a separate `{name}` for every group of `{random.group}`, so "
                "its variance between groups cannot be estimated.",
                where=f"    ({name if name != 'Intercept' else 1} | {random.group})",
                remedy=f"Leave `{random.group}` out of the fixed effects, or leave this random term out.",
            )


def refuse_start() -> NoReturn:
    """Raise FitError for a posterior that is zero, or not a number, near the REML estimate."""
    raise FitError(
        "The posterior has no finite density where its search begins.",
        remedy="Centre the predictors with random slopes: far from zero, slopes and intercepts coincide.",
    )
