"""Shrinkage: the coefficients of every group by each method, side by side with its own least squares.

The BLUE of a group is its own least-squares line; the EBLUP, the empirical Bayes and the
posterior mean combine it with the line of the fixed part (slides p. 138 and 169):
with V_j = σ²(Z_j'Z_j)⁻¹,  β̃_j = W_j β̂_j + (I - W_j) A_jγ̂,  W_j = G(G + V_j)⁻¹.
The shrinkage factor of a coefficient is (W_jG)_kk / G_kk, the share of its variance between
groups that the group's own data resolve: 1 when the group's own estimate is kept, 0 when it
is replaced; g/(g + σ²/n_j) for a random intercept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.bound import Model
from laird.design import Design
from laird.errors import FitError
from laird.fitting import ols
from laird.fitting.result import Fit
from laird.inference.dispersion import rows_of
from laird.inference.rowblocks import whitener
from laird.posterior.structure import is_plain

type Floats = NDArray[np.float64]

NAMES: Mapping[str, str] = {
    "ols": "blue",
    "ml": "eblup",
    "reml": "eblup",
    "eb": "eb",
    "nuts": "posterior",
}


def shrinkage(
    model_or_fits: Model | Fit | Iterable[Fit],
    group: str | None = None,
    methods: str | Sequence[str] = ("ols", "reml", "eb", "nuts"),
) -> pd.DataFrame:
    """Compare the coefficients of each group between methods.

    Parameters
    ----------
    model_or_fits
        A model, which is then fitted by each of `methods`, or fits of one model.
    group
        Grouping factor; may be left out when the model has one.
    methods
        Methods to fit when a model is given.

    Returns
    -------
    One row per group and term: ``group, term, n, mean`` (rows, and the value of the
    fixed part that estimates shrink to), then for each of ``blue`` (the group's own
    least squares), ``eblup``, ``eb``, ``posterior`` that is available the estimate, its sd
    ``…_sd`` and the shrinkage factor ``…_shrinkage`` in [0, 1].

    Raises
    ------
    FitError
        Fits of different models or data, two fits of one kind, or an unknown group.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("mathach ~ 1 + (1 | school)", data=ld.load_data("hs"))
    >>> table = ld.shrinkage(model, methods=("ols", "reml"))
    >>> table.loc[table.group == "8854", ["n", "blue", "eblup"]].round(3).to_dict("records")
    [{'n': 32, 'blue': 4.24, 'eblup': 5.356}]
    """
    fits = _fits(model_or_fits, methods)
    reference = next((fit for name, fit in fits.items() if name != "blue"), fits["blue"])
    name = _group_name(reference, group)
    random = next(r for r in reference.problem.design.random if r.group == name)
    J, q = len(random.levels), len(random.names)
    columns: dict[str, object] = {
        "group": np.repeat(np.asarray(random.levels, dtype=object), q),
        "term": list(random.names) * J,
        "n": np.repeat(np.bincount(random.ids, minlength=J), q),
        "mean": reference.fixed_lines(name).to_numpy().ravel(),
    }
    columns |= {label: fit.group_coef(name).to_numpy().ravel() for label, fit in fits.items()}
    columns |= {f"{label}_sd": fit.group_coef_sd(name).to_numpy().ravel() for label, fit in fits.items()}
    columns |= {
        f"{label}_shrinkage": fit.shrinkage_factors(name).to_numpy().ravel() for label, fit in fits.items()
    }
    return pd.DataFrame(columns)


def _fits(model_or_fits: Model | Fit | Iterable[Fit], methods: str | Sequence[str]) -> dict[str, Fit]:
    """The fits by the name of their estimate, the groups' own least squares first."""
    given = given_fits(model_or_fits, methods)
    if not given or not all(isinstance(fit, Fit) for fit in given):
        raise FitError("There are no fits to compare.", remedy="Pass a model, or a list of its fits.")
    refuse_different(given)
    named: dict[str, Fit] = {"blue": _blue(given)}
    for fit in given:
        label = NAMES[fit.method]
        if label == "blue":
            continue
        if label in named:
            raise FitError(
                f"Two fits give the estimate `{label}`.", remedy="Pass one fit per kind of estimate."
            )
        named[label] = fit
    return {label: named[label] for label in ("blue", "eblup", "eb", "posterior") if label in named}


def _blue(given: Sequence[Fit]) -> Fit:
    """The groups' own lines: least squares, weighted by the rows' variances where these differ.

    The variances are those of the first fit that has any.
    """
    reference = next((fit for fit in given if fit.method != "ols"), given[0])
    if reference.method == "ols" or is_plain(reference.problem.design):
        return ols.fit(reference.problem)
    return ols.fit(reference.problem, _unit_rows(reference))


def _unit_rows(fit: Fit) -> Design:
    """The rows of a design divided by the root of their residual covariance within groups."""
    design = fit.problem.design
    covariance = rows_of(fit, moments=True)
    R = tuple(V + level for V, level in zip(covariance.V, covariance.levels[0], strict=True))
    divided = whitener(covariance.where, R).whiten
    random = tuple(replace(own, Z=divided(own.Z)) for own in design.random)
    return replace(design, y=divided(design.y), X=divided(design.X), random=random)


def given_fits(model_or_fits: Model | Fit | Iterable[Fit], methods: str | Sequence[str]) -> list[Fit]:
    """The fits given, or those of a model by each method."""
    if isinstance(model_or_fits, Model):
        wanted = [methods] if isinstance(methods, str) else methods
        return [model_or_fits.fit(method) for method in wanted]  # type: ignore[arg-type]
    return [model_or_fits] if isinstance(model_or_fits, Fit) else list(model_or_fits)


def refuse_different(fits: Sequence[Fit]) -> None:
    """Raise FitError unless all fits are of one model and one data set."""
    formulas = {fit.spec.formula for fit in fits}
    if len(formulas) > 1:
        raise FitError(
            "The fits are of different models: " + "; ".join(sorted(formulas)) + ".",
            remedy="Compare fits of one model.",
        )
    if len({fit.origin.data_hash for fit in fits}) > 1:
        raise FitError("The fits are of different data.", remedy="Compare fits to the same data.")


def _group_name(fit: Fit, group: str | None) -> str:
    names = [random.group for random in fit.problem.design.random]
    if group is None and len(names) == 1:
        return names[0]
    if group is None:
        raise FitError(
            "The model has no single grouping factor." if names else "The model has no groups.",
            remedy="Name one: `group=`." if names else "Add a random term such as `(1 | school)`.",
        )
    fit.ranef(group)
    return group
