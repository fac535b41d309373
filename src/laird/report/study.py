"""What a report is about: a model, its fits, and how they came about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from laird.bound import Model
from laird.errors import FitError
from laird.fitting.origin import data_hash
from laird.fitting.result import Fit

SHORT = {"ols": "OLS", "ml": "ML", "reml": "REML", "eb": "EB", "nuts": "NUTS"}
LONG = {
    "ols": "ordinary least squares (OLS)",
    "ml": "maximum likelihood (ML)",
    "reml": "restricted maximum likelihood (REML)",
    "eb": "empirical Bayes (EB)",
    "nuts": "full Bayes (NUTS)",
}
ORDER = tuple(SHORT)


@dataclass(frozen=True, slots=True)
class Study:
    """A model with its fits, from the simplest method to the fullest.

    Attributes
    ----------
    model, fits
        The model, and at least one fit of it.
    command
        The command that made the report; empty when Python did.
    notation
        Notation of the equations.
    """

    model: Model
    fits: tuple[Fit, ...]
    command: str
    notation: str

    @property
    def reference(self) -> Fit:
        """The fullest fit: full Bayes, else empirical Bayes, else REML, ML, OLS."""
        return self.fits[-1]

    @property
    def grouped(self) -> tuple[Fit, ...]:
        """The fits that know of groups."""
        return tuple(fit for fit in self.fits if fit.method != "ols")

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the grouping factors of random terms."""
        return tuple(random.group for random in self.model.design.random)


def study(model: Model, fits: Iterable[Fit], command: str, notation: str) -> Study:
    """Order the fits of a model, and refuse what cannot be shown side by side.

    Raises
    ------
    FitError
        No fits, two by one method, or a fit of another model or other data.
    """
    ordered = tuple(sorted(fits, key=lambda fit: ORDER.index(fit.method)))
    if not ordered:
        raise FitError("There are no fits to report.", remedy='Pass a list such as `[model.fit("reml")]`.')
    if len({fit.method for fit in ordered}) < len(ordered):
        raise FitError("Two fits are by the same method.", remedy="Pass one fit for each method.")
    data = data_hash(model.design)
    if any((fit.spec.hash, fit.origin.data_hash) != (model.spec.hash, data) for fit in ordered):
        raise FitError(
            "A fit is not of this model and its data.", remedy="Pass fits that `model.fit(...)` gave."
        )
    return Study(model, ordered, command, notation)
