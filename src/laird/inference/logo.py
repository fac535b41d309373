"""Leave-one-out prediction: groups or rows, exact given the covariance parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.factors import quoted
from laird.errors import FitError
from laird.fitting.convergence import convergence
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.dispersion import drawn_theta
from laird.inference.logo_densities import prior_about, row_densities, unit_densities
from laird.inference.logo_rows import centred_rows
from laird.posterior import CoefficientPrior, coefficient_prior

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]
type Unit = Literal["group", "row"]

WEIGHTS = ("stacking", "bb-pseudo-bma", "pseudo-bma")
"""Methods of ``arviz.compare`` for the weights of models."""


def loo(fit: Fit, unit: Unit = "group") -> Any:
    """Estimate how well each group, or each row, is predicted by the others.

    Given the covariance parameters θ the density of a group y_j given all others is exact:
    coefficients and group effects are integrated out.  Only θ, of a few dimensions, is averaged
    by importance: draws of its posterior are weighted by 1/p(y_j | y_-j, θ) with Pareto smoothing
    (Vehtari, Gelman & Gabry 2017), so that k̂ is far smaller than when effects and
    coefficients are weighted as well.  No model is fitted again.  Where errors or effects are not
    normal, effects are integrated out by quadrature and the coefficients are weighted with θ.

    Parameters
    ----------
    fit
        A fit by ``"eb"`` or ``"nuts"``.
    unit
        ``"group"``: the groups of the outermost factor, how well new groups are predicted; without
        groups the rows that no sampling error connects.  ``"row"``: single rows, in
        groups whose other rows are known.

    Returns
    -------
    ArviZ's ``ELPDData``: ``elpd, se, p`` (of θ only), ``elpd_i, pareto_k, good_k, warning``, which
    ``arviz.compare`` takes.  A warning names the units whose k̂ is too large.

    Raises
    ------
    FitError
        The fit has no draws, groups cross (``unit="group"``), or rows are weighted.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Reaction ~ Days + (1 | Subject)", data=ld.load_data("sleepstudy"))
    >>> found = ld.loo(model.fit("eb", random_seed=1))
    >>> int(found.n_data_points), bool(found.pareto_k.max() < found.good_k)
    (18, True)
    """
    one_of("unit", unit, ("group", "row"))
    densities = _densities(fit, unit)
    found = _smoothed(densities, _relative_efficiency(fit))
    if found.warning:
        k = np.asarray(found.pareto_k)
        worst = np.flatnonzero(k > found.good_k)
        names = quoted([str(own) for own in densities[densities.dims[-1]].to_numpy()[worst]])
        what = f"{len(worst)} of {len(k)} predictions of a left-out {densities.dims[-1]} are not reliable"
        warn(f"{what} (k̂ > {found.good_k:.2f}): {names}. Fit without them: laird.leave_one_out.")
    return found


def _smoothed(densities: xr.DataArray, efficiency: float) -> Any:
    from arviz_stats import loo as arviz_loo

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter", category=UserWarning)
        return arviz_loo(_tree(densities), pointwise=True, reff=efficiency)


def compare_loo(fits: Mapping[str, Fit], unit: Unit = "group", **options: Any) -> pd.DataFrame:
    """Compare models of the same data by what they predict of groups, or rows, that are left out.

    Parameters
    ----------
    fits
        Fits by ``"eb"`` or ``"nuts"``, by name.
    unit
        As in `laird.loo`.
    **options
        Of ``arviz.compare``: `method`, `reference`, `round_to` (``"none"``: nothing is rounded).

    Returns
    -------
    ArviZ's table, the best model first: ``elpd_diff, dse, p_worse, …, weight``.

    Raises
    ------
    FitError
        Fits of different outcomes, or whose units differ.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("sleepstudy")
    >>> texts = {"with Days": "Reaction ~ Days + (1 | Subject)", "without": "Reaction ~ (1 | Subject)"}
    >>> fits = {name: ld.model(text, data=data).fit("eb", random_seed=1) for name, text in texts.items()}
    >>> list(ld.compare_loo(fits).index)
    ['with Days', 'without']
    """
    from arviz_stats import compare

    _check_options(options)
    _refuse_different(fits)
    found = {name: loo(fit, unit) for name, fit in fits.items()}
    if len({own.n_data_points for own in found.values()}) > 1:
        raise FitError("The fits have different groups to leave out.", remedy='Compare them by unit="row".')
    return pd.DataFrame(compare(found, **{"round_to": "none", **options}))


def _check_options(options: Mapping[str, Any]) -> None:
    for name in options:
        one_of("option", name, ("method", "reference", "round_to"))
    one_of("method", options.get("method", WEIGHTS[0]), WEIGHTS)


def _refuse_different(fits: Mapping[str, Fit]) -> None:
    if not isinstance(fits, Mapping) or len(fits) < 2:
        raise FitError("There are no two fits to compare.", remedy='Pass {"a": fit_a, "b": fit_b}.')
    first, *others = (fit.problem.design for fit in fits.values())
    if not all(np.array_equal(first.y, other.y) for other in others):
        raise FitError("The fits are of different outcomes or rows.", remedy="Fit all to the same rows.")


def _densities(fit: Fit, unit: Unit) -> xr.DataArray:
    """Densities whose inverses are the weights: of θ alone, or of all parameters beyond the normal."""
    if not fit.problem.design.families:
        return left_out_densities(fit, unit)
    from laird.inference.criticism_loglik import log_likelihood

    return log_likelihood(fit, "marginal" if unit == "group" else "conditional")


def left_out_densities(fit: Fit, unit: Unit) -> xr.DataArray:
    """log p(y_b | y_-b, θ) of every draw, with dims (chain, draw, unit).

    Raises
    ------
    FitError
        As `loo`.
    """
    import xarray as xr

    theta, beta = drawn_theta(fit)
    rows = centred_rows(fit, by_row=unit == "row")
    gamma = np.linalg.solve(rows.T, beta.T).T
    prior = prior_about(_prior(fit), rows.origin, gamma)
    single = len(rows.units.labels) == len(rows.W)
    if unit == "row" or single:
        parts = [row_densities(own, rows.W, prior.at(part)) for part, own in rows.row_products(theta)]
        name, labels = "row", [str(row) for row in fit.problem.design.rows]
        labels = _with_outcomes(fit, labels)
    else:
        parts = [unit_densities(own, rows.counts, prior.at(part)) for part, own in rows.unit_products(theta)]
        name, labels = rows.units.name, list(rows.units.labels)
    shape = fit.draws.shape if fit.draws else (1, len(beta))
    values = np.concatenate(parts).reshape(*shape, -1)
    return xr.DataArray(values, dims=("chain", "draw", name), coords={name: labels}, name="left_out")


def _with_outcomes(fit: Fit, labels: list[str]) -> list[str]:
    design = fit.problem.design
    if not design.outcomes:
        return labels
    return [f"{label}, {design.outcomes[k]}" for label, k in zip(labels, design.which, strict=True)]


def _prior(fit: Fit) -> CoefficientPrior:
    if fit.priors is None:
        raise FitError("The fit has no priors.", remedy='Fit with "eb" or "nuts".')
    return coefficient_prior(fit.priors)


def _tree(densities: xr.DataArray) -> xr.DataTree:
    import xarray as xr

    posterior = densities.isel({densities.dims[-1]: 0}, drop=True).rename("density").to_dataset()
    return xr.DataTree.from_dict({"posterior": posterior, "log_likelihood": densities.to_dataset()})


def _relative_efficiency(fit: Fit) -> float:
    """Effective over nominal number of draws, the least of the covariance parameters'."""
    draws = fit.draws
    if draws is None:
        return 1.0
    C, S = draws.shape
    values = np.concatenate(
        [own.reshape(C, S, -1) for own in (draws.sd, draws.alpha, *draws.delta, draws.zeta)], axis=-1
    )
    least = min((convergence(values[..., k])[0] for k in range(values.shape[-1])), default=float(C * S))
    bounded = min(np.nan_to_num(least, nan=C * S), draws.effective, C * S)
    return float(bounded / (C * S))
