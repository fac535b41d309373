"""A model whose predictors hold latent group means of a variable, with these integrated out exactly.

The mean x̄_j of the n_j rows of a group stands for the group's own level m_j with an error:

    x_ij = m_j + r_ij,    m_j = w_j'α + v_j,    y_ij = X_i β + S_i β (m_j - x̄_j) + Z_i u_j + e_ij,

with X as observed and S its derivative in the mean; v ~ N(0, τ²), r ~ N(0, σ_x²), u ~ N(0, G),
e ~ N(0, σ²) (Lüdtke et al. 2008, Psychological Methods 13, 203-229).  With S = BT of rank r, the
contextual effects c = Tβ multiply the latent v; given c the rest of β = T'c + Nγ is linear in γ, and
(x, y) is one linear mixed model with the group effects (v, u), the coefficients η = (α, γ), and two
residual sds.  Everything comes from the cross-products of [y, X, B, Z] of each group; the gradient is
Fisher's identity, the mean of the complete data's score given the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.solution import Solution
from laird.gaussian.standardise import Standardisation, standardise
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LOG_2PI = float(np.log(2.0 * np.pi))
RANK = 1e-10
"""Directions with a smaller share of the largest eigenvalue are none."""


class Variable(NamedTuple):
    """The variable whose group means are latent.

    Attributes
    ----------
    x
        Its values, shape (n,).
    W
        Predictors of the latent means by group, shape (J, k); an intercept is added.
    slope
        Derivative S of the columns of X in the group mean, shape (n, p).
    """

    x: Floats
    W: Floats
    slope: Floats


class Priors(NamedTuple):
    """Normal priors of C⁻¹β: C, means and precisions (0: flat), shapes (p, p), (p,), (p,)."""

    C: Floats
    mean: Floats
    precision: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LatentMeans:
    """Cross-products and group means in standard units.

    Attributes
    ----------
    Q
        Cross-products of [y, X, B, Z] in each group, shape (J, K, K).
    counts, means
        Rows and observed mean of x of each group, shapes (J,).
    within
        Sum of squares of x around its group means.
    W
        Predictors of the latent means, orthogonal, shape (J, k).
    c_beta, rest
        T' and N of β = T'c + Nγ, shapes (p, r) and (p, p - r).
    blocks
        Columns of (v, u) that share a correlation matrix: v is the first, alone.
    scaling
        Units of y, X and (v, u).
    x_scale
        Unit of x.
    """

    Q: Floats
    counts: Floats
    means: Floats
    within: float
    W: Floats
    c_beta: Floats
    rest: Floats
    blocks: tuple[tuple[int, ...], ...]
    scaling: Standardisation
    x_scale: float

    @property
    def n(self) -> float:
        """Number of rows."""
        return float(self.counts.sum())

    @property
    def r(self) -> int:
        """Number of contextual effects c."""
        return int(self.c_beta.shape[1])


def reduce(
    y: Floats, X: Floats, Z: Floats, ids: Ids, blocks: tuple[tuple[int, ...], ...], own: Variable
) -> LatentMeans:
    """Reduce rows to cross-products.

    Parameters
    ----------
    y, X, Z, ids
        Outcome (n,), predictors (n, p) with observed means, columns of the random coefficients
        (n, q), which do not depend on the mean, and group of each row (n,).
    blocks
        Columns of Z that share a correlation matrix.
    own
        The variable.
    """
    s, J = standardise(y, X, Z, blocks), int(ids.max()) + 1
    location, x_scale = float(own.x.mean()), float(own.x.std())
    x = (own.x - location) / x_scale
    counts = np.bincount(ids, minlength=J).astype(float)
    means = np.bincount(ids, x, J) / counts
    S = x_scale * own.slope @ s.A
    w, V = np.linalg.eigh(S.T @ S)
    moving = w > RANK * w[-1]
    columns = ((y - X @ s.shift) / s.y_scale)[:, None], X @ s.A, S @ V[:, moving], Z @ s.T
    return LatentMeans(
        Q=_cross_products(np.hstack(columns), ids, J),
        counts=counts,
        means=means,
        within=float(np.sum((x - means[ids]) ** 2)),
        W=_orthogonal(np.column_stack([np.ones(J), own.W])),
        c_beta=V[:, moving],
        rest=V[:, ~moving],
        blocks=((0,), *(tuple(k + 1 for k in block) for block in blocks)),
        scaling=_with_level(s, x_scale),
        x_scale=x_scale,
    )


def _cross_products(A: Floats, ids: Ids, J: int) -> Floats:
    order = np.argsort(ids, kind="stable")
    edges = np.searchsorted(ids[order], np.arange(1, J))
    return np.stack([own.T @ own for own in np.split(A[order], edges)])


def _orthogonal(W: Floats) -> Floats:
    """Columns of mean square one with the span of W."""
    U, s, _ = np.linalg.svd(W / np.linalg.norm(W, axis=0), full_matrices=False)
    return np.asarray(U[:, s > np.sqrt(RANK) * s[0]] * np.sqrt(len(W)))


def _with_level(s: Standardisation, x_scale: float) -> Standardisation:
    """The scaling with v, which has the units of x, before the columns of Z."""
    q, unit = len(s.z_scale), x_scale / s.y_scale
    T = np.eye(q + 1) * unit
    T[1:, 1:] = s.T
    return replace(s, z_mean=np.append(0.0, s.z_mean), z_scale=np.append(1.0 / unit, s.z_scale), T=T)


class _State(NamedTuple):
    """Everything at one point, standard units.

    Attributes
    ----------
    factor, sigma_x, sigma
        Λ of (v, u), and the residual sds.
    D
        Columns (Bc, Z, XN, y - XT'c) in those of Q, shape (K, d).
    H
        Their cross-products in each group over σ², and those of x̄_j, shape (J, d, d).
    inverse
        (I + Λ'HΛ)⁻¹ of each group, shape (J, q, q).
    logdet
        Sum of the log determinants of its inverse.
    prior
        Rows of (α, γ, 1) whose squares are those of the priors.
    S
        Cross-products of (α, γ, 1) with (v, u) integrated out.
    """

    factor: Floats
    sigma_x: float
    sigma: float
    D: Floats
    H: Floats
    inverse: Floats
    logdet: float
    prior: Floats
    S: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LatentLikelihood:
    """The log density of (x, y) with latent means and group effects integrated out.

    Implements `laird.gaussian.theta.Likelihood`: θ has L, the factor of the covariance of (v, u),
    and α = (log σ_x, log σ); b = c are the contextual effects in standard units.

    Attributes
    ----------
    data
        The model.
    restricted
        True: η is integrated out as well, else it is at its maximum.
    priors
        Priors of β.
    """

    data: LatentMeans
    restricted: bool
    priors: Priors

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Columns of (v, u) that share a correlation matrix."""
        return self.data.blocks

    @property
    def scaling(self) -> Standardisation:
        """Units of the columns."""
        return self.data.scaling

    @property
    def sampled(self) -> Ids:
        """Coefficients that are arguments: none is; c are combinations of them."""
        return np.zeros(0, dtype=np.int64)

    @property
    def unit(self) -> Floats:
        """c are in standard units."""
        return np.ones(self.data.r)

    def density(self, theta: Theta, b: Floats) -> tuple[float, Theta, Floats]:
        """Value, and its exact gradient in θ and c."""
        s = self._state(theta, b)
        value = self._value(theta, s)
        if not np.isfinite(value):
            return -np.inf, Theta(np.zeros_like(theta.L), np.zeros(2)), np.zeros(len(b))
        return value, *self._gradient(s)

    def densities(self, theta: Theta, b: Floats) -> Floats:
        """Values at a stack of parameters."""
        return np.array([self._value(at, self._state(at, own)) for at, own in _each(theta, b)])

    def solve(self, theta: Theta, b: Floats) -> Solution:
        """Mean and covariance of β given θ and c."""
        beta, root = self._coefficients(theta, b)
        return Solution(beta, root @ root.T, ())

    def draw(self, theta: Theta, b: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[Floats, ...]]:
        """One draw of β per stacked θ, shape (S, p); group effects are not drawn."""
        pairs = (self._coefficients(at, own) for at, own in _each(theta, b))
        return np.array([beta + root @ rng.standard_normal(root.shape[1]) for beta, root in pairs]), ()

    def _coefficients(self, theta: Theta, b: Floats) -> tuple[Floats, Floats]:
        """Mean of β given θ and c, and a root of its covariance, user's units."""
        d, s = self.data, self._state(theta, b)
        k, units = d.W.shape[1], d.scaling
        gamma = np.linalg.solve(s.S[:-1, :-1], s.S[:-1, -1])[k:]
        root = np.linalg.inv(np.linalg.cholesky(s.S[:-1, :-1])).T[k:]
        return units.beta(d.c_beta @ b + d.rest @ gamma), units.y_scale * units.A @ d.rest @ root

    def _state(self, theta: Theta, c: Floats) -> _State:
        d, units = self.data, self.data.scaling
        with np.errstate(all="ignore"):
            factor = np.linalg.inv(units.T) @ theta.L / units.y_scale
            sigma_x, sigma = np.exp(theta.alpha) / (d.x_scale, units.y_scale)
            D, q = self._common(c), len(factor)
            H = _sandwiched(d.Q, D) / sigma**2
            H[:, 0, 0] += d.counts / sigma_x**2
            M = np.eye(q) + _sandwiched(H[:, :q, :q], factor)
            prior = self._prior_rows(c)
            sound = bool(np.all(np.isfinite(M)))
            inverse, logdet = np.linalg.inv(M) if sound else M, np.linalg.slogdet(M)[1].sum()
            S = prior.T @ prior + self._summed(H, _sandwiched(inverse, factor.T), q)
        return _State(factor, float(sigma_x), float(sigma), D, H, inverse, float(logdet), prior, S)

    def _summed(self, H: Floats, P: Floats, q: int) -> Floats:
        """Cross-products of (α, γ, 1) of all groups: α and the observed mean enter as (v, 0) does."""
        d = self.data
        R = H - H[:, :, :q] @ P @ H[:, :q, :]
        k, rest = d.W.shape[1], R.shape[1] - q
        along = np.column_stack([d.W, np.zeros((len(d.W), rest - 1)), d.means])
        fixed = np.zeros((R.shape[1], k + rest))
        fixed[q:, k:] = np.eye(rest)
        crossed = fixed.T @ (R[:, :, 0].T @ along)
        own = along.T @ (R[:, 0, 0][:, None] * along)
        return np.asarray(fixed.T @ R.sum(axis=0) @ fixed + crossed + crossed.T + own)

    def _common(self, c: Floats) -> Floats:
        """Columns (Bc, Z, XN, y - XT'c) in those of Q, shape (K, d)."""
        d = self.data
        p, r, q, g = len(d.c_beta), d.r, len(d.scaling.z_scale) - 1, d.rest.shape[1]
        D = np.zeros((1 + p + r + q, 2 + q + g))
        D[1 + p : 1 + p + r, 0] = c
        D[1 + p + r :, 1 : 1 + q] = np.eye(q)
        D[1 : 1 + p, 1 + q : -1] = d.rest
        D[0, -1], D[1 : 1 + p, -1] = 1.0, -d.c_beta @ c
        return D

    def _prior_rows(self, c: Floats) -> Floats:
        """Rows of (α, γ, 1) whose squares are those of the priors, shape (p, k + g + 1)."""
        d, own = self.data, self.priors
        root = np.sqrt(own.precision)[:, None] * np.linalg.inv(own.C)
        shift = np.sqrt(own.precision) * own.mean - root @ d.scaling.beta(d.c_beta @ c)
        gamma = d.scaling.y_scale * root @ d.scaling.A @ d.rest
        return np.hstack([np.zeros((len(root), d.W.shape[1])), gamma, shift[:, None]])

    def _value(self, theta: Theta, s: _State) -> float:
        d = self.data
        if not np.all(np.isfinite(s.S)):
            return -np.inf
        sign, logdet = np.linalg.slogdet(s.S[:-1, :-1])
        rest = s.S[-1, -1] - s.S[:-1, -1] @ np.linalg.solve(s.S[:-1, :-1], s.S[:-1, -1])
        value = rest + d.within / s.sigma_x**2 + s.logdet
        value += 2.0 * d.n * (theta.alpha.sum() + LOG_2PI)
        value += (logdet - (len(s.S) - 1) * LOG_2PI) if self.restricted else 0.0
        return float(-0.5 * value) if sign > 0 and np.isfinite(value) else -np.inf

    def _gradient(self, s: _State) -> tuple[Theta, Floats]:
        d, q, E = self.data, len(s.factor), self._own(len(s.factor))
        gram = np.swapaxes(E, 1, 2) @ s.H @ E
        second = self._moments(s, gram)
        complete = _combination(s.factor, second.shape[1])
        Y = E @ (complete @ second @ complete.T) @ np.swapaxes(E, 1, 2)
        QDY = np.sum(d.Q @ s.D @ Y, axis=0)
        errors = np.array([d.within + d.counts @ Y[:, 0, 0], np.sum(QDY * s.D)])
        d_alpha = errors / (s.sigma_x**2, s.sigma**2) - d.n
        p = len(d.c_beta)
        d_c = (d.c_beta.T @ QDY[1 : 1 + p, -1] - QDY[1 + p : 1 + p + d.r, 0]) / s.sigma**2
        d_c += self._prior_gradient(s, second[0, -1, q:])
        d_factor = np.sum(gram[:, :q] @ complete @ second[:, :, :q], axis=0)
        d_L = np.linalg.inv(d.scaling.T).T @ d_factor / d.scaling.y_scale
        return Theta(d_L, d_alpha), d_c

    def _own(self, q: int) -> Floats:
        """(v, u, α, γ, 1) of each group in the columns of `_common`, shape (J, d, m)."""
        d = self.data
        k, g = d.W.shape[1], d.rest.shape[1]
        E = np.zeros((len(d.means), q + g + 1, q + k + g + 1))
        E[:, :q, :q] = np.eye(q)
        E[:, 0, q : q + k] = d.W
        E[:, q:-1, q + k : -1] = np.eye(g)
        E[:, 0, -1], E[:, -1, -1] = d.means, 1.0
        return E

    def _prior_gradient(self, s: _State, eta: Floats) -> Floats:
        """Of the priors, in c, at the mean of (η, 1)."""
        d, own = self.data, self.priors
        error = s.prior @ np.append(-eta[:-1], 1.0)
        root = np.sqrt(own.precision)[:, None] * np.linalg.inv(own.C)
        return np.asarray(error @ (d.scaling.y_scale * root @ d.scaling.A @ d.c_beta))

    def _moments(self, s: _State, gram: Floats) -> Floats:
        """Second moments of t = (ε, η, 1) given the data, (v, u) = Λε, shape (J, m, m)."""
        q, m = len(s.factor), gram.shape[1]
        eta = np.linalg.solve(s.S[:-1, :-1], s.S[:-1, -1])
        C = np.linalg.inv(s.S[:-1, :-1]) * float(self.restricted)
        pull = s.inverse @ s.factor.T @ gram[:, :q, q:]
        onto, back = pull[:, :, :-1], np.swapaxes(pull[:, :, :-1], 1, 2)
        mean = np.hstack([pull[:, :, -1] - onto @ eta, np.tile(np.append(eta, 1.0), (len(pull), 1))])
        second = mean[:, :, None] * mean[:, None, :]
        second[:, :q, :q] += s.inverse + onto @ C @ back
        second[:, :q, q : m - 1] -= onto @ C
        second[:, q : m - 1, :q] -= C @ back
        second[:, q : m - 1, q : m - 1] += C
        return np.asarray(second)


def _combination(factor: Floats, m: int) -> Floats:
    """K with residual = (columns) K t: minus effects and coefficients, plus the response."""
    K = -np.eye(m)
    K[: len(factor), : len(factor)] = -factor
    K[-1, -1] = 1.0
    return K


def _sandwiched(A: Floats, B: Floats) -> Floats:
    """B'A_jB for every group, as two products of large matrices, shape (J, k, k)."""
    return np.tensordot(np.tensordot(A, B, axes=(2, 0)), B, axes=(1, 0)).swapaxes(1, 2)


def _each(theta: Theta, b: Floats) -> list[tuple[Theta, Floats]]:
    return [(Theta(L, alpha), own) for L, alpha, own in zip(theta.L, theta.alpha, b, strict=True)]
