"""Tests of within, between and contextual effects with any degrees of freedom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from laird.errors import FitError
from laird.fitting.contextual import Latent, weights_of, with_labels
from laird.fitting.derivatives import effects
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, draws_of, estimated
from laird.inference.reference import Df, Reference, default_name, reference


def contextual(
    fit: Fit,
    variable: str,
    *,
    at: Mapping[str, Any] | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
    latent: Latent = False,
    **sampling: Any,
) -> pd.DataFrame:
    """Test the effects of a variable within groups, between them, and the contextual effect.

    ``within`` (β_W): one unit more of the variable, in the same group; ``between`` (β_B): one
    unit more in every row of the group; ``contextual`` (β_B - β_W, also called
    compositional): the same value, in a group whose mean is one unit higher.  They are the
    same whether the model says ``x + cvar(x, g)`` or ``dvar(x, g) + cvar(x, g)``.  At three
    levels there are a ``between`` and a ``contextual`` effect of each kind of groups, and a
    ``contextual`` effect is the effect between its groups minus that between the groups
    inside.  Of crossed groups each is at a fixed mean of the others.

    Parameters
    ----------
    fit
        A fit by any method, of a model with ``cvar`` of the variable.
    variable
        A numeric or categorical column, or an expression such as ``log(income)``, as the
        model writes it; of a category each level is compared with the first.
    at
        Values of the variables that interact with it, by name: a number or several
        (default: the mean of the rows), a level or several (default: each level).
    prob
        Probability of the intervals.
    df
        Method for the degrees of freedom, as in `laird.coef_tests`; by default Satterthwaite's
        for ``ml`` and ``reml`` and n - p for ``ols``, as in `Fit.contextual`.
    latent
        True: the rows of a group are a sample, and the effects between groups are those of the
        groups' own means, not attenuated by the error of the observed ones (Lüdtke et al.
        2008).  These are integrated out exactly, by maximum likelihood, restricted likelihood
        or in the posterior, as the fit.  The variable is taken as normal, and within groups as
        unrelated to other predictors; degrees of freedom are those of observed means.
        ``"sampled"``: the posterior from the explicit graph by NUTS, also where random slopes
        hold the group mean; see `laird.graph.latent`.
    **sampling
        With ``"sampled"``: `draws` (1000), `tune` (1000), `chains` (4), `cores`, `random_seed`,
        `target_accept` (0.9).

    Returns
    -------
    pandas.DataFrame
        One row per effect: ``term, effect, group``, a column for each interacting variable,
        ``reliability`` (of the group mean, averaged over groups; see `laird.reliability`),
        ``estimate, se, df, statistic, p_value, lower, upper, method``.  Of draws (``eb``,
        ``nuts``): ``estimate, se, lower, upper, above, method``, with the posterior
        probability that the effect is above zero; sampled, also ``ess_bulk, ess_tail, rhat``.

    Raises
    ------
    FitError
        The model has no group mean of the variable, or `df` is not available for the fit.

    Examples
    --------
    >>> import laird as ld
    >>> formula = "mathach ~ dvar(ses, school) + cvar(ses, school) + (1 | school)"
    >>> fit = ld.model(formula, data=ld.load_data("hs")).fit("reml")
    >>> ld.contextual(fit, "ses", df="kenward-roger")[["effect", "estimate", "se", "df"]].round(2)
           effect  estimate    se       df
    0      within      2.22  0.22  1936.10
    1     between      5.71  0.70    39.18
    2  contextual      3.48  0.73    47.10
    """
    check_probability(prob)
    if latent and df is not None:
        raise FitError(
            "Effects of latent means have degrees of freedom of their own.", remedy="Leave `df` out."
        )
    if latent or sampling or (df is None and not _by_knapp_hartung(fit)):
        return fit.contextual(variable, at=at, prob=prob, latent=latent, **sampling)
    draws_of(fit, df)
    found = effects(fit.problem, variable, at)
    K = weights_of(found)
    return with_labels(fit.problem, found, estimated(fit, K, np.zeros(len(K)), reference(fit, df), prob))


def _by_knapp_hartung(fit: Fit) -> bool:
    return fit.method in ("ml", "reml") and default_name(fit) == "knapp-hartung"
