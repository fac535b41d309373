"""Densities of rows and of groups where errors or effects are not normal, for every draw.

Effects are integrated out: of a t over the weight g that makes it normal, by the trapezoidal rule in
log g; of a skew-normal in closed form, as normal + skew-normal is skew-normal; of groups with other
errors by the trapezoidal rule over the effect, around its posterior.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, logsumexp

from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.mixing import Standardised, row_information, standardised
from laird.fitting.result import Fit
from laird.fitting.standard import Standard, of_rows, standard_of
from laird.inference.chunks import chunks

type Floats = NDArray[np.float64]

LOG_2PI = float(np.log(2 * np.pi))
LOG_WEIGHTS = np.arange(-20.0, 7.51, 0.25)
"""Nodes of log g in units of √(2/ν), about its sd: the density is below e⁻²⁰ beyond, for any ν > 2."""

EFFECTS = np.arange(-8.0, 8.01, 0.25)
"""Nodes of an effect, in sds of its posterior."""


class Densities(NamedTuple):
    """Log densities (S, B) of units, what they are, and their names."""

    values: Floats
    name: str
    labels: tuple[str, ...]


def row_densities(fit: Fit) -> Densities:
    """log p(y_i | β, u, θ) with the true effects integrated out.

    Raises
    ------
    FitError
        Sampling errors of rows are correlated.
    """
    own = _standardised(fit)
    parts = [_rows(own_part) for own_part in _parts(own, len(own.design.y) * len(LOG_WEIGHTS))]
    return Densities(np.concatenate(parts), "row", tuple(map(str, own.design.rows.tolist())))


def unit_densities(fit: Fit) -> Densities:
    """log p(y_j | β, θ) of the groups, with all effects integrated out; of rows in models without groups.

    Raises
    ------
    FitError
        Several factors, or effects that are not integrated out here.
    """
    own = _standardised(fit)
    if not own.design.random:
        return row_densities(fit)
    random = _only_factor(own)
    has_rows = of_rows(own.design) in dict(own.design.families)
    cost = len(own.design.y) * (len(EFFECTS) if has_rows else 1) + len(random.levels) * len(LOG_WEIGHTS)
    parts = [
        _over_effects(fit, part, random) if has_rows else _over_weights(part, random)
        for part in _parts(own, cost)
    ]
    return Densities(np.concatenate(parts), random.group, random.levels)


def _standardised(fit: Fit) -> Standardised:
    if fit.draws is None:
        raise FitError("The fit has no draws.", remedy='Fit with "nuts".')
    return standardised(fit.problem, fit.draws, fit.draws.shape[0] * fit.draws.shape[1])


def _parts(own: Standardised, width: int) -> Iterator[Standardised]:
    for part in chunks(len(own.chosen), width):
        yield Standardised(own.problem, own.draws, own.chosen[part])


def _only_factor(own: Standardised) -> RandomDesign:
    random, families = own.design.random, dict(own.design.families)
    q = max(len(r.names) for r in random)
    why = ""
    if len(random) > 1:
        why = "there are several grouping factors"
    elif of_rows(own.design) in families and own.design.known is not None:
        why = "true effects of rows and effects of groups are to be integrated out together"
    elif of_rows(own.design) in families and q > 1:
        why = "groups have several coefficients, and errors are not normal"
    elif len(random[0].blocks) > 1 and random[0].group in families:
        why = "groups have several independent coefficients that are not normal"
    if why:
        raise FitError(f"Groups have no density that could be left out: {why}.", remedy='Use unit="row".')
    return random[0]


def _rows(own: Standardised) -> Floats:
    design, what = own.design, of_rows(own.design)
    left, sigma = design.y - own.means(), own.sigma()
    standard = standard_of(design, own.draws, what, own.chosen)
    if design.known is None:
        return np.asarray(standard.logpdf(left / sigma) - np.log(sigma))
    if design.known.blocks:
        raise FitError("Sampling errors connect rows.", remedy='Use unit="group", or independent errors.')
    return convolved(left, sigma, standard, own.phi() * design.known.variances)


def convolved(x: Floats, sd: Floats, standard: Standard, v: Floats, column: int = 0) -> Floats:
    """Log density of a deviation of this family and sd plus a normal error of variance v; all (S, m).

    Examples
    --------
    >>> normal, one = Standard("normal", np.zeros((1, 1))), np.ones((1, 1))
    >>> float(convolved(0 * one, one, normal, one).item()) == -0.5 * float(np.log(4 * np.pi))
    True
    """
    if standard.family == "normal":
        return _log_normal(x, sd**2 + v)
    if standard.family == "skew_normal":
        return _skew_plus_normal(x, sd, standard.shape[:, [column]], v)
    g, log_mass = _weights(standard.shape[:, 0])
    variance = (1 - 2 / standard.shape)[:, None] * (sd**2)[..., None] / g[:, None]
    parts = _log_normal(x[..., None], variance + v[..., None]) + log_mass[:, None]
    return np.asarray(logsumexp(parts, axis=-1))


def _log_normal(x: Floats, variance: Floats) -> Floats:
    return np.asarray(-0.5 * (LOG_2PI + np.log(variance) + x**2 / variance))


def _skew_plus_normal(x: Floats, sd: Floats, alpha: Floats, v: Floats) -> Floats:
    delta = alpha / np.sqrt(1 + alpha**2)
    mean = delta * np.sqrt(2 / np.pi)
    scale = sd / np.sqrt(1 - mean**2)
    along = scale * delta
    across = np.sqrt(scale**2 * (1 - delta**2) + v)
    omega = np.hypot(along, across)
    t = (x + scale * mean) / omega
    return np.asarray(np.log(2 / omega) - 0.5 * (LOG_2PI + t**2) + log_ndtr(along / across * t))


def _weights(nu: Floats) -> tuple[Floats, Floats]:
    """Nodes g of gamma(ν/2, ν/2) and logs of their weights, shapes (S, nodes)."""
    half = nu[:, None] / 2
    log_g = LOG_WEIGHTS / np.sqrt(half)
    log_density = half * np.log(half) - gammaln(half) + half * (log_g - np.exp(log_g))
    step = np.log(LOG_WEIGHTS[1] - LOG_WEIGHTS[0]) - 0.5 * np.log(half)
    return np.exp(log_g), log_density + step


def _over_weights(own: Standardised, random: RandomDesign) -> Floats:
    """Normal errors: groups through Z'R⁻¹Z, Z'R⁻¹r, r'R⁻¹r and log |R| of their rows."""
    found = row_information(own)
    L = own.flat("L")[:, None] * own.stretch(0)[..., None, None]
    lam, Q = np.linalg.eigh(np.swapaxes(L, -1, -2) @ found.A @ L)
    w2 = np.einsum("sjab,sja->sjb", Q, np.einsum("sjab,sja->sjb", L, found.b)) ** 2
    base = -0.5 * (found.n * LOG_2PI + found.logdet + found.c)
    standard = standard_of(own.design, own.draws, random.group, own.chosen)
    if standard.family == "skew_normal":
        return base + _skewed_groups(found.A[..., 0, 0], found.b[..., 0], L[..., 0, 0], standard)
    g, log_mass = _weights(standard.shape[:, 0])
    t = (1 - 2 / standard.shape) / g
    total = np.zeros((*base.shape, g.shape[1])) + log_mass[:, None]
    for k in range(lam.shape[-1]):
        own_lam = np.maximum(lam[..., k], 0.0)[..., None] * t[:, None]
        total += 0.5 * (w2[..., k, None] * t[:, None] / (1 + own_lam) - np.log1p(own_lam))
    return np.asarray(base + logsumexp(total, axis=-1))


def _skewed_groups(a: Floats, b: Floats, sd: Floats, standard: Standard) -> Floats:
    """log ∫ exp(bu - au²/2) p(u) du: the group's own estimate b/a has the variance 1/a."""
    return np.asarray(0.5 * (b**2 / a + LOG_2PI - np.log(a)) + convolved(b / a, np.abs(sd), standard, 1 / a))


def _over_effects(fit: Fit, own: Standardised, random: RandomDesign) -> Floats:
    """Errors that are not normal, and one coefficient by group: over the effect around its posterior."""
    design, J = own.design, len(random.levels)
    middle, sd = (frame.to_numpy()[:, 0] for frame in (fit.ranef(random.group), fit.ranef_sd(random.group)))
    sigma, fixed = own.sigma(), own.flat("beta") @ design.X.T
    rows = standard_of(design, own.draws, of_rows(design), own.chosen)
    effects = standard_of(design, own.draws, random.group, own.chosen)
    scale = np.abs(own.flat("L")[:, 0, 0])[:, None] * own.stretch(0)
    order = np.argsort(random.ids, kind="stable")
    starts = np.searchsorted(random.ids[order], np.arange(J))
    nodes = []
    for x in EFFECTS:
        u = np.broadcast_to(middle + sd * x, scale.shape)
        left = (design.y - fixed - u[:, random.ids] * random.Z[:, 0]) / sigma
        log_rows = rows.logpdf(left) - np.log(sigma)
        log_effects = effects.logpdf(u / scale) - np.log(scale)
        nodes.append(np.add.reduceat(log_rows[:, order], starts, axis=1) + log_effects)
    step = np.log(sd * (EFFECTS[1] - EFFECTS[0]))
    return np.asarray(logsumexp(np.stack(nodes), axis=0) + step)
