"""How far the methods agree, in units of standard errors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pandas as pd

from laird.report.estimates import Comparison, fixed_terms


def fixed_difference(comparison: Comparison, methods: Iterable[str]) -> tuple[float, str]:
    """Return the largest difference of a fixed effect between methods, in standard errors, and its term.

    The standard error is the smallest of the methods compared.
    """
    names = tuple(methods)
    spreads = {term: _spread(comparison, names, term) for term in fixed_terms(comparison)}
    term = max(spreads, key=lambda name: spreads[name])
    return spreads[term], term


def _spread(comparison: Comparison, methods: tuple[str, ...], term: str) -> float:
    found = [comparison.of(method, ("fixed", "", term)) for method in methods]
    values = [one.value for one in found]
    return (max(values) - min(values)) / min(one.se for one in found)


def effect_difference(table: pd.DataFrame, names: Iterable[str]) -> float:
    """Return the largest difference of a group's coefficient between estimators, in standard errors.

    0 for a single estimator; a coefficient without error (an sd of zero) does not count.
    """
    pairs = combinations(names, 2)
    return max((float(_standardised(table, a, b).max()) for a, b in pairs), default=0.0)


def _standardised(table: pd.DataFrame, a: str, b: str) -> pd.Series:
    error = table[[f"{a}_sd", f"{b}_sd"]].min(axis=1)
    return ((table[a] - table[b]).abs() / error.where(error > 0)).fillna(0.0)


def understated(comparison: Comparison, reference: str) -> tuple[float, str]:
    """Return the smallest ratio of the OLS standard error to that of `reference`, and its term."""
    ratios = {
        term: comparison.of("ols", ("fixed", "", term)).se / comparison.of(reference, ("fixed", "", term)).se
        for term in fixed_terms(comparison)
    }
    term = min(ratios, key=lambda name: ratios[name])
    return ratios[term], term
