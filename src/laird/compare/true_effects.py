"""True effects of studies by each method, side by side with the estimates that they shrink from.

The estimate y of a study is its BLUE; the EBLUP, empirical Bayes and the posterior mean pull it
towards the mean of the moderators by the factor v/(v + τ²), which depends on the moderators twice
when heterogeneity does, or by the matrix V(V + T)⁻¹ when errors or true effects are
correlated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from laird.bound import Model
from laird.compare.shrinkage import NAMES, given_fits, refuse_different
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.blups import true_effects_of
from laird.inference.combinations import check_probability
from laird.inference.units import column_of


def true_effects(
    model_or_fits: Model | Fit | Iterable[Fit],
    labels: object = None,
    *,
    methods: str | Sequence[str] = ("reml", "eb", "nuts"),
    prob: float = 0.95,
) -> pd.DataFrame:
    """Compare the true effects of studies between methods.

    Parameters
    ----------
    model_or_fits
        A model with ``meta_V``, which is then fitted by each of `methods`, or fits of one model.
    labels
        Names of the studies: a column of the data, for the index; None: row numbers.
    methods
        Methods to fit when a model is given.
    prob
        Probability of the intervals.

    Returns
    -------
    One row per row of the data (and ``outcome``, of several): ``blue`` and ``blue_sd``, the estimate
    and its standard error; ``mean``, the fixed part of the first fit; then for each of ``eblup``,
    ``eb``, ``posterior`` that is available the estimate, ``…_sd``, ``…_lower``, ``…_upper``, and
    ``…_factor``, how far it is pulled from the estimate to the mean: v/(v + τ²), in general
    the diagonal of V(V + T)⁻¹.

    The sd of an EBLUP counts that of the coefficients, not that of τ (R metafor: ``blup``); the
    posterior's counts both.

    Raises
    ------
    FitError
        No known sampling variances, fits of different models or data, two of one kind.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=data)
    >>> table = ld.true_effects(model, data.author, methods="reml")
    >>> table[["blue", "mean", "eblup", "eblup_sd", "eblup_factor"]].head(1).round(3).values.tolist()
    [[-0.889, -0.715, -0.8, 0.41, 0.51]]
    """
    check_probability(prob)
    fits = _labelled(given_fits(model_or_fits, methods))
    reference = next(iter(fits.values()))
    design = reference.problem.design
    columns: dict[str, object] = (
        {"outcome": [design.outcomes[k] for k in design.which]} if design.outcomes else {}
    )
    columns["blue"] = design.y
    for label, fit in fits.items():
        found = true_effects_of(fit, prob)
        known = {"blue_sd": np.sqrt(found.variance), "mean": design.X @ fit.point.beta}
        columns = columns | {name: columns.get(name, value) for name, value in known.items()}
        columns[label] = found.estimate
        columns |= {f"{label}_{name}": getattr(found, name) for name in ("sd", "lower", "upper", "factor")}
    index = pd.Index(design.rows, name="row") if labels is None else pd.Index(column_of(reference, labels))
    return pd.DataFrame(columns, index=index)


def _labelled(fits: Sequence[Fit]) -> dict[str, Fit]:
    if not fits or not all(isinstance(fit, Fit) for fit in fits):
        raise FitError("There are no fits to compare.", remedy="Pass a model, or a list of its fits.")
    refuse_different(fits)
    named: dict[str, Fit] = {}
    for fit in fits:
        label = NAMES[fit.method]
        if label == "blue" or label in named:
            what = "least squares has no true effects" if label == "blue" else f"two fits give `{label}`"
            raise FitError(
                f"These fits cannot be compared: {what}.", remedy="Pass one fit per kind of estimate."
            )
        named[label] = fit
    return {label: named[label] for label in ("eblup", "eb", "posterior") if label in named}
