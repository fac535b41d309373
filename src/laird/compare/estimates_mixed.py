"""The estimators with variance components, by REML: the mixed model, and that with contextual variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.bound import model
from laird.compare.estimates import INTERCEPT, Estimate, Sample
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.reference import Reference, reference

type Floats = NDArray[np.float64]
type Slopes = Literal["random", "common"]


class Request(NamedTuple):
    """A model to fit.

    Attributes
    ----------
    formula
        Its text.
    data, options
        For `laird.model`.
    columns
        Of contextual variables: of each within column the term as the formula writes it, and
        the category or ``""``, as in ``("Minority", "[Yes]")``.
    group
        The groups of contextual variables, as the formula writes them.
    """

    formula: str
    data: Any
    options: Mapping[str, Any]
    columns: tuple[tuple[str, str], ...] = ()
    group: str = ""


def mixed_formula(
    outcome: str, within: Sequence[str], between: Sequence[str], group: str, slopes: Slopes
) -> str:
    """Return the formula of the mixed model.

    Examples
    --------
    >>> mixed_formula("mathach", ["ses"], ["Sector"], "school", "random")
    'mathach ~ ses * Sector + (1 + ses | school)'
    >>> mixed_formula("y", ["x", "z"], [], "g", "common")
    'y ~ x + z + (1 | g)'
    """
    fixed = _crossed(within, between)
    return f"{outcome} ~ {fixed} + ({' + '.join(['1', *_if_random(within, slopes)])} | {group})"


def contextual_formula(
    outcome: str, within: Sequence[str], between: Sequence[str], group: str, slopes: Slopes
) -> str:
    """Return the formula of the mixed model with contextual variables, centred within groups.

    Examples
    --------
    >>> contextual_formula("y", ["x"], [], "g", "random")
    'y ~ dvar(x, g) + cvar(x, g) + (1 + dvar(x, g) | g)'
    >>> contextual_formula("y", ["x"], ["w"], "g", "common")
    'y ~ (dvar(x, g) + cvar(x, g)) * w + (1 | g)'
    """
    deviations, means = (_calls(function, within, group) for function in ("dvar", "cvar"))
    fixed = _crossed([*deviations, *means], between)
    return f"{outcome} ~ {fixed} + ({' + '.join(['1', *_if_random(deviations, slopes)])} | {group})"


def _calls(function: str, names: Sequence[str], group: str) -> tuple[str, ...]:
    return tuple(f"{function}({name}, {group})" for name in names)


def _crossed(*sums: Sequence[str]) -> str:
    """The product of sums, without the empty ones."""
    given = [terms for terms in sums if terms]
    if len(given) == 1:
        return " + ".join(given[0])
    return " * ".join(f"({' + '.join(terms)})" if len(terms) > 1 else terms[0] for terms in given)


def _if_random(within: Sequence[str], slopes: Slopes) -> Sequence[str]:
    return within if slopes == "random" else ()


def mixed(sample: Sample, request: Request) -> tuple[Fit, Estimate]:
    """Fit the model of `mixed_formula` by REML (slides, method 5)."""
    fit = model(request.formula, data=request.data, **request.options).fit("reml")
    rows = (INTERCEPT, *sample.x_names)
    pick = _selection(fit, rows, sample.w_names)
    return fit, _estimate(fit, "mixed", "mixture", rows, sample, pick)


def contextual(sample: Sample, request: Request) -> tuple[Fit, Estimate, Estimate, Estimate]:
    """Fit the model of `contextual_formula` by REML (slides, method 6).

    Returns
    -------
    The fit, and what it says of the effects within and between groups and of their
    difference, the contextual effect.  The line within groups is that of a group
    whose means of x are those of all groups, x̄: its intercept, at x = 0, is
    γ_0 + (γ_B - γ_W)'x̄.  The line between groups is that of the group means.
    """
    fit = model(request.formula, data=request.data, **request.options).fit("reml")
    deviations, means = (
        tuple(f"{function}({name}, {request.group}){category}" for name, category in request.columns)
        for function in ("dvar", "cvar")
    )
    k, m = len(request.columns), sample.w.shape[1]
    within = _selection(fit, (INTERCEPT, *deviations), sample.w_names)
    between = _selection(fit, (INTERCEPT, *means), sample.w_names)
    difference = between - within
    shift = np.zeros((k + 1, k + 1))
    shift[0, 1:] = sample.means(sample.x).mean(axis=0)
    within = within + np.kron(np.eye(m), shift) @ difference
    rows = (INTERCEPT, *sample.x_names)
    slopes = np.delete(np.arange(m * (k + 1)), np.arange(m) * (k + 1))
    return (
        fit,
        _estimate(fit, "contextual", "within", rows, sample, within),
        _estimate(fit, "contextual", "between", rows, sample, between),
        _estimate(fit, "contextual", "contextual", rows[1:], sample, difference[slopes]),
    )


def _selection(fit: Fit, rows: Sequence[str], columns: Sequence[str]) -> Floats:
    """The matrix that picks the coefficients from the fixed effects, shape (m·r, p)."""
    names = list(fit.problem.design.names)
    found = [_position(names, row, column) for column in columns for row in rows]
    return np.asarray(np.eye(len(names))[found])


def _position(names: Sequence[str], row: str, column: str) -> int:
    """Place of a product of a within and a between variable, whose factors stand in any order."""
    factors = [part for part in (row, column) if part != INTERCEPT] or [INTERCEPT]
    wanted = sorted(":".join(factors).split(":"))
    return next(place for place, name in enumerate(names) if sorted(name.split(":")) == wanted)


def _estimate(
    fit: Fit, estimator: str, effect: str, rows: tuple[str, ...], sample: Sample, pick: Floats
) -> Estimate:
    return Estimate(
        estimator=estimator,
        effect=effect,
        rows=rows,
        columns=sample.w_names,
        base=fit.point.beta,
        reference=_reference(fit),
        pick=pick,
        groups=sample.J,
    )


def _reference(fit: Fit) -> Reference:
    """Satterthwaite's degrees of freedom; nlme's inner-outer rule where the likelihood is flat."""
    try:
        return reference(fit, "satterthwaite")
    except FitError:
        return reference(fit, "inner-outer")
