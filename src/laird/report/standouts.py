"""Which groups differ from what the fixed effects expect, once chance is allowed for."""

from __future__ import annotations

from laird.fitting.result import Fit

NORMAL_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def standouts(fit: Fit, group: str) -> dict[str, tuple[str, ...]]:
    """Return the groups whose deviation is more than 1.96 standard errors from zero, by term.

    The most deviant group comes first.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
    >>> standouts(fit, "Batch")
    {'Intercept': ('E',)}
    """
    sd = fit.ranef_sd(group)
    far = (fit.ranef(group).abs() / sd.where(sd > 0)).where(lambda z: z > NORMAL_95)
    return {
        str(term): tuple(map(str, column.dropna().sort_values(ascending=False).index))
        for term, column in far.items()
    }
