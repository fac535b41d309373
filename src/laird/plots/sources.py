"""What the pictures of groups are drawn from: the shrinkage table, or fits that give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.compare.shrinkage import shrinkage
from laird.design import RandomDesign
from laird.errors import FitError, nearest
from laird.fitting.options import probability
from laird.fitting.result import Fit
from laird.plots.style import LOOKS

type Floats = NDArray[np.float64]
type Source = pd.DataFrame | Fit | Iterable[Fit]

COLUMNS = ("group", "term", "n", "mean", "blue", "blue_sd")


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """One coefficient of every group by each kind of estimate.

    Attributes
    ----------
    term, group, outcome
        Names; `group` is ``"group"`` and `outcome` is ``""`` when only a table is known.
    labels, n, mean
        Label, number of rows and value of the fixed part of the J groups.
    estimate, sd
        Arrays (J,) by kind: ``"blue"``, ``"eblup"``, ``"eb"``, ``"posterior"``.
    """

    term: str
    group: str
    outcome: str
    labels: tuple[str, ...]
    n: NDArray[np.int64]
    mean: Floats
    estimate: Mapping[str, Floats]
    sd: Mapping[str, Floats]

    @property
    def shrunken(self) -> tuple[str, ...]:
        """The kinds of estimate other than the groups' own."""
        return tuple(kind for kind in self.estimate if kind != "blue")

    @property
    def axis_label(self) -> str:
        """The coefficient in words, for an axis."""
        name = coefficient_name(self.term)
        return f"{name} ({self.outcome})" if self.outcome else name

    @property
    def mean_label(self) -> str:
        """What `mean` is: the table takes it from the likelihood's fit where there is one."""
        return "GLS mean" if {"eblup", "eb"} & set(self.estimate) else "mean of the fixed part"


def coefficient_name(term: str) -> str:
    """Return a coefficient in words."""
    return "Intercept" if term == "Intercept" else f"Coefficient of {term}"


def as_fits(fits: Fit | Iterable[Fit]) -> tuple[Fit, ...]:
    """Return one or more fits as a tuple; FitError for anything else."""
    given = list(fits) if isinstance(fits, Iterable) else [fits]
    kept = tuple(fit for fit in given if isinstance(fit, Fit))
    if not kept or len(kept) < len(given):
        raise FitError(
            "This picture is drawn from fits.", remedy='Pass `model.fit("reml")`, or a list of fits.'
        )
    return kept


def as_fit(fit: Fit) -> Fit:
    """Return `fit`; FitError for anything else."""
    if not isinstance(fit, Fit):
        raise FitError("This picture is drawn from one fit.", remedy='Pass `model.fit("reml")`.')
    return fit


def coefficients(source: Source, terms: Sequence[str], group: str | None = None) -> tuple[Coefficients, ...]:
    """Return the coefficients of each of `terms` from a shrinkage table or from fits.

    Raises
    ------
    FitError
        Not a shrinkage table, or a term that it does not have.
    """
    if isinstance(source, pd.DataFrame):
        return tuple(_from_table(source, term, "group", "") for term in terms)
    fits = as_fits(source)
    random = random_design(fits[0], group)
    for term in terms:
        choose("coefficient", term, random.names)
    table, outcome = shrinkage(fits, random.group), fits[0].problem.design.outcome
    return tuple(_from_table(table, term, random.group, outcome) for term in terms)


def random_design(fit: Fit, group: str | None) -> RandomDesign:
    """Return the random coefficients by `group`, or the model's only ones."""
    random = {each.group: each for each in fit.problem.design.random}
    if group is None and len(random) == 1:
        return next(iter(random.values()))
    if not random:
        raise FitError("The model has no groups.", remedy="Add a random term such as `(1 | school)`.")
    if group is None:
        raise FitError(
            "The model has several grouping factors.",
            allowed=nearest("", random),
            remedy="Name one: `group=`.",
        )
    return random[choose("grouping factor", group, list(random))]


def choose(what: str, value: str, allowed: Sequence[str]) -> str:
    """Return `value`; FitError that names the nearest when it is not allowed."""
    if value not in allowed:
        raise FitError(f"There is no {what} `{value}` to draw.", allowed=nearest(value, allowed))
    return value


def check_probability(prob: float) -> float:
    """Return `prob`; FitError unless 0 < prob < 1."""
    probability(prob)
    return prob


def choose_shrunken(data: Coefficients, kind: str | None) -> str:
    """Return `kind`, or the first estimate other than the BLUE; FitError when there is none."""
    if not data.shrunken:
        raise FitError(
            "There are only the groups' own least-squares estimates: nothing shrinks.",
            remedy='Add a fit by "ml", "reml", "eb" or "nuts".',
        )
    return choose("estimate", kind or data.shrunken[0], data.shrunken)


def _from_table(table: pd.DataFrame, term: str, group: str, outcome: str) -> Coefficients:
    _check_table(table)
    choose("coefficient", term, list(dict.fromkeys(table["term"])))
    rows = table[table["term"] == term]
    kinds = [kind for kind in LOOKS if kind in rows]
    return Coefficients(
        term=term,
        group=group,
        outcome=outcome,
        labels=tuple(rows["group"].astype(str)),
        n=rows["n"].to_numpy(dtype=np.int64),
        mean=rows["mean"].to_numpy(dtype=float),
        estimate={kind: rows[kind].to_numpy(dtype=float) for kind in kinds},
        sd={kind: rows[f"{kind}_sd"].to_numpy(dtype=float) for kind in kinds},
    )


def _check_table(table: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise FitError(
            "The data frame is not a shrinkage table: it has no column "
            + ", ".join(f"`{m}`" for m in missing)
            + ".",
            remedy="Pass `ld.shrinkage(model_or_fits)`, or the fits themselves.",
        )
