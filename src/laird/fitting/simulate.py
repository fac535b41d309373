"""Data from a model: new group effects and residuals for the fitted rows, new groups or any rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.encode import read_new
from laird.data.factors import crossed, discrete
from laird.data.frame import Table
from laird.data.schema import Schema
from laird.design import Design, RandomDesign, build_new
from laird.errors import DataError, FitError, LairdWarning
from laird.fitting.display import row_name
from laird.fitting.options import seed
from laird.fitting.result import Fit
from laird.fitting.standard import of_rows, standardised
from laird.fitting.truth import GroupTruth, Truth, read_truth
from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.spec import Location, text
from laird.spec.syntax import Call, Name

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Inverse = Callable[[Floats], Floats]

INVERSES: Mapping[str, Inverse] = MappingProxyType(
    {"log": np.exp, "log2": np.exp2, "log10": lambda y: np.power(10.0, y), "log1p": np.expm1}
)
"""Functions of an outcome that can be undone for every value."""


def simulate(
    schema: Schema,
    design: Design,
    table: Table,
    params: Mapping[str, Any] | None,
    groups: Any,
    random_seed: int | np.random.Generator | None,
    from_fit: Fit | None,
) -> pd.DataFrame:
    """Simulate; see `laird.bound.Model.simulate`."""
    rng = (
        random_seed
        if isinstance(random_seed, np.random.Generator)
        else np.random.default_rng(seed(random_seed))
    )
    _refuse_weights(design)
    for location in schema.spec.locations:
        _outcome(location)
    _check_groups(groups, from_fit)
    truth = read_truth(design, params or {}, {} if from_fit is None else _fitted_values(from_fit))
    effects = _effects_of(from_fit, design) if from_fit and isinstance(groups, str) else None
    new_table, new_design = _rows(schema, design, table, groups, rng)
    y = draw(new_design, truth, rng, effects)
    return _frame(new_table, schema, new_design, y)


def draw(
    design: Design, truth: Truth, rng: np.random.Generator, effects: tuple[Floats, ...] | None = None
) -> Floats:
    """Draw y = Xβ + Σ Z_f u_f + e, shape (n,); `effects` (J, q) by factor hold the u_f fixed."""
    y = design.X @ truth.beta
    for f, (random, own) in enumerate(zip(design.random, truth.groups, strict=True)):
        if effects is None:
            e = standardised(truth.families.get(random.group), random, (1, len(random.levels)), rng)
            u = e[0] @ own.L.T
            y += _factors(design, random, own) * np.einsum("iq,iq->i", random.Z, u[random.ids])
        else:
            y += np.einsum("iq,iq->i", random.Z, effects[f][random.ids])
    return (
        y + _residual_sds(design, truth) * _unit_residuals(design, truth, rng) + _sampling(design, truth, rng)
    )


def _factors(design: Design, random: RandomDesign, own: GroupTruth) -> Floats | float:
    """How much larger than `own.L` says the sds of each row's group are."""
    if own.log_sd is None:
        return 1.0
    own_scales = (s.W for s in design.scales if s.parameter == "sd" and s.group == random.group)
    return np.asarray(np.exp(next(own_scales) @ own.log_sd - own.log_reference))


def _residual_sds(design: Design, truth: Truth) -> Floats:
    sigma = np.full(len(design.X), truth.sigma)
    scales = [scale for scale in design.scales if scale.parameter == "sigma"]
    for scale, alpha in zip(scales, truth.log_sigma, strict=True):
        rows = design.which == design.outcomes.index(scale.group) if scale.group else slice(None)
        if len(alpha):
            sigma[rows] = np.exp(scale.W[rows] @ alpha)
    return sigma


def _unit_residuals(design: Design, truth: Truth, rng: np.random.Generator) -> Floats:
    """Residuals of variance one, shape (n,), correlated between the outcomes of a unit."""
    if (own := truth.families.get(of_rows(design))) is not None:
        return np.asarray(own.draw(len(design.X), rng)[0])
    if not design.rhos:
        return rng.standard_normal(len(design.X))
    m, U = len(design.outcomes), int(design.units.max()) + 1
    pairs = correlated_pairs([range(m)])
    z = np.zeros((U, len(pairs)))
    for rho, zeta in zip(design.rhos, truth.atanh_rho, strict=True):
        first, second = rho.pair
        z[design.units, pairs.index((second, first))] = np.tanh(rho.W @ zeta)
    residuals = np.einsum("uab,ub->ua", correlation_factor(z, m, pairs), rng.standard_normal((U, m)))
    return np.asarray(residuals[design.units, design.which])


def _sampling(design: Design, truth: Truth, rng: np.random.Generator) -> Floats | float:
    """Sampling errors, N(0, φV)."""
    if design.known is None:
        return 0.0
    errors = np.sqrt(design.known.variances) * rng.standard_normal(len(design.X))
    for block in design.known.blocks:
        values, vectors = np.linalg.eigh(block.V)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        errors[block.rows] = root @ rng.standard_normal(len(block.rows))
    return np.asarray(np.sqrt(truth.phi) * errors)


def _rows(
    schema: Schema, design: Design, table: Table, groups: Any, rng: np.random.Generator
) -> tuple[Table, Design]:
    """The rows to simulate: those fitted, those of new groups, or those given."""
    if groups is None or isinstance(groups, str):
        return table, design
    if isinstance(groups, int | np.integer):
        frame = pd.DataFrame(_columns(_resampled(schema, design, table, int(groups), rng)))
        with warnings.catch_warnings(action="ignore", category=LairdWarning):
            return _new_rows(schema, design, frame)
    return _new_rows(schema, design, groups)


def _new_rows(schema: Schema, design: Design, frame: Any) -> tuple[Table, Design]:
    """The table and arrays of other rows, with every group of them numbered."""
    table, built = (
        read_new(schema, frame, outcome=False, groups="new"),
        build_new(schema, frame, groups="new"),
    )
    if design.known is not None and built.known is None:
        raise DataError(
            f"The sampling variances `{design.known.name}` of new rows are not known.",
            remedy="Give them as a column, meta_V(column), or simulate the fitted rows.",
        )
    return table, replace(built, random=tuple(_numbered(random, schema, table) for random in built.random))


def _numbered(random: RandomDesign, schema: Schema, table: Table) -> RandomDesign:
    found = crossed([discrete(table.column(name)) for name in schema.group(random.group).columns])
    per_row = len(random.ids) // len(table)
    return replace(random, levels=found.labels, ids=np.repeat(found.codes, per_row))


def _resampled(schema: Schema, design: Design, table: Table, count: int, rng: np.random.Generator) -> Table:
    """`count` new groups of the first factor: the rows of fitted groups, drawn with replacement."""
    if not design.random:
        raise FitError("The model has no groups to draw new ones of.", remedy="Leave `groups` out.")
    if count < 1:
        raise FitError(f"groups = {count} is too few.", allowed="Allowed: 1 or more.")
    info = schema.group(design.random[0].group)
    ids = crossed([discrete(table.column(name)) for name in info.columns]).codes
    order, sizes = np.argsort(ids, kind="stable"), np.bincount(ids)
    starts = np.cumsum(sizes) - sizes
    chosen = rng.integers(len(sizes), size=count)
    rows = np.concatenate([order[starts[j] : starts[j] + sizes[j]] for j in chosen])
    return _relabelled(table, info.columns[-1], rows, np.repeat(np.arange(count), sizes[chosen]))


def _relabelled(table: Table, name: str, rows: Ids, codes: Ids) -> Table:
    """The given rows of a table, with new labels in one column."""
    taken = {*table.column(name).labels}
    prefix = "new"
    while any(label.startswith(prefix) for label in taken):
        prefix = f"_{prefix}"
    labels = tuple(f"{prefix}{k + 1}" for k in range(int(codes.max()) + 1))
    columns = tuple(
        replace(column, kind="text", values=codes, labels=labels, missing=column.missing[rows])
        if column.name == name
        else replace(column, values=column.values[rows], missing=column.missing[rows])
        for column in table.columns
    )
    return replace(table, columns=columns, rows=np.arange(len(rows), dtype=np.int64))


def _check_groups(groups: Any, fit: Fit | None) -> None:
    if isinstance(groups, str) and groups != "fitted":
        allowed = 'Allowed: None, "fitted", a number, a data frame.'
        raise FitError(f"groups = {groups!r} is not possible.", allowed=allowed)
    if isinstance(groups, str) and fit is None:
        raise FitError('groups="fitted" needs the effects of a fit.', remedy="Give from_fit=model.fit().")


def _effects_of(fit: Fit, design: Design) -> tuple[Floats, ...]:
    return tuple(fit.ranef(random.group).to_numpy() for random in design.random)


def _fitted_values(fit: Fit) -> dict[str, float]:
    rows = fit.summary()[["component", "group", "term", "estimate"]].itertuples(index=False, name=None)
    return {row_name(component, group, term): float(value) for component, group, term, value in rows}


def _refuse_weights(design: Design) -> None:
    if design.weights is not None:
        raise FitError(
            "Weights of log-likelihoods do not say how a row varies, so that there is nothing to simulate.",
            remedy="Leave `weights` out, or give sampling variances with meta_V.",
        )


def _outcome(location: Location) -> tuple[str, Inverse]:
    """The column of an outcome, and what makes it of the simulated values."""
    outcome = location.outcome
    if isinstance(outcome, Name):
        return outcome.name, np.asarray
    if isinstance(outcome, Call) and outcome.function in INVERSES and isinstance(outcome.args[0], Name):
        return outcome.args[0].name, INVERSES[outcome.function]
    raise FitError(
        f"The outcome `{text(outcome)}` cannot be turned back into a column for every value.",
        allowed=f"Allowed: a column, or {', '.join(f'{name}(column)' for name in INVERSES)}.",
        remedy="Compute the outcome as a column of the data first.",
    )


def _frame(table: Table, schema: Schema, design: Design, y: Floats) -> pd.DataFrame:
    outcomes = {}
    for position, (name, inverse) in enumerate(map(_outcome, schema.spec.locations)):
        own = design.which == position if design.outcomes else np.ones(len(y), dtype=bool)
        values = np.full(len(table), np.nan)
        values[np.searchsorted(table.rows, design.rows[own])] = inverse(y[own])
        outcomes[name] = values
    return pd.DataFrame(outcomes | {k: v for k, v in _columns(table).items() if k not in outcomes})


def _columns(table: Table) -> dict[str, Any]:
    return {column.name: _series(column) for column in table.columns}


def _series(column: Column) -> Any:
    if column.kind == "number":
        return np.where(column.missing, np.nan, column.values) if column.missing.any() else column.values
    if column.kind == "boolean":
        return column.values.astype(bool)
    if column.kind == "category":
        return pd.Categorical.from_codes(column.values, pd.Index(column.labels))
    return np.asarray(column.labels, dtype=object)[column.values]
