"""The estimators that need no variance components, as pure functions of one sample.

Row i of group j has an outcome y_i and within variables x_i (k,); group j has between
variables w_j (m,), the first of them 1.  The model of all estimators is
y_i = Σ_c w_jc (γ_0c + x_i'γ_c) + error: within a group a line, whose coefficients depend on w.
Coefficients are ordered by between variable c, then intercept and slopes; their number is
p = m(k + 1), or mk where the groups have intercepts of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laird.data.transforms import group_means
from laird.errors import DataError
from laird.fitting.frozen import freeze
from laird.inference.reference import ByTerm, Reference

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]

INTERCEPT = "Intercept"
SINGULAR = 1e-10
"""A column of which less than this share is its own is a combination of the others."""
EXACT = 1e-13
"""A residual sum of squares below this share of the outcome's is rounding, not variation."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The arrays of a comparison, and their names.

    Attributes
    ----------
    y, x, w, ids
        Outcome (n,), within variables (n, k), between variables by group (J, m), group of
        each row (n,).
    x_names, w_names, groups
        Names of the columns of x and w (the first of w is ``Intercept``), labels of the groups.
    group, outcome
        Names of the grouping factor and of y.
    """

    y: Floats
    x: Floats
    w: Floats
    ids: Ids
    x_names: tuple[str, ...]
    w_names: tuple[str, ...]
    groups: tuple[str, ...]
    group: str
    outcome: str = "y"

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def J(self) -> int:
        """Number of groups."""
        return len(self.groups)

    @property
    def sizes(self) -> Ids:
        """Rows of each group, shape (J,)."""
        return np.bincount(self.ids, minlength=self.J)

    def means(self, values: Floats) -> Floats:
        """Group means of values (n,) or (n, k), shape (J,) or (J, k)."""
        if values.ndim == 1:
            return group_means(values, self.ids, self.J)
        return np.stack([group_means(column, self.ids, self.J) for column in values.T], axis=1)

    def within(self, values: Floats) -> Floats:
        """Deviations from the group means."""
        return values - self.means(values)[self.ids]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What one estimator says of the coefficients.

    Attributes
    ----------
    estimator, effect
        ``"pooled"``, ``"averaged"``, ``"common_slopes"``, ``"two_stage"``, ``"between"``,
        ``"mixed"`` or ``"contextual"``; ``"mixture"``, ``"within"`` or ``"between"``.
    rows, columns
        Names of intercept and slopes (no intercept where the groups have their own), and of
        the between variables.
    base, reference
        What was estimated, (b,), with its covariance and degrees of freedom.
    pick
        The matrix that makes the coefficients of it, shape (p, b), ordered by between variable.
    groups
        Number of groups used.
    wishart
        Whether all of the covariance was estimated from the groups' lines.
    """

    estimator: str
    effect: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    base: Floats
    reference: Reference
    pick: Floats
    groups: int
    wishart: bool = False

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def coefficients(self) -> Floats:
        """The estimates, shape (p,)."""
        return self.pick @ self.base

    @property
    def cov(self) -> Floats:
        """Their covariance, shape (p, p)."""
        return self.pick @ self.reference.cov @ self.pick.T

    @property
    def se(self) -> Floats:
        """Standard errors, shape (p,)."""
        return np.asarray(np.sqrt(np.diag(self.cov)))

    @property
    def df(self) -> Floats:
        """Degrees of freedom of each coefficient, shape (p,)."""
        return self.reference.rows(self.pick)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients: ``Intercept``, ``ses``, ``Sector[Public]``, ``ses:Sector[Public]``."""
        return tuple(term(row, column) for column in self.columns for row in self.rows)

    def at(self, weights: Floats) -> Estimate:
        """Intercept and slopes Σ_c w_c γ_c."""
        pick = np.kron(weights, np.eye(len(self.rows))) @ self.pick
        return replace(self, columns=(INTERCEPT,), pick=pick)


def term(row: str, column: str) -> str:
    """Name the coefficient of a within and a between variable.

    Examples
    --------
    >>> term("Intercept", "Sector[Public]"), term("ses", "Intercept"), term("ses", "Sector[Public]")
    ('Sector[Public]', 'ses', 'ses:Sector[Public]')
    """
    if column == INTERCEPT:
        return row
    return column if row == INTERCEPT else f"{row}:{column}"


def pooled(sample: Sample) -> Estimate:
    """Least squares on all rows, ignoring the groups (slides, method 1)."""
    columns = _products(_lines(sample.x), sample.w[sample.ids])
    return _least_squares(sample, "pooled", "mixture", columns, sample.y, len(sample.y))


def common_slopes(sample: Sample) -> Estimate:
    """Least squares with an intercept for every group and slopes γ'w_j (slides, method 2b).

    Computed from deviations from the group means, with n - J - mk degrees of freedom.
    """
    columns = _products(sample.within(sample.x), sample.w[sample.ids])
    y = sample.within(sample.y)
    return _least_squares(sample, "common_slopes", "within", columns, y, len(y) - sample.J)


def between(sample: Sample) -> Estimate:
    """Least squares on the group means (slides, method 4: ecological regression).

    Raises
    ------
    DataError
        The group means of x do not vary or cannot be told from w, or there are too few groups.
    """
    _refuse_equal_means(sample)
    columns = _products(_lines(sample.means(sample.x)), sample.w)
    return _least_squares(sample, "between", "between", columns, sample.means(sample.y), sample.J)


def averaged(sample: Sample, *, drop: bool = False) -> Estimate:
    """Regress the lines of the groups on w, with the error that they have within groups (method 2a).

    With B (J, k + 1) the least-squares lines, Γ = A B, A = (W'W)⁻¹W': for categorical w the plain
    averages by level.  Cov(vec Γ) = σ̂² Σ_j a_j a_j' ⊗ (X_j'X_j)⁻¹ with n - J(k + 1) degrees of
    freedom: what varies between groups plays no role in it.

    Parameters
    ----------
    sample
        The data.
    drop
        Leave groups without a line of their own out, instead of refusing them.

    Raises
    ------
    DataError
        A group has no line of its own, or there are too few rows.
    """
    own = _own_lines(sample, drop=drop)
    A = _projector(sample, own)
    df = int(sample.sizes[own.usable].sum()) - own.coefficients.size
    if df < 1 or own.rss <= EXACT * own.total:
        raise DataError(
            f"No variation is left around the lines of the groups of `{sample.group}`.",
            where=f"    {int(sample.sizes[own.usable].sum())} rows, {own.coefficients.size} coefficients",
            remedy="Use groups with more rows, or fewer within variables.",
        )
    p = A.shape[0] * own.coefficients.shape[1]
    cov = own.rss / df * np.einsum("cj,dj,jrs->crds", A, A, own.unscaled, optimize=True).reshape(p, p)
    return _estimate(sample, "averaged", "within", (A @ own.coefficients).ravel(), cov, df, len(own.usable))


def two_stage(sample: Sample, *, drop: bool = False) -> Estimate:
    """Regress the lines of the groups on w, with the error that they show between groups (method 3).

    The estimates are those of `averaged`; Cov(vec Γ) = (W'W)⁻¹ ⊗ S with S the residual
    covariance of the lines and J - m degrees of freedom (multivariate analysis of variance).

    Parameters
    ----------
    sample, drop
        As in `averaged`.

    Raises
    ------
    DataError
        A group has no line of its own, or there are too few groups.
    """
    own = _own_lines(sample, drop=drop)
    A, W = _projector(sample, own), sample.w[own.usable]
    df = len(W) - W.shape[1]
    _refuse_few(sample, df, W.shape[1], len(W))
    residual = own.coefficients - W @ (A @ own.coefficients)
    cov = np.kron(A @ A.T, residual.T @ residual / df)
    found = (A @ own.coefficients).ravel()
    return _estimate(sample, "two_stage", "within", found, cov, df, len(W), wishart=True)


@dataclass(frozen=True, slots=True, eq=False)
class _OwnLines:
    """Least squares in every usable group: coefficients (J, k + 1), (X_j'X_j)⁻¹, pooled sums of squares."""

    usable: Ids
    coefficients: Floats
    unscaled: Floats
    rss: float
    total: float


def _own_lines(sample: Sample, *, drop: bool) -> _OwnLines:
    """The lines from deviations from the group means, so that offsets of x and y do not matter."""
    J, k = sample.J, sample.x.shape[1]
    x, y = sample.within(sample.x), sample.within(sample.y)
    scale = np.abs(x).max(axis=0)
    x = x / scale
    xx = np.stack([np.bincount(sample.ids, a * b, J) for a in x.T for b in x.T], axis=1).reshape(J, k, k)
    xy = np.stack([np.bincount(sample.ids, a * y, J) for a in x.T], axis=1)
    sound = _is_sound(xx, np.abs(sample.x).max(axis=0) / scale)
    usable = _usable(sample, sound, drop=drop)
    inverse = np.linalg.inv(xx[usable])
    slopes = np.einsum("jkl,jl->jk", inverse, xy[usable])
    total = np.bincount(sample.ids, y * y, J)[usable]
    means = sample.means(sample.x)[usable]
    inverse, slopes_given = inverse / np.outer(scale, scale), slopes / scale
    intercepts = sample.means(sample.y)[usable] - np.einsum("jk,jk->j", means, slopes_given)
    return _OwnLines(
        usable=usable,
        coefficients=np.column_stack([intercepts, slopes_given]),
        unscaled=_unscaled_covariance(inverse, means, sample.sizes[usable]),
        rss=float(np.sum(total - np.einsum("jk,jk->j", slopes, xy[usable]))),
        total=float(np.sum(total)),
    )


def _unscaled_covariance(inverse: Floats, means: Floats, sizes: Ids) -> Floats:
    """(X_j'X_j)⁻¹ of intercept and slopes from that of the slopes, shape (J, k + 1, k + 1)."""
    cross = -np.einsum("jkl,jl->jk", inverse, means)
    k = means.shape[1]
    out = np.empty((len(means), k + 1, k + 1))
    out[:, 0, 0] = 1 / sizes - np.einsum("jk,jk->j", cross, means)
    out[:, 0, 1:] = out[:, 1:, 0] = cross
    out[:, 1:, 1:] = inverse
    return out


def _is_sound(xx: Floats, size: Floats) -> Flags:
    """Whether the deviations of a group, of which `size` is the largest value, span k dimensions."""
    squares = np.diagonal(xx, axis1=1, axis2=2)
    rounding = (64 * np.finfo(float).eps * size) ** 2
    spread = (squares > rounding).all(axis=1)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    correlations = xx / (lengths[:, :, None] * lengths[:, None, :])
    return np.asarray(spread & (np.linalg.eigvalsh(correlations)[:, 0] > SINGULAR))


def _usable(sample: Sample, sound: Flags, *, drop: bool) -> Ids:
    wanting = np.flatnonzero(~sound)
    if len(wanting) and not (drop and sound.any()):
        raise _without_line(sample, wanting)
    return np.flatnonzero(sound)


def _without_line(sample: Sample, wanting: Ids) -> DataError:
    single = int(np.sum(sample.sizes[wanting] == 1))
    reasons = {
        f"{single} have one row": single,
        f"{len(wanting) - single} have too few different values of {_listed(sample.x_names)}": len(wanting)
        - single,
    }
    listed = ", ".join(f'"{sample.groups[j]}"' for j in wanting[:5])
    return DataError(
        f"{len(wanting)} of {sample.J} groups of `{sample.group}` have no line of their own: "
        f"{', '.join(reason for reason, count in reasons.items() if count)}.",
        where=f"    {sample.group}: {listed}{', …' if len(wanting) > 5 else ''}",
        remedy='Pass small_groups="drop" to leave them out here, or use an estimator without lines.',
    )


def _projector(sample: Sample, own: _OwnLines) -> Floats:
    """A = (W'W)⁻¹W' of the usable groups, shape (m, J)."""
    Q, R_inverse = _factors(sample, sample.w[own.usable])
    return np.asarray(R_inverse @ Q.T)


def _lines(x: Floats) -> Floats:
    """(1, x) for every row."""
    return np.column_stack([np.ones(len(x)), x])


def _products(rows: Floats, columns: Floats) -> Floats:
    """w ⊗ z for every row, shape (n, m·r)."""
    return np.asarray((columns[:, :, None] * rows[:, None, :]).reshape(len(rows), -1))


def _least_squares(
    sample: Sample, estimator: str, effect: str, X: Floats, y: Floats, independent: int
) -> Estimate:
    """Least squares by QR of data with `independent` degrees of freedom before the p coefficients."""
    df = independent - X.shape[1]
    _refuse_few(sample, df, X.shape[1], independent)
    Q, R_inverse = _factors(sample, X)
    beta = R_inverse @ (Q.T @ y)
    rss = float(np.sum((y - X @ beta) ** 2))
    cov = rss / df * R_inverse @ R_inverse.T
    return _estimate(sample, estimator, effect, beta, cov, df, sample.J)


def _factors(sample: Sample, X: Floats) -> tuple[Floats, Floats]:
    """Q and R⁻¹ of X = QR; refuse columns that are combinations of others."""
    lengths = np.sqrt(np.einsum("ij,ij->j", X, X))
    Q, R = np.linalg.qr(X / np.where(lengths > 0, lengths, 1.0))
    if not (lengths > 0).all() or np.abs(np.diag(R)).min() <= SINGULAR:
        names = [*sample.x_names, *sample.w_names[1:]]
        raise DataError(
            f"The effects of {_listed(names)} cannot be told apart here.",
            remedy="Leave a variable out, or use more groups.",
        )
    return Q, np.linalg.inv(R) / lengths[:, None]


def _estimate(
    sample: Sample,
    estimator: str,
    effect: str,
    coefficients: Floats,
    cov: Floats,
    df: int,
    groups: int,
    *,
    wishart: bool = False,
) -> Estimate:
    own_intercepts = len(coefficients) == sample.w.shape[1] * sample.x.shape[1]
    rows = sample.x_names if own_intercepts else (INTERCEPT, *sample.x_names)
    return Estimate(
        estimator=estimator,
        effect=effect,
        rows=rows,
        columns=sample.w_names,
        base=coefficients,
        reference=ByTerm("residual", cov, np.full(len(coefficients), float(df))),
        pick=np.eye(len(coefficients)),
        groups=groups,
        wishart=wishart,
    )


def _refuse_few(sample: Sample, df: int, p: int, independent: int) -> None:
    if df < 1:
        raise DataError(
            f"{p} coefficients cannot be estimated with their error from {independent} independent values.",
            where=f"    {sample.group}: {sample.J} groups",
            remedy="Use more groups, or fewer variables.",
        )


def equal_means(sample: Sample) -> Flags:
    """Which within variables have the same mean in all groups (balanced data), shape (k,)."""
    size = np.abs(sample.x).max(axis=0)
    return np.asarray(np.ptp(sample.means(sample.x), axis=0) <= 64 * np.finfo(float).eps * size)


def _refuse_equal_means(sample: Sample) -> None:
    flat = equal_means(sample)
    if flat.any():
        names = [name for name, equal in zip(sample.x_names, flat, strict=True) if equal]
        raise DataError(
            f"The group means of {_listed(names)} are equal in all groups of `{sample.group}` (balanced):"
            " there is no effect between groups to estimate.",
            remedy="Nothing is lost: within and pooled slopes are then the same.",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
