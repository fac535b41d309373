"""Rows that share one residual sd under ``sigma ~ a``, and whether any of them stands at zero.

Where the lines of a model pass through every row of a stratum, its sd can go to zero and
the likelihood to infinity: there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, KnownDesign, RandomDesign
from laird.errors import FitError
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.lines import rounding_share, within_df, within_residual
from laird.posterior.codings import outcome_rows, sigma_designs

type Floats = NDArray[np.float64]
type Ids = NDArray[np.intp]

MOST = 50
"""With more different values, the predictors of sigma are no strata."""

SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """Rows of one outcome with the same predictors of sigma.

    Attributes
    ----------
    outcome
        Its name.
    words
        What its rows have in common: "where `a[v]` = 1".
    rows
        Their places in the design.
    """

    outcome: str
    words: str
    rows: Ids


def listed(design: Design, rows: Ids) -> str:
    """How many rows, and the first of them as the data number them."""
    shown = ", ".join(map(str, design.rows[rows[:SHOWN]].tolist()))
    return f"{len(rows)} row{'' if len(rows) == 1 else 's'}{', first' if len(rows) > SHOWN else ':'} {shown}"


def refuse_still(design: Design) -> None:
    """Refuse strata without residual variation; of known variances those rows where they are 0.

    Raises
    ------
    FitError
        The outcome is an exact function of the predictors, or of the lines of some groups,
        in all rows of a stratum that is named.
    """
    for stratum in strata(design) if design.known is None else _exact(design, design.known):
        for random in design.random or (None,):
            data = _part(design, stratum, random)
            if within_df(data) > 0 and within_residual(data) < rounding_share(data, design.y):
                raise _still(design, stratum, random)


def _exact(design: Design, known: KnownDesign) -> Iterator[Stratum]:
    """The rows of each sigma that have no sampling error."""
    for scale in sigma_designs(design):
        rows = np.flatnonzero(outcome_rows(design, scale.group) & (known.variances == 0))
        if scale.names and len(rows):
            yield Stratum(scale.group or design.outcome, f"where `{known.name}` is 0", rows)


def _still(design: Design, stratum: Stratum, random: RandomDesign | None) -> FitError:
    lines = "the fixed effects" if random is None else f"the lines of the groups of `{random.group}`"
    return FitError(
        f"The outcome `{stratum.outcome}` does not vary around {lines} {stratum.words}: the residual "
        "standard deviation of these rows is zero, or too small to be told from rounding.",
        where=f"    {listed(design, stratum.rows)} (counted from 0)",
        remedy="Check these values; leave the rows out, or merge the level with another in `sigma ~ …`.",
    )


def strata(design: Design) -> Iterator[Stratum]:
    """The rows of each sigma, where there are several sigmas but not many.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("mathach ~ ses", "sigma ~ Sector", data=ld.load_data("hs"))
    >>> [(stratum.words, len(stratum.rows)) for stratum in strata(model.design)]
    [('where `Sector[Public]` = 0', 1144), ('where `Sector[Public]` = 1', 833)]
    """
    counted = np.ones(len(design.y), dtype=bool) if design.weights is None else design.weights > 0
    for scale in sigma_designs(design):
        if not scale.names or (len(scale.names) == 1 and not design.outcomes):
            continue
        rows = np.flatnonzero(outcome_rows(design, scale.group) & counted)
        values, of = _patterns(scale.W[rows])
        if len(values) > 1 or design.outcomes:
            for k, value in enumerate(values):
                yield Stratum(scale.group or design.outcome, _words(scale.names, value), rows[of == k])


def _patterns(W: Floats) -> tuple[Floats, Ids]:
    """Different rows of W, none if many, and which of them each row is."""
    code = _code(W)
    if len(np.unique(code[: 20 * MOST])) > MOST:
        return W[:0], np.zeros(0, dtype=np.intp)
    first, of = np.unique(code, return_index=True, return_inverse=True)[1:]
    return (W[first] if len(first) <= MOST else W[:0]), of


def _code(W: Floats) -> Floats:
    """One number for each row, (n,): equal for equal rows, different for others, by arbitrary weights."""
    code = np.zeros(len(W))
    weights = np.asarray(np.random.default_rng(0).uniform(1, 2, W.shape[1]))
    for k, w in enumerate(W.T):
        code += weights[k] * w
    return code


def _words(names: Sequence[str], value: Floats) -> str:
    """Columns that are not zero, else all: "where `a[v]` = 1", "where `a[v]` = 0, `a[w]` = 0"."""
    both = zip(names, value.tolist(), strict=True)
    pairs = [(name, v) for name, v in both if not name.endswith("Intercept")]
    shown = [(name, v) for name, v in pairs if v != 0.0] or pairs
    return f"where {', '.join(f'`{name}` = {v:g}' for name, v in shown)}" if shown else "in any row"


def _part(design: Design, stratum: Stratum, random: RandomDesign | None) -> Grouped:
    """Cross-products of the rows of a stratum."""
    rows = stratum.rows
    y, X, n = design.y[rows], design.X[rows], len(rows)
    if random is None:
        return group(y, X, np.zeros((n, 0)), np.zeros(n, dtype=np.int64), 1, ())
    present, ids = np.unique(random.ids[rows], return_inverse=True)
    return group(y, X, random.Z[rows], ids, len(present), random.blocks)
