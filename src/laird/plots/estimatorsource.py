"""What the pictures of `laird.estimators` are drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.compare.betaspace import Level
from laird.compare.comparison import Estimators
from laird.compare.estimates import Estimate, Sample
from laird.errors import FitError
from laird.plots.sources import choose

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def as_estimators(found: Estimators) -> Estimators:
    """Return `found`; FitError for anything else."""
    if not isinstance(found, Estimators):
        raise FitError(
            "This picture is drawn from estimators side by side.",
            remedy='Pass `ld.estimators("y ~ x", group="…", data=…)`.',
        )
    return found


def is_difference(level: Level) -> bool:
    """Tell whether a level is a difference of lines, ``Public - Catholic`` or one unit of a number."""
    return bool(level.weights[0] == 0.0)


def choose_levels(
    found: Estimators, wanted: str | Sequence[str] | None, *, differences: bool
) -> tuple[Level, ...]:
    """Return the levels named, or all; FitError for one that there is not."""
    known = {level.name: level for level in found.levels if differences or not is_difference(level)}
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise FitError("There are no levels to draw: `levels` is empty.")
    return tuple(known[choose("level", name, list(known))] for name in dict.fromkeys(names))


def choose_x(found: Estimators, x: str | None) -> str:
    """Return the within variable named, or the first."""
    names = found.sample.x_names
    return choose("within variable", names[0] if x is None else x, names)


def groups_at(sample: Sample, level: Level) -> Ids:
    """Return the groups of a level; all of them for an average of groups.

    Examples
    --------
    >>> w = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> ids = np.array([0, 1])
    >>> sample = Sample(np.zeros(2), np.zeros((2, 1)), w, ids, ("x",), ("Intercept", "w"), ("a", "b"), "g")
    >>> groups_at(sample, Level("p", w[1])), groups_at(sample, Level("average", w.mean(axis=0)))
    (array([1]), array([0, 1]))
    """
    of_level = np.flatnonzero((sample.w == level.weights).all(axis=1))
    return of_level if len(of_level) else np.arange(sample.J)


def estimate_at(found: Estimators, estimator: str, level: Level) -> Estimate | None:
    """Return an estimator's intercept and slopes at a level; None where the data do not allow it."""
    for estimate in found.estimates:
        if estimate.estimator == estimator:
            return estimate.at(level.weights)
    return None
