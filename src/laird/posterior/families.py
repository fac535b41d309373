"""Prior families as rows of a table: density, its derivative, quantiles and support.

Plain NumPy on arrays.  Argument names and order are those of `laird.spec.priors.FAMILIES`.
The family ``lkj`` lives on correlation matrices; see `laird.posterior.lkj`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, lgamma, log, pi
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]
type Density = Callable[..., Floats]
type Support = Callable[..., tuple[float, float]]

LOG_2PI = log(2 * pi)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of prior distributions.

    Attributes
    ----------
    logpdf
        ``logpdf(x, *values)``, -inf outside the support.
    derivative
        ``derivative(x, *values)``: d logpdf / dx, 0 outside the support.
    quantile
        ``quantile(p, *values)`` for probabilities in (0, 1).
    support
        ``support(*values) -> (lower, upper)``.
    """

    logpdf: Density
    derivative: Density
    quantile: Density
    support: Support


def logpdf(family: str, x: ArrayLike, *values: float) -> Floats:
    """Return the log density of `family` at `x`.

    Examples
    --------
    >>> float(logpdf("exponential", 2.0, 0.5).round(4))
    -1.6931
    """
    return FAMILIES[family].logpdf(np.asarray(x, dtype=float), *values)


def derivative(family: str, x: ArrayLike, *values: float) -> Floats:
    """Return d logpdf / dx of `family` at `x`.

    Examples
    --------
    >>> float(derivative("normal", 3.0, 1.0, 2.0))
    -0.5
    """
    return FAMILIES[family].derivative(np.asarray(x, dtype=float), *values)


def quantile(family: str, p: ArrayLike, *values: float) -> Floats:
    """Return quantiles of `family`; those of ``flat`` are infinite.

    Examples
    --------
    >>> quantile("uniform", [0.05, 0.95], 0, 10).tolist()
    [0.5, 9.5]
    """
    return FAMILIES[family].quantile(np.asarray(p, dtype=float), *values)


def support(family: str, *values: float) -> tuple[float, float]:
    """Return the interval on which `family` puts its mass.

    Examples
    --------
    >>> support("half_normal", 2.0)
    (0.0, inf)
    """
    return FAMILIES[family].support(*values)


def _real(*_values: float) -> tuple[float, float]:
    return -inf, inf


def _positive(*_values: float) -> tuple[float, float]:
    return 0.0, inf


def _normal_logpdf(x: Floats, mu: float, sigma: float) -> Floats:
    return -0.5 * ((x - mu) / sigma) ** 2 - log(sigma) - 0.5 * LOG_2PI


def _normal_derivative(x: Floats, mu: float, sigma: float) -> Floats:
    return -(x - mu) / sigma**2


def _normal_quantile(p: Floats, mu: float, sigma: float) -> Floats:
    from scipy.special import ndtri

    return np.asarray(mu + sigma * ndtri(p))


def _student_t_logpdf(x: Floats, nu: float, mu: float, sigma: float) -> Floats:
    constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi) - log(sigma)
    return constant - (nu + 1) / 2 * np.log1p(((x - mu) / sigma) ** 2 / nu)


def _student_t_derivative(x: Floats, nu: float, mu: float, sigma: float) -> Floats:
    return -(nu + 1) * (x - mu) / (nu * sigma**2 + (x - mu) ** 2)


def _student_t_quantile(p: Floats, nu: float, mu: float, sigma: float) -> Floats:
    from scipy.special import stdtrit

    return np.asarray(mu + sigma * stdtrit(nu, p))


def _cauchy_logpdf(x: Floats, mu: float, sigma: float) -> Floats:
    return _student_t_logpdf(x, 1.0, mu, sigma)


def _cauchy_derivative(x: Floats, mu: float, sigma: float) -> Floats:
    return _student_t_derivative(x, 1.0, mu, sigma)


def _cauchy_quantile(p: Floats, mu: float, sigma: float) -> Floats:
    return mu + sigma * np.tan(pi * (p - 0.5))


def _gamma_logpdf(x: Floats, shape: float, rate: float) -> Floats:
    return shape * log(rate) - lgamma(shape) + (shape - 1) * np.log(x) - rate * x


def _gamma_derivative(x: Floats, shape: float, rate: float) -> Floats:
    return (shape - 1) / x - rate


def _gamma_quantile(p: Floats, shape: float, rate: float) -> Floats:
    from scipy.special import gammaincinv

    return np.asarray(gammaincinv(shape, p) / rate)


def _inverse_gamma_logpdf(x: Floats, shape: float, scale: float) -> Floats:
    return shape * log(scale) - lgamma(shape) - (shape + 1) * np.log(x) - scale / x


def _inverse_gamma_derivative(x: Floats, shape: float, scale: float) -> Floats:
    return -(shape + 1) / x + scale / x**2


def _inverse_gamma_quantile(p: Floats, shape: float, scale: float) -> Floats:
    return 1 / _gamma_quantile(1 - p, shape, scale)


def _lognormal_logpdf(x: Floats, mu: float, sigma: float) -> Floats:
    return _normal_logpdf(np.log(x), mu, sigma) - np.log(x)


def _lognormal_derivative(x: Floats, mu: float, sigma: float) -> Floats:
    return (_normal_derivative(np.log(x), mu, sigma) - 1) / x


def _lognormal_quantile(p: Floats, mu: float, sigma: float) -> Floats:
    return np.exp(_normal_quantile(p, mu, sigma))


def _exponential_logpdf(x: Floats, rate: float) -> Floats:
    return log(rate) - rate * x


def _exponential_derivative(x: Floats, rate: float) -> Floats:
    return np.full_like(x, -rate)


def _exponential_quantile(p: Floats, rate: float) -> Floats:
    return -np.log1p(-p) / rate


def _uniform_logpdf(x: Floats, lower: float, upper: float) -> Floats:
    return np.full_like(x, -log(upper - lower))


def _uniform_quantile(p: Floats, lower: float, upper: float) -> Floats:
    return lower + p * (upper - lower)


def _zero(x: Floats, *_values: float) -> Floats:
    return np.zeros_like(x)


def _infinite(p: Floats, *_values: float) -> Floats:
    return np.where(p < 0.5, -inf, inf)


def _on_support(family: Family) -> Family:
    """Return `family` with its density zero outside the support."""

    def inside(density: Density, outside: float) -> Density:
        def extended(x: Floats, *values: float) -> Floats:
            lower, upper = family.support(*values)
            keep = (x >= lower) & (x <= upper)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(keep, density(x, *values), outside)

        return extended

    return Family(
        inside(family.logpdf, -inf), inside(family.derivative, 0.0), family.quantile, family.support
    )


def _half(whole: Family) -> Family:
    """Return the positive half of a family that is symmetric about its location 0.

    Its values are those of `whole` without the location, which comes second to last.
    """

    def located(values: tuple[float, ...]) -> tuple[float, ...]:
        return (*values[:-1], 0.0, values[-1])

    return _on_support(
        Family(
            lambda x, *values: whole.logpdf(x, *located(values)) + log(2),
            lambda x, *values: whole.derivative(x, *located(values)),
            lambda p, *values: whole.quantile((1 + p) / 2, *located(values)),
            _positive,
        )
    )


_NORMAL = Family(_normal_logpdf, _normal_derivative, _normal_quantile, _real)
_STUDENT_T = Family(_student_t_logpdf, _student_t_derivative, _student_t_quantile, _real)
_CAUCHY = Family(_cauchy_logpdf, _cauchy_derivative, _cauchy_quantile, _real)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "normal": _NORMAL,
        "student_t": _STUDENT_T,
        "cauchy": _CAUCHY,
        "half_normal": _half(_NORMAL),
        "half_student_t": _half(_STUDENT_T),
        "half_cauchy": _half(_CAUCHY),
        "exponential": _on_support(
            Family(_exponential_logpdf, _exponential_derivative, _exponential_quantile, _positive)
        ),
        "gamma": _on_support(Family(_gamma_logpdf, _gamma_derivative, _gamma_quantile, _positive)),
        "inverse_gamma": _on_support(
            Family(_inverse_gamma_logpdf, _inverse_gamma_derivative, _inverse_gamma_quantile, _positive)
        ),
        "lognormal": _on_support(
            Family(_lognormal_logpdf, _lognormal_derivative, _lognormal_quantile, _positive)
        ),
        "uniform": _on_support(
            Family(_uniform_logpdf, _zero, _uniform_quantile, lambda lower, upper: (lower, upper))
        ),
        "flat": Family(_zero, _zero, _infinite, _real),
    }
)
