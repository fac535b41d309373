"""Pointwise log-likelihoods of every draw: given the group effects, or with them integrated out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.gaussian.likelihoods import bind
from laird.inference.chunks import chunks
from laird.inference.dispersion import dispersion, drawn_theta
from laird.inference.logo_densities import LOG_2PI, given_coefficients
from laird.inference.logo_families import row_densities, unit_densities
from laird.inference.logo_rows import centred_rows
from laird.inference.rowcovariance import row_covariance, row_layout
from laird.inference.units import units_of

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]


def log_likelihood(fit: Fit, kind: Literal["conditional", "marginal"] = "marginal") -> xr.DataArray:
    """Log densities of the data, part by part, for every draw of the parameters.

    Parameters
    ----------
    fit
        A fit by ``"eb"`` or ``"nuts"``.
    kind
        ``"marginal"``: of the groups of the outermost factor, p(y_j | β, θ) with the effects integrated
        out: what models for new groups are compared by.  ``"conditional"``: of the rows given
        the effects of their groups, p(y_i | β, u, θ); rows that units of several outcomes or
        sampling errors connect are one part.

    Returns
    -------
    Dims ``(chain, draw, part)``, for the group ``log_likelihood`` of `Fit.to_datatree`.  For
    leave-one-out see `laird.loo`, which is far more reliable than weights of these densities.

    Raises
    ------
    FitError
        The fit has no draws, groups cross (``"marginal"``), or rows are weighted.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    >>> fit = model.fit("eb", random_seed=1)
    >>> ld.log_likelihood(fit).sizes["Batch"], ld.log_likelihood(fit, "conditional").sizes["row"]
    (6, 30)
    """
    import xarray as xr

    one_of("kind", kind, ("conditional", "marginal"))
    if fit.draws is None:
        raise FitError("The fit has no draws.", remedy='Fit with "eb" or "nuts".')
    if fit.problem.design.weights is not None:
        raise FitError("Weighted rows have no density.", remedy="Leave `weights` out.")
    if fit.problem.design.families:
        values, name, labels = (unit_densities if kind == "marginal" else row_densities)(fit)
    else:
        values, name, labels = (_marginal if kind == "marginal" else _conditional)(fit)
    values = values.reshape(*fit.draws.shape, -1)
    return xr.DataArray(values, dims=("chain", "draw", name), coords={name: list(labels)}, name=kind)


def _marginal(fit: Fit) -> tuple[Floats, str, tuple[str, ...]]:
    rows = centred_rows(fit)
    return marginal_densities(fit), rows.units.name, rows.units.labels


def marginal_densities(fit: Fit) -> Floats:
    """log p(y_b | β, θ) of every draw and unit, shape (S, B)."""
    theta, beta = drawn_theta(fit)
    rows = centred_rows(fit)
    delta = np.linalg.solve(rows.T, beta.T).T - rows.origin
    parts = (given_coefficients(own, rows.counts, delta[part]) for part, own in rows.unit_products(theta))
    return np.concatenate(list(parts))


def total_densities(fit: Fit) -> Floats:
    """log p(y | β, θ) of every draw, shape (S,), of crossed factors and weighted rows too."""
    theta, beta = drawn_theta(fit)
    p = beta.shape[1]
    likelihood = bind(fit.problem.data, np.zeros(p), np.zeros(p), range(p))
    scaling = likelihood.scaling
    return likelihood.densities(theta, scaling.beta_star(beta) / likelihood.unit + scaling.centred_shift)


def _conditional(fit: Fit) -> tuple[Floats, str, tuple[str, ...]]:
    """Densities of the residuals, N(0, R), by connected block."""
    theta, beta = drawn_theta(fit)
    design = fit.problem.design
    alone = replace(design, random=())
    units = units_of(_with_design(fit, alone))
    where, left = row_layout(alone), _residuals(fit, beta)
    found = np.empty((len(beta), len(units.labels)))
    width = sum(rows.size * rows.shape[1] for rows in where.stacks)
    for part in chunks(len(beta), width):
        at = dispersion(fit.problem, theta.at(part))._replace(G=(), scale=())
        total = row_covariance(alone, where, at).total()
        for rows, R in zip(where.stacks, total, strict=True):
            found[part, units.codes[rows[:, 0]]] = normal_densities(left[part][:, rows], R)
    return found, units.name, units.labels


def _with_design(fit: Fit, design: object) -> Fit:
    return replace(fit, problem=replace(fit.problem, design=design))  # type: ignore[arg-type]


def _residuals(fit: Fit, beta: Floats) -> Floats:
    """y - Xβ - Σ Z_f u_f of every draw, shape (S, n)."""
    design = fit.problem.design
    left = design.y - beta @ design.X.T
    effects = fit.draws.flat_effects() if fit.draws and design.random else ()
    for random, u in zip(design.random, effects, strict=True):
        for k in range(len(random.names)):
            left -= u[:, random.ids, k] * random.Z[:, k]
    return np.asarray(left)


def normal_densities(x: Floats, V: Floats) -> Floats:
    """log N(x; 0, V) for stacks x (..., s) and V (..., s, s).

    Examples
    --------
    >>> float(normal_densities(np.array([0.0]), np.array([[1.0]])).round(4))
    -0.9189
    """
    factor = np.linalg.cholesky(V)
    z = np.linalg.solve(factor, x[..., None])[..., 0]
    logdet = 2 * np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
    return np.asarray(-0.5 * (x.shape[-1] * LOG_2PI + logdet + np.sum(z**2, axis=-1)))
