"""What every fitter is given: the spec, the schema, the arrays, and what the rows reduce to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from laird.data.schema import Schema
from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.fitting.codings import (
    Codings,
    codings,
    group_predictors,
    rho_predictors,
    sigma_predictors,
)
from laird.fitting.refusals import refuse_absorbed, refuse_exact
from laird.gaussian.composite import Blocks, compose
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.hierarchy import Hierarchy, arrange
from laird.gaussian.lines import absorbed_columns, level2_weights
from laird.gaussian.noise import Noise
from laird.gaussian.reduced import Reduced
from laird.spec import Spec

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A model bound to data, ready to be fitted.

    Attributes
    ----------
    spec, schema, design
        Text, what was learned from the data, arrays.
    data
        Cross-products of a single grouping factor (no groups: q = 0) or of several; of
        known variances, regressions of sds or several outcomes, the reduced rows.
    codings
        The regressions of sds and correlations.
    """

    spec: Spec
    schema: Schema
    design: Design
    data: Reduced | Hierarchy
    codings: Codings

    @property
    def random(self) -> RandomDesign | None:
        """The random coefficients of the first grouping factor, None for a model without."""
        return self.design.random[0] if self.design.random else None

    @property
    def has_residual(self) -> bool:
        """Whether the residual sd is one number."""
        sigma = self.codings.of("sigma")
        return sigma is not None and sigma.constant

    @property
    def grouped(self) -> Grouped:
        """The cross-products of a model with at most one grouping factor; else a FitError."""
        if isinstance(self.data, Grouped):
            return self.data
        raise FitError(
            "This method fits one grouping factor and a constant sigma in this version; the model has more.",
            allowed='Available: "ols", "ml", "reml".',
            remedy='Use "reml", or simplify the model.',
        )


def problem(spec: Spec, schema: Schema, design: Design) -> Problem:
    """Reduce the rows to what the likelihood needs of them.

    Raises
    ------
    FitError
        The likelihood has no maximum.
    """
    single = [grouped(design, random) for random in design.random or (None,)]
    refuse_exact(design, single)
    for random, data in zip(design.random, single, strict=False):
        refuse_absorbed(random, data)
    found = codings(design)
    if _is_plain(design, found):
        return Problem(spec, schema, design, single[0] if len(single) == 1 else _several(design), found)
    return Problem(spec, schema, design, _general(design), found)


def _is_plain(design: Design, found: Codings) -> bool:
    """Constant sds of one outcome without known variances: cross-products suffice."""
    only_sigma = len(found) == 1 and found[0].parameter == "sigma" and found[0].constant
    return only_sigma and design.known is None and not design.outcomes and design.weights is None


def grouped(design: Design, random: RandomDesign | None) -> Grouped:
    """Cross-products of one grouping factor, or of a model without."""
    n = len(design.y)
    if random is None:
        return group(design.y, design.X, np.zeros((n, 0)), np.zeros(n, dtype=np.int64), 1, ())
    return group(design.y, design.X, random.Z, random.ids, len(random.levels), random.blocks)


def level2_weights_of(design: Design, random: RandomDesign, data: Grouped) -> Floats:
    """A_j with X_j,absorbed = Z_jA_j for one grouping factor, shape (J, q, p)."""
    absorbed = absorbed_columns(data)
    return level2_weights(design.X, random.Z, random.ids, len(random.levels), absorbed)


def joined_columns(random: Sequence[RandomDesign]) -> tuple[slice, ...]:
    """Places of the factors' columns among the random coefficients of all factors."""
    starts = np.concatenate([[0], np.cumsum([len(r.names) for r in random])]).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in pairwise(starts))


def _factors(design: Design) -> tuple[list[Floats], list[Ids], list[int], list[Blocks]]:
    random = design.random
    ids, counts = [r.ids for r in random], [len(r.levels) for r in random]
    return [r.Z for r in random], ids, counts, [r.blocks for r in random]


def _several(design: Design) -> Reduced:
    return compose(design.y, design.X, *_factors(design))


def _general(design: Design) -> Hierarchy:
    W, has_sigma = sigma_predictors(design)
    known = design.known
    n, several = len(design.y), bool(design.outcomes)
    errors = Noise(
        W=W,
        has_sigma=has_sigma,
        variances=np.zeros(n) if known is None else known.variances,
        which=design.which if several else np.zeros(n, dtype=np.int64),
        units=design.units if several else np.arange(n),
        covariances=() if known is None else tuple((block.rows, block.V) for block in known.blocks),
        proportional=known is not None and known.proportional,
        rhos=rho_predictors(design),
        weights=design.weights,
    )
    return arrange(design.y, design.X, *_factors(design), group_predictors(design), errors)
