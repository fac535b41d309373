"""Contextual effects of a latent group mean, which is integrated out exactly.

By maximum likelihood (the multilevel latent covariate model of Lüdtke et al. 2008) for ``ml``, by
restricted likelihood for ``reml``; at the mode of the posterior, with draws from it, for ``eb``; by
posterior means for ``nuts``.  Nothing is sampled by chains: given the covariance parameters and the
contextual effects everything is normal (`laird.gaussian.latentmeans`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.derivatives import Effect
from laird.fitting.effectrows import posterior_rows, t_rows
from laird.fitting.fitted import Fitted
from laird.fitting.laplace import Axes, laplace, peak
from laird.fitting.latentparts import SAMPLED, LatentParts, latent_parts, unavailable
from laird.fitting.likelihood import maximise
from laird.fitting.mode import Mode, find_mode
from laird.fitting.newton import hessian
from laird.fitting.refusals import beyond_normal
from laird.fitting.reliability import reliabilities
from laird.fitting.satterthwaite import default_degrees, inverse_information
from laird.fitting.target import near
from laird.gaussian.coordinates import factor_entries, lower_factor
from laird.gaussian.crossproducts import group
from laird.gaussian.latentmeans import LatentLikelihood, Priors, Variable, reduce
from laird.gaussian.theta import Theta
from laird.posterior import coefficient_prior, prior_table
from laird.posterior.coefficients import centring
from laird.posterior.coordinates import Coordinates, coordinates
from laird.posterior.density import Posterior
from laird.posterior.families import shape
from laird.posterior.links import LINEAR, SIGNED
from laird.posterior.table import PriorRow, PriorTable
from laird.spec import respecified

type Floats = NDArray[np.float64]

DRAWS = 1000, 4000
"""Tried one after the other."""
STEP = 1e-5
"""Of coordinates of order one, for the derivative of the coefficients in them."""


class _Folded(Posterior):
    """A posterior with signed sds, which is smooth where they vanish, without their negative half."""

    @property
    def signs(self) -> NDArray[np.intp]:
        """Positions of the signed sds."""
        return np.flatnonzero(self.coordinates.priors.links == SIGNED)

    def densities(self, phi: Floats) -> Floats:
        """Log densities of a stack of points; -inf where an sd is negative."""
        return np.where(np.all(phi[:, self.signs] >= 0.0, axis=1), super().densities(phi), -np.inf)

    def upright(self, axes: Axes) -> Axes:
        """The same mode on the side of positive sds."""
        flip = np.ones(len(axes.centre))
        flip[self.signs] = np.where(axes.centre[self.signs] < 0.0, -1.0, 1.0)
        return Axes(flip * axes.centre, flip[:, None] * axes.C * flip)


class _Model(NamedTuple):
    """The likelihood, and the posterior with its priors."""

    likelihood: LatentLikelihood
    target: Posterior


def latent_effects(fit: Fitted, found: Sequence[Effect], prob: float) -> pd.DataFrame:
    """Estimates and intervals of effects when the group mean of their variable is latent.

    Returns
    -------
    One row per effect, with the columns of `laird.contextual`.

    Raises
    ------
    FitError
        The latent means and the outcome are not jointly normal, or the likelihood has no maximum.
    """
    if fit.method == "ols":
        raise unavailable("least squares has no group effects", 'Fit with "ml" or "reml".')
    if fit.problem.design.families:
        raise beyond_normal(fit.problem.design)
    own = latent_parts(fit.problem, found)
    _refuse_products(fit, own)
    drawn = fit.method in ("eb", "nuts")
    table = fit.priors if drawn and fit.priors else _flat(fit)
    model = _model(fit, own, table)
    K = np.stack([effect.weights for effect in found])
    return (_posterior if drawn else _tested)(fit, model, _mode(fit, own, model), K, prob)


def _refuse_products(fit: Fitted, own: LatentParts) -> None:
    if len(fit.problem.design.random) > 1:
        raise unavailable("the model has several grouping factors", SAMPLED)
    if any(slopes.any() for slopes in own.Z_slopes):
        raise unavailable(
            f"a random slope holds the group mean of `{own.name}`, and the product of two "
            "unknowns is not normal",
            f"{SAMPLED} Or let the slope of `{own.name}` itself vary: `({own.name} | {own.random.group})`.",
        )


def _flat(fit: Fitted) -> PriorTable:
    return prior_table(respecified(fit.problem.spec, priors="flat").priors, fit.problem.design)


def _model(fit: Fitted, own: LatentParts, table: PriorTable) -> _Model:
    """Likelihood and posterior of the covariance parameters of x and y and of the contextual effects."""
    design, prior = fit.problem.design, coefficient_prior(table)
    if prior.sampled:
        raise unavailable("priors of coefficients must be normal or flat", SAMPLED)
    data = reduce(
        *(design.y, design.X, own.random.Z, own.random.ids, own.random.blocks),
        Variable(own.x, own.W, own.X_slope),
    )
    priors = Priors(centring(design.X), prior.mean, prior.precision)
    likelihood = LatentLikelihood(data, fit.method != "ml", priors)
    own_coordinates = _with_free(coordinates(_both(own, table), data.blocks), data.r)
    return _Model(likelihood, Posterior(likelihood, own_coordinates))


def _both(own: LatentParts, table: PriorTable) -> PriorTable:
    """The priors of the outcome's sds after those of x: the same families, in units of x."""
    flat = table.sigma.family == "flat"
    family, values = ("flat", ()) if flat else ("half_student_t", (3.0, float(own.x.std(ddof=1))))
    level, within = f"level of {own.name}", f"sigma({own.name})"
    rows = (
        PriorRow(f"sd({level})", "sd", level, 0, family, values, ""),
        *table.of("sd"),
        PriorRow(within, "sigma", own.name, 0, family, values, ""),
        table.sigma,
        *table.of("cor"),
    )
    return PriorTable(rows, table.outcome)


def _with_free(own: Coordinates, r: int) -> Coordinates:
    """Coordinates with r more that have flat priors: the contextual effects."""
    flat, p = shape("flat"), own.priors
    return replace(
        own,
        places=own.places._replace(b=r),
        rows=(*own.rows, *(None for _ in range(r))),
        etas=np.append(own.etas, np.ones(r)),
        priors=p._replace(
            links=np.append(p.links, np.full(r, LINEAR)),
            scales=np.append(p.scales, np.ones(r)),
            codes=np.append(p.codes, np.full(r, flat.code)),
            numbers=np.vstack([p.numbers, np.tile(flat.numbers, (r, 1))]),
        ),
    )


def _mode(fit: Fitted, own: LatentParts, model: _Model) -> Mode:
    """The maximum, from the model with observed means and the variances of x alone."""
    data, ids, J = model.likelihood.data, own.random.ids, len(own.random.levels)
    one = np.ones((len(ids), 1))
    level = maximise(group(own.x, one, one, ids, J, ((0,),)), restricted=True)
    L = np.zeros((len(data.scaling.z_scale),) * 2)
    L[0, 0], L[1:, 1:] = level.L[0, 0], lower_factor(fit.point.G, own.random.blocks)
    theta = Theta(L, np.log([level.sigma, fit.point.sigma]))
    reliability = reliabilities(own.x, ids, J).mean()
    if reliability == 0.0:
        raise _without_level(own)
    c = data.c_beta.T @ data.scaling.beta_star(fit.point.beta) / reliability
    mode = find_mode(model.target, theta, c)
    if mode.theta.L[0, 0] == 0.0:
        raise _without_level(own)
    if not mode.optimum.converged:
        raise FitError(
            "The search for the maximum of the likelihood with latent means has not converged.",
            remedy=f"The data may say too little about the level of `{own.name}`. {SAMPLED}",
        )
    return mode


def _without_level(own: LatentParts) -> FitError:
    return unavailable(
        f"groups of `{own.random.group}` do not differ in `{own.name}` by more than chance, "
        "so that their own means have no effect to estimate"
    )


def _tested(fit: Fitted, model: _Model, mode: Mode, K: Floats, prob: float) -> pd.DataFrame:
    """Tests by the observed information, with the degrees of freedom that observed means have."""
    beta, cov = _information(model.likelihood, mode)
    se = np.sqrt(np.einsum("ep,pr,er->e", K, cov, K))
    df, method = default_degrees(fit, K)
    return t_rows(K @ beta, se, df, f"{method}, latent mean", prob)


def _information(likelihood: LatentLikelihood, mode: Mode) -> tuple[Floats, Floats]:
    """β̂ and its covariance: that given (θ, c), and what these add by the delta method."""
    s, entries = likelihood.scaling, factor_entries(likelihood.blocks)
    units = s.y_scale / s.z_scale
    size = len(entries[0])

    def split(point: Floats) -> tuple[Theta, Floats]:
        L = np.zeros((len(units),) * 2)
        L[entries] = point[:size]
        return Theta(units[:, None] * L, point[size : size + 2]), point[size + 2 :]

    def negative(point: Floats) -> tuple[float, Floats]:
        value, d_theta, d_c = likelihood.density(*split(point))
        return -value, -np.concatenate([(units[:, None] * d_theta.L)[entries], d_theta.alpha, d_c])

    def coefficients(point: Floats) -> Floats:
        return likelihood.solve(*split(point)).beta

    at = np.concatenate([(mode.theta.L / units[:, None])[entries], mode.theta.alpha, mode.b])
    steps = STEP * np.eye(len(at))
    slopes = np.array([(coefficients(at + h) - coefficients(at - h)) / (2 * STEP) for h in steps])
    own = likelihood.solve(mode.theta, mode.b)
    return own.beta, own.beta_cov + slopes.T @ inverse_information(hessian(negative, at)) @ slopes


def _posterior(fit: Fitted, model: _Model, mode: Mode, K: Floats, prob: float) -> pd.DataFrame:
    """The posterior of effects from draws by importance; the estimate of ``eb`` is at the mode."""
    rng = np.random.default_rng(fit.origin.seed)
    folded = _Folded(model.likelihood, model.target.coordinates.signed(range(1, len(mode.theta.L))))
    centre = folded.coordinates.enter(near(model.target, mode.theta, mode.b))
    found = _draws(folded, centre, rng)
    theta, c = folded.coordinates.split(found)
    values = model.likelihood.draw(theta, c, rng)[0] @ K.T
    at_mode = K @ model.likelihood.solve(mode.theta, mode.b).beta
    estimate = at_mode if fit.method == "eb" else values.mean(axis=0)
    return posterior_rows(values, estimate, values.std(axis=0, ddof=1), "posterior, latent mean", prob)


def _draws(target: _Folded, centre: Floats, rng: np.random.Generator) -> Floats:
    """Draws by importance, more where few leave the tails uncertain."""
    axes = peak(target, centre)
    tried = (laplace(target, target.upright(axes), draws, rng) for draws in DRAWS) if axes else ()
    found = next((own for own in tried if own.usable), None)
    if found is None:
        raise FitError("No Gaussian is near the posterior of the latent means.", remedy=SAMPLED)
    return found.phi
