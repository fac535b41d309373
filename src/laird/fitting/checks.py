"""What a fit has to say about itself: rows of status, value, message and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from laird.fitting.newton import DECREMENT_TOLERANCE, DOWNWARDS, ROUNDING_TOLERANCE, Optimum
from laird.gaussian.coordinates import sds_and_correlations

if TYPE_CHECKING:
    import pandas as pd

type Floats = NDArray[np.float64]
type Verdict = Literal["ok", "note", "boundary", "not_converged", "warning"]

FEW_GROUPS = 5

DIGITS = 6
"""Weights of a direction that agree in so many digits are equal: their terms keep their order."""

NEARLY_SINGULAR = 0.005
"""Share of the variance of standardised effects in one direction: a correlation of 0.99, for two."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    `status` is ``"ok"``, ``"note"``, ``"warning"``, ``"boundary"`` or ``"not_converged"``.
    """

    check: str
    status: Verdict
    value: float
    message: str
    remedy: str = ""


def overall(checks: Sequence[Check]) -> Literal["ok", "boundary", "not_converged"]:
    """The verdict of a fit: the worst of its checks."""
    statuses = {check.status for check in checks}
    if "not_converged" in statuses:
        return "not_converged"
    return "boundary" if "boundary" in statuses else "ok"


def to_frame(checks: Sequence[Check]) -> pd.DataFrame:
    """One row per check."""
    import pandas as pd

    columns = ["check", "status", "value", "message", "remedy"]
    return pd.DataFrame([[getattr(c, name) for name in columns] for c in checks], columns=columns)


def optimum_check(optimum: Optimum) -> Check:
    """Whether the optimiser arrived."""
    if optimum.converged:
        message = f"Converged in {_iterations(optimum)}: {_evidence(optimum)}."
        return Check("convergence", "ok", optimum.decrement, message)
    return Check(
        "convergence",
        "not_converged",
        optimum.decrement,
        f"Not converged after {_iterations(optimum)}: {_evidence(optimum)}{_saddle(optimum)}.",
        "Simplify the random part, or look for outliers and for predictors on extreme scales.",
    )


def _iterations(optimum: Optimum) -> str:
    return f"{optimum.iterations} iteration{'' if optimum.iterations == 1 else 's'}"


def _evidence(optimum: Optimum) -> str:
    """Newton decrement and gradient, each with its tolerance: a decrement of d bounds the slope by 2√d."""
    hidden = optimum.converged and optimum.decrement >= DECREMENT_TOLERANCE
    tolerance = ROUNDING_TOLERANCE if hidden else DECREMENT_TOLERANCE
    return (
        f"a further step would change the deviance by {optimum.decrement:.1e} (tolerance {tolerance:.0e}"
        f"{', where rounding hides smaller changes' if hidden else ''}); its slope is at most "
        f"{_slope(optimum):.1e} by standard error (tolerance {2.0 * np.sqrt(tolerance):.0e})"
    )


def _saddle(optimum: Optimum) -> str:
    if optimum.decrement >= DECREMENT_TOLERANCE or not optimum.curvature < 0.0:
        return ""
    return f"; but it curves downwards (curvature {optimum.curvature:.1e}, tolerance {DOWNWARDS:.0e})"


def _slope(optimum: Optimum) -> float:
    """Largest derivative of the deviance by standard errors, which are √(2/h) for its curvature h."""
    h = np.abs(np.diag(optimum.hessian))
    unit = np.sqrt(2.0 / np.where(h > 1e-12 * h.max(initial=0.0), h, 2.0))
    return float(np.max(np.abs(optimum.gradient) * unit, initial=0.0))


def group_check(group: str, J: int) -> Check:
    """Whether there are enough groups to estimate how they vary."""
    if J >= FEW_GROUPS:
        return Check("groups", "ok", J, f"{J} groups of `{group}`.")
    return Check(
        "groups",
        "warning",
        J,
        f"Only {J} groups of `{group}`: their variance is hardly known."
        if J > 1
        else f"Only one group of `{group}`: how groups vary is known from the prior alone.",
        "Report the groups one by one, or use `nuts` with an informative prior of the group sd.",
    )


def boundary_check(
    group: str, names: Sequence[str], blocks: Sequence[Sequence[int]], L: Floats, T: Floats | None = None
) -> Check:
    """Whether G = LL' is singular, and in which direction.

    With `T`, which centres and scales the columns of Z, it is nearly singular only where it is so
    about their means, too: far from these, any intercepts and slopes are all but one.
    """
    sentences = [s for block in blocks for s in _vanished(group, names, list(block), L)]
    if not sentences:
        return _full_rank_check(group, names, blocks, L, L if T is None else np.linalg.solve(T, L))
    return Check(
        "boundary",
        "boundary",
        0.0,
        " ".join(sentences),
        "Make the random part simpler; or use `nuts`, which averages over all sds that the data allow "
        "instead of picking one.",
    )


def _full_rank_check(
    group: str, names: Sequence[str], blocks: Sequence[Sequence[int]], L: Floats, centred: Floats
) -> Check:
    """Whether G is close to singular, and in which direction."""
    members = [list(block) for block in blocks]
    share, block = min((max(_smallest_share(L, m), _smallest_share(centred, m)), m) for m in members)
    if share >= NEARLY_SINGULAR or len(block) == 1:
        return Check("boundary", "ok", share, f"The covariance of the effects of `{group}` has full rank.")
    weights = np.linalg.eigh(sds_and_correlations((L @ L.T)[np.ix_(block, block)])[1])[1][:, 0]
    return Check(
        "boundary",
        "note",
        share,
        f"The covariance of the effects of `{group}` is nearly singular: of their variance, over their sds, "
        f"the direction {_in_words(weights, [names[k] for k in block])} has {share:.2%}.",
        "The data hardly tell so many directions apart: see `ld.plots.principal_axes(fit)`; centre "
        "predictors, or make the random part simpler.",
    )


def _in_words(weights: Floats, names: Sequence[str]) -> str:
    """A direction as a sum of coefficients, the largest weight first and positive."""
    order = np.argsort(-np.abs(weights).round(DIGITS), kind="stable")
    signed = weights * np.sign(weights[order[0]])
    parts = [f"{'+' if signed[k] > 0 else '-'} {abs(signed[k]):.2f} `{names[k]}`" for k in order]
    return " ".join(parts).removeprefix("+ ")


def _vanished(group: str, names: Sequence[str], block: list[int], L: Floats) -> list[str]:
    """Plain words for each direction of a block that has variance zero."""
    G = (L @ L.T)[np.ix_(block, block)]
    sd, correlation = sds_and_correlations(G)
    words = [
        f"The variance of `{names[k]}` between the groups of `{group}` is estimated as zero."
        for k, s in zip(block, sd, strict=True)
        if s == 0.0
    ]
    alive = [i for i, s in enumerate(sd) if s > 0.0]
    singular = int(np.sum(np.diag(L)[[block[i] for i in alive]] == 0.0)) if len(alive) > 1 else 0
    w, V = np.linalg.eigh(correlation[np.ix_(alive, alive)])
    lost = " and ".join(_in_words(v, [names[block[i]] for i in alive]) for v in V.T[:singular])
    if singular and len(alive) == 2:
        sign = "+1" if correlation[alive[0], alive[1]] > 0 else "-1"
        a, b = (names[block[i]] for i in alive)
        words.append(
            f"The correlation of `{a}` and `{b}` between the groups of `{group}` is estimated as {sign}: the "
            f"data support only one direction in which groups differ; over their sds, {lost} has 0% of the "
            "variance."
        )
    elif singular:
        shares = ", ".join(f"{share:.0%}" for share in np.maximum(w[::-1], 0.0) / w.sum())
        words.append(
            f"The effects of `{group}` vary in only {len(alive) - singular} of {len(alive)} directions "
            f"(shares of variance {shares}); over their sds, none is left in {lost}."
        )
    return words


def _shares(correlation: Floats) -> Floats:
    w = np.maximum(np.linalg.eigvalsh(correlation)[::-1], 0.0)
    return np.asarray(w / w.sum())


def _smallest_share(L: Floats, block: list[int]) -> float:
    correlation = sds_and_correlations((L @ L.T)[np.ix_(block, block)])[1]
    return float(_shares(correlation)[-1])
