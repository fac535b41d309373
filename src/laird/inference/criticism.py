"""Posterior predictive checks: whether the model would give data like those that it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.frozen import freeze
from laird.fitting.options import one_of, seed, whole_number
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability
from laird.inference.criticism_replicates import parameters_of, replicated
from laird.inference.criticism_statistics import Statistic, statistics_of
from laird.inference.units import groupings, units_of

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PredictiveCheck:
    """Result of `predictive_check` and `prior_predictive`.

    Attributes
    ----------
    table
        One row per statistic.
    labels
        What each statistic is called, with its outcome where there are several.
    observed
        Statistics of the data, shape (k,).
    replicated
        Those of the replicated data, shape (S, k).
    """

    table: pd.DataFrame
    labels: tuple[str, ...]
    observed: Floats
    replicated: Floats

    def __post_init__(self) -> None:
        freeze(self)

    def __repr__(self) -> str:
        return self.table.to_string(index=False)

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)


def predictive_check(
    fit: Fit,
    statistics: Mapping[str, Statistic] | None = None,
    *,
    by: Any = None,
    groups: Literal["new", "existing"] = "new",
    draws: int = 1000,
    prob: float = 0.95,
    random_seed: int | None = None,
) -> PredictiveCheck:
    """Compare statistics of the data with those of data that the fitted model gives.

    Parameters
    ----------
    fit
        A fit by any method.  Of likelihood fits the covariance parameters are at their estimates.
    statistics
        Further statistics by name, functions of the outcomes (n,).
    by
        The groups of the group means: a grouping factor, or labels by row; None: the factor outside
        all others, or of crossed factors each.
    groups
        ``"new"``: every replicate has new groups, so that what the model says of how groups
        differ is checked (Gelman, Meng & Stern 1996); ``"existing"``: the groups have the
        effects that the data gave them, which hides much of it.
    draws
        Number of replicates at most.
    prob
        Probability of the intervals.
    random_seed
        Seed; None: that of the fit.

    Returns
    -------
    A table ``statistic, observed, mean, sd, lower, upper, p_value`` (the share of replicates that
    reach the data's value: near 0 or 1 the model does not give such data), and the replicates,
    which `laird.plots.predictive_check` draws.  Statistics are the mean, sd, smallest and
    largest outcome; the sd, smallest and largest of the group means; and the variance within
    groups over that of their means.

    Raises
    ------
    FitError
        An option is not possible, or the rows are weighted.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs")).fit()
    >>> found = ld.predictive_check(fit, random_seed=1).table.set_index("statistic")
    >>> found.loc[["sd", "sd of group means"], ["observed", "lower", "upper"]].round(1).values.tolist()
    [[6.8, 6.4, 7.0], [3.0, 1.9, 3.0]]
    """
    one_of("groups", groups, ("new", "existing"))
    check_probability(prob)
    count = whole_number("draws", draws, 2)
    rng = np.random.default_rng([seed((fit.origin.seed or 0) if random_seed is None else random_seed), count])
    given = parameters_of(fit, count, rng, fitted_groups=groups == "existing")
    Y = replicated(fit.problem, given, rng)
    return checked(fit.problem.design, Y, _groupings(fit, by), statistics, prob)


def _groupings(fit: Fit, by: Any) -> Mapping[str, Ids]:
    if by is None:
        return groupings(fit.problem.design)
    units = units_of(fit, by)
    return {units.name: units.codes}


def checked(
    design: Design,
    Y: Floats,
    groups: Mapping[str, Ids],
    statistics: Mapping[str, Statistic] | None,
    prob: float,
) -> PredictiveCheck:
    """Compare replicated outcomes Y (S, n) with those of a design, outcome by outcome.

    Statistics of groups are those of each grouping of the rows (n,), by name.
    """
    outcomes = design.outcomes or ("",)
    found = []
    for k, outcome in enumerate(outcomes):
        own = design.which == k if design.outcomes else slice(None)
        both = np.vstack([design.y[None, own], Y[:, own]])
        present = {name: np.unique(codes[own], return_inverse=True)[1] for name, codes in groups.items()}
        found += [(outcome, name, values) for name, values in statistics_of(both, present, statistics)]
    rows = [_row(outcome, name, values[0], values[1:], prob) for outcome, name, values in found]
    table = pd.DataFrame(rows)
    return PredictiveCheck(
        table if design.outcomes else table.drop(columns="outcome"),
        tuple(f"{outcome}: {name}" if outcome else name for outcome, name, _ in found),
        np.array([values[0] for _, _, values in found]),
        np.stack([values[1:] for _, _, values in found], axis=1),
    )


def _row(outcome: str, name: str, observed: float, values: Floats, prob: float) -> dict[str, Any]:
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2])
    return {
        "outcome": outcome,
        "statistic": name,
        "observed": observed,
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "lower": lower,
        "upper": upper,
        "p_value": float(np.mean(values >= observed)),
    }
