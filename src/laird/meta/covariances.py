"""Sampling covariances of dependent effect sizes, from variances and assumed correlations.

Effects of one study that share people or a control group have correlated sampling errors.
The builders give V for ``meta_V(V)`` with ``known={"V": V}``: a list of blocks, or a sparse
matrix in the order of the rows, never an n × n array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from laird.errors import DataError
from laird.meta.columns import read_columns, refuse, refuse_below

type Floats = NDArray[np.float64]
type Structure = Literal["constant", "ar", "by_type", "shared_control"]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "constant": ("rho",),
    "ar": ("rho", "time"),
    "by_type": ("rho", "type"),
    "shared_control": ("n_treated", "n_control"),
}

PSD = 1e-10
"""An eigenvalue of a correlation matrix above minus this is taken for zero."""


def vcov_bivariate(
    v1: ArrayLike, v2: ArrayLike, *, cor: ArrayLike | None = None, cov: ArrayLike | None = None
) -> list[Floats]:
    """Sampling covariances of two outcomes per study, one 2 × 2 block each.

    Parameters
    ----------
    v1, v2
        Sampling variances of both outcomes, shape (k,).
    cor, cov
        Their sampling correlation or covariance in each study, or one for all; give one of them.

    Returns
    -------
    k blocks [[v₁, c], [c, v₂]], for rows that alternate between the outcomes of a study.

    Raises
    ------
    DataError
        A missing or negative variance, a correlation outside [-1, 1], a covariance above
        √(v₁v₂): with the entries.

    Examples
    --------
    >>> import laird as ld
    >>> ld.vcov_bivariate([0.04, 0.09], [0.04, 0.01], cor=0.5)[1]
    array([[0.09 , 0.015],
           [0.015, 0.01 ]])
    """
    if (cor is None) == (cov is None):
        raise DataError("Pass either `cor` or `cov`.", remedy="Pass exactly one of them.")
    name, given = ("cor", cor) if cov is None else ("cov", cov)
    c = _complete(v1=v1, v2=v2, **{name: given})
    refuse_below(c, ("v1", "v2"), 0)
    limit = np.sqrt(c["v1"] * c["v2"])
    if name == "cor":
        refuse(np.abs(c["cor"]) > 1, "`cor` is outside [-1, 1]", "Correct it.")
        covariance = c["cor"] * limit
    else:
        bad = np.abs(c["cov"]) > limit * (1 + PSD)
        refuse(bad, "`cov` is above sqrt(v1 * v2) in size", "Correct it: the correlation would exceed 1.")
        covariance = c["cov"]
    blocks = np.array([[c["v1"], covariance], [covariance, c["v2"]]])
    return list(np.moveaxis(blocks, 2, 0))


def vcov_cluster(
    v: ArrayLike,
    cluster: ArrayLike,
    rho: float | tuple[float, float] | pd.DataFrame | None = None,
    structure: Structure = "constant",
    *,
    time: ArrayLike | None = None,
    type: ArrayLike | None = None,  # noqa: A002 - the word of the field
    n_treated: ArrayLike | None = None,
    n_control: ArrayLike | None = None,
) -> sparse.csr_array:
    """Sampling covariance of effects in clusters: vᵢⱼ = rᵢⱼ √(vᵢvⱼ) within a cluster, else 0.

    Parameters
    ----------
    v
        Sampling variances, shape (n,).
    cluster
        Labels of the clusters (studies), shape (n,); rows of a cluster need not be adjacent.
    rho
        What is assumed of the correlations, by `structure`.
    structure
        ``"constant"``: r = `rho`.
        ``"ar"``: r = `rho` to the power |tᵢ - tⱼ|, with `time`.
        ``"by_type"``: with `type` (the outcome), `rho` = (within a type, between types), or a
        data frame of correlations with the types as index and columns, whose diagonal
        is the correlation of two effects of one type.
        ``"shared_control"``: the rows of a cluster compare different treated groups with
        one control group; r = √(nᵢnⱼ / ((nᵢ + c)(nⱼ + c))), nᵢ = `n_treated`,
        c = `n_control` (exact for differences of means with equal variances,
        approximate for standardised ones; Gleser & Olkin 2009).
    time, type, n_treated, n_control
        Columns that a structure needs, shape (n,).

    Returns
    -------
    Sparse V, shape (n, n), in the order of the rows.

    Raises
    ------
    DataError
        Lengths that differ, missing values, |rho| > 1, a cluster whose matrix is not
        positive semidefinite (named, with its smallest eigenvalue), control groups of
        different size in a cluster.

    Examples
    --------
    >>> import laird as ld
    >>> V = ld.vcov_cluster([0.04, 0.01, 0.09], ["a", "b", "a"], rho=0.5)
    >>> V.toarray()
    array([[0.04, 0.  , 0.03],
           [0.  , 0.01, 0.  ],
           [0.03, 0.  , 0.09]])
    """
    _check_arguments(structure, rho=rho, time=time, type=type, n_treated=n_treated, n_control=n_control)
    numbers = {"time": time, "n_treated": n_treated, "n_control": n_control}
    given = {name: values for name, values in numbers.items() if values is not None}
    c = _complete(v=v, **given)
    refuse_below(c, ["v"], 0)
    codes, labels = _labels("cluster", cluster, len(c["v"]))
    i, j = _pairs(codes)
    if structure == "constant":
        r = np.full(len(i), _correlation(rho))
    elif structure == "ar":
        r = _autoregressive(_correlation(rho), np.abs(c["time"][i] - c["time"][j]))
    elif structure == "by_type":
        r = _by_type(rho, *_labels("type", type, len(codes)), i, j)
    else:
        r = _shared_control(c["n_treated"], c["n_control"], i, j)
    _check_semidefinite(r, i, j, codes, labels)
    return _assemble(c["v"], r, i, j)


def _complete(**given: Any) -> dict[str, Floats]:
    columns, _ = read_columns(given)
    for name, values in columns.items():
        refuse(np.isnan(values), f"`{name}` is missing", "Fill it in, or leave these rows out.")
    return columns


def _check_arguments(structure: str, **given: Any) -> None:
    """The columns that a structure needs, and no others."""
    if structure not in NEEDS:
        raise DataError(
            f"`structure` is {structure!r}.",
            allowed="Allowed: " + ", ".join(f'"{name}"' for name in NEEDS) + ".",
        )
    needed = NEEDS[structure]
    for name, value in given.items():
        if (value is None) == (name in needed):
            raise DataError(
                f'structure="{structure}" {"needs" if value is None else "has no use for"} `{name}`.',
                allowed="It takes " + " and ".join(f"`{known}`" for known in needed) + ".",
                remedy=f"{'Pass' if value is None else 'Leave out'} `{name}`.",
            )


def _labels(name: str, values: Any, n: int) -> tuple[NDArray[np.int64], list[str]]:
    """Integer codes (n,) of a column of labels, and the labels."""
    column = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if len(column) != n:
        raise DataError(
            f"`{name}` has {len(column)} entries and `v` has {n}.", remedy="Pass columns of one frame."
        )
    refuse(column.isna().to_numpy(), f"`{name}` is missing", "Fill it in, or leave these rows out.")
    codes, labels = pd.factorize(column)
    return codes.astype(np.int64), [str(label) for label in labels]


def _correlation(rho: Any) -> float:
    if not (isinstance(rho, int | float | np.floating | np.integer) and -1 <= rho <= 1):
        raise DataError(f"`rho` is {rho!r}.", allowed="Allowed: a number from -1 to 1.")
    return float(rho)


def _pairs(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All i < j (positions) of one cluster, clusters in turn."""
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    found = [start + np.array(np.triu_indices(size, 1)) for start, size in zip(starts, sizes, strict=True)]
    i, j = np.concatenate(found, axis=1) if found else np.zeros((2, 0), dtype=np.int64)
    return order[i], order[j]


def _autoregressive(rho: float, lag: Floats) -> Floats:
    if rho < 0 and np.any(lag != np.round(lag)):
        raise DataError(
            f"`rho` is {rho:g}, and times differ by fractions: the power is not defined.",
            remedy="Pass a `rho` of 0 or more, or whole-number times.",
        )
    return np.asarray(np.power(rho, lag))


def _by_type(rho: Any, types: NDArray[np.int64], names: list[str], i: Any, j: Any) -> Floats:
    if isinstance(rho, pd.DataFrame):
        table = _type_table(rho, names)
    elif np.shape(rho) == (2,):
        within, between = (_correlation(value) for value in np.asarray(rho).tolist())
        table = np.where(np.eye(len(names), dtype=bool), within, between)
    else:
        raise DataError(
            f"`rho` is {rho!r}.",
            allowed="Allowed: (within a type, between types), or a data frame indexed by types both ways.",
        )
    return np.asarray(table[types[i], types[j]])


def _type_table(rho: pd.DataFrame, names: list[str]) -> Floats:
    found = rho.rename(index=str, columns=str)
    absent = [name for name in names if name not in found.index or name not in found.columns]
    if absent:
        raise DataError(
            f"`rho` has no row and column for the type{'s' * (len(absent) > 1)} " + ", ".join(absent) + ".",
            allowed="It has: " + ", ".join(found.index) + ".",
        )
    table = found.loc[names, names].to_numpy(dtype=float)
    bad = ~(np.abs(table) <= 1) | (table != table.T)
    if bad.any():
        a, b = np.argwhere(bad)[0]
        raise DataError(
            f"`rho` of {names[a]} and {names[b]} is {table[a, b]:g}; the other way round {table[b, a]:g}.",
            allowed="Allowed: a symmetric table of numbers from -1 to 1.",
        )
    return table


def _shared_control(treated: Floats, control: Floats, i: Any, j: Any) -> Floats:
    columns = {"n_treated": treated, "n_control": control}
    refuse_below(columns, columns, 0, strict=True)
    differs = np.zeros(len(control), dtype=bool)
    differs[j[control[i] != control[j]]] = True
    what = "`n_control` differs from that of an earlier row of its cluster"
    refuse(differs, what, "Let a cluster be the rows that share one control group.")
    share = treated / (treated + control)
    return np.asarray(np.sqrt(share[i] * share[j]))


def _check_semidefinite(r: Floats, i: Any, j: Any, codes: NDArray[np.int64], labels: list[str]) -> None:
    """Refuse clusters whose correlation matrix has an eigenvalue below zero."""
    place = np.zeros(len(codes), dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    place[order] = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    for size in np.unique(sizes[sizes > 1]):
        members = np.flatnonzero(sizes == size)
        R = np.tile(np.eye(size), (len(members), 1, 1))
        own = sizes[codes[i]] == size
        which = np.searchsorted(members, codes[i[own]])
        a, b = place[i[own]], place[j[own]]
        R[which, a, b] = R[which, b, a] = r[own]
        least = np.linalg.eigvalsh(R)[:, 0]
        if least.min() < -PSD:
            worst = int(np.argmin(least))
            raise DataError(
                "The correlations of a cluster are impossible together (not positive semidefinite).",
                where=f"    cluster {labels[members[worst]]}, {size} rows: "
                f"smallest eigenvalue {least[worst]:.3g}",
                remedy="Assume correlations that fit together, e.g. a `rho` nearer to 0 or above it.",
            )


def _assemble(v: Floats, r: Floats, i: Any, j: Any) -> sparse.csr_array:
    n, diagonal = len(v), np.arange(len(v))
    values = r * np.sqrt(v[i] * v[j])
    rows, columns = np.concatenate([diagonal, i, j]), np.concatenate([diagonal, j, i])
    found = sparse.coo_array((np.concatenate([v, values, values]), (rows, columns)), shape=(n, n)).tocsr()
    found.eliminate_zeros()
    return found
