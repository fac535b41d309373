"""Names of the variables, dims and coordinates of a graph, from the names in the data.

Names that are not identifiers are written with underscores (``batch:cask`` becomes
``batch_cask``); coordinates keep the names as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from laird.design import Design, RandomDesign
from laird.gaussian.coordinates import correlated_pairs

type Coords = dict[str, list[str] | list[int]]

FIXED = frozenset(
    {
        *("beta", "beta_centred", "beta_sampled", "sigma", "phi", "obs", "term", "sampled_term"),
        *("chain", "draw", "errors", "true_effects"),
    }
)


def identifier(text: str, taken: Collection[str] = ()) -> str:
    """Return `text` as an identifier that is not `taken`.

    Examples
    --------
    >>> identifier("batch:cask"), identifier("log(y)"), identifier("2nd"), identifier("beta", {"beta"})
    ('batch_cask', 'log_y', '_2nd', 'beta_')
    """
    name = text if text.isidentifier() else re.sub(r"\W+", "_", text).strip("_") or "_"
    name = f"_{name}" if name[0].isdigit() else name
    while name in taken:
        name += "_"
    return name


@dataclass(frozen=True, slots=True)
class GroupNames:
    """Names that belong to one grouping factor: its dims and its variables.

    Examples
    --------
    >>> GroupNames("school").pair, GroupNames("school").sd
    ('school_pair', 'sd_school')
    """

    group: str

    @property
    def term(self) -> str:
        """Dim of the random coefficients."""
        return f"{self.group}_term"

    @property
    def pair(self) -> str:
        """Dim of the correlations."""
        return f"{self.group}_pair"

    @property
    def sd(self) -> str:
        """Standard deviations of the random coefficients."""
        return f"sd_{self.group}"

    @property
    def cor(self) -> str:
        """Correlations of the random coefficients."""
        return f"cor_{self.group}"

    @property
    def partial(self) -> str:
        """Partial correlations, the free parameters behind the correlations."""
        return f"partial_{self.group}"

    @property
    def u(self) -> str:
        """Random coefficients of every group."""
        return f"u_{self.group}"

    @property
    def z(self) -> str:
        """Standardised random coefficients, the free parameters behind them."""
        return f"z_{self.group}"

    @property
    def v(self) -> str:
        """Partly centred random coefficients."""
        return f"v_{self.group}"

    def all(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.group, self.term, self.pair, self.sd, self.cor, self.partial, self.u, self.z})


def group_names(random: RandomDesign) -> GroupNames:
    """Return the names of a grouping factor."""
    return GroupNames(identifier(random.group, FIXED))


def outcome_name(design: Design) -> str:
    """Return the name of the observed variable."""
    groups = [group_names(random).all() for random in design.random]
    return identifier(design.outcome, FIXED.union(*groups))


def coords(design: Design) -> Coords:
    """Return the coordinates: rows of the frame, terms, levels and pairs of terms of each group."""
    found: Coords = {"obs": design.rows.tolist(), "term": list(design.names)}
    for random in design.random:
        names = group_names(random)
        found[names.group] = list(random.levels)
        found[names.term] = list(random.names)
        if pairs := correlated_pairs(random.blocks):
            found[names.pair] = [f"{random.names[j]}, {random.names[i]}" for i, j in pairs]
    return found
