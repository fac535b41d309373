"""Group effects and true effects as variables: standardised, or partly centred for sampling.

An effect u of scale τ around 0, next to a fixed part whose line has the value m there, is

    u = τ^(1-w) (v - w m),    v of mean w m and scale τ^w,

with v the variable: for w = 0 v is the standardised effect, for w = 1 the coefficient m + u
itself.  Samplers do well where w is the share of the variance that the data of the group resolve
(Papaspiliopoulos, Roberts and Sköld 2007, Statistical Science 22, 59-73).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.graph.covariance import Row
from laird.graph.families import NORMAL, Standard
from laird.graph.predictor import products
from laird.posterior.names import GroupNames, group_names, identifier

type Floats = NDArray[np.float64]
type Tensor = Any

TRUE_DEVIATIONS = "u_true_effects"


class Shares(NamedTuple):
    """Shares w of the variance of effects that their data resolve.

    Attributes
    ----------
    groups
        By grouping factor, shapes (J, q).
    rows
        Of the true effects of the rows, shape (n,).
    """

    groups: tuple[Floats, ...]
    rows: Floats


class Fixed(NamedTuple):
    """The fixed part: its columns (n, p), and their coefficients as symbols."""

    X: Floats
    coefficients: Sequence[Tensor]

    def mean(self) -> Tensor:
        """The fixed part of every row."""
        return sum(products(self.X, self.coefficients), start=0.0)

    def lines(self, random: RandomDesign) -> list[Tensor]:
        """The group's least-squares line through the fixed part, one symbol (J,) for each column of Z."""
        A = projections(random, self.X)
        return [sum(products(A[:, i], self.coefficients), start=0.0) for i in range(len(random.names))]


def projections(random: RandomDesign, X: Floats) -> Floats:
    """(Z_j'Z_j)⁺Z_j'X_j, shape (J, q, p).

    Examples
    --------
    >>> one, X = np.ones((3, 1)), np.array([[1.0], [3.0], [7.0]])
    >>> projections(RandomDesign("g", ("a", "b"), np.array([0, 0, 1]), one, ("Intercept",), ((0,),)), X)
    array([[[2.]],
    <BLANKLINE>
           [[7.]]])
    """
    Z, (J, q, p) = random.Z, (len(random.levels), random.Z.shape[1], X.shape[1])
    ZZ, ZX = np.zeros((J, q, q)), np.zeros((J, q, p))
    np.add.at(ZZ, random.ids, Z[:, :, None] * Z[:, None, :])
    np.add.at(ZX, random.ids, Z[:, :, None] * X[:, None, :])
    return np.asarray(np.linalg.pinv(ZZ, hermitian=True) @ ZX)


class Own(NamedTuple):
    """One grouping factor: its columns, sds and rows of the unit factor, stretch and distribution."""

    random: RandomDesign
    sd: Tensor
    rows: tuple[Row, ...]
    stretch: Tensor
    standard: Standard = NORMAL

    def scale(self, i: int) -> Tensor:
        """Scale of the effects of column i: the sd, but for a t."""
        return self.stretch * self.sd[i] * self.standard.unit

    @property
    def names(self) -> GroupNames:
        """Names of its variables."""
        return group_names(self.random)

    def before(self, i: int, z: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """What the columns before give column i, and these columns if they are correlated with it."""
        linked = [(element, z[k]) for k, element in self.rows[i].items() if k < i]
        return sum((element * own for element, own in linked), start=0.0), [own for _, own in linked]


def contributions(own: Own, effects: Sequence[Tensor]) -> Iterator[Tensor]:
    """Add the effects by name; yield the contribution of every column of Z."""
    pm.Deterministic(own.names.u, pt.stack(effects, axis=1), dims=(own.names.group, own.names.term))
    return products(own.random.Z, [u[own.random.ids] for u in effects])


def standardised(own: Own) -> list[Tensor]:
    """u_ji = c_ji Σ_k L_ik z_jk with the scale c and z of mean 0 and scale 1."""
    columns = _columns(own)
    return [
        own.scale(i) * sum(element * columns[k] for k, element in row.items())
        for i, row in enumerate(own.rows)
    ]


def _columns(own: Own) -> list[Tensor]:
    """Standardised effects z by column: one variable, where the columns do not depend on one another."""
    names, standard, q = own.names, own.standard, len(own.rows)
    if standard.family == "t" and max(map(len, own.random.blocks)) > 1:
        z: list[Tensor] = []
        for i in range(q):
            name, given = identifier(f"{names.z}_{own.random.names[i]}"), own.before(i, z)[1]
            z.append(standard.variable(name, 0.0, 1.0, given=given, dims=names.group))
        return z
    whole = standard.variable(names.z, 0.0, 1.0, column=slice(None), dims=(names.group, names.term))
    return [whole[:, k] for k in range(q)]


def themselves(own: Own) -> list[Tensor]:
    """The effects themselves as variables, one column given those before."""
    J, q = len(own.random.levels), len(own.rows)
    return partly_centred(own, np.ones((J, q)), [0.0] * q)


def partly_centred(own: Own, shares: Floats, lines: Sequence[Tensor]) -> list[Tensor]:
    """Effects by shares w (J, q) and lines m; column i given the columns before it."""
    effects: list[Tensor] = []
    z: list[Tensor] = []
    for i, row in enumerate(own.rows):
        w, total, (before, given) = _weight(shares[:, i]), own.scale(i), own.before(i, z)
        part, place = _power(total, w), _times(w, lines[i])
        name = identifier(f"{own.names.u if np.all(w == 1) else own.names.v}_{own.random.names[i]}")
        where, spread = place + part * before, part * row[i]
        v = own.standard.variable(name, where, spread, column=i, given=given, dims=own.names.group)
        t = (v - place) / part
        effects.append(total * t)
        z.append((t - before) / row[i])
    return effects


def true_deviations(
    sigma: Tensor, standard: Standard, shares: Floats | None = None, line: Tensor = 0.0
) -> Tensor:
    """Add how far the true effect of every row is from its mean, sd `sigma`; return it (n,)."""
    total = sigma * standard.unit
    if shares is None:
        deviation = total * standard.variable("z_true_effects", 0.0, 1.0, dims="obs")
    else:
        w = _weight(shares)
        part, place = _power(total, w), _times(w, line)
        v = standard.variable("v_true_effects", place, part, dims="obs")
        deviation = total * (v - place) / part
    return pm.Deterministic(TRUE_DEVIATIONS, deviation, dims="obs")


def _weight(shares: Floats) -> Floats | float:
    """Shares as one number where they are alike."""
    return float(shares[0]) if len(shares) and np.all(shares == shares[0]) else shares


def _power(total: Tensor, w: Floats | float) -> Tensor:
    return (total if w == 1.0 else 1.0) if isinstance(w, float) and w in (0.0, 1.0) else total**w


def _times(w: Floats | float, line: Tensor) -> Tensor:
    return 0.0 if isinstance(w, float) and w == 0.0 else w * line
