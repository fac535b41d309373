"""Prior predictive checks: whether the outcomes that the priors expect are plausible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.schema import Schema
from laird.design import Design
from laird.errors import FitError
from laird.fitting.options import seed, whole_number
from laird.fitting.problem import problem
from laird.inference.combinations import check_probability
from laird.inference.criticism import PredictiveCheck, checked
from laird.inference.criticism_prior import prior_parameters
from laird.inference.criticism_replicates import replicated
from laird.inference.criticism_statistics import Statistic
from laird.inference.units import groupings
from laird.posterior.table import PriorTable
from laird.spec import Spec

type Floats = NDArray[np.float64]


class WithPriors(Protocol):
    """A model: its text, data and priors."""

    @property
    def spec(self) -> Spec:
        """The text."""

    @property
    def schema(self) -> Schema:
        """What was learned from the data."""

    @property
    def design(self) -> Design:
        """The arrays."""

    @property
    def priors(self) -> PriorTable:
        """The prior of every parameter."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PriorPredictive:
    """Result of `prior_predictive`.

    Attributes
    ----------
    check
        Statistics of the data that the priors give, next to those of the data.
    plausible
        The range that was called plausible, or None.
    inside
        Share of outcomes inside of it, in the mean over draws; NaN without a range.
    below, above
        Shares of outcomes on either side.
    """

    check: PredictiveCheck
    plausible: tuple[float, float] | None
    inside: float
    below: float
    above: float

    @property
    def table(self) -> pd.DataFrame:
        """One row per statistic."""
        return self.check.table

    def __repr__(self) -> str:
        return "\n".join([repr(self.check), *self._verdict()])

    def _repr_html_(self) -> str:
        return self.check._repr_html_() + "".join(f"<p>{line}</p>" for line in self._verdict())

    def _verdict(self) -> list[str]:
        if self.plausible is None:
            return []
        low, high = self.plausible
        return [
            f"The priors put {self.inside:.1%} of the outcomes into the plausible range {low:g} to {high:g}, "
            f"{self.below:.1%} below and {self.above:.1%} above it."
        ]


def prior_predictive(
    model: WithPriors,
    plausible: tuple[float, float] | None = None,
    statistics: Mapping[str, Statistic] | None = None,
    *,
    draws: int = 1000,
    prob: float = 0.9,
    random_seed: int | None = None,
) -> PriorPredictive:
    """Draw outcomes from the priors, and compare them with what is plausible.

    Parameters
    ----------
    model
        A model.
    plausible
        The range in which outcomes can be expected to lie, from knowledge of the field.
    statistics
        As in `laird.predictive_check`.
    draws
        Number of draws of all parameters, each with new groups and outcomes of the model's rows.
    prob
        Probability of the ranges.
    random_seed
        Seed; None for a new one.

    Returns
    -------
    The table of `laird.predictive_check`, and the shares of outcomes inside, below and above the
    plausible range.  Weakly informative priors put a good part of them inside, and
    little of it far outside.

    Raises
    ------
    FitError
        A prior is flat, rows are weighted, or an option is not possible.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs"))
    >>> found = ld.prior_predictive(model, plausible=(-5, 30), random_seed=1)
    >>> round(found.inside, 1)
    0.6
    """
    if not hasattr(model, "schema"):
        raise FitError(
            f"Priors are those of a model, not of a {type(model).__name__}.",
            remedy="Pass what `laird.model` gives, before it is fitted.",
        )
    check_probability(prob)
    low, high = _checked_range(plausible)
    count, rng = whole_number("draws", draws, 2), np.random.default_rng(seed(random_seed))
    bound = problem(model.spec, model.schema, model.design)
    Y = replicated(bound, prior_parameters(bound, model.priors, count, rng), rng)
    check = checked(model.design, Y, groupings(model.design), statistics, prob)
    below, above = (float(np.mean(outside)) for outside in (np.less(Y, low), np.greater(Y, high)))
    if plausible is None:
        return PriorPredictive(check, None, np.nan, np.nan, np.nan)
    return PriorPredictive(check, (low, high), 1.0 - below - above, below, above)


def _checked_range(plausible: object) -> tuple[float, float]:
    if plausible is None:
        return -np.inf, np.inf
    pair = tuple(plausible) if isinstance(plausible, tuple | list) else ()
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise FitError(f"plausible = {plausible!r} is no range.", remedy="Write a pair, such as (0, 100).")
    return float(pair[0]), float(pair[1])
