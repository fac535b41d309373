"""Fits with other families made from normal ones: the same draws, with shapes beside them."""

from dataclasses import replace

import numpy as np

MANY = 1e6
"""Degrees of freedom of a t that is normal: their difference is of the order 1e-6."""


def with_families(fit, shapes, deviations=None, **families):
    """`fit` as if its errors or effects had these families, at constant shapes."""
    families = tuple(sorted(families.items()))
    design = replace(fit.problem.design, families=families)
    spec = replace(fit.spec, families=families)
    problem = replace(fit.problem, spec=spec, design=design, reduced=None)
    drawn = {name: np.full(fit.draws.shape, float(value)) for name, value in shapes.items()}
    extra = {} if deviations is None else {"deviations": deviations}
    return replace(fit, method="nuts", problem=problem, draws=replace(fit.draws, shapes=drawn, **extra))
