"""Prior families as rows of a table: density, its derivative, quantiles and support.

Argument names and order are those of `laird.spec.priors.FAMILIES`; densities are computed
by `laird.posterior.scalars`.  The family ``lkj`` lives on correlation matrices; see
`laird.posterior.lkj`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, lgamma, log, pi
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laird.posterior import scalars
from laird.posterior.scalars import Shape

type Floats = NDArray[np.float64]

LOG_2PI = log(2 * pi)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of prior distributions.

    Attributes
    ----------
    shape
        ``shape(*values)``: its density, as `laird.posterior.scalars` takes it.
    quantile
        ``quantile(p, *values)`` for probabilities in (0, 1).
    """

    shape: Callable[..., Shape]
    quantile: Callable[..., Floats]


def shape(family: str, *values: float) -> Shape:
    """Return the density of `family` for compiled code."""
    return FAMILIES[family].shape(*values)


def logpdf(family: str, x: ArrayLike, *values: float) -> Floats:
    """Return the log density of `family` at `x`, -inf outside its support.

    Examples
    --------
    >>> float(logpdf("exponential", 2.0, 0.5).round(4))
    -1.6931
    """
    return _evaluated(family, x, values)[0]


def derivative(family: str, x: ArrayLike, *values: float) -> Floats:
    """Return d logpdf / dx of `family` at `x`, 0 outside its support.

    Examples
    --------
    >>> float(derivative("normal", 3.0, 1.0, 2.0))
    -0.5
    """
    return _evaluated(family, x, values)[1]


def _evaluated(family: str, x: ArrayLike, values: tuple[float, ...]) -> tuple[Floats, Floats]:
    at, own = np.asarray(x, dtype=float), shape(family, *values)
    found = scalars.log_densities(own.code, np.array(own.numbers), at.ravel())
    return found[0].reshape(at.shape), found[1].reshape(at.shape)


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
    return shape(family, *values).numbers[:2]


def _normal(mu: float, sigma: float) -> Shape:
    return Shape(scalars.NORMAL, (-inf, inf, -log(sigma) - 0.5 * LOG_2PI, mu, sigma, 0.0))


def _student_t(nu: float, mu: float, sigma: float) -> Shape:
    constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi) - log(sigma)
    return Shape(scalars.STUDENT_T, (-inf, inf, constant, mu, sigma, nu))


def _cauchy(mu: float, sigma: float) -> Shape:
    return _student_t(1.0, mu, sigma)


def _power(constant: float, a: float, b: float, d: float) -> Shape:
    return Shape(scalars.POWER, (0.0, inf, constant, a, b, d))


def _gamma(shape: float, rate: float) -> Shape:
    return _power(shape * log(rate) - lgamma(shape), shape - 1, rate, 0.0)


def _inverse_gamma(shape: float, scale: float) -> Shape:
    return _power(shape * log(scale) - lgamma(shape), -shape - 1, 0.0, scale)


def _exponential(rate: float) -> Shape:
    return _power(log(rate), 0.0, rate, 0.0)


def _lognormal(mu: float, sigma: float) -> Shape:
    return _above_zero(_normal(mu, sigma), scalars.LOG_NORMAL)


def _log_student_t(nu: float, mu: float, sigma: float) -> Shape:
    return _above_zero(_student_t(nu, mu, sigma), scalars.LOG_STUDENT_T)


def _above_zero(whole: Shape, code: int, constant: float = 0.0) -> Shape:
    """Return the numbers of `whole` on the positive half-line, with another code and constant."""
    _, upper, c, a, b, d = whole.numbers
    return Shape(code, (0.0, upper, c + constant, a, b, d))


def _uniform(lower: float, upper: float) -> Shape:
    return Shape(scalars.CONSTANT, (lower, upper, -log(upper - lower), 0.0, 0.0, 0.0))


def _flat() -> Shape:
    return Shape(scalars.CONSTANT, (-inf, inf, 0.0, 0.0, 0.0, 0.0))


def _normal_quantile(p: Floats, mu: float, sigma: float) -> Floats:
    from scipy.special import ndtri

    return np.asarray(mu + sigma * ndtri(p))


def _student_t_quantile(p: Floats, nu: float, mu: float, sigma: float) -> Floats:
    from scipy.special import stdtrit

    return np.asarray(mu + sigma * stdtrit(nu, p))


def _cauchy_quantile(p: Floats, mu: float, sigma: float) -> Floats:
    return mu + sigma * np.tan(pi * (p - 0.5))


def _gamma_quantile(p: Floats, shape: float, rate: float) -> Floats:
    from scipy.special import gammaincinv

    return np.asarray(gammaincinv(shape, p) / rate)


def _inverse_gamma_quantile(p: Floats, shape: float, scale: float) -> Floats:
    return 1 / _gamma_quantile(1 - p, shape, scale)


def _exponential_quantile(p: Floats, rate: float) -> Floats:
    return -np.log1p(-p) / rate


def _uniform_quantile(p: Floats, lower: float, upper: float) -> Floats:
    return lower + p * (upper - lower)


def _infinite(p: Floats) -> Floats:
    return np.where(p < 0.5, -inf, inf)


def _half(whole: Family) -> Family:
    """Return the positive half of a family that is symmetric about its location 0.

    Its values are those of `whole` without the location, which comes second to last.
    """

    def folded(*values: float) -> Shape:
        own = whole.shape(*values[:-1], 0.0, values[-1])
        return _above_zero(own, own.code, log(2))

    def quantile(p: Floats, *values: float) -> Floats:
        return whole.quantile((1 + p) / 2, *values[:-1], 0.0, values[-1])

    return Family(folded, quantile)


def _log_of(whole: Family, own: Callable[..., Shape]) -> Family:
    """Return the family of exp(x) for x of `whole`."""
    return Family(own, lambda p, *values: np.exp(whole.quantile(p, *values)))


_NORMAL = Family(_normal, _normal_quantile)
_STUDENT_T = Family(_student_t, _student_t_quantile)
_CAUCHY = Family(_cauchy, _cauchy_quantile)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "normal": _NORMAL,
        "student_t": _STUDENT_T,
        "cauchy": _CAUCHY,
        "half_normal": _half(_NORMAL),
        "half_student_t": _half(_STUDENT_T),
        "half_cauchy": _half(_CAUCHY),
        "exponential": Family(_exponential, _exponential_quantile),
        "gamma": Family(_gamma, _gamma_quantile),
        "inverse_gamma": Family(_inverse_gamma, _inverse_gamma_quantile),
        "lognormal": _log_of(_NORMAL, _lognormal),
        "log_student_t": _log_of(_STUDENT_T, _log_student_t),
        "uniform": Family(_uniform, _uniform_quantile),
        "flat": Family(_flat, _infinite),
    }
)
