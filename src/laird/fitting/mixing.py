"""What makes effects that are not normal normal: their weights, and their variances given these.

A t is normal with the variance (ν - 2)/ν / g, g ~ gamma(ν/2, ν/2) the weight of its group or
row: about 1 for a typical one, near 0 for an outlier.  Given k standardised effects z of sd 1,

    E(g | z) = (ν + k) / (ν + z'z ν/(ν - 2))

(Lange, Little and Taylor 1989, J Am Stat Assoc 84, 881-896).  A skew-normal is a normal of variance
(1 - δ²)/(1 - 2δ²/π) around a half-normal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.fitting.draws import Draws
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.standard import standard_of
from laird.posterior.codings import group_predictors, sigma_predictors
from laird.spec.families import ERRORS, TRUE_EFFECTS

type Floats = NDArray[np.float64]

AVERAGED = 400
"""Draws over which weights are averaged."""


class Weights(NamedTuple):
    """Weights of the groups or rows of one family, posterior means.

    Attributes
    ----------
    what, term
        What the family is of, and the columns that share the weight (none for rows).
    labels
        Names of the groups, or positions of the rows in the user's frame.
    effect
        Standardised effect, in sds; of several columns its length.
    weight
        E(g | y).
    """

    what: str
    term: str
    labels: tuple[str, ...]
    effect: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """Standardised effects at some draws, evenly spread over all.

    Attributes
    ----------
    problem, draws, chosen
        The model, its draws, and which of them, (S,).
    """

    problem: Problem
    draws: Draws
    chosen: NDArray[np.int64]

    def flat(self, name: str) -> Floats:
        """An array of the draws at those chosen."""
        return self.draws.flat(name)[self.chosen]

    def shape(self, parameter: str) -> Floats:
        """ν or α, shape (S,)."""
        return self.draws.shapes[parameter].ravel()[self.chosen]

    @property
    def design(self) -> Design:
        """The arrays of the model."""
        return self.problem.design

    def sigma(self) -> Floats:
        """Residual sds, shape (S, n)."""
        W, present = sigma_predictors(self.design)
        return np.where(present, np.exp(self.flat("alpha") @ W.T), 0.0)

    def phi(self) -> Floats:
        """Multiplier of the known variances, shape (S, 1)."""
        log_phi = self.flat("log_phi")
        return np.exp(log_phi[:, :1]) if log_phi.shape[-1] else np.ones((len(log_phi), 1))

    def stretch(self, f: int) -> Floats:
        """How much larger the sds of groups are than those of θ, shape (S, J)."""
        S = group_predictors(self.design)[f]
        own = self.draws.delta[f].reshape(-1, S.shape[1]) if S.shape[1] else np.zeros((1, 0))
        return np.asarray(np.exp(own[self.chosen if S.shape[1] else [0]] @ S.T))

    def effects(self, f: int) -> Floats:
        """Effects of a grouping factor, shape (S, J, q)."""
        return self.draws.flat_effects()[f][self.chosen]

    def groups(self, f: int) -> Floats:
        """z with u_j = e_j L z_j, shape (S, J, q)."""
        place = joined_columns(self.design.random)[f]
        L = self.flat("L")[:, place, place]
        u = self.effects(f) / self.stretch(f)[:, :, None]
        return np.linalg.solve(L[:, None], u[..., None])[..., 0]

    def means(self) -> Floats:
        """Xβ + Zu, shape (S, n)."""
        found = self.flat("beta") @ self.design.X.T
        for f, random in enumerate(self.design.random):
            u = self.effects(f)
            found += sum(u[:, random.ids, k] * random.Z[:, k] for k in range(len(random.names)))
        return np.asarray(found)

    def rows(self) -> Floats:
        """Residuals, or deviations of the true effects, over their sds, shape (S, n)."""
        if self.draws.deviations.size:
            return np.asarray(self.flat("deviations") / self.sigma())
        return np.asarray((self.design.y - self.means()) / self.sigma())


def standardised(problem: Problem, draws: Draws, count: int = AVERAGED) -> Standardised:
    """At most `count` draws, evenly spread."""
    total = draws.shape[0] * draws.shape[1]
    return Standardised(problem, draws, np.linspace(0, total - 1, min(count, total)).astype(np.int64))


def weights_of(problem: Problem, draws: Draws) -> tuple[Weights, ...]:
    """The weights of every t of a model, in the order of its families."""
    own = standardised(problem, draws)
    return tuple(
        found for what, family in problem.design.families if family == "t" for found in _of(own, what)
    )


def _of(own: Standardised, what: str) -> Iterator[Weights]:
    nu = own.shape(f"nu({what})")
    if what in (ERRORS, TRUE_EFFECTS):
        z = own.rows()[..., None]
        labels = tuple(map(str, own.design.rows.tolist()))
        yield Weights(what, "", labels, z[..., 0].mean(axis=0), weight(z, nu).mean(axis=0))
        return
    f, random = _factor(own.design, what)
    z = own.groups(f)
    for block in random.blocks:
        part = z[..., list(block)]
        effect = part[..., 0].mean(axis=0) if len(block) == 1 else np.linalg.norm(part.mean(axis=0), axis=-1)
        term = ", ".join(random.names[k] for k in block)
        yield Weights(what, term, random.levels, effect, weight(part, nu).mean(axis=0))


def _factor(design: Design, group: str) -> tuple[int, RandomDesign]:
    return next((f, random) for f, random in enumerate(design.random) if random.group == group)


def weight(z: Floats, nu: Floats) -> Floats:
    """E(g | z) of standardised effects z (S, J, k) and ν (S,), shape (S, J).

    Examples
    --------
    >>> weight(np.array([[[0.0], [3.0]]]), np.array([4.0])).round(3)
    array([[1.25 , 0.227]])
    """
    nu = nu[:, None]
    return np.asarray((nu + z.shape[-1]) / (nu + np.sum(z**2, axis=-1) * nu / (nu - 2)))


def own_weights(problem: Problem, draws: Draws, count: int = 100) -> tuple[Floats, ...]:
    """Weights W_j = G_j(G_j + V_j)⁻¹ of the groups' own estimates, given what makes effects normal.

    With G_j and V_j the covariances given the weights of groups and rows, averaged over draws.  NaN
    where several factors, or sampling errors between groups, leave no estimate of a group by
    itself; shapes (J, q, q) by grouping factor.
    """
    design = problem.design
    shapes = [(len(r.levels), len(r.names), len(r.names)) for r in design.random]
    if len(shapes) != 1 or _connected(design):
        return tuple(np.full(shape, np.nan) for shape in shapes)
    own = standardised(problem, draws, count)
    A = row_information(own).A
    G = _group_covariances(own)
    eye = np.eye(shapes[0][1])
    return (np.mean(eye - np.linalg.inv(eye + G @ A), axis=0),)


def _connected(design: Design) -> bool:
    """Whether the sampling errors of different groups, or different outcomes, are correlated."""
    if design.rhos:
        return True
    blocks = () if design.known is None else design.known.blocks
    return any(np.ptp(design.random[0].ids[block.rows]) > 0 for block in blocks)


def _group_covariances(own: Standardised) -> Floats:
    """G_j given the weights, shape (S, J, q, q)."""
    (random,) = own.design.random
    factors = np.broadcast_to(own.flat("L")[:, None], (*own.effects(0).shape, len(random.names)))
    family = dict(own.design.families).get(random.group, "normal")
    variance = np.ones(own.effects(0).shape)
    if family == "t":
        nu, z = own.shape(f"nu({random.group})"), own.groups(0)
        for block in random.blocks:
            part = _t_variance(z[..., list(block)], nu)
            variance[..., list(block)] = part[..., None]
    elif family == "skew_normal":
        names = [f"alpha({random.group}, {name})" for name in random.names]
        variance = variance * np.stack([_skew_variance(own.shape(name)) for name in names], axis=-1)[:, None]
    scaled = factors * np.sqrt(variance)[..., None, :] * own.stretch(0)[..., None, None]
    return scaled @ np.swapaxes(scaled, -1, -2)


def row_variances(own: Standardised) -> Floats:
    """σ_i² given the weights, shape (S, n)."""
    families, variance = dict(own.design.families), own.sigma() ** 2
    for what in (ERRORS, TRUE_EFFECTS):
        if families.get(what) == "t":
            variance = variance * _t_variance(own.rows()[..., None], own.shape(f"nu({what})"))
        elif families.get(what) == "skew_normal":
            variance = variance * _skew_variance(own.shape(f"alpha({what})"))[:, None]
    return variance


def _t_variance(z: Floats, nu: Floats) -> Floats:
    return np.asarray((1 - 2 / nu)[:, None] / weight(z, nu))


def _skew_variance(alpha: Floats) -> Floats:
    delta2 = alpha**2 / (1 + alpha**2)
    return np.asarray((1 - delta2) / (1 - 2 * delta2 / pi))


def given_effects(own: Standardised) -> Floats:
    """log p(y | β, u, true effects, θ) at every draw, shape (S,)."""
    design, draws = own.design, own.draws
    known, sigma = design.known, own.sigma()
    if known is None:
        standard = standard_of(design, draws, ERRORS, own.chosen)
        return np.asarray(np.sum(standard.logpdf(own.rows()) - np.log(sigma), axis=1))
    left, variance = design.y - own.means(), sigma**2
    if draws.deviations.size:
        left, variance = left - own.flat("deviations"), np.zeros_like(variance)
    phi = own.phi()
    total, alone = variance + phi * known.variances, np.ones(len(design.y), dtype=bool)
    found = np.zeros(len(left))
    for block in known.blocks:
        alone[block.rows] = False
        R, part = phi[:, :, None] * block.V + _diagonal(variance[:, block.rows]), left[:, block.rows, None]
        squares = np.sum(part * np.linalg.solve(R, part), axis=(1, 2))
        found -= 0.5 * (squares + np.linalg.slogdet(R)[1] + len(block.rows) * np.log(2 * pi))
    rows = np.log(2 * pi * total[:, alone]) + left[:, alone] ** 2 / total[:, alone]
    return np.asarray(found - 0.5 * rows.sum(axis=1))


class Information(NamedTuple):
    """What groups reduce to given β and R, R the covariance of their rows.

    Attributes
    ----------
    A, b, c, logdet
        Z_j'R_j⁻¹Z_j (S, J, q, q), Z_j'R_j⁻¹r_j (S, J, q), r_j'R_j⁻¹r_j and log |R_j| (S, J), r = y - Xβ.
    n
        Numbers of rows, shape (J,).
    """

    A: Floats
    b: Floats
    c: Floats
    logdet: Floats
    n: NDArray[np.int64]


def row_information(own: Standardised) -> Information:
    """The rows of a single factor's groups, R = φV + diag(σ²) given the weights of rows, at every draw."""
    design, (random,) = own.design, own.design.random
    variance, known, ids = row_variances(own), design.known, random.ids
    S, J, q = len(variance), len(random.levels), random.Z.shape[1]
    phi = own.phi()
    W = np.concatenate(
        [
            np.broadcast_to(random.Z, (S, *random.Z.shape)),
            (design.y - own.flat("beta") @ design.X.T)[..., None],
        ],
        axis=-1,
    )
    alone = np.ones(len(design.y), dtype=bool)
    WW, logdet = np.zeros((S, J, q + 1, q + 1)), np.zeros((S, J))
    for block in () if known is None else known.blocks:
        alone[block.rows] = False
        R, j, part = (
            phi[:, :, None] * block.V + _diagonal(variance[:, block.rows]),
            ids[block.rows[0]],
            W[:, block.rows],
        )
        WW[:, j] += np.swapaxes(part, -1, -2) @ np.linalg.solve(R, part)
        logdet[:, j] += np.linalg.slogdet(R)[1]
    total = (variance if known is None else variance + phi * known.variances)[:, alone]
    sums = _Sums(ids[alone], J)
    logdet += sums(np.log(total))
    for a, b in np.ndindex(q + 1, q + 1):
        WW[:, :, a, b] += sums(W[:, alone, a] * W[:, alone, b] / total)
    return Information(WW[..., :q, :q], WW[..., :q, q], WW[..., q, q], logdet, np.bincount(ids, minlength=J))


class _Sums(NamedTuple):
    """Sums over the rows of groups, (S, m) -> (S, J)."""

    ids: NDArray[np.int64]
    J: int

    def __call__(self, values: Floats) -> Floats:
        from scipy.sparse import csr_array

        m = len(self.ids)
        members = csr_array((np.ones(m), (self.ids, np.arange(m))), shape=(self.J, m))
        return np.asarray((members @ values.T).T)


def _diagonal(values: Floats) -> Floats:
    return np.asarray(values[..., None] * np.eye(values.shape[-1]))
