"""Distributions of mean 0 and sd 1 that errors and effects may have, and their shapes as variables.

=============  ======================================================================================
normal         N(0, 1)
t              √((ν - 2)/ν) t_ν; correlated effects of one group have one multivariate t: they share
               the weight that makes them outlying
skew_normal    (s - δ√(2/π)) / √(1 - 2δ²/π) with s of Azzalini's (1985) shape α, δ = α/√(1 + α²)
=============  ======================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import Interval

from laird.design import Design
from laird.graph.priors import DISTRIBUTIONS, scalar, vector
from laird.posterior.families import quantile, support
from laird.posterior.names import group_names, identifier
from laird.posterior.table import LEAST_NU, PriorRow, PriorTable, above

type Tensor = Any

HALF = np.array([0.5])


class Standard(NamedTuple):
    """A distribution of mean 0 and sd 1.

    Attributes
    ----------
    family
        A name of `laird.spec.families.EFFECT_FAMILIES`.
    shape
        ν of a t; α of a skew-normal, one for each column.
    """

    family: str = "normal"
    shape: Tensor = ()

    @property
    def unit(self) -> Tensor:
        """Scale of the variable below for which the sd is 1."""
        return pt.sqrt((self.shape - 2) / self.shape) if self.family == "t" else 1.0

    def variable(
        self,
        name: str,
        mean: Tensor,
        scale: Tensor,
        *,
        column: int | slice = 0,
        given: Sequence[Tensor] = (),
        **options: Any,
    ) -> Tensor:
        """Add a variable to the model in context, of the sd scale / `unit`: the scale of a t is t_ν's.

        Parameters
        ----------
        name, mean, scale
            Its name, mean and scale.
        column
            Column of the effects, for its α; a slice for all of them side by side.
        given
            Effects of the same groups, of scale 1, that are correlated with it and come before it.
        **options
            Of PyMC: dims, observed.
        """
        if self.family == "t":
            nu, spread = _given(self.shape, given)
            return pm.StudentT(name, nu=nu, mu=mean, sigma=scale * spread, **options)
        if self.family == "skew_normal":
            alpha = self.shape if isinstance(column, slice) else self.shape[column]
            shift, spread = skew_moments(alpha)
            return pm.SkewNormal(name, mu=mean - scale * shift, sigma=scale * spread, alpha=alpha, **options)
        return pm.Normal(name, mean, scale, **options)


NORMAL = Standard()


def _given(nu: Tensor, given: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Degrees of freedom and scale of a column of a multivariate t given others."""
    if not given:
        return nu, 1.0
    return nu + len(given), pt.sqrt((nu + sum(z**2 for z in given)) / (nu + len(given)))


def skew_moments(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of location to mean, and scale, of a skew-normal of mean 0 and sd 1.

    Examples
    --------
    >>> [float(value) for value in skew_moments(0.0)]
    [0.0, 1.0]
    """
    mean = alpha / (1 + alpha**2) ** 0.5 * (2 / pi) ** 0.5
    scale = 1 / (1 - mean**2) ** 0.5
    return mean * scale, scale


def standards(design: Design, table: PriorTable) -> Mapping[str, Standard]:
    """Add ν and α of all families to the model in context; normal families are left out."""
    dims = {random.group: group_names(random).term for random in design.random}
    terms = {random.group: random.names for random in design.random}
    found = {}
    for what, family in design.families:
        rows = table.of("nu", "alpha", group=what)
        name = identifier(f"{rows[0].kind}_{what}")
        if family == "t":
            found[what] = Standard(family, _degrees_of_freedom(name, rows[0]))
        elif what in dims:
            found[what] = Standard(family, vector(name, rows, dims[what], terms[what]))
        else:
            found[what] = Standard(family, [scalar(name, rows[0])])
    return found


def _degrees_of_freedom(name: str, row: PriorRow) -> Tensor:
    """Add ν > 2; the priors' part above is drawn by quantiles."""
    lower, upper = support(row.family, *row.values)
    least = max(lower, LEAST_NU)

    def logp(value: Tensor, *values: Tensor) -> Tensor:
        return pt.switch(value > least, _log_density(row.family, value, values), -np.inf)

    def draw(*_: Any, rng: np.random.Generator, size: tuple[int, ...] | None = None) -> Any:
        p = np.asarray(rng.uniform(size=size))
        return quantile(row.family, above(p, row.family, row.values), *row.values)

    def middle(*_: Any) -> Tensor:
        return pt.constant(float(quantile(row.family, above(HALF, row.family, row.values), *row.values)[0]))

    values = [np.array(value) for value in row.values]
    transform = Interval(least, None if np.isinf(upper) else upper)
    return pm.CustomDist(
        name, *values, logp=logp, random=draw, support_point=middle, default_transform=transform
    )


def _log_density(family: str, value: Tensor, values: Sequence[Tensor]) -> Tensor:
    if family == "log_student_t":
        return _log_density("student_t", pt.log(value), values) - pt.log(value)
    distribution, arguments = DISTRIBUTIONS[family]
    return pm.logp(getattr(pm, distribution).dist(**dict(zip(arguments, values, strict=True))), value)
