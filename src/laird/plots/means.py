"""Means of a model over sets of rows, and where the true effect of a new study lies about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.result import Fit
from laird.inference.combinations import draws_of
from laird.inference.distributions import t_quantile
from laird.inference.reference import Df, Reference, reference
from laird.inference.studies import drawn_at, variances_at

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Drawn(NamedTuple):
    """Draws of means and heterogeneity, shapes (S, m)."""

    mean: Floats
    tau: Floats

    def of(self, k: int) -> Drawn:
        """Those of the k-th set of rows."""
        return Drawn(self.mean[:, [k]], self.tau[:, [k]])


class Means(NamedTuple):
    """Averages over m sets of rows, shapes (m,).

    Attributes
    ----------
    estimate, lower, upper
        Mean of x'β, and its interval.
    tau
        Root of the mean variance of true effects, at the estimate.
    pi_lower, pi_upper
        Prediction interval of the true effect of a new study.
    drawn
        Draws, or None.
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    tau: Floats
    pi_lower: Floats
    pi_upper: Floats
    drawn: Drawn | None

    def of(self, k: int) -> Means:
        """Those of the k-th set of rows, arrays (1,)."""
        return Means(
            self.estimate[[k]],
            self.lower[[k]],
            self.upper[[k]],
            self.tau[[k]],
            self.pi_lower[[k]],
            self.pi_upper[[k]],
            None if self.drawn is None else self.drawn.of(k),
        )


def means(fit: Fit, rows: Design, ids: Ids, *, df: Df | Reference | None = None, prob: float = 0.95) -> Means:
    """Average the model over sets of rows; for one set of like rows as `laird.prediction_interval`.

    Of draws the true effects of all sets lie at one normal quantile, so that their limits are smooth in x.

    Parameters
    ----------
    fit
        The fit.
    rows, ids
        Rows of the model, and the set of each, integers in [0, m).
    df
        As in `laird.coef_tests`.
    prob
        Probability of both intervals.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit()
    >>> found = means(fit, fit.problem.design, np.zeros(13, dtype=int), df="normal")
    >>> found.estimate.round(3), found.pi_upper.round(3)
    (array([-0.715]), array([0.438]))
    """
    A = _averaging(ids)
    return _drawn(fit, rows, A, prob) if draws_of(fit, df) else _fitted(fit, rows, A, df, prob)


def _averaging(ids: Ids) -> Floats:
    """A with Ax the averages of x over the sets, shape (m, n)."""
    member = ids == np.arange(int(ids.max()) + 1)[:, None]
    return np.asarray(member / member.sum(axis=1, keepdims=True))


def _fitted(fit: Fit, rows: Design, A: Floats, df: Df | Reference | None, prob: float) -> Means:
    at, K = reference(fit, df), A @ rows.X
    tau2 = A @ variances_at(fit, rows).sum(axis=0)
    estimate, variance = K @ fit.point.beta, np.einsum("ip,pr,ir->i", K, at.cov, K)
    t = t_quantile(0.5 + prob / 2, at.rows(K))
    half, wide = t * np.sqrt(variance), t * np.sqrt(variance + tau2)
    ends = (estimate - half, estimate + half, np.sqrt(tau2), estimate - wide, estimate + wide)
    return Means(estimate, *ends, None)


def _drawn(fit: Fit, rows: Design, A: Floats, prob: float) -> Means:
    parts = [(mean @ A.T, levels.sum(axis=-2) @ A.T) for mean, levels, _ in drawn_at(fit, rows)]
    mean, tau2 = (np.concatenate(own) for own in zip(*parts, strict=True))
    tau = np.sqrt(tau2)
    rng = np.random.default_rng([fit.origin.seed or 0, len(mean)])
    effect = mean + tau * rng.standard_normal((len(mean), 1))
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    lower, upper = np.quantile(mean, tails, axis=0)
    estimate, at_estimate = A @ rows.X @ fit.point.beta, np.sqrt(A @ variances_at(fit, rows).sum(axis=0))
    pi_lower, pi_upper = np.quantile(effect, tails, axis=0)
    return Means(estimate, lower, upper, at_estimate, pi_lower, pi_upper, Drawn(mean, tau))
