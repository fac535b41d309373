"""The parameters of a model by name -> arrays to simulate from.

Names are those of every table: fixed effects by term, ``sd(school, ses)``,
``cor(school, Intercept, ses)``, ``sigma``, ``phi``, with several outcomes ``sigma(y1)`` and
``rho(y1, y2)`` (of three or more a partial correlation, given the outcomes before), coefficients
of regressions ``log_sigma(x)``, ``log_sigma(y1, x)``, ``log_sd(study, x)``, ``atanh_rho(y1, y2, x)``,
and shapes of families ``nu(errors)``, ``alpha(school, Intercept)``.
Short forms are understood where they say enough: ``sd(school)`` of one random coefficient,
``cor(school)`` of two, and ``G(school)``, a covariance matrix, for the sds and correlations of a
factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.arrays import Design, RandomDesign, RhoDesign, ScaleDesign, outcome_prefix
from laird.errors import FitError, nearest
from laird.fitting.display import row_name
from laird.fitting.standard import Standard, shape_names
from laird.gaussian.coordinates import correlated_pairs, lower_factor, sds_and_correlations
from laird.posterior.table import LEAST_NU

type Floats = NDArray[np.float64]
type Values = Mapping[str, float]

CONSTANT = ["Intercept"]
"""The columns of a regression without predictors."""
ROUNDING = 1e-8
"""A negative eigenvalue of a correlation matrix up to this size is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupTruth:
    """Random coefficients of one factor: u_j = s_jLz_j with log s_j = w_j'a - log_reference.

    `L` has shape (q, q); `log_sd` holds a (k,), None for s_j = 1.
    """

    L: Floats
    log_sd: Floats | None = None
    log_reference: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Values of all parameters.

    Attributes
    ----------
    beta
        Fixed effects, shape (p,).
    groups
        Random coefficients, by grouping factor.
    sigma
        Residual sd, 0 where log sds are regressions.
    log_sigma, atanh_rho
        Coefficients of the regressions, in the order of the design's.
    phi
        Multiplier of a proportional V, else 1.
    families
        What is not normal, by what it is of.
    """

    beta: Floats
    groups: tuple[GroupTruth, ...]
    sigma: float
    log_sigma: tuple[Floats, ...]
    atanh_rho: tuple[Floats, ...]
    phi: float
    families: Mapping[str, Standard] = MappingProxyType({})


def parameter_names(design: Design) -> tuple[str, ...]:
    """Return the names of all parameters of a model.

    Examples
    --------
    >>> X, Z = np.ones((4, 1)), np.ones((4, 2))
    >>> ids = np.array([0, 0, 1, 1])
    >>> random = RandomDesign("g", ("a", "b"), ids, Z, ("Intercept", "x"), ((0, 1),))
    >>> parameter_names(Design("y", np.zeros(4), X, ("Intercept",), (random,), np.arange(4)))
    ('Intercept', 'sd(g, Intercept)', 'sd(g, x)', 'cor(g, Intercept, x)', 'sigma')
    """
    shapes = (name for names in shape_names(design).values() for name in names)
    return (*design.names, *_covariance_names(design), *shapes)


def _covariance_names(design: Design) -> Iterator[str]:
    for random in design.random:
        scale = _sd_regression(design, random)
        yield from _log_sd_names(scale) if scale else ()
        yield from _sd_names(random)[1 if scale else 0 :]
        yield from (_cor_name(random, i, j) for i, j in correlated_pairs(random.blocks))
    sigmas = _sigma_regressions(design)
    yield from (name for scale in sigmas for name in _sigma_names(scale))
    yield from () if sigmas else ("sigma",)
    yield from ("phi",) if design.known is not None and design.known.proportional else ()
    yield from (name for rho in design.rhos for name in _rho_names(design, rho))


def _sd_names(random: RandomDesign) -> list[str]:
    return [f"sd({random.group}, {name})" for name in random.names]


def _cor_name(random: RandomDesign, i: int, j: int) -> str:
    return f"cor({random.group}, {random.names[j]}, {random.names[i]})"


def _log_sd_names(scale: ScaleDesign) -> list[str]:
    return [row_name("log_sd", scale.group, name) for name in scale.names]


def _sigma_names(scale: ScaleDesign) -> list[str]:
    """The coefficients of a regression; without predictors the sd itself."""
    names = [name.removeprefix(outcome_prefix(scale.group)) for name in scale.names]
    if names == CONSTANT:
        return [row_name("sigma", scale.group, "")]
    return [row_name("log_sigma", scale.group, name) for name in names]


def _rho_names(design: Design, rho: RhoDesign) -> list[str]:
    """The coefficients of a regression; without predictors the correlation itself."""
    pair = ", ".join(design.outcomes[k] for k in rho.pair)
    constant = list(rho.names) == CONSTANT
    return [f"rho({pair})"] if constant else [f"atanh_rho({pair}, {name})" for name in rho.names]


def _sd_regression(design: Design, random: RandomDesign) -> ScaleDesign | None:
    own = (scale for scale in design.scales if scale.parameter == "sd" and scale.group == random.group)
    return next(own, None)


def _sigma_regressions(design: Design) -> list[ScaleDesign]:
    return [scale for scale in design.scales if scale.parameter == "sigma"]


def read_truth(design: Design, given: Mapping[str, Any], fitted: Values) -> Truth:
    """Arrange values by name: those given, for the rest those fitted.

    Raises
    ------
    FitError
        A name is unknown or missing, or a value is impossible.
    """
    values = {_bare(name): value for name, value in fitted.items()} | _full(design, given)
    names = parameter_names(design)
    missing = [name for name in names if _bare(name) not in values]
    if missing:
        raise FitError(
            "Values are missing for " + ", ".join(f"`{name}`" for name in missing) + ".",
            allowed="Parameters: " + ", ".join(f"`{name}`" for name in names) + ".",
            remedy="Add them to `params`, or give a fit that has them: from_fit=model.fit().",
        )
    return _arranged(design, {name: values[_bare(name)] for name in names})


def _bare(name: str) -> str:
    """A name without spaces, so that ``cor(g,x,z)`` is understood."""
    return name.replace(" ", "")


def _full(design: Design, given: Mapping[str, Any]) -> dict[str, float]:
    """The values given, by full names without spaces."""
    full = {_bare(name): name for name in parameter_names(design)}
    short = dict(_short_forms(design))
    matrices = {_bare(f"G({random.group})"): random for random in design.random}
    found: dict[str, float] = {}
    for name, value in given.items():
        key = _bare(str(name))
        if key in matrices:
            found |= _of_covariance(design, matrices[key], name, value)
        elif key in full or key in short:
            found[short.get(key, key)] = _number(str(name), value)
        else:
            raise FitError(
                f"The model has no parameter `{name}`.",
                allowed=nearest(str(name), full.values()),
                remedy="Correct the name, or leave it out.",
            )
    return found


def _short_forms(design: Design) -> Iterator[tuple[str, str]]:
    """Other names of parameters, and the full ones."""
    for random in design.random:
        pairs = correlated_pairs(random.blocks)
        if len(random.names) == 1 and not _sd_regression(design, random):
            yield _bare(f"sd({random.group})"), _bare(_sd_names(random)[0])
        own = shape_names(design).get(random.group, ())
        if len(own) == 1:
            yield f"{own[0].partition('(')[0]}({_bare(random.group)})", _bare(own[0])
        if len(pairs) == 1:
            yield _bare(f"cor({random.group})"), _bare(_cor_name(random, *pairs[0]))
        for i, j in pairs:
            yield _bare(_cor_name(random, j, i)), _bare(_cor_name(random, i, j))


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FitError(f"The value of `{name}` must be a number, not {value!r}.") from error
    if not np.isfinite(number):
        raise FitError(f"The value of `{name}` must be finite, not {value!r}.")
    return number


def _at_least_zero(name: str, value: float) -> float:
    if value < 0:
        raise FitError(
            f"{name} = {value:g} is no standard deviation or variance.", allowed="Allowed: zero or positive."
        )
    return value


def _of_covariance(design: Design, random: RandomDesign, name: str, value: Any) -> dict[str, float]:
    """The sds and correlations of a covariance matrix of the random coefficients."""
    G, q = np.asarray(value, dtype=float), len(random.names)
    if G.shape != (q, q) or not np.isfinite(G).all() or not np.allclose(G, G.T, rtol=1e-10):
        raise FitError(
            f"`{name}` must be a symmetric {q} × {q} matrix of numbers.",
            allowed=f"Its rows and columns are {', '.join(random.names)}.",
        )
    if _sd_regression(design, random):
        raise FitError(f"`{name}` is not one matrix: the sds of `{random.group}` are a regression.")
    variances = np.diag(G)
    for own, variance in zip(random.names, variances, strict=True):
        _at_least_zero(f"{name}, {own}", float(variance))
    free = correlated_pairs(random.blocks)
    if any(G[i, j] != 0 for i in range(q) for j in range(i) if (i, j) not in free):
        raise FitError(f"`{name}` has covariances between coefficients that the model holds independent.")
    sd, cor = sds_and_correlations(G)
    if (np.abs(G) > np.outer(sd, sd) * (1 + ROUNDING)).any():
        raise FitError(f"`{name}` is no covariance matrix: a correlation is beyond 1.")
    found = {_bare(own): float(s) for own, s in zip(_sd_names(random), sd, strict=True)}
    return found | {_bare(_cor_name(random, i, j)): float(np.nan_to_num(cor[i, j])) for i, j in free}


def _arranged(design: Design, values: Values) -> Truth:
    sigmas = _sigma_regressions(design)
    return Truth(
        beta=np.array([values[name] for name in design.names]),
        groups=tuple(_group_truth(design, random, values) for random in design.random),
        sigma=0.0 if sigmas else _at_least_zero("sigma", values["sigma"]),
        log_sigma=tuple(_linked(_sigma_names(scale), values) for scale in sigmas),
        atanh_rho=tuple(_linked(_rho_names(design, rho), values) for rho in design.rhos),
        phi=_at_least_zero("phi", values.get("phi", 1.0)),
        families={what: _family(design, what, values) for what, _ in design.families},
    )


def _family(design: Design, what: str, values: Values) -> Standard:
    names = shape_names(design)[what]
    shape = np.array([[values[name] for name in names]])
    family = dict(design.families)[what]
    if family == "t" and shape[0, 0] <= LEAST_NU:
        raise FitError(
            f"With {names[0]} = {shape[0, 0]:g} a t has no standard deviation.",
            allowed=f"Allowed: above {LEAST_NU:g}.",
        )
    return Standard(family, shape)


def _linked(names: Sequence[str], values: Values) -> Floats:
    """Coefficients on the scale of the regression; of an sd of zero and a correlation of one infinite."""
    found = np.array([values[name] for name in names])
    if names and names[0].startswith("sigma"):
        with np.errstate(divide="ignore"):
            return np.log([_at_least_zero(names[0], found[0])])
    if names and names[0].startswith("rho("):
        if abs(found[0]) > 1:
            raise FitError(f"{names[0]} = {found[0]:g} is no correlation.", allowed="Allowed: -1 to 1.")
        with np.errstate(divide="ignore"):
            return np.asarray(np.arctanh(found))
    return found


def _group_truth(design: Design, random: RandomDesign, values: Values) -> GroupTruth:
    scale, names = _sd_regression(design, random), _sd_names(random)
    correlation = _correlations(random, values)
    if scale is None:
        sd = np.array([_at_least_zero(name, values[name]) for name in names])
        return GroupTruth(sd[:, None] * correlation)
    a = np.array([values[name] for name in _log_sd_names(scale)])
    log_reference = float(_mean_of_groups(scale.W, random) @ a)
    others = [_at_least_zero(name, values[name]) for name in names[1:]]
    sd = np.array([np.exp(log_reference), *others])
    return GroupTruth(sd[:, None] * correlation, a, log_reference)


def _mean_of_groups(W: Floats, random: RandomDesign) -> Floats:
    """Average over groups of predictors that are constant within them, where their sds are reported."""
    values = np.zeros((len(random.levels), W.shape[1]))
    values[random.ids] = W
    return np.asarray(values.mean(axis=0))


def _correlations(random: RandomDesign, values: Values) -> Floats:
    """A factor of the correlation matrix, which may be singular."""
    C = np.eye(len(random.names))
    for i, j in correlated_pairs(random.blocks):
        C[i, j] = C[j, i] = np.nan_to_num(values[_cor_name(random, i, j)])
    smallest = float(np.linalg.eigvalsh(C)[0])
    if smallest < -ROUNDING or np.abs(C).max() > 1:
        raise FitError(
            f"The correlations of `{random.group}` do not go together: their matrix has the eigenvalue "
            f"{smallest:.3g}.",
            allowed="Allowed: a correlation matrix, without negative eigenvalues.",
        )
    return lower_factor(C, random.blocks)
