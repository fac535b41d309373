"""One model, several assumptions: every variant fitted by the same method, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd

from laird.bound import Model
from laird.bound import model as bind
from laird.errors import LairdError, SpecError, nearest
from laird.fitting.result import Fit, Method
from laird.spec import parse_spec, respecified, without_shapes

SETTINGS = ("formula", "priors", "families", "known", "levels", "weights")
AS_GIVEN = "as given"


def sensitivity(
    model: Model,
    variants: Mapping[str, Mapping[str, Any]],
    method: Method = "reml",
    *,
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Fit a model and its variants, and put their estimates into one table.

    Parameters
    ----------
    model
        The model as given; it comes first.
    variants
        Settings by the name of the variant: ``formula`` (a text, or a list of the formulas of
        all parts), ``priors``, ``families`` (``{}``: all normal), ``known`` (text that builds V),
        ``levels``, ``weights``, as in `laird.model`.  What a variant does not name stays; priors of
        shapes that a variant's families do not have are left out.
    method, **options
        As in :meth:`laird.Model.fit`; models with families are fitted by ``"nuts"``.
    prob
        Probability of the intervals.

    Returns
    -------
    The columns ``variant, status`` and those of :meth:`laird.Fit.summary`.

    Raises
    ------
    SpecError
        A variant names what is no setting.
    LairdError
        A variant cannot be fitted; the message begins with its name.

    See Also
    --------
    laird.rho_sensitivity : a grid of correlations between the sampling errors of one study.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    >>> priors = {"half-normal(0.5)": {"priors": {"sigma": "half_normal(0.5)"}}}
    >>> table = ld.sensitivity(model, priors, "eb", draws=500, random_seed=1)
    >>> table[table.component == "sigma"][["variant", "estimate"]].round(2)
                variant  estimate
    1          as given      0.53
    3  half-normal(0.5)      0.52
    """
    models = {AS_GIVEN: model} | {name: _variant(model, name, given) for name, given in variants.items()}
    return summaries({name: _fitted(name, one, method, options) for name, one in models.items()}, prob)


def summaries(fits: Mapping[Any, Fit], prob: float = 0.95, *, label: str = "variant") -> pd.DataFrame:
    """The summaries of named fits below each other, with the columns `label` and ``status`` in front."""
    return pd.concat([_labelled(name, fit, prob, label) for name, fit in fits.items()], ignore_index=True)


def _labelled(name: Any, fit: Fit, prob: float, label: str) -> pd.DataFrame:
    table = fit.summary(prob)
    table.insert(0, label, name)
    table.insert(1, "status", fit.status)
    return table


def _fitted(name: str, model: Model, method: Method, options: Mapping[str, Any]) -> Fit:
    with _named(name):
        return model.fit(method, **options)


def _variant(model: Model, name: str, given: Mapping[str, Any]) -> Model:
    for setting in given:
        if setting not in SETTINGS:
            raise SpecError(
                f"The variant `{name}` changes `{setting}`, which is no setting.",
                allowed=nearest(setting, SETTINGS) or f"Allowed: {', '.join(SETTINGS)}.",
            )
    with _named(name):
        settings = {"families": dict(model.spec.families)} | dict(given)
        formulas = settings.pop("formula", None)
        spec = respecified(model.spec if formulas is None else _other(model, formulas), **settings)
        if "priors" not in given:
            spec = replace(spec, priors=without_shapes(spec.priors, spec.families))
        return bind(spec, data=model.table)


def _other(model: Model, formulas: str | Sequence[str]) -> Any:
    """The spec of other formulas, with the settings of the model that still apply."""
    spec = parse_spec(*([formulas] if isinstance(formulas, str) else formulas))
    levels = dict(model.spec.levels) or None
    return respecified(spec, levels=levels, missing=model.spec.missing)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of a variant in front of what is wrong with it."""
    try:
        yield
    except LairdError as error:
        what = f"Variant `{name}`: {error.what}"
        raise type(error)(what, where=error.where, allowed=error.allowed, remedy=error.remedy) from error
