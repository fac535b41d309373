"""Three questions to an estimator, answered in words: consistent, efficient, honest? (slides p. 7, 73)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple


class Answers(NamedTuple):
    """Consistent for what, efficient, honest standard errors, which generalise to what."""

    consistent: str
    efficient: str
    honest: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the words depend on.

    Attributes
    ----------
    x
        The within variables, as text.
    group, between
        Name of the grouping factor, and of the between variables, or ``""``.
    rows, groups, smallest, largest
        Rows, groups, rows of the smallest and largest group.
    balanced
        Whether the group means of the within variables are equal in all groups.
    contextual
        What the data say of β_B - β_W, a sentence, or ``""``.
    """

    x: str
    group: str
    between: str
    rows: int
    groups: int
    smallest: int
    largest: int
    balanced: bool = False
    contextual: str = ""

    @property
    def levels(self) -> str:
        """`` by Sector``, or nothing."""
        return f" by {self.between}" if self.between else ""

    @property
    def sizes(self) -> str:
        """Sizes of the groups."""
        if self.smallest == self.largest:
            return f"{self.smallest} rows"
        return f"{self.smallest} to {self.largest} rows"


def answers(estimator: str, situation: Situation) -> Answers:
    """Return the answers for one estimator.

    Examples
    --------
    >>> s = Situation("ses", "school", "Sector", 1977, 40, 29, 66)
    >>> answers("between", s).efficient
    'No: means of 29 to 66 rows weigh the same.'
    """
    return _ANSWERS[estimator](situation)


def _only_within(s: Situation) -> str:
    return (
        f"Yes, for the effect of {s.x} within groups{s.levels}: the group means of {s.x} are equal, so that "
        "nothing between groups mixes with it."
    )


def _pooled(s: Situation) -> Answers:
    split = f", {s.levels.strip()}" if s.levels else ""
    mixture = (
        f"A mixture of the effects of {s.x} within and between groups of {s.group}{split}; for either only "
        "if they are equal."
    )
    return Answers(
        _only_within(s) if s.balanced else mixture,
        "For what? There is no single effect it aims at; best only if groups do not differ at all.",
        f"No. It takes {s.rows} rows for independent that come in {s.groups} groups: its standard errors are "
        "usually too small.",
    )


def _these_groups(s: Situation) -> str:
    return (
        f"Only for new rows from these same {s.groups} groups of {s.group}: how much groups differ plays no "
        "role in its standard errors, which are too small for other groups."
    )


def _averaged(s: Situation) -> Answers:
    return Answers(
        f"Yes, for the effect of {s.x} within groups{s.levels}, averaged over groups with equal weights.",
        f"For the average of these groups' own lines, yes. For one common slope no: groups of {s.sizes} "
        "weigh the same.",
        _these_groups(s),
    )


def _common_slopes(s: Situation) -> Answers:
    return Answers(
        f"Yes, for the effect of {s.x} within groups{s.levels}; if slopes differ between groups, for an "
        "average of them. It says nothing about levels: every group has its own.",
        f"Yes, if slopes are equal: groups weigh by their rows and their spread of {s.x}.",
        _these_groups(s),
    )


def _two_stage(s: Situation) -> Answers:
    return Answers(
        f"Yes, for the effect of {s.x} within groups{s.levels}, averaged over groups with equal weights.",
        f"No, unless groups are alike in size and spread of {s.x}: here they have {s.sizes} and weigh the "
        "same.",
        f"Yes. Its standard errors come from how much the groups' lines differ: it generalises to the "
        f"population of groups of {s.group}.",
    )


def _between(s: Situation) -> Answers:
    return Answers(
        f"For the effect of {s.x} between groups{s.levels}, of their means. Not for that within groups: "
        "to take it for that is the ecological fallacy.",
        f"No: means of {s.sizes} weigh the same.",
        f"Yes. It generalises to the population of groups of {s.group}.",
    )


def _mixed(s: Situation) -> Answers:
    evidence = f" {s.contextual}" if s.contextual else ""
    mixture = (
        f"Only if the effects of {s.x} within and between groups are equal.{evidence} Otherwise a mixture, "
        "usually much nearer to the effect within; nearer as groups grow larger, not as there are more."
    )
    return Answers(
        _only_within(s) if s.balanced else mixture,
        "Yes, if so: groups weigh by what they tell.",
        f"Yes. It generalises to the population of groups of {s.group}.",
    )


def _contextual(s: Situation) -> Answers:
    return Answers(
        f"Yes, for the effects of {s.x} within and between groups{s.levels}, each by itself.",
        "Yes: groups weigh by what they tell.",
        f"Yes, both. They generalise to the population of groups of {s.group}.",
    )


_ANSWERS: Mapping[str, Callable[[Situation], Answers]] = MappingProxyType(
    {
        "pooled": _pooled,
        "averaged": _averaged,
        "common_slopes": _common_slopes,
        "two_stage": _two_stage,
        "between": _between,
        "mixed": _mixed,
        "contextual": _contextual,
    }
)
