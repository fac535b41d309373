"""Tests of within, between and contextual effects with any degrees of freedom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from laird.errors import FitError
from laird.fitting.contextual import labels
from laird.fitting.derivatives import effects
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, drawn, draws_of, estimated
from laird.inference.latent import latent_effects
from laird.inference.reference import Df, Reference, reference


def contextual(
    fit: Fit,
    variable: str,
    *,
    at: Mapping[str, Any] | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
    latent: bool = False,
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
        Method for the degrees of freedom, as in `laird.coef_tests`; by default
        Satterthwaite's for ``ml`` and ``reml``.
    latent
        True: the group mean of the variable is latent, and its rows are a sample from the
        group (Lüdtke et al. 2008), so that the effects between groups are not attenuated by
        the error of the observed mean.  The model is then fitted anew by NUTS, with the
        priors of the model; see `laird.graph.latent`.
    **sampling
        With `latent`: `draws` (1000), `tune` (1000), `chains` (4), `cores`, `random_seed`,
        `target_accept` (0.9).

    Returns
    -------
    pandas.DataFrame
        One row per effect: ``term, effect, group``, a column for each interacting variable,
        ``reliability`` (of the group mean, averaged over groups; see `laird.reliability`),
        ``estimate, se, df, statistic, p_value, lower, upper, method``.  Of draws (``eb``,
        ``nuts``): ``estimate, se, lower, upper, above, method``, with the posterior
        probability that the effect is above zero.  With `latent` also ``ess_bulk,
        ess_tail, rhat``.

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
    found = effects(fit.problem, variable, at)
    if latent:
        numbers = latent_effects(fit, found, prob, **sampling)
        return pd.concat([labels(fit.problem, found), numbers], axis=1)
    _refuse_sampling(sampling)
    K, rhs = np.stack([effect.weights for effect in found]), np.zeros(len(found))
    draws = draws_of(fit, df)
    if draws is not None:
        numbers = drawn(fit, K, rhs, draws, prob)
    else:
        numbers = estimated(fit, K, rhs, reference(fit, df), prob)
    return pd.concat([labels(fit.problem, found), numbers], axis=1)


def _refuse_sampling(given: Mapping[str, Any]) -> None:
    if given:
        raise FitError(
            f"`{next(iter(given))}` is an option of sampling; nothing is sampled here.",
            remedy="Leave it out, or pass latent=True.",
        )
