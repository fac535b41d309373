"""Which groups differ from what the fixed effects expect, once chance is allowed for."""

from __future__ import annotations

from laird.fitting.result import Fit

NORMAL_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def standouts(fit: Fit, group: str) -> dict[str, tuple[str, ...]]:
    """Return the groups whose deviation is more than 1.96 of its standard errors from zero, by term.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
    >>> standouts(fit, "Batch")
    {'Intercept': ('E', 'F')}
    """
    deviations = fit.ranef(group)
    is_far = deviations.abs() > NORMAL_95 * fit.ranef_sd(group)
    return {str(term): tuple(map(str, deviations.index[is_far[term]])) for term in deviations}
