"""Whether one model is a special case of another, and in what they differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.fitting.result import Fit

type Floats = NDArray[np.float64]
type Block = tuple[RandomDesign, Floats]

SPANNED = 1e-8
"""A column with a smaller share of its length outside the span of others lies in it."""


class Difference(NamedTuple):
    """How many parameters the larger model has more: in all, and variances that could be zero."""

    parameters: int
    variances: int


def difference(small: Fit, large: Fit) -> Difference:
    """Check that two fits can be compared by their likelihoods, and count the parameters between.

    Raises
    ------
    FitError
        Fits by methods without a common likelihood, of different data, REML fits with
        different fixed parts, or models that are not nested.
    """
    _refuse_methods(small, large)
    a, b = small.problem.design, large.problem.design
    _refuse_different_data(a, b)
    if small.method == "reml":
        _refuse_different_fixed(a, b)
    _refuse_not_nested(small, large)
    variances = _random_columns(large) - _random_columns(small) + _heterogeneities(b) - _heterogeneities(a)
    return Difference(large.df_model - small.df_model, variances)


def _refuse_methods(small: Fit, large: Fit) -> None:
    methods = {small.method, large.method}
    if not methods <= {"ols", "ml"} and methods != {"reml"}:
        raise FitError(
            f'A likelihood-ratio test needs two fits by "ml" or two by "reml", not "{small.method}" and '
            f'"{large.method}".',
            remedy='Fit both with "ml" (least squares, "ols", may stand for a model without groups).',
        )


def _refuse_different_data(a: Design, b: Design) -> None:
    if a.outcome != b.outcome:
        raise FitError(f"The outcomes differ: `{a.outcome}` and `{b.outcome}`.")
    if not (np.array_equal(a.rows, b.rows) and np.array_equal(a.y, b.y)):
        raise FitError(
            f"The fits are of different data: {len(a.y)} and {len(b.y)} rows, or other values of "
            f"`{a.outcome}`.",
            remedy="Fit both models to the same rows; drop rows with missing values before.",
        )
    if not _same_known(a, b):
        raise FitError("The fits have different known sampling variances or weights.")


def _same_known(a: Design, b: Design) -> bool:
    if (a.known is None) != (b.known is None) or (a.weights is None) != (b.weights is None):
        return False
    same = a.weights is None or b.weights is None or np.array_equal(a.weights, b.weights)
    if a.known is None or b.known is None:
        return same
    blocks = zip(a.known.blocks, b.known.blocks, strict=False)
    return (
        same
        and np.array_equal(a.known.variances, b.known.variances)
        and len(a.known.blocks) == len(b.known.blocks)
        and all(np.array_equal(one.V, other.V) for one, other in blocks)
    )


def _refuse_different_fixed(a: Design, b: Design) -> None:
    if a.names != b.names or not np.array_equal(a.X, b.X):
        differing = [f"`{name}`" for name in (*a.names, *b.names) if (name in a.names) != (name in b.names)]
        raise FitError(
            "REML likelihoods of models with different fixed parts cannot be compared: they are likelihoods "
            "of different residuals.",
            where="    differing: " + ", ".join(differing or ["columns of the same name"]),
            remedy='Fit both with "ml", or test the fixed effects with `wald`.',
        )


def _refuse_not_nested(small: Fit, large: Fit) -> None:
    a, b = small.problem.design, large.problem.design
    beyond = [name for name, x in zip(a.names, a.X.T, strict=True) if not _spanned(x[:, None], b.X)]
    if beyond:
        raise _not_nested(small, large, "the fixed effect " + ", ".join(f"`{name}`" for name in beyond))
    for random, Z in _blocks(small):
        if not any(
            own.group == random.group and _holds(own, random, Z, other) for own, other in _blocks(large)
        ):
            raise _not_nested(small, large, f"a random term of `{random.group}`")
    regressions = _scales(b)
    for key, W in _scales(a).items():
        if not _spanned(W, regressions.get(key, np.ones((len(b.y), 1)))):
            raise _not_nested(small, large, "a regression of " + ("sigma" if key[0] == "sigma" else "sd"))


def _holds(own: RandomDesign, random: RandomDesign, Z: Floats, other: Floats) -> bool:
    return np.array_equal(own.ids, random.ids) and _spanned(Z, other)


def _blocks(fit: Fit) -> list[Block]:
    """Columns of every correlated block, with their factor; none for least squares."""
    random = () if fit.method == "ols" else fit.problem.design.random
    return [(own, own.Z[:, list(block)]) for own in random for block in own.blocks]


def _random_columns(fit: Fit) -> int:
    return sum(Z.shape[1] for _, Z in _blocks(fit))


def _scales(design: Design) -> dict[tuple[str, str], Floats]:
    """Predictors of every log sd; of sigma a constant where the model says nothing."""
    n = len(design.y)
    constants = {("sigma", ""): np.ones((n, 1))}
    if design.outcomes:
        constants = {
            ("sigma", own): (design.which == k).astype(float)[:, None]
            for k, own in enumerate(design.outcomes)
        }
    return constants | {(scale.parameter, scale.group): scale.W for scale in design.scales}


def _heterogeneities(design: Design) -> int:
    """How many sigmas the model has that could be zero: next to known sampling variances."""
    sigmas = (W for (parameter, _), W in _scales(design).items() if parameter == "sigma")
    return 0 if design.known is None else sum(W.shape[1] > 0 for W in sigmas)


def _spanned(A: Floats, B: Floats) -> bool:
    """Whether the columns of A lie in the span of those of B."""
    rest = A - B @ np.linalg.lstsq(B, A, rcond=None)[0] if B.shape[1] else A
    return bool(np.all(np.linalg.norm(rest, axis=0) <= SPANNED * np.linalg.norm(A, axis=0)))


def _not_nested(small: Fit, large: Fit, what: str) -> FitError:
    return FitError(
        f"The models are not nested: the smaller one has {what} that the larger one cannot express.",
        where=f"    smaller: {small.spec.formula}\n    larger:  {large.spec.formula}",
        remedy="Compare them by AIC or BIC.",
    )
