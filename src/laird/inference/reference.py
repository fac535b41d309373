"""What a test about β is referred to: a covariance, and degrees of freedom of rows and of joint tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError, nearest
from laird.fitting.degrees import inner_outer
from laird.fitting.result import Fit
from laird.fitting.satterthwaite import Covariation, of_rows
from laird.inference.covariation import kenward_roger, satterthwaite
from laird.inference.denominators import Denominator, fai_cornelius, kenward_roger_scale
from laird.inference.small_sample import knapp_hartung

type Floats = NDArray[np.float64]
type Df = Literal[
    "satterthwaite",
    "kenward-roger",
    "knapp-hartung",
    "knapp-hartung-untruncated",
    "inner-outer",
    "residual",
    "normal",
]


class Reference(Protocol):
    """A covariance of β̂ (p, p), and the degrees of freedom of hypotheses Kβ = r."""

    @property
    def name(self) -> str:
        """What a table says."""

    @property
    def cov(self) -> Floats:
        """Where standard errors come from."""

    def rows(self, K: Floats) -> Floats:
        """Degrees of freedom of every row of K."""

    def joint(self, K: Floats) -> Denominator:
        """Scale and degrees of freedom of the F test of all rows."""


@dataclass(frozen=True, slots=True, eq=False)
class ByTerm:
    """Degrees of freedom given for every coefficient: of a combination, the fewest of those involved."""

    name: str
    cov: Floats
    df: Floats

    def rows(self, K: Floats) -> Floats:
        """Degrees of freedom of every row of K."""
        return np.asarray(np.where(K != 0.0, self.df, np.inf).min(axis=1))

    def joint(self, K: Floats) -> Denominator:
        """The fewest of all coefficients involved."""
        return Denominator(1.0, float(self.rows(K).min()))


@dataclass(frozen=True, slots=True, eq=False)
class Approximate:
    """Degrees of freedom from how the covariance of β̂ varies with the covariance parameters."""

    name: str
    covariation: Covariation
    pool: Callable[[Floats, Covariation], Denominator]

    @property
    def cov(self) -> Floats:
        """Where standard errors come from."""
        return self.covariation.adjusted

    def rows(self, K: Floats) -> Floats:
        """Degrees of freedom of every row of K."""
        return of_rows(K, self.covariation)

    def joint(self, K: Floats) -> Denominator:
        """Scale and degrees of freedom of the F test of all rows."""
        if len(K) == 1:
            return Denominator(1.0, float(self.rows(K)[0]))
        return self.pool(K, self.covariation)


def _satterthwaite(fit: Fit) -> Reference:
    return Approximate("satterthwaite", satterthwaite(fit), fai_cornelius)


def _kenward_roger(fit: Fit) -> Reference:
    return Approximate("kenward-roger", kenward_roger(fit), kenward_roger_scale)


def _inner_outer(fit: Fit) -> Reference:
    design = fit.problem.design
    return ByTerm("inner-outer", fit.point.beta_cov, inner_outer(design, design.random))


def _residual(fit: Fit) -> Reference:
    return ByTerm("residual", fit.point.beta_cov, inner_outer(fit.problem.design, ()))


def _normal(fit: Fit) -> Reference:
    return ByTerm("normal", fit.point.beta_cov, np.full(len(fit.point.beta), np.inf))


def _untruncated(fit: Fit) -> Reference:
    return knapp_hartung(fit, truncated=False)


METHODS: Mapping[str, Callable[[Fit], Reference]] = {
    "satterthwaite": _satterthwaite,
    "kenward-roger": _kenward_roger,
    "knapp-hartung": knapp_hartung,
    "knapp-hartung-untruncated": _untruncated,
    "inner-outer": _inner_outer,
    "residual": _residual,
    "normal": _normal,
}

EXACT = ("satterthwaite", "kenward-roger", "inner-outer")
"""Methods that give n - p for least squares."""


def default_name(fit: Fit) -> str:
    """The method for a fit when none is asked for."""
    if fit.method == "ols":
        return "residual"
    design = fit.problem.design
    return "satterthwaite" if design.known is None or design.random else "knapp-hartung"


def reference(fit: Fit, df: str | Reference | None) -> Reference:
    """What tests of a fit without draws are referred to.

    Parameters
    ----------
    fit
        By ``"ols"``, ``"ml"`` or ``"reml"``.
    df
        A name of `METHODS`, or a reference, which is returned; None: ``"satterthwaite"``,
        for least squares ``"residual"``, with known sampling variances and no group effects
        ``"knapp-hartung"``.

    Raises
    ------
    FitError
        Unknown name, or a method that is not available for the fit.
    """
    if df is not None and not isinstance(df, str):
        return df
    name = checked_name(fit, df)
    return METHODS["residual" if fit.method == "ols" and name in EXACT else name](fit)


def checked_name(fit: Fit, df: object) -> str:
    """The name of a method, that of the fit for None.

    Raises
    ------
    FitError
        Unknown name, or a fit that is no likelihood fit.
    """
    name = default_name(fit) if df is None else df
    if not isinstance(name, str) or name not in METHODS:
        raise FitError(
            f"df = {df!r} is not a method for degrees of freedom.",
            allowed=nearest(str(df), METHODS),
        )
    if fit.method not in ("ols", "ml", "reml"):
        raise FitError(
            f'Degrees of freedom are for likelihood fits; this fit is by "{fit.method}".',
            remedy="Leave `df` out: intervals come from the draws.",
        )
    return name
