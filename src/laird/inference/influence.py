"""How much each study, group or row matters: each left out, the model fitted again or nearly so."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.estimable import check_design
from laird.errors import DataError, FitError, LairdWarning
from laird.fitting.result import Fit
from laird.inference.approximations import by_draws, by_one_step, gls_of, leverages
from laird.inference.coefficients import coef_tests
from laird.inference.dispersion import dispersion_at
from laird.inference.gls import Gls, gls
from laird.inference.homogeneous import by_sampling, homogeneous
from laird.inference.reference import Df
from laird.inference.refits import refit, subset
from laird.inference.rowcovariance import between, row_covariance, row_layout
from laird.inference.studies import level_names, variances_at
from laird.inference.units import Units, units_of
from laird.inference.variancedistance import VarianceDistance, variance_distance
from laird.inference.varianceparameters import variance_names, variance_values

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


type How = Literal["refit", "one-step", "held", "draws"]

FEW_UNITS = 50
"""Up to so many units the model is fitted again without each."""

MEASURES = ("rows", "hat", "rstudent", "chi2", "dffits", "cook", "cook_variance", "cov_ratio", "Q")


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


def influence(fit: Fit, by: Any = None, *, how: How | None = None, **options: Any) -> pd.DataFrame:
    """Measure the influence of each study or group, or of each row.

    Parameters
    ----------
    fit
        A fit by any method, of any model.
    by
        What is left out together: a grouping factor, or labels by row; None: the factor outside
        all others, without factors the rows that no sampling covariance connects.
    how
        What happens when a unit is left out.  ``"refit"``: the model is fitted again.
        ``"one-step"``: β̂ exactly at given variance parameters, and these by one Newton step,
        for all units at once; the few that a step of half a standard error does not
        reach are fitted again.  ``"held"``: variance parameters stay.  ``"draws"``: the draws
        of ``eb`` and ``nuts`` are weighted.  None: ``"draws"`` for ``nuts``, ``"refit"`` for
        up to 50 units and whatever has no other way, else ``"one-step"``.
    **options
        Of the refits, as in `laird.leave_one_out`.

    Returns
    -------
    One row per unit, index its label.  With (i) for the fit without unit i, and e the
    deleted residuals, y_i minus their prediction from β̂_(i) and the other rows:

    ``rows``; ``rstudent``, e standardised, of units of one row; ``chi2``, e'Cov(e)⁻¹e, χ² with
    ``rows`` degrees of freedom if the unit fits; ``dffits``, of units of one row; ``cook``,
    (β̂ - β̂_(i))'C⁻¹(β̂ - β̂_(i)), which some divide by p; ``cook_variance``, the same of the variance
    parameters; ``cov_ratio``, det C_(i) / det C; ``hat``, sum of the leverages of the unit's rows in the
    fixed part; ``Q``, the generalised Q of the rest at V alone; sds of heterogeneity as in
    `laird.leave_one_out`; every variance parameter without the unit, by its name in the
    summary; ``dfbetas: <term>``, changes of coefficients over their standard errors without
    the unit (Viechtbauer & Cheung 2010); ``khat`` of weighted draws, not to be trusted above 0.7;
    ``how`` the row was found.  NaN where the rest does not identify the model.  Rows with weights
    count as so many alike, which leave together; such models are always fitted again.

    Raises
    ------
    FitError
        Unknown factor, labels of the wrong length, fewer than three units, or a
        way that the fit does not have.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ld.influence(fit)[["rstudent", "cook", "hat"]].head(2).round(3).values.tolist()
    [[0.226, 0.005, 0.049], [-0.482, 0.049, 0.149]]
    """
    units = units_of(fit, by)
    _refuse_few(units)
    route = _route(fit, units, how, options)
    if route == "draws":
        found = by_draws(fit, units)
    elif route == "refit":
        found = _refitted(fit, units, **options)
    else:
        found = _stepped(fit, units, held=route == "held")
    return found.reindex(columns=_columns_of(fit, found)).assign(how=found.get("how", route))


def _columns_of(fit: Fit, found: pd.DataFrame) -> list[str]:
    names = [*MEASURES, *(f"sd_{name}" for name in level_names(fit.problem.design)), *variance_names(fit)]
    names += [f"dfbetas: {name}" for name in fit.problem.design.names]
    return [*names, *(["khat"] if "khat" in found else [])]


def _route(fit: Fit, units: Units, how: How | None, options: dict[str, Any]) -> How:
    """The way asked for, or the usual one."""
    possible: tuple[How, ...] = ("refit",)
    repeatable = not options and fit.problem.design.weights is None
    if repeatable and _has_theta(fit):
        possible = ("one-step", "held", "refit")
    elif repeatable and fit.draws is not None:
        possible = ("draws", "refit")
    if how is not None and how not in possible:
        raise FitError(
            f'how = {how!r} is not possible for this fit by "{fit.method}".',
            allowed="Allowed: " + ", ".join(f'"{word}"' for word in possible) + ".",
        )
    few = len(units.labels) <= FEW_UNITS and fit.method != "nuts"
    return how or ("refit" if few else possible[0])


def _has_theta(fit: Fit) -> bool:
    """Whether the variance parameters maximise a likelihood that a step can follow."""
    design = fit.problem.design
    if fit.method == "ols":
        return design.known is None and not design.scales
    return fit.method in ("ml", "reml")


def _stepped(fit: Fit, units: Units, *, held: bool) -> pd.DataFrame:
    """One step for all units; those it does not reach are fitted again."""
    table, missed = by_one_step(fit, units, held=held)
    table = table.assign(how="held" if held else "one-step")
    again = _refitted(fit, units, missed) if missed.any() else table.iloc[:0]
    return pd.concat([table[~missed], again]).loc[list(units.labels)]


def _refitted(fit: Fit, units: Units, which: Flags | None = None, **options: Any) -> pd.DataFrame:
    """The fit without each unit, or without each of those chosen."""
    whole, distance = gls_of(fit), variance_distance(fit)
    found = {
        own.label: _diagnostics(fit, whole, distance, own) for own in deletions(fit, units, which, **options)
    }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(units.name).assign(how="refit")


def deletions(fit: Fit, units: Units, which: Flags | None = None, **options: Any) -> Iterator[Deletion]:
    """The fit without each unit in turn, or without each of those chosen."""
    _refuse_few(units)
    for j, label in enumerate(units.labels):
        if which is None or which[j]:
            left_out = units.codes == j
            yield Deletion(label, left_out, without(fit, left_out, **options))


def _refuse_few(units: Units) -> None:
    if len(units.labels) < 3:
        raise FitError(
            f"There are {len(units.labels)} units: too few to leave one out.", remedy="Pass finer labels."
        )


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


def _diagnostics(fit: Fit, whole: Gls, distance: VarianceDistance, own: Deletion) -> dict[str, float]:
    design, i = fit.problem.design, np.flatnonzero(own.left_out)
    found = {"rows": float(len(i)), "hat": float(leverages(fit, whole)[i].sum())}
    if own.fit is None:
        return found
    at = row_covariance(design, row_layout(design), dispersion_at(own.fit, design))
    again = gls(design.y, design.X, by := at.whitener(), design.weights)
    root = np.ones(len(i)) if design.weights is None else np.sqrt(design.weights[i])
    SX, Sr = root[:, None] * again.SX[i], root * again.Sr[i]
    P = between(at.where, by.inverse(), i) - SX @ again.cov @ SX.T
    chi2, Sigma = float(Sr @ np.linalg.solve(P, Sr)), between(at.where, at.total(), i)
    change, cov = fit.point.beta - own.fit.point.beta, own.fit.point.beta_cov
    return found | {
        **_of_single_row(design.X[i], chi2, Sr, found["hat"] * Sigma, change, root),
        "chi2": chi2,
        "cook": float(change @ np.linalg.solve(whole.cov, change)),
        "cook_variance": distance.to(own.fit),
        "cov_ratio": _ratio(cov, whole.cov),
        "Q": by_sampling(homogeneous(own.fit.problem.design)).Q if design.known else np.nan,
        **heterogeneity_sds(fit, own.fit),
        **dict(zip(variance_names(fit), variance_values(own.fit).tolist(), strict=True)),
        **_dfbetas(design.names, change, again),
    }


def _of_single_row(
    x: Floats, chi2: float, Sr: Floats, variance: Floats, change: Floats, root: Floats
) -> dict[str, float]:
    """Studentised deleted residual and change of the fitted value of a unit of one row.

    `variance` is that of the fitted value times its weight, `root` the root of that weight.
    """
    if len(x) > 1 or root[0] == 0:
        return {}
    return {
        "rstudent": float(np.sign(Sr[0])) * np.sqrt(chi2),
        "dffits": float(root[0] * (x[0] @ change) / np.sqrt(variance[0, 0])),
    }


def _ratio(cov: Floats, whole: Floats) -> float:
    """|C_(i)|/|C|."""
    return float(np.exp(np.linalg.slogdet(cov)[1] - np.linalg.slogdet(whole)[1]))


def _dfbetas(names: Sequence[str], change: Floats, again: Gls) -> dict[str, float]:
    values = change / np.sqrt(np.diag(again.cov))
    return {f"dfbetas: {name}": value for name, value in zip(names, values.tolist(), strict=True)}
