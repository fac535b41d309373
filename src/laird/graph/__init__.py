"""(Design, PriorTable) -> `pymc.Model`, in two forms of the same model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pymc as pm

from laird.design import Design
from laird.errors import SpecError, nearest
from laird.graph.explicit import explicit
from laird.graph.marginal import marginal
from laird.posterior.table import PriorTable
from laird.spec.families import families_text

__all__ = ["explicit", "graph", "marginal"]

FORMS: Mapping[str, Callable[[Design, PriorTable], pm.Model]] = MappingProxyType(
    {"marginal": marginal, "explicit": explicit}
)


def graph(design: Design, table: PriorTable, form: str = "marginal") -> pm.Model:
    """Return the model as an ordinary `pymc.Model` with named dims and coords from the data.

    Parameters
    ----------
    design
        Arrays of a model.
    table
        Priors of all its parameters, from `laird.posterior.prior_table`.
    form
        ``"marginal"``: coefficients and group effects integrated out, the form to sample
        from.  ``"explicit"``: plain PyMC with everything a variable, the form to read and
        extend.

    Examples
    --------
    >>> import numpy as np
    >>> from laird.posterior import prior_table
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> design = Design("score", y, np.ones((3, 1)), ("Intercept",), (), np.arange(3))
    >>> table = prior_table([], design)
    >>> [variable.name for variable in graph(design, table).free_RVs]
    ['sigma']
    >>> [variable.name for variable in graph(design, table, "explicit").free_RVs]
    ['sigma', 'beta']
    """
    if form not in FORMS:
        raise SpecError(f"There is no graph form `{form}`.", allowed=nearest(form, FORMS))
    if form == "marginal" and design.families:
        raise SpecError(
            f"Effects that are not normal cannot be integrated out ({families_text(design.families)}).",
            remedy='Use the form "explicit", or leave `families` out.',
        )
    if form == "explicit" and design.weights is not None:
        raise SpecError(
            "Weights multiply log-likelihoods: a weighted row is no random variable.",
            remedy='Use the form "marginal", or leave the weights out.',
        )
    return FORMS[form](design, table)
