"""Advice on origins and units of predictors: rows of `Fit.check`.

No estimate of laird suffers from them, since columns are centred and scaled inside.  What
coefficients mean does: an intercept that varies between groups is the value at zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.fitting.checks import Check, Verdict
from laird.gaussian.standardise import column_moments, is_ones

type Floats = NDArray[np.float64]

FAR = 3.0
"""A mean so many sds away from zero: few rows are near the origin."""

MEANING: Mapping[str, str] = MappingProxyType(
    {
        "": "their variance, and their correlation with the slopes, are about no group that was observed. "
        "The likelihood does not depend on this origin, but `eb` and `nuts` do, through their priors.",
        "zero correlation": "that they are uncorrelated with the slopes holds at this origin only, so that "
        "the fit depends on it.",
        "priors": "the priors of their sd and of its correlation with the slopes are about this origin, so "
        "that the fit depends on it.",
    }
)
"""Of the intercepts' origin, by what makes the fit depend on it."""

FIRST = 100
"""Rows that mostly tell whether a column has other values than zero and one."""

DIFFERENT = 1000.0
"""Ratio of the sds of two predictors from which on advice is given."""


def scaling_checks(design: Design, *, priors: bool = False) -> Iterator[Check]:
    """Rows for random slopes of predictors far from zero, and for predictors on very different scales.

    Priors of sds and correlations (`priors`) are about the origin of the predictors; the
    likelihood does not depend on it where intercepts and slopes may be correlated.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    >>> list(scaling_checks(model.design))
    []
    """
    yield from chain.from_iterable(_origin_checks(random, priors) for random in design.random)
    yield from _unit_checks(design)


def _origin_checks(random: RandomDesign, priors: bool) -> Iterator[Check]:
    ones, (mean, sd) = is_ones(random.Z), column_moments(random.Z)
    if not ones.any():
        return
    together = {k for block in random.blocks if any(ones[i] for i in block) for k in block}
    for k in np.flatnonzero(~ones & (sd > 0) & (np.abs(mean) > FAR * sd)):
        depends = "priors" if priors else "zero correlation" if int(k) not in together else ""
        yield _origin_check(random, int(k), float(np.abs(mean[k]) / sd[k]), depends)


def _origin_check(random: RandomDesign, k: int, distance: float, depends: str) -> Check:
    name, z = random.names[k], random.Z[:, k]
    inside = z.min() <= 0.0 <= z.max()
    message = (
        f"The intercepts of `{random.group}` are the values at `{name}` = 0, "
        f"{'at the edge of' if inside else 'outside'} the data ({z.min():.4g} to {z.max():.4g}, "
        f"mean {distance:.1f} sds from 0): "
    )
    message += MEANING[depends]
    remedy = f"Centre it: `center({name})`, or `dvar({name}, {random.group})` to compare within groups."
    status: Verdict = "warning" if depends else "note"
    return Check(f"origin({random.group}: {name})", status, distance, message, remedy)


def _unit_checks(design: Design) -> Iterator[Check]:
    numeric = [k for k in range(design.X.shape[1]) if not _is_indicator(design.X[:, k])]
    if len(numeric) < 2:
        return
    sds = {design.names[k]: float(column_moments(design.X[:, [k]])[1][0]) for k in numeric}
    sds = {name: sd for name, sd in sds.items() if sd > 0}
    if len(sds) < 2:
        return
    small, large = min(sds, key=sds.__getitem__), max(sds, key=sds.__getitem__)
    ratio = sds[large] / sds[small]
    if ratio < DIFFERENT:
        return
    message = (
        f"The predictors are on very different scales: sd {sds[large]:.3g} of `{large}`, {sds[small]:.3g} of "
        f"`{small}`. Estimates do not suffer, but the coefficients are hard to compare and to read."
    )
    yield Check("scales", "note", ratio, message, _larger_units(large, sds[large]))


def _larger_units(name: str, sd: float) -> str:
    """A formula for a column; only words for what is made of columns."""
    if any(sign in name for sign in ":(["):
        return f"Use larger units of the columns that `{name}` is made of, or centre them."
    return f"Use larger units of `{name}`, such as `I({name} / {_round(sd):g})`, or `scale({name})`."


def _is_indicator(x: Floats) -> bool:
    return _zeros_and_ones(x[:FIRST]) and _zeros_and_ones(x)


def _zeros_and_ones(x: Floats) -> bool:
    return bool(np.all((x == 0.0) | (x == 1.0)))


def _round(value: float) -> float:
    """The power of ten below a number.

    Examples
    --------
    >>> _round(23_456.0)
    10000.0
    """
    return float(10.0 ** np.floor(np.log10(value)))
