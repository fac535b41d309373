"""Distributions of mean 0 and sd 1 of errors and effects, at draws of their shapes.

As in `laird.graph.families`: √((ν - 2)/ν) t_ν, and a skew-normal of shape α, shifted and scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.fitting.draws import Draws
from laird.spec.families import ERRORS, TRUE_EFFECTS

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """A family at S draws of its shape.

    Attributes
    ----------
    family
        A name of `laird.spec.families.EFFECT_FAMILIES`.
    shape
        ν or α, shape (S, 1); one column for each coefficient with an α of its own.
    """

    family: str
    shape: Floats

    def draw(self, count: int, rng: np.random.Generator, column: int = 0) -> Floats:
        """Independent draws, shape (S, count)."""
        size = (len(self.shape), count)
        if self.family == "t":
            return np.sqrt(1 - 2 / self.shape) * rng.standard_t(np.broadcast_to(self.shape, size))
        z = rng.standard_normal(size)
        if self.family == "normal":
            return z
        delta, mean, sd = _skew(self.shape[:, [column]])
        return (delta * np.abs(rng.standard_normal(size)) + np.sqrt(1 - delta**2) * z - mean) / sd

    def vectors(self, count: int, block: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Uncorrelated columns that share the weight of their group if they are t, (S, count, k)."""
        if self.family == "skew_normal":
            return np.stack([self.draw(count, rng, column) for column in block], axis=-1)
        z = rng.standard_normal((len(self.shape), count, len(block)))
        if self.family == "normal":
            return z
        weight = rng.chisquare(np.broadcast_to(self.shape, z.shape[:2])) / self.shape
        return np.asarray(z * np.sqrt((1 - 2 / self.shape) / weight)[..., None])

    def logpdf(self, z: Floats, column: int = 0) -> Floats:
        """Log densities of z (S, ...)."""
        shape = self.shape[:, column].reshape(-1, *(1,) * (z.ndim - 1))
        if self.family == "normal":
            return np.asarray(-0.5 * (np.log(2 * pi) + z**2))
        return _log_t(z, shape) if self.family == "t" else _log_skew(z, shape)


def shape_names(design: Design) -> dict[str, tuple[str, ...]]:
    """The names of ν and α of all families, by what they are of: one α for each coefficient of a factor."""
    terms = {random.group: random.names for random in design.random}
    return {
        what: (f"nu({what})",)
        if family == "t"
        else tuple(f"alpha({what}, {term})" for term in terms.get(what, ())) or (f"alpha({what})",)
        for what, family in design.families
    }


def standardised(
    own: Standard | None, random: RandomDesign, size: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Draw uncorrelated effects of mean 0 and sd 1 of J groups, shape (S, J, q); None: normal ones."""
    if own is None:
        return rng.standard_normal((*size, len(random.names)))
    e = np.empty((*size, len(random.names)))
    for block in random.blocks:
        e[..., list(block)] = own.vectors(size[1], block, rng)
    return e


def standard_of(design: Design, draws: Draws, what: str, chosen: slice | NDArray[np.int64]) -> Standard:
    """The family of errors, true effects or a grouping factor at some draws, counted over all chains."""
    family = dict(design.families).get(what, "normal")
    if family == "normal":
        return Standard(family, np.zeros((draws.shape[0] * draws.shape[1], 1))[chosen])
    shapes = [draws.shapes[name].ravel() for name in shape_names(design)[what]]
    return Standard(family, np.stack(shapes, axis=-1)[chosen])


def new_effects(design: Design, draws: Draws, rng: np.random.Generator) -> Floats:
    """Effects of one new group of every factor, not stretched, shape (S, q) over all factors."""
    L = draws.flat("L")
    if not design.families or not design.random:
        return np.asarray(np.einsum("sab,sb->sa", L, rng.standard_normal(L.shape[:2])))
    parts = []
    for random in design.random:
        own = standard_of(design, draws, random.group, slice(None))
        parts += [own.vectors(1, block, rng)[:, 0] for block in random.blocks]
    order = np.argsort(np.concatenate([start + np.array(block) for start, block in _blocks(design)]))
    return np.asarray(np.einsum("sab,sb->sa", L, np.concatenate(parts, axis=1)[:, order]))


def _blocks(design: Design) -> list[tuple[int, tuple[int, ...]]]:
    starts = np.cumsum([0, *(len(random.names) for random in design.random)])
    return [(int(at), block) for at, r in zip(starts, design.random, strict=False) for block in r.blocks]


def residuals(
    design: Design, draws: Draws, sigma: Floats, sampling: Floats, rng: np.random.Generator
) -> Floats:
    """Residuals of sd `sigma` and sampling errors of variance `sampling`, both (S, m)."""
    what = of_rows(design)
    if what not in dict(design.families):
        return np.sqrt(sigma**2 + sampling) * rng.standard_normal(sigma.shape)
    own = standard_of(design, draws, what, slice(None))
    return sigma * own.draw(sigma.shape[1], rng) + np.sqrt(sampling) * rng.standard_normal(sigma.shape)


def of_rows(design: Design) -> str:
    """What the family of single rows is called in a model."""
    return ERRORS if design.known is None else TRUE_EFFECTS


def _skew(alpha: Floats) -> tuple[Floats, Floats, Floats]:
    """δ, and mean and sd of a skew-normal of location 0 and scale 1."""
    delta = alpha / np.sqrt(1 + alpha**2)
    mean = delta * np.sqrt(2 / pi)
    return delta, mean, np.sqrt(1 - mean**2)


def _log_t(z: Floats, nu: Floats) -> Floats:
    from scipy.special import gammaln

    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(pi * (nu - 2))
    return np.asarray(constant - (nu + 1) / 2 * np.log1p(z**2 / (nu - 2)))


def _log_skew(z: Floats, alpha: Floats) -> Floats:
    from scipy.special import log_ndtr

    _, mean, sd = _skew(alpha)
    t = mean + sd * z
    return np.asarray(np.log(2 * sd) - 0.5 * (np.log(2 * pi) + t**2) + log_ndtr(alpha * t))
