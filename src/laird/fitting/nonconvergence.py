"""Why a search ended without arriving, in words: a row of `Fit.check`.

The Hessian at the end says in which direction the deviance still falls, or hardly changes;
its largest entries name the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check
from laird.fitting.newton import DOWNWARDS, MAX_ITERATIONS, Optimum
from laird.fitting.problem import Problem, joined_columns
from laird.gaussian.coordinates import factor_entries

type Floats = NDArray[np.float64]

FLAT = 1e-9
"""Relative curvature below which the deviance does not tell values apart."""

SHARE = 0.3
"""Parameters with at least this share of the largest weight of a direction are named."""


def reasons(optimum: Optimum, names: Sequence[str] = ()) -> Iterator[Check]:
    """One row that says why a search did not converge; none when it did.

    Parameters
    ----------
    optimum
        Where the search ended.
    names
        Names of its coordinates, where they have some.
    """
    if optimum.converged:
        return
    direction = _named(optimum, names)
    value = optimum.curvature
    if not np.all(np.isfinite(optimum.hessian)):
        message = (
            "The deviance is not finite next to where the search ended: some rows have no variance left."
        )
        yield Check("search", "note", value, message, "Look for groups or rows without residual variation.")
    elif value < DOWNWARDS:
        message = f"The deviance still falls when {direction} changes: the search ended on a saddle."
        yield Check("search", "note", value, message, _SIMPLIFY)
    elif value < FLAT:
        message = f"The deviance hardly changes with {direction}: the data do not determine this."
        yield Check("search", "note", value, message, _SIMPLIFY)
    elif optimum.iterations >= MAX_ITERATIONS:
        message = f"The search was stopped after {MAX_ITERATIONS} iterations, last moving along {direction}."
        yield Check("search", "note", value, message, _OUTLIERS)
    else:
        message = f"No step along {direction} lowered the deviance any more, although its slope is not zero: "
        message += "rounding errors are as large as what is left to gain."
        yield Check("search", "note", value, message, _OUTLIERS)


_SIMPLIFY = "Leave that term out of the random part or of the regression of sds; or use `nuts`, with priors."
_OUTLIERS = "Look for outliers with `ld.influence(fit)` and `ld.residuals(fit)`, and for rows entered twice."


def _named(optimum: Optimum, names: Sequence[str]) -> str:
    """The direction of least curvature in words, or that of the gradient where curvature is sound."""
    if len(names) != len(optimum.x) or not names or not np.all(np.isfinite(optimum.hessian)):
        return "the variance parameters"
    w, V = np.linalg.eigh(optimum.hessian)
    sound = w[0] >= FLAT * max(w[-1], np.finfo(float).tiny)
    weight = np.abs(optimum.gradient / np.sqrt(np.diag(optimum.hessian)) if sound else V[:, 0])
    chosen = np.flatnonzero(weight >= SHARE * max(weight.max(), np.finfo(float).tiny))
    return " and ".join(names[k] for k in chosen.tolist())


def coordinate_names(problem: Problem) -> tuple[str, ...]:
    """Names of the coordinates of the search for a maximum of the likelihood; a constant sigma may be absent.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    >>> fit = model.fit("reml")
    >>> coordinate_names(fit.problem)[:2]
    ('the sd of `Intercept` by `Subject`', 'the correlation of `Days` and `Intercept` by `Subject`')
    """
    return (*_entries(problem), *_regressions(problem))


def _entries(problem: Problem) -> Iterator[str]:
    rows, columns = factor_entries(problem.data.blocks)
    names: dict[int, tuple[str, str]] = {}
    for random, place in zip(problem.design.random, joined_columns(problem.design.random), strict=True):
        names |= {k: (random.group, name) for k, name in enumerate(random.names, start=place.start)}
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        group, name = names[i]
        if i == j:
            yield f"the sd of `{name}` by `{group}`"
        else:
            yield f"the correlation of `{name}` and `{names[j][1]}` by `{group}`"


def _regressions(problem: Problem) -> Iterator[str]:
    """Coefficients of log sigma, log group sds, φ and correlations, in the order of θ."""
    codings = problem.codings
    if len(codings) == 1 and problem.has_residual and problem.design.known is None:
        return
    for parameter in ("sigma", "sd", "phi", "rho"):
        for coding in (own for own in codings if own.parameter == parameter):
            name = f"{parameter}({coding.group})" if coding.group else parameter
            names = coding.names[1:] if parameter == "sd" else coding.names
            yield from (f"`{name}`" if coding.constant else f"`{own}` of `{name}`" for own in names)
