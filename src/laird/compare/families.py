"""A model with families that are not normal beside the normal one: parameters, predictions, effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from laird.bound import Model
from laird.compare.shrinkage import NAMES, refuse_different, shrinkage
from laird.compare.true_effects import true_effects
from laird.errors import FitError, nearest
from laird.fitting.mixing import Weights, weights_of
from laird.fitting.result import Fit
from laird.inference.logo import loo
from laird.spec import without_shapes
from laird.spec.families import TRUE_EFFECTS

type Fits = Mapping[str, Fit]

NORMAL = "normal"


def compare_families(
    model_or_fits: Model | Fits,
    *,
    unit: Literal["group", "row"] | None = "group",
    **options: Any,
) -> pd.DataFrame:
    """Compare a model whose errors or effects are not normal with the normal one.

    Parameters
    ----------
    model_or_fits
        A model with `families`, which is then fitted by NUTS as it is and without them; or fits of
        one model by name, such as ``{"normal": fit, "t": robust}``.
    unit
        What is left out of the predictions that are compared, as in `laird.loo`; None: no
        comparison.
    **options
        Of ``Model.fit("nuts")``, when a model is given.

    Returns
    -------
    One row per parameter: ``component, group, term``, then for every fit its posterior mean and
    sd, ``…`` and ``…_sd``.  Sds are sds in every family; ``nu`` and ``alpha`` are their shapes.  The
    last rows are of the component ``loo``: ``elpd``, the expected log density of what is left
    out (larger is better) with its standard error; ``elpd_diff``, less that of the best, with that
    of the difference; ``worst pareto_k`` (beyond 0.7 the row above it is not reliable).

    Raises
    ------
    FitError
        A normal model, fits of different models or data, or a `unit` that cannot be left out.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=data, families={"true_effects": "t"})
    >>> table = ld.compare_families(model, random_seed=1)  # doctest: +SKIP
    """
    fits = _fits(model_or_fits, options)
    parameters = pd.concat([_estimates(fit, name) for name, fit in fits.items()], axis=1)
    if unit is not None:
        parameters = pd.concat([parameters, _predictions(fits, unit)])
    names = ["component", "group", "term"]
    return parameters.rename_axis(names).reset_index()


def _fits(model_or_fits: Model | Fits, options: Mapping[str, Any]) -> dict[str, Fit]:
    if isinstance(model_or_fits, Model):
        return _fitted(model_or_fits, options)
    fits = dict(model_or_fits) if isinstance(model_or_fits, Mapping) else {}
    if len(fits) < 2 or not all(isinstance(fit, Fit) and fit.draws is not None for fit in fits.values()):
        raise FitError(
            "There are no fits to compare.",
            remedy='Pass a model with `families`, or fits by "nuts" by name: {"normal": fit, "t": other}.',
        )
    refuse_different(list(fits.values()))
    return fits


def _fitted(model: Model, options: Mapping[str, Any]) -> dict[str, Fit]:
    if not model.spec.families:
        raise FitError(
            "All errors and effects of this model are normal.",
            remedy='Say what is not, as in `families={"school": "t"}`.',
        )
    return {
        NORMAL: normal_model(model).fit("nuts", **options),
        family_name(model): model.fit("nuts", **options),
    }


def family_name(model: Model) -> str:
    """What the fit of a model is called: by the only family that there is, or of several not normal."""
    families = dict(model.spec.families)
    return next(iter(families.values())) if len(set(families.values())) == 1 else "not normal"


def normal_model(model: Model) -> Model:
    """The same model with normal errors and effects."""
    spec = replace(model.spec, families=(), priors=without_shapes(model.spec.priors, ()))
    design = replace(model.design, families=())
    return replace(model, spec=spec, schema=replace(model.schema, spec=spec), design=design)


def _estimates(fit: Fit, name: str) -> pd.DataFrame:
    rows = fit.summary().set_index(["component", "group", "term"])[["estimate", "se"]]
    return rows.set_axis([name, f"{name}_sd"], axis=1)


def _predictions(fits: Fits, unit: Literal["group", "row"]) -> pd.DataFrame:
    """Rows of the component ``loo``."""
    found = {name: loo(fit, unit) for name, fit in fits.items()}
    best = max(found.values(), key=lambda own: float(own.elpd))
    columns: dict[str, list[float]] = {}
    for name, own in found.items():
        apart = np.asarray(own.elpd_i) - np.asarray(best.elpd_i)
        spread = float(np.sqrt(len(apart)) * apart.std())
        columns[name] = [float(own.elpd), float(apart.sum()), float(np.max(own.pareto_k))]
        columns[f"{name}_sd"] = [float(own.se), spread, np.nan]
    terms = ("elpd", "elpd_diff", "worst pareto_k")
    index = pd.MultiIndex.from_tuples([("loo", unit, term) for term in terms])
    return pd.DataFrame(columns, index=index)


def family_effects(
    model_or_fits: Model | Fits, what: str | None = None, labels: object = None, **options: Any
) -> pd.DataFrame:
    """Compare how each family shrinks every group, or every true effect.

    Parameters
    ----------
    model_or_fits
        As in `laird.compare_families`.
    what
        A grouping factor, or ``"true_effects"``; None: the first that is not normal.
    labels
        Names of the studies of true effects: a column of the data; None: row numbers.
    **options
        Of ``Model.fit("nuts")``, when a model is given.

    Returns
    -------
    One row per group and term (or per row): ``label, term``, the estimate from its own data
    ``blue`` with ``blue_sd``, then for every fit the posterior mean ``…``, its sd ``…_sd``, the share
    ``…_factor`` of the own estimate in it, and of a t ``…_weight``, the posterior mean of the weight:
    about 1 for what fits the bulk, near 0 for outliers, which are pulled to the mean less.

    Raises
    ------
    FitError
        As `laird.compare_families`, or an unknown `what`.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=data, families={"true_effects": "t"})
    >>> table = ld.family_effects(model, random_seed=1)  # doctest: +SKIP
    """
    fits = _fits(model_or_fits, options)
    chosen = _what(fits, what)
    parts = [_effects(fit, name, chosen, labels) for name, fit in fits.items()]
    first = parts[0][["label", "term", "blue", "blue_sd"]]
    return pd.concat([first, *(own.drop(columns=list(first)) for own in parts)], axis=1)


def outlier_weights(fit: Fit) -> pd.DataFrame:
    """Weights of the rows and groups whose errors or effects are Student t: near 0 for outliers.

    A t is normal with a variance that is divided by a weight g ~ gamma(ν/2, ν/2) of mean 1 (Lange,
    Little & Taylor 1989); its posterior mean says how much the row, or the group, counts.

    Returns
    -------
    The smallest weights first: ``what, term`` (the coefficients that share a weight), ``label`` of
    the group or row, ``effect`` in sds (posterior mean; of several coefficients its length), ``weight``.

    Raises
    ------
    FitError
        Nothing in the model is a Student t.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("sleepstudy")
    >>> model = ld.model("Reaction ~ Days + (1 | Subject)", data=data, families={"errors": "t"})
    >>> table = ld.outlier_weights(model.fit("nuts", random_seed=1))  # doctest: +SKIP
    """
    found = weights_of(fit.problem, fit.draws) if fit.draws else ()
    if not found:
        raise FitError(
            "Nothing in this model is a Student t.", remedy='Say what is, as in `families={"errors": "t"}`.'
        )
    parts = [
        pd.DataFrame(
            {
                "what": own.what,
                "term": own.term,
                "label": own.labels,
                "effect": own.effect,
                "weight": own.weight,
            }
        )
        for own in found
    ]
    return pd.concat(parts).sort_values("weight", kind="stable", ignore_index=True)


def _what(fits: Fits, what: str | None) -> str:
    design = next(iter(fits.values())).problem.design
    known = [random.group for random in design.random] + ([TRUE_EFFECTS] if design.known is not None else [])
    if what is None:
        families = dict(pair for fit in fits.values() for pair in fit.problem.design.families)
        what = next((name for name in known if name in families), known[0] if known else "")
    if what not in known:
        raise FitError(f"There are no effects of `{what}` to compare.", allowed=nearest(what, known))
    return what


def _effects(fit: Fit, name: str, what: str, labels: object) -> pd.DataFrame:
    table = _true_effects(fit, name, labels) if what == TRUE_EFFECTS else _groups(fit, name, what)
    for own in weights_of(fit.problem, fit.draws) if fit.draws else ():
        if own.what == what:
            table[f"{name}_weight"] = own.weight if what == TRUE_EFFECTS else _spread(table, own)
    return table


def _true_effects(fit: Fit, name: str, labels: object) -> pd.DataFrame:
    found = true_effects(fit, labels)
    own = NAMES[fit.method]
    columns = {"": own, "_sd": f"{own}_sd", "_factor": f"{own}_factor"}
    table = pd.DataFrame({"label": [str(row) for row in found.index], "term": ""})
    table[["blue", "blue_sd"]] = found[["blue", "blue_sd"]].to_numpy()
    return table.assign(**{f"{name}{end}": found[column].to_numpy() for end, column in columns.items()})


def _groups(fit: Fit, name: str, group: str) -> pd.DataFrame:
    found = shrinkage(fit, group)
    table = found[["group", "term", "blue", "blue_sd"]].rename(columns={"group": "label"})
    own = NAMES[fit.method]
    columns = {"": own, "_sd": f"{own}_sd", "_factor": f"{own}_shrinkage"}
    return table.assign(**{f"{name}{end}": found[column] for end, column in columns.items()})


def _spread(table: pd.DataFrame, own: Weights) -> pd.Series:
    """Weights of groups at the rows of the terms that share them."""
    terms = own.term.split(", ")
    values = dict(zip(own.labels, own.weight, strict=True))
    return table["label"].map(values).where(table["term"].isin(terms))
