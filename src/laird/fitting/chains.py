"""Whether chains of draws have converged, and how much they are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, group_check
from laird.fitting.convergence import convergence
from laird.fitting.draws import Draws
from laird.fitting.problem import Problem, joined_columns
from laird.gaussian.coordinates import correlated_pairs

type Floats = NDArray[np.float64]

RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
EFFECTS = 100
"""So many sampled effects are looked at."""


def chain_checks(problem: Problem, draws: Draws) -> tuple[Check, ...]:
    """R-hat, effective sample sizes, divergences, and numbers of groups."""
    rhat, ess = _worst(problem, draws)
    rows = (_rhat_check(rhat), _ess_check(ess, draws.shape[0]), _divergence_check(draws))
    return (*rows, *(group_check(r.group, len(r.levels)) for r in problem.design.random))


def _worst(problem: Problem, draws: Draws) -> tuple[float, float]:
    """Largest R-hat and smallest effective sample size over the parameters of the summary.

    Group effects are drawn from their exact conditional given these, so they mix as well; where they
    are not normal, and sampled, they count too.
    """
    parts = [draws.alpha, draws.beta, draws.sd, *draws.delta, draws.log_phi, draws.zeta]
    series = [own for part in parts for own in np.moveaxis(part, -1, 0)]
    random = problem.design.random
    for r, place in zip(random, joined_columns(random), strict=True):
        at = place.start
        series += [draws.correlation[..., at + i, at + j] for i, j in correlated_pairs(r.blocks)]
    series += [*draws.shapes.values(), *(_sampled_effects(draws) if draws.shapes else ())]
    found = np.array([convergence(values) for values in series])
    rhat = float(np.nanmax(found[:, 2])) if draws.shape[0] > 1 else np.nan
    return rhat, float(np.nanmin(found[:, :2]))


def _sampled_effects(draws: Draws) -> list[Floats]:
    """Some effects of groups and rows, evenly spread."""
    parts = [own.reshape(*draws.shape, -1) for own in (*draws.u, draws.deviations) if own.size]
    effects = np.concatenate(parts, axis=-1) if parts else np.zeros((*draws.shape, 0))
    count = effects.shape[-1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, EFFECTS)).astype(int))
    return [effects[..., k] for k in chosen]


def _rhat_check(rhat: float) -> Check:
    if np.isnan(rhat):
        return Check("rhat", "warning", rhat, "R-hat compares chains; there is one.", "Use `chains=4`.")
    message = f"Largest R-hat of all parameters {rhat:.3f} (limit {RHAT_LIMIT})."
    if rhat <= RHAT_LIMIT:
        return Check("rhat", "ok", rhat, message)
    return Check("rhat", "not_converged", rhat, message, "Sample longer: raise `tune` and `draws`.")


def _ess_check(ess: float, chains: int) -> Check:
    message = f"Smallest effective sample size {ess:.0f} (wanted {ESS_PER_CHAIN} per chain)."
    if ess >= ESS_PER_CHAIN * chains:
        return Check("ess", "ok", ess, message)
    return Check("ess", "warning", ess, message, "Sample longer: raise `draws`.")


def _divergence_check(draws: Draws) -> Check:
    count = int(np.count_nonzero(draws.stats["diverging"])) if "diverging" in draws.stats else 0
    total = draws.shape[0] * draws.shape[1]
    share = count / total
    message = f"{count} divergent transitions of {total}."
    if count == 0:
        return Check("divergences", "ok", 0, message)
    remedy = "Raise `target_accept` to 0.95, or use a more informative prior of the group sds."
    return Check("divergences", "warning" if share < 0.01 else "not_converged", count, message, remedy)
