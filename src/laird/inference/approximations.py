"""The table of `laird.influence` without fitting again: by one Newton step, or by weighted draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.fitting.result import Fit
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion, drawn_theta, rows_of
from laird.inference.gls import Gls, gls
from laird.inference.homogeneous import by_sampling, homogeneous
from laird.inference.onestep import Without, without_each
from laird.inference.reweighting import deletion_weights, moments
from laird.inference.studies import level_names, level_variances
from laird.inference.units import Units
from laird.inference.varianceparameters import drawn_values, values_at, variance_names

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]
type Columns = dict[str, Floats]


class Approximated(NamedTuple):
    """The table, and the units that one step does not reach: their rows are to be replaced."""

    table: pd.DataFrame
    missed: Flags


def by_one_step(fit: Fit, units: Units, *, held: bool) -> Approximated:
    """Influence with θ moved by one Newton step, or `held` at its estimate.

    Examples
    --------
    >>> import laird as ld
    >>> from laird.inference.units import units_of
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    >>> found = by_one_step(fit, units_of(fit), held=True)
    >>> found.table.cook.round(3).tolist(), bool(found.missed.any())
    ([0.054, 0.0, 0.142, 0.093, 0.56, 0.352], False)
    """
    found = without_each(fit, units.codes, held=held)
    change = fit.point.beta - found.beta
    values = np.array([values_at(fit, theta) for theta in found.theta])
    columns = {
        "rows": sizes(units),
        "hat": found.leverage,
        "chi2": found.misfit,
        "cook": distances(change, fit.point.beta_cov),
        "cook_variance": found.length**2,
        "cov_ratio": np.exp(found.log_det),
        "Q": _homogeneity(fit, units),
        **_of_rows(fit, units, found, change),
        **_named(variance_names(fit), values),
        **_named([f"dfbetas: {name}" for name in fit.problem.design.names], change / found.se),
    }
    return Approximated(_frame(columns, units, found.identified), found.identified & ~found.trusted)


def by_draws(fit: Fit, units: Units) -> pd.DataFrame:
    """Influence on a posterior, from its weighted draws."""
    own = deletion_weights(fit, units.codes)
    beta, values = drawn_theta(fit)[1][own.draws], drawn_values(fit)[own.draws]
    (mean, cov), (shifted, _) = moments(own.weights, beta), moments(own.weights, values)
    change, C = beta.mean(axis=0) - mean, np.atleast_2d(np.cov(beta.T))
    sd = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    columns = {
        "rows": sizes(units),
        "hat": np.bincount(units.codes, leverages(fit, gls_of(fit))),
        "cook": distances(change, C),
        "cook_variance": _drawn_distances(values, shifted),
        "cov_ratio": np.exp(np.linalg.slogdet(cov)[1] - np.linalg.slogdet(C)[1]),
        "khat": own.khat,
        **_named(variance_names(fit), shifted),
        **_named([f"dfbetas: {name}" for name in fit.problem.design.names], change / sd),
    }
    return _frame(columns, units, np.isfinite(own.khat))


def sizes(units: Units) -> Floats:
    """Rows of every unit, shape (U,)."""
    return np.bincount(units.codes).astype(float)


def gls_of(fit: Fit) -> Gls:
    """Generalised least squares at the fitted Σ."""
    design = fit.problem.design
    return gls(design.y, design.X, rows_of(fit).whitener(), design.weights)


def leverages(fit: Fit, whole: Gls) -> Floats:
    """The diagonal of XCX'Σ⁻¹, times the weights, shape (n,)."""
    design = fit.problem.design
    own = np.einsum("ip,pr,ir->i", design.X, whole.cov, whole.SX)
    return np.asarray(own if design.weights is None else design.weights * own)


def distances(change: Floats, cov: Floats) -> Floats:
    """d'C⁻¹d for changes (U, p).

    Examples
    --------
    >>> distances(np.array([[2.0, 0.0], [0.0, 3.0]]), np.diag([4.0, 1.0]))
    array([1., 9.])
    """
    return np.asarray(np.einsum("up,up->u", change, np.linalg.solve(cov, change.T).T))


def _drawn_distances(values: Floats, shifted: Floats) -> Floats:
    """The same of the covariance parameters; those that do not vary do not count."""
    varying = values.std(axis=0) > 0
    cov = np.atleast_2d(np.cov(values[:, varying].T))
    return distances(values[:, varying].mean(axis=0) - shifted[:, varying], cov)


def _named(names: Sequence[str], values: Floats) -> Columns:
    return dict(zip(names, values.T, strict=True))


def _of_rows(fit: Fit, units: Units, found: Without, change: Floats) -> Columns:
    """What rows are needed for: sds of heterogeneity, and measures of units of one row (else NaN)."""
    row, single = _first_rows(units), sizes(units) == 1
    sds, variance = _left_variances(fit, units, row, found.theta)
    columns = _named([f"sd_{name}" for name in level_names(fit.problem.design)], np.sqrt(sds))
    if not single.any():
        return {"rstudent": np.full(len(row), np.nan), "dffits": np.full(len(row), np.nan), **columns}
    sign, moved = np.sign(gls_of(fit).Sr[row]), np.sum(fit.problem.design.X[row] * change, axis=1)
    return {
        "rstudent": np.where(single, sign * np.sqrt(found.misfit), np.nan),
        "dffits": np.where(single, moved / np.sqrt(found.leverage * variance), np.nan),
        **columns,
    }


def _first_rows(units: Units) -> Ids:
    return np.asarray(np.unique(units.codes, return_index=True)[1], dtype=np.int64)


def _left_variances(fit: Fit, units: Units, row: Ids, theta: Sequence[Theta]) -> tuple[Floats, Floats]:
    """Mean variance at every level of the rows left (U, levels), and that of a row of the unit (U,)."""
    design, count = fit.problem.design, sizes(units)
    v = np.zeros(len(design.X)) if design.known is None else design.known.variances
    left, own = [], []
    for i, (at_theta, first) in enumerate(zip(theta, row, strict=True)):
        at = dispersion(fit.problem, at_theta)
        variances = level_variances(design, at)
        total = variances.sum(axis=1) - variances[:, units.codes == i].sum(axis=1)
        left.append(total / (len(v) - count[i]))
        own.append(variances[:, first].sum() + float(at.phi) * v[first])
    return np.array(left), np.array(own)


def _homogeneity(fit: Fit, units: Units) -> Floats:
    """The generalised Q of the rows left at V alone, shape (U,); NaN without known variances."""
    design = fit.problem.design
    if design.known is None:
        return np.full(len(units.labels), np.nan)
    Q = [by_sampling(homogeneous(design, units.codes != i)).Q for i in range(len(units.labels))]
    return np.array(Q)


KNOWN = ("rows", "hat")
"""Columns that need no estimates."""


def _frame(columns: Columns, units: Units, identified: Flags) -> pd.DataFrame:
    """NaN for units without which a coefficient is not determined."""
    table = pd.DataFrame(columns, index=pd.Index(units.labels, name=units.name))
    return table.where(identified[:, None] | table.columns.isin(KNOWN))
