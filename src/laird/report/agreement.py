"""How far the methods agree, in units of standard errors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
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
    """Return the largest difference of a group's coefficient between estimators, in its sd."""
    pairs = combinations(names, 2)
    return max(float(np.nanmax(_standardised(table, a, b))) for a, b in pairs)


def _standardised(table: pd.DataFrame, a: str, b: str) -> pd.Series:
    return (table[a] - table[b]).abs() / table[[f"{a}_sd", f"{b}_sd"]].min(axis=1)


def understated(comparison: Comparison, reference: str) -> tuple[float, str]:
    """Return the smallest ratio of the OLS standard error to that of `reference`, and its term."""
    ratios = {
        term: comparison.of("ols", ("fixed", "", term)).se / comparison.of(reference, ("fixed", "", term)).se
        for term in fixed_terms(comparison)
    }
    term = min(ratios, key=lambda name: ratios[name])
    return ratios[term], term
