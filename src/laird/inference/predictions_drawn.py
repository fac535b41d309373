"""Targets of fits with draws: one value for every draw, new groups and residuals drawn with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from laird.fitting.problem import joined_columns
from laird.fitting.result import Fit
from laird.fitting.standard import Standard, of_rows, standard_of, standardised
from laird.gaussian.theta import Theta
from laird.inference.chunks import chunks
from laird.inference.dispersion import dispersion, drawn_theta
from laird.inference.predictions_noise import residual_variance, sampling_variance
from laird.inference.predictions_rows import Targets
from laird.inference.rowcovariance import Dispersion

type Floats = NDArray[np.float64]


def drawn_targets(fit: Fit, targets: Targets, rng: np.random.Generator) -> Floats:
    """Draws of targets, shape (S, r).

    Raises
    ------
    FitError
        The fit has no draws, or those of the group effects were not kept.
    """
    theta, beta = drawn_theta(fit)
    values = beta @ targets.X.T
    _add_fitted(fit, targets, values)
    if not targets.noise and not any(len(own.new().cell) for own in targets.shares):
        return values
    for part in chunks(len(beta), _width(targets)):
        chunk = theta.at(part)
        at = dispersion(fit.problem, chunk, targets.design, moments=True)
        families = _families(fit, part)
        values[part] += _new_groups(targets, chunk, at, families, rng)
        if targets.noise:
            values[part] += _noise(fit, targets, at, families, rng)
    return values


def _families(fit: Fit, part: slice) -> dict[str, Standard]:
    design, draws = fit.problem.design, fit.draws
    return {what: standard_of(design, draws, what, part) for what, _ in design.families} if draws else {}


def _noise(
    fit: Fit, targets: Targets, at: Dispersion, families: Mapping[str, Standard], rng: np.random.Generator
) -> Floats:
    """Draws of the cells' weighted sums of residuals and sampling errors, shape (S, r)."""
    sampling, own = sampling_variance(fit.problem, targets, at), families.get(of_rows(fit.problem.design))
    if own is None:
        sd = np.sqrt(residual_variance(targets, at) + sampling)
        return np.asarray(sd * rng.standard_normal(sd.shape))
    residuals = (targets.cells.matrix @ (at.sigma * own.draw(at.sigma.shape[-1], rng)).T).T
    return np.asarray(residuals + np.sqrt(sampling) * rng.standard_normal(sampling.shape))


def _add_fitted(fit: Fit, targets: Targets, values: Floats) -> None:
    known = [own.known() for own in targets.shares]
    if fit.draws is None or not any(len(own.cell) for own in known):
        return
    for own, u in zip(known, fit.draws.flat_effects(), strict=True):
        weights = own.matrix(len(targets.X), own.group, own.Z)
        values += (weights @ u.reshape(len(u), -1)[:, : weights.shape[1]].T).T


def _new_groups(
    targets: Targets,
    theta: Theta,
    at: Dispersion,
    families: Mapping[str, Standard],
    rng: np.random.Generator,
) -> Floats:
    """Draws of the part of the groups that were not fitted: z's_jL e_j, e_j of mean 0 and sd 1."""
    S = len(theta.L)
    total = np.zeros((S, len(targets.X)))
    places = joined_columns(targets.design.random)
    whole = zip(targets.shares, targets.design.random, places, at.scale, strict=False)
    for share, random, place, scale in whole:
        own = share.new()
        labels, position = np.unique(own.group, return_inverse=True)
        e = standardised(families.get(random.group), random, (S, len(labels)), rng)
        u = np.einsum("sab,sjb->sja", theta.L[:, place, place], e)
        stretch = np.ones((S, len(labels)))
        stretch[:, position] = scale[:, own.row]
        weights = own.matrix(len(targets.X), position, own.Z)
        total += (weights @ (stretch[..., None] * u).reshape(S, -1).T).T
    return total


def _width(targets: Targets) -> int:
    """Numbers per draw."""
    return len(targets.design.X) + sum(own.Z.size for own in targets.shares)
