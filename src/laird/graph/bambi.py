"""A model as Bambi says it: formulas, priors by term, and a data frame with every column made.

Bambi has independent group effects of one column, several grouping factors, regressions of log
sigma and weights, and centres predictors as laird does, so that priors mean the same in both.
It has no correlated group effects, known variances, several outcomes or ``sd(g) ~ x``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from laird.data.encode import factor_values, group_ids
from laird.data.frame import Table
from laird.data.schema import Schema
from laird.data.usage import factors, random_terms
from laird.design import Design, coding
from laird.errors import FitError, SpecError
from laird.graph.priors import DISTRIBUTIONS
from laird.posterior.names import identifier
from laird.posterior.table import PriorRow, PriorTable
from laird.spec import Spec, Term, term_name, text
from laird.spec.syntax import Expr

if TYPE_CHECKING:
    import pandas as pd

type Priors = Mapping[str, Any]

OUTCOME, WEIGHTS = "outcome", "weights"


class TermPrior(NamedTuple):
    """The prior of the coefficients of a term.

    Attributes
    ----------
    rows
        One for each column of the term.
    role
        ``"coefficient"``; ``"sd"`` of normal group effects; ``"log"``: of an sd whose
        logarithm is the parameter.
    """

    rows: tuple[PriorRow, ...]
    role: str = "coefficient"


@dataclass(frozen=True, slots=True)
class Translation:
    """What Bambi is given.

    Attributes
    ----------
    formulas
        Of the mean, and of sigma when it has predictors.
    priors
        By term; those of a regression of sigma as a table of their own.
    data
        The columns of the formulas, one row per row of the model.
    """

    formulas: tuple[str, ...]
    priors: Mapping[str, TermPrior | Mapping[str, TermPrior]]
    data: pd.DataFrame


def to_bambi(schema: Schema, design: Design, table: Table, priors: PriorTable) -> Any:
    """Return a `bambi.Model` with the same posterior; see `laird.bound.Model.to_bambi`."""
    found = translation(schema, design, table, priors)
    try:
        bambi = import_module("bambi")
    except ModuleNotFoundError:
        raise FitError("Bambi is not installed.", remedy="Install it: `pip install bambi`.") from None
    model = bambi.Model(
        bambi.Formula(*found.formulas), found.data, priors=_built(found.priors, bambi.Prior), dropna=False
    )
    _check_columns(model, design)
    return model


def translation(schema: Schema, design: Design, table: Table, priors: PriorTable) -> Translation:
    """Say a model as Bambi does.

    Parameters
    ----------
    schema, design, table, priors
        What the data taught, the arrays, the columns, and the priors of all parameters.

    Raises
    ------
    SpecError
        Bambi cannot express the model.
    """
    spec = schema.spec
    _refuse(spec, design)
    names, data = _columns(schema, design, table)
    sigma = next((part for part in spec.distributional if part.parameter == "sigma"), None)
    formulas = [f"{_left(names)} ~ {' + '.join(_right(spec, names))}"]
    own: dict[str, TermPrior | Mapping[str, TermPrior]] = dict(_mean_priors(schema, design, priors, names))
    if sigma is None:
        own["sigma"] = TermPrior((priors.sigma,))
    else:
        formulas.append(f"sigma ~ {' + '.join(_products(sigma.terms, names))}")
        own["sigma"] = dict(_sigma_priors(sigma.terms, schema, priors, names))
    return Translation(tuple(formulas), own, data)


def _refuse(spec: Spec, design: Design) -> None:
    """Name all that Bambi has no words for."""
    found = list(_inexpressible(spec, design))
    if found:
        remedy = "Fit the model here, or build on `model.graph('explicit')`."
        if found == [CORRELATED]:
            remedy = "Write `||` for independent effects, or build on `model.graph('explicit')`."
        raise SpecError(f"Bambi cannot express {', '.join(found)}.", remedy=remedy)


CORRELATED = "correlated group effects"


def _inexpressible(spec: Spec, design: Design) -> Iterator[str]:
    sigmas = [part for part in spec.distributional if part.parameter == "sigma"]
    scopes = {random.group for random in design.random if max(map(len, random.blocks), default=0) > 1}
    groups = sorted({part.parameter for part in spec.distributional} & {"sd", "rho"})
    parts = (
        ("several outcomes", len(spec.locations) > 1),
        ("known sampling variances", design.known is not None),
        (f"regressions of {' and '.join(groups)}", bool(groups)),
        ("families other than the normal", bool(spec.families)),
        (CORRELATED, bool(scopes)),
        ("a log sigma without an intercept", any(not _has_intercept(part.terms) for part in sigmas)),
    )
    return (what for what, present in parts if present)


def _has_intercept(terms: Sequence[Term]) -> bool:
    return any(term.is_intercept for term in terms)


type Names = Mapping[Expr | str, str]
"""Columns of the data frame by factor, by ``"group g"``, and of outcome and weights."""


def _columns(schema: Schema, design: Design, table: Table) -> tuple[Names, pd.DataFrame]:
    import pandas as pd

    ids = group_ids(schema, table, "error")
    values: dict[Expr | str, Any] = {OUTCOME: design.y}
    if design.weights is not None:
        values[WEIGHTS] = design.weights
    used = factors(schema.spec)
    for factor, own in factor_values(schema, used, schema.context(table, ids)).items():
        levels = schema.column(factor).levels
        values[factor] = (
            pd.Categorical(np.asarray(levels, dtype=object)[own], list(levels)) if levels else own
        )
    for random in design.random:
        values[f"group {random.group}"] = np.asarray(random.levels, dtype=object)[random.ids]
    names = _named(values, schema.spec)
    return names, pd.DataFrame({names[key]: own for key, own in values.items()})


def _named(values: Mapping[Expr | str, Any], spec: Spec) -> Names:
    """An identifier for every column, as close to its name as can be."""
    given = {OUTCOME: text(spec.locations[0].outcome), WEIGHTS: spec.weights or WEIGHTS}
    names: dict[Expr | str, str] = {}
    for key in values:
        name = given.get(key, key.removeprefix("group ")) if isinstance(key, str) else text(key)
        names[key] = identifier(name.strip("`"), names.values())
    return names


def _left(names: Names) -> str:
    outcome = names[OUTCOME]
    return f"weighted({outcome}, {names[WEIGHTS]})" if WEIGHTS in names else outcome


def _right(spec: Spec, names: Names) -> Iterator[str]:
    yield from _products(spec.locations[0].terms, names)
    for random in random_terms(spec):
        terms = " + ".join(_products(random.terms, names))
        yield f"({terms} | {names[f'group {random.group_name}']})"


def _products(terms: Sequence[Term], names: Names) -> Iterator[str]:
    """The terms with Bambi's spelling of the intercept, or its absence, first."""
    yield "1" if _has_intercept(terms) else "0"
    yield from (_product(term, names) for term in terms if not term.is_intercept)


def _product(term: Term, names: Names) -> str:
    return "Intercept" if term.is_intercept else ":".join(names[factor] for factor in term.factors)


def _mean_priors(
    schema: Schema, design: Design, priors: PriorTable, names: Names
) -> Iterator[tuple[str, TermPrior]]:
    location, columns = schema.spec.locations[0], coding(schema)
    place = {name: k for k, name in enumerate(design.names)}
    for term in location.terms:
        own = columns[f"{text(location.outcome)}: {term_name(term)}"]
        yield _product(term, names), TermPrior(tuple(priors.coefficients[place[name]] for name in own))
    for random in design.random:
        group = names[f"group {random.group}"]
        of_group = [
            term for one in random_terms(schema.spec) if one.group_name == random.group for term in one.terms
        ]
        for term, row in zip(of_group, priors.sds(random.group), strict=True):
            effect = "1" if term.is_intercept else _product(term, names)
            yield f"{effect}|{group}", TermPrior((row,), "sd")


def _sigma_priors(
    terms: Sequence[Term], schema: Schema, priors: PriorTable, names: Names
) -> Iterator[tuple[str, TermPrior]]:
    columns, rows = coding(schema), iter(priors.of("sigma", "log_sigma"))
    for term in terms:
        own = tuple(next(rows) for _ in columns[f"sigma: {term_name(term)}"])
        yield _product(term, names), TermPrior(own, "log" if term.is_intercept else "coefficient")


def _built(priors: Mapping[str, Any], prior: Any) -> dict[str, Any]:
    """The priors as Bambi's."""
    return {
        name: _built(own, prior) if isinstance(own, dict) else _bambi_prior(own, prior)
        for name, own in priors.items()
    }


def _bambi_prior(own: TermPrior, prior: Any) -> Any:
    _refuse_priors(own)
    if own.role == "sd":
        return prior(
            "Normal", mu=0, sigma=_bambi_prior(own._replace(role="coefficient"), prior), auto_scale=False
        )
    if own.role == "log":
        return _log_prior(own.rows[0], prior)
    distribution, arguments = DISTRIBUTIONS[own.rows[0].family]
    if distribution == "Flat" and own.rows[0].kind != "coefficient":
        distribution = "HalfFlat"
    columns = zip(*(row.values for row in own.rows), strict=True)
    values = {name: np.array(column) for name, column in zip(arguments, columns, strict=True)}
    return prior(distribution, auto_scale=False, **values)


def _refuse_priors(own: TermPrior) -> None:
    families = {row.family for row in own.rows}
    unknown = families & ({"log_student_t", "flat"} if own.role == "log" else {"log_student_t"})
    if len(families) > 1 or unknown:
        listed = ", ".join(f"{row.parameter} ~ {row.prior}" for row in own.rows)
        raise SpecError(
            f"Bambi cannot express the prior {listed}.",
            remedy="Give the coefficients of a term one family, and sds half_student_t, for example.",
        )


def _log_prior(row: PriorRow, prior: Any) -> Any:
    """The distribution of the logarithm of a parameter with the prior of a row."""
    distribution, arguments = DISTRIBUTIONS[row.family]

    def build(name: str, *, dims: Any = None, **values: Any) -> Any:
        def draw(size: Any) -> Any:
            return pt.log(getattr(pm, distribution).dist(**values, size=size))

        return pm.CustomDist(name, dist=draw, dims=dims)

    values = dict(zip(arguments, map(float, row.values), strict=True))
    return prior(f"Log{distribution}", dist=build, auto_scale=False, **values)


def _check_columns(model: Any, design: Design) -> None:
    """Raise FitError unless the columns are those of the design; both have rules of coding."""
    terms = model.parameters["mu"].common_terms.values()
    theirs = [np.asarray(term.data).reshape(len(design.y), -1) for term in terms]
    ours = design.X[:, [k for k, name in enumerate(design.names) if name != "Intercept"]]
    found = np.hstack(theirs) if theirs else np.zeros((len(design.y), 0))
    if found.shape != ours.shape or not np.allclose(found, ours, rtol=1e-12):
        raise FitError(
            "Bambi codes the categories of this model in another way.",
            remedy="Write main effects next to interactions, and an intercept.",
        )
