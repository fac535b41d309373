"""Whether a prior says more than the data: a row of `Fit.check` for fits with draws.

Power-scaling (Kallioinen, Paananen, Bürkner & Vehtari 2024, Stat. Comput. 34): the density of the
priors of sds and correlations, then that of the data, is raised to powers next to one; the draws
are weighted accordingly, and the distance between a parameter's weighted and unweighted
distribution, per doubling of the power, is its sensitivity.  A parameter that the prior
moves much more than the data do is known from the prior.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check
from laird.posterior import links
from laird.posterior.coordinates import Coordinates
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

POWERS = (0.99, 1.01)
THRESHOLD = 0.05
"""Sensitivities above count (Kallioinen et al. 2024, section 3.2)."""

MUCH = 2.0
"""The prior dominates where its sensitivity is so many times that to the data."""

STRONG = 0.25
"""A prior of larger sensitivity contradicts data that are not weak."""

LEAST_DRAWS, MOST_DRAWS, ROWS = 50, 400, 4_000_000
"""Draws that are weighted: each costs an evaluation of the likelihood, of all rows `ROWS` at most."""


class Sensitivity(NamedTuple):
    """How far a parameter moves with the prior and with the data, per doubling of their powers."""

    parameter: str
    prior: float
    data: float

    @property
    def dominated(self) -> bool:
        """Whether the prior says much more about the parameter than the data do."""
        return self.prior >= THRESHOLD and (self.data < THRESHOLD or self.prior >= MUCH * self.data)

    @property
    def words(self) -> str:
        """The parameter with its sensitivities."""
        return f"`{self.parameter}` (sensitivity {self.prior:.2g} to the prior, {self.data:.2g} to the data)"


def prior_check(target: Posterior, phi: Floats, n: int) -> Iterator[Check]:
    """The row of a posterior with draws phi, shape (..., k); none where all priors are flat.

    Parameters
    ----------
    target
        The posterior, without signed sds.
    phi
        Its draws.
    n
        Number of rows of the data.
    """
    found = sensitivities(target, phi, int(np.clip(ROWS // n, LEAST_DRAWS, MOST_DRAWS)))
    if found:
        yield _check(found)


def _check(found: Sequence[Sensitivity]) -> Check:
    dominated = [own for own in found if own.dominated]
    strong = [own for own in found if own.prior >= STRONG]
    value = max(own.prior for own in found)
    remedy = "State the prior and why it was chosen, and report what others give: `laird.sensitivity`."
    if dominated:
        message = f"The prior says more than the data about {_listed(dominated)}."
        return Check("prior", "warning", value, message, remedy)
    if strong:
        return Check("prior", "note", value, f"Prior and data disagree about {_listed(strong)}.", remedy)
    message = f"The data outweigh the priors of all sds and correlations (sensitivity to these {value:.2g})."
    return Check("prior", "ok", value, message)


def _listed(found: Iterable[Sensitivity]) -> str:
    return ", ".join(own.words for own in found)


def sensitivities(target: Posterior, phi: Floats, most: int = MOST_DRAWS) -> tuple[Sensitivity, ...]:
    """Sensitivities of all sds, correlations and their slopes, from `most` draws; none for flat priors."""
    own = target.coordinates
    k = own.size - own.places.b
    if k == 0:
        return ()
    drawn = phi.reshape(-1, own.size)
    drawn = drawn[np.linspace(0, len(drawn) - 1, min(len(drawn), most)).astype(int)]
    log_data = target.densities(drawn) - own.priors.each(drawn)
    log_prior = covariance_priors(own, drawn)
    usable = np.isfinite(log_data) & np.isfinite(log_prior)
    if np.ptp(log_prior[usable]) == 0.0:
        return ()
    values = natural(own, drawn[usable])[:, :k]
    names = _names(own)[:k]
    pairs = zip(_distances(values, log_prior[usable]), _distances(values, log_data[usable]), strict=True)
    return tuple(Sensitivity(name, *pair) for name, pair in zip(names, pairs, strict=True))


def covariance_priors(own: Coordinates, phi: Floats) -> Floats:
    """Log prior densities of sds and correlation matrices, without Jacobian; shape (S, k) -> (S,)."""
    free = slice(0, own.size - own.places.b)
    density = own.matrix_priors.part(free)
    return np.array([density(at[free], jacobian=False)[0] for at in phi])


def natural(own: Coordinates, phi: Floats) -> Floats:
    """Sds and partial correlations of phi (S, k), slopes as they are."""
    found = phi.copy()
    kinds = own.priors.links
    found[:, kinds == links.LOG] = np.exp(phi[:, kinds == links.LOG])
    found[:, kinds == links.ATANH] = np.tanh(phi[:, kinds == links.ATANH])
    return found


def _names(own: Coordinates) -> list[str]:
    groups = [row.group if row is not None else "" for row in own.rows[: own.places.sds]]
    within = [f"cor({groups[i]})" for i, _ in own.pairs]
    named = iter(within)
    return [next(named) if row is None else row.parameter for row in own.rows]


def _distances(values: Floats, log_density: Floats) -> list[float]:
    """Sensitivity of every column of values (S, k) to a log density (S,)."""
    weights = [_weights((power - 1) * log_density) for power in POWERS]
    return [float(np.mean([distance(x, w) for w in weights]) / np.log2(POWERS[1])) for x in values.T]


def _weights(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def distance(x: Floats, weights: Floats) -> float:
    """Cumulative Jensen-Shannon distance of draws (S,) from the same with weights, in [0, 1].

    √(CJS(P, Q) + CJS(Q, P)) over its bound, for the distribution functions P and Q of x or of
    -x, whichever is larger (Nguyen & Vreeken 2015).

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> distance(x, np.full(3, 1 / 3))
    0.0
    >>> round(distance(x, np.array([0.2, 0.3, 0.5])), 3)
    0.156
    """
    return max(_one_way(x, weights), _one_way(-x, weights))


def _one_way(x: Floats, weights: Floats) -> float:
    order = np.argsort(x)
    step = np.diff(x[order])
    if not step.sum() > 0:
        return 0.0
    P = np.arange(1, len(x)) / len(x)
    Q = np.cumsum(weights[order])[:-1]
    areas = float(P @ step), float(Q @ step)
    apart = _divergence(P, Q, step, areas) + _divergence(Q, P, step, (areas[1], areas[0]))
    return float(np.sqrt(max(apart, 0.0) / sum(areas)))


def _divergence(P: Floats, Q: Floats, step: Floats, areas: Sequence[float]) -> float:
    """CJS(P, Q) = ∫ P log₂(2P / (P + Q)) dx + (∫Q - ∫P) / (2 ln 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(P > 0, P * (np.log2(P) - np.log2((P + Q) / 2)), 0.0)
    return float(terms @ step + 0.5 / np.log(2) * (areas[1] - areas[0]))
