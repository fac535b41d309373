"""How much each study matters: every study left out, the model fitted again."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.estimable import check_design
from laird.errors import DataError, FitError, LairdWarning
from laird.fitting.result import Fit
from laird.inference.coefficients import coef_tests
from laird.inference.dispersion import dispersion_at, rows_of
from laird.inference.gls import Gls, gls
from laird.inference.homogeneous import by_sampling, homogeneous
from laird.inference.reference import Df
from laird.inference.refits import refit, subset
from laird.inference.rowcovariance import between, row_covariance, row_layout
from laird.inference.studies import level_names, variances_at
from laird.inference.units import Units, units_of

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Deletion(NamedTuple):
    """The fit without one unit, None where the rest does not identify the model."""

    label: str
    left_out: Flags
    fit: Fit | None


def leave_one_out(
    fit: Fit, by: Any = None, *, df: Df | None = None, prob: float = 0.95, **options: Any
) -> pd.DataFrame:
    """Fit the model again without each study.

    Parameters
    ----------
    fit
        A fit by any method, of any model.
    by
        What is left out together: a grouping factor, or labels by row; None: the factor outside
        all others, without factors the rows that no sampling covariance connects.
    df, prob
        As in `laird.coef_tests`.
    **options
        `method`, when it is to be another than that of `fit` (``"reml"`` is fast next to
        ``"nuts"``), and options of ``eb`` and ``nuts``.

    Returns
    -------
    ``left_out, rows`` (how many went), ``term, estimate, se, lower, upper``, and the sds
    of the levels of heterogeneity, root mean squares over the rows left: ``sd_residual``,
    ``sd_<group>``.  NaN where the rest does not identify the model.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> found = ld.leave_one_out(fit, ld.load_data("bcg_rr").author)
    >>> found[["left_out", "estimate", "se", "sd_residual"]].head(1).round(3).values.tolist()
    [['Aronson', -0.707, 0.19, 0.58]]
    """
    units = units_of(fit, by)
    tables = [_estimates(fit, own, df, prob) for own in deletions(fit, units, **options)]
    return pd.concat(tables, ignore_index=True)


def influence(fit: Fit, by: Any = None, **options: Any) -> pd.DataFrame:
    """Measure the influence of each study, by fitting the model without it.

    Parameters
    ----------
    fit, by, **options
        As in `laird.leave_one_out`.

    Returns
    -------
    One row per unit, index its label.  With (i) for the fit without unit i, and e the
    deleted residuals y_i - X_iβ̂_(i) with covariance Σ_(i),ii + X_iC_(i)X_i':

    ``rows``; ``rstudent``, e standardised, of units of one row; ``chi2``, e'Cov(e)⁻¹e, χ² with
    ``rows`` degrees of freedom if the unit fits; ``dffits``, of units of one row; ``cook``,
    (β̂ - β̂_(i))'C⁻¹(β̂ - β̂_(i)); ``cov_ratio``, det C_(i) / det C; ``hat``, sum of the unit's
    leverages; ``Q``, the generalised Q of the rest at V alone; sds of heterogeneity as in
    `laird.leave_one_out`; and ``dfbetas: <term>``, changes of coefficients over their standard errors
    without the unit (Viechtbauer & Cheung 2010).

    Raises
    ------
    FitError
        Unknown factor, or labels of the wrong length.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ld.influence(fit)[["rstudent", "cook", "hat"]].head(2).round(3).values.tolist()
    [[0.226, 0.005, 0.049], [-0.482, 0.049, 0.149]]
    """
    design, units = fit.problem.design, units_of(fit, by)
    own = rows_of(fit)
    whole = gls(design.y, design.X, own.whitener())
    found = [_diagnostics(fit, whole, deletion) for deletion in deletions(fit, units, **options)]
    return pd.DataFrame(found, index=pd.Index(units.labels, name=units.name))


def deletions(fit: Fit, units: Units, **options: Any) -> Iterator[Deletion]:
    """The fit without each unit in turn."""
    if len(units.labels) < 3:
        raise FitError(
            f"There are {len(units.labels)} units: too few to leave one out.", remedy="Pass finer labels."
        )
    for j, label in enumerate(units.labels):
        left_out = units.codes == j
        yield Deletion(label, left_out, without(fit, left_out, **options))


def without(fit: Fit, left_out: Flags, **options: Any) -> Fit | None:
    """The fit to the other rows, None where they do not identify the model."""
    if left_out.all():
        return None
    rest = subset(fit.problem.design, ~left_out)
    if any(len(random.levels) < 2 for random in rest.random):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LairdWarning)
        try:
            check_design(rest, str)
            return refit(fit, rest, **options)
        except (DataError, FitError):
            return None


def _estimates(fit: Fit, own: Deletion, df: Df | None, prob: float) -> pd.DataFrame:
    columns = ["term", "estimate", "se", "lower", "upper"]
    if own.fit is None:
        table = pd.DataFrame({"term": list(fit.problem.design.names)}).reindex(columns=columns)
    else:
        table = coef_tests(own.fit, df=df, prob=prob)[columns]
    table.insert(0, "left_out", own.label)
    table.insert(1, "rows", int(own.left_out.sum()))
    return table.assign(**heterogeneity_sds(fit, own.fit))


def heterogeneity_sds(fit: Fit, found: Fit | None) -> dict[str, float]:
    """Root mean square sds of every level of heterogeneity over the rows of a fit; NaN without one."""
    names = [f"sd_{name}" for name in level_names(fit.problem.design)]
    if found is None:
        return dict.fromkeys(names, np.nan)
    values = np.sqrt(variances_at(found, found.problem.design).mean(axis=1))
    return dict(zip(names, values.tolist(), strict=True))


def _diagnostics(fit: Fit, whole: Gls, own: Deletion) -> dict[str, float]:
    design, i = fit.problem.design, np.flatnonzero(own.left_out)
    found = {"rows": float(len(i)), "hat": _leverage(design.X, whole, i)}
    if own.fit is None:
        return found
    at = row_covariance(design, row_layout(design), dispersion_at(own.fit, design))
    beta, cov = own.fit.point.beta, own.fit.point.beta_cov
    change = fit.point.beta - beta
    residual, Sigma = design.y[i] - design.X[i] @ beta, between(at.where, at.total(), i)
    chi2 = float(residual @ np.linalg.solve(Sigma + design.X[i] @ cov @ design.X[i].T, residual))
    single = len(i) == 1
    se = np.sqrt(np.diag(gls(design.y, design.X, at.whitener()).cov))
    fitted = float((design.X[i] @ change)[0]) / np.sqrt(found["hat"] * Sigma[0, 0]) if single else np.nan
    return found | {
        "rstudent": float(np.sign(residual[0]) * np.sqrt(chi2)) if single else np.nan,
        "chi2": chi2,
        "dffits": fitted,
        "cook": float(change @ np.linalg.solve(whole.cov, change)),
        "cov_ratio": float(np.exp(np.linalg.slogdet(cov)[1] - np.linalg.slogdet(whole.cov)[1])),
        "Q": by_sampling(homogeneous(own.fit.problem.design)).Q if design.known else np.nan,
        **heterogeneity_sds(fit, own.fit),
        **{f"dfbetas: {name}": value for name, value in zip(design.names, change / se, strict=True)},
    }


def _leverage(X: Floats, whole: Gls, i: NDArray[np.intp]) -> float:
    """Sum of the diagonal of X C X'Σ⁻¹ over rows i."""
    return float(np.sum((X[i] @ whole.cov) * whole.SX[i]))
