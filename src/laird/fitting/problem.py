"""What every fitter is given: the spec, the schema, the arrays, and what the rows reduce to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laird.data.frame import Table
from laird.data.schema import Schema
from laird.design import Design, RandomDesign, outcome_designs
from laird.fitting.refusals import beyond_normal, refuse_absorbed, refuse_exact
from laird.fitting.strata import refuse_still
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.lines import absorbed_columns, level2_weights
from laird.gaussian.reduced import Reduced
from laird.posterior.codings import Codings, codings
from laird.posterior.structure import grouped, is_plain, joined_columns, structure
from laird.spec import Spec

__all__ = ["Problem", "grouped", "joined_columns", "level2_weights_of", "problem"]

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A model bound to data, ready to be fitted.

    Attributes
    ----------
    spec, schema, design
        Text, what was learned from the data, arrays.
    reduced
        Cross-products of a single grouping factor (no groups: q = 0) or of several; of
        known variances, regressions of sds or several outcomes, the reduced rows.  None
        where errors or effects are not normal.
    codings
        The regressions of sds and correlations.
    table
        The columns of the data that the model uses, at the rows used; None of arrays that no
        frame holds.
    """

    spec: Spec
    schema: Schema
    design: Design
    reduced: Reduced | Hierarchy | None
    codings: Codings
    table: Table | None = None

    @property
    def data(self) -> Reduced | Hierarchy:
        """What the normal likelihood is computed from; FitError where errors or effects are not normal."""
        if self.reduced is None:
            raise beyond_normal(self.design)
        return self.reduced

    @property
    def random(self) -> RandomDesign | None:
        """The random coefficients of the first grouping factor, None for a model without."""
        return self.design.random[0] if self.design.random else None

    @property
    def has_residual(self) -> bool:
        """Whether the residual sd is one number."""
        sigma = self.codings.of("sigma")
        return sigma is not None and sigma.constant


def problem(spec: Spec, schema: Schema, design: Design, table: Table | None = None) -> Problem:
    """Reduce the rows to what the likelihood needs of them.

    Raises
    ------
    FitError
        The likelihood has no maximum.
    """
    single = [grouped(design, random) for random in design.random or (None,)]
    for one in outcome_designs(design):
        refuse_exact(one, [grouped(one, r) for r in one.random or (None,)] if design.outcomes else single)
    refuse_still(design)
    for random, own in zip(design.random, single, strict=False):
        refuse_absorbed(random, own)
    if design.families:
        return Problem(spec, schema, design, None, codings(design), table)
    reuse = is_plain(design) and len(design.random) < 2
    data: Reduced | Hierarchy = single[0] if reuse else structure(design)
    return Problem(spec, schema, design, data, codings(design), table)


def of_normal(own: Problem) -> Problem:
    """The same with normal errors and effects."""
    if not own.design.families:
        return own
    return problem(own.spec, own.schema, replace(own.design, families=()), own.table)


def level2_weights_of(design: Design, random: RandomDesign, data: Grouped) -> Floats:
    """A_j with X_j,absorbed = Z_jA_j for one grouping factor, shape (J, q, p)."""
    absorbed = absorbed_columns(data)
    return level2_weights(design.X, random.Z, random.ids, len(random.levels), absorbed)
