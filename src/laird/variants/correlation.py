"""How the answer of a meta-analysis depends on correlations that the studies did not report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from laird.bound import Model
from laird.bound import model as bind
from laird.errors import FitError
from laird.fitting.result import Method
from laird.spec import Recipe, Spec
from laird.spec.syntax import Call, Expr, Number
from laird.variants.settings import summaries

RHO = (0.0, 0.2, 0.4, 0.6, 0.8)
ARGUMENT = {"vcov_cluster": "rho", "vcov_bivariate": "cor"}


def correlation_sensitivity(
    model: Model,
    rho: Sequence[float] = RHO,
    method: Method = "reml",
    *,
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Refit a meta-analysis over a grid of correlations of sampling errors.

    Parameters
    ----------
    model
        A model whose V is built from columns: ``known={"V": "vcov_cluster(vi, study, rho=0.6)"}``
        or ``"vcov_bivariate(v1, v2, cor=0.5)"``.
    rho
        Correlations that take the place of the one given.
    method, **options
        As in :meth:`laird.Model.fit`.
    prob
        Probability of the intervals.

    Returns
    -------
    The columns ``rho, status`` and those of :meth:`laird.Fit.summary`.

    Raises
    ------
    FitError
        The model's V is not built from columns, or the grid is empty.
    DataError
        A correlation is impossible.

    Examples
    --------
    >>> import laird as ld
    >>> V = {"V": "vcov_cluster(vi, study, rho=0.6)"}
    >>> parts = ["yi ~ 1 + (1 | study) + meta_V(V)"]
    >>> model = ld.model(*parts, data=ld.load_data("assink2016"), known=V)
    >>> table = ld.correlation_sensitivity(model, [0, 0.6])
    >>> table[table.component == "fixed"][["rho", "estimate", "se"]].round(4)
       rho  estimate      se
    0  0.0    0.4268  0.1184
    3  0.6    0.3678  0.0965
    """
    values = np.atleast_1d(np.asarray(rho, dtype=float))
    if not values.size:
        raise FitError("The grid of correlations is empty.", remedy="Give some, such as rho=[0, 0.3, 0.6].")
    specs = {float(value): _with_correlation(model.spec, float(value)) for value in values}
    fits = {value: bind(spec, data=model.table).fit(method, **options) for value, spec in specs.items()}
    return summaries(fits, prob, label="rho")


def _with_correlation(spec: Spec, rho: float) -> Spec:
    if not spec.known:
        raise FitError(
            "The sampling covariances of this model are not built from columns, so there is no correlation "
            "to vary.",
            remedy='Bind the model with known={"V": "vcov_cluster(vi, study, rho=0.6)"}.',
        )
    return replace(spec, known=tuple(_replaced(recipe, rho) for recipe in spec.known))


def _replaced(recipe: Recipe, rho: float) -> Recipe:
    call, name = recipe.call, ARGUMENT[recipe.call.function]
    number: Expr = Number(rho, f"{rho:g}")
    kept = tuple((key, value) for key, value in call.keywords if key not in (name, "cov"))
    return replace(recipe, call=Call(call.function, call.args, (*kept, (name, number))))
