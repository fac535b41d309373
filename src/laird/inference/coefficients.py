"""Tests of the fixed effects one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, drawn, draws_of, estimated, labelled
from laird.inference.reference import Df, Reference, reference


def coef_tests(fit: Fit, df: Df | Reference | None = None, prob: float = 0.95) -> pd.DataFrame:
    """Test every fixed effect against zero.

    Parameters
    ----------
    fit
        A fit by any method.
    df
        Method for the degrees of freedom, named in the table, or what
        `laird.cluster_robust` returns:

        ``"satterthwaite"`` (default for ``ml`` and ``reml``; Satterthwaite 1946, as
        lmerTest);
        ``"knapp-hartung"`` (default with known sampling variances: standard errors times
        s ≥ 1, s² = y'Py / (n - p); Knapp & Hartung 2003), ``"knapp-hartung-untruncated"``
        (the same with any s, as metafor);
        ``"kenward-roger"`` (``reml`` only: adjusts the standard errors too; Kenward &
        Roger 1997, as pbkrtest);
        ``"inner-outer"`` (nlme's rule);
        ``"residual"`` (n - p; what least squares has, whichever is asked);
        ``"normal"`` (infinite).
    prob
        Probability of the intervals.

    Returns
    -------
    ``term, estimate, se, df, statistic, p_value, lower, upper, method``.  For draws
    (``eb``, ``nuts``): ``term, estimate, se, lower, upper, above, method``, with the
    posterior probability that the coefficient is above zero.

    Raises
    ------
    FitError
        Unknown `df`, or one that is not available for the fit.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> fit = ld.model("mathach ~ ses + (1 | school)", data=hs).fit("reml")
    >>> ld.coef_tests(fit, df="kenward-roger")[["term", "se", "df"]].round(3)
            term     se        df
    0  Intercept  0.355    38.861
    1        ses  0.211  1830.107
    """
    check_probability(prob)
    names = fit.problem.design.names
    K, rhs = np.eye(len(names)), np.zeros(len(names))
    draws = draws_of(fit, df)
    if draws is not None:
        return labelled(drawn(fit, K, rhs, draws, prob), "term", names)
    return labelled(estimated(fit, K, rhs, reference(fit, df), prob), "term", names)
