r"""A model as equations: level 1, level 2, combined, distributions, and matrices.

The equations are those of G. Monette's slides (``Y_{ij} = \gamma_{00} + \dots``), written
with the names of the data and in the notation asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from laird.spec.equations.distributions import distributions
from laird.spec.equations.forms import combined, fixed_symbols, level1, level2
from laird.spec.equations.latex import Line, Place, aligned, group_calls, words
from laird.spec.equations.layout import Coding, Layout, lay_out
from laird.spec.equations.legend import legend
from laird.spec.equations.matrices import matrices_of
from laird.spec.equations.notations import INDEX_LETTERS, Notation, notation_named
from laird.spec.families import ERRORS, TRUE_EFFECTS
from laird.spec.functions import averaging_groups
from laird.spec.spec import Spec
from laird.spec.terms import DistributionalPart, Location, RandomTerm, Term

TITLES = {
    "level1": "Level 1",
    "level2": "Level 2",
    "combined": "Combined",
    "distributions": "Distributions",
    "matrix": "Matrix form",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Equations under one title.

    Attributes
    ----------
    name, title
        ``level1`` and "Level 1", and so on; see `TITLES`.
    lines
        The equations, in reading order.
    """

    name: str
    title: str
    lines: tuple[Line, ...]

    @property
    def latex(self) -> str:
        """The section as one aligned block."""
        return aligned(row for line in self.lines for row in line.rows())

    def labelled_rows(self) -> tuple[str, ...]:
        """Return the rows of the block with the title in a column of its own."""
        first, *others = (row for line in self.lines for row in line.rows())
        return rf"{words(self.title)} &\quad& {first}", *(rf"&& {row}" for row in others)


@dataclass(frozen=True, slots=True, repr=False)
class Equations:
    """The equations of a model in one notation; ``str()`` gives one LaTeX block.

    Attributes
    ----------
    notation
        Name of the notation.
    sections
        What there is to show, in the notation's order; a section without lines is left out.
    coefficients
        Pairs (column name, symbol) of the fixed effects, as in a table of estimates.
    where
        Pairs (symbol, meaning in words).
    """

    notation: str
    sections: tuple[Section, ...]
    coefficients: tuple[tuple[str, str], ...]
    where: tuple[tuple[str, str], ...]

    @property
    def level1(self) -> tuple[str, ...]:
        """Level-1 equation of each outcome; empty when there is no multilevel form."""
        return self._lines("level1")

    @property
    def level2(self) -> tuple[str, ...]:
        """Level-2 equations; empty when there is no multilevel form."""
        return self._lines("level2")

    @property
    def combined(self) -> tuple[str, ...]:
        """Combined (mixed, composite) equation of each outcome."""
        return self._lines("combined")

    @property
    def distributions(self) -> tuple[str, ...]:
        """Distributions of random effects and residuals, and regressions of their scales."""
        return self._lines("distributions")

    @property
    def matrix(self) -> tuple[str, ...]:
        """Matrix (Laird-Ware) form."""
        return self._lines("matrix")

    def _lines(self, name: str) -> tuple[str, ...]:
        return tuple(str(line) for section in self.sections if section.name == name for line in section.lines)

    def __str__(self) -> str:
        return aligned(row for section in self.sections for row in section.labelled_rows())

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$$\n{self}\n$$"


def equations(
    model: Spec | Location,
    *,
    notation: str = "bryk-raudenbush",
    between: Collection[str] = (),
    coding: Mapping[str, Sequence[str]] | None = None,
    matrices: Collection[str] = (),
    plain_names: bool = False,
) -> Equations:
    r"""Write a model as equations.

    Parameters
    ----------
    model
        A spec, or the location of one outcome.
    notation
        ``"bryk-raudenbush"``, ``"sas"``, ``"pinheiro-bates"`` or ``"laird-ware"``.
    between
        Columns that are constant within the group (text alone does not know them).
    coding
        Column names of categorical terms, ``{"Sector": ["Sector[Public]"]}``; without it a
        term has one coefficient.  A key ``"sigma: Sector"`` is for that part only.
    matrices
        Names in ``meta_V(...)`` that stand for a matrix, not a column.
    plain_names
        Write ``cvar(ses, school)`` as a name instead of a mean.

    Raises
    ------
    SpecError
        When the notation is not known.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> spec = parse_spec("mathach ~ ses * Sector + (1 + ses | school)")
    >>> for line in equations(spec, between=["Sector"]).level2:
    ...     print(line)
    \beta_{0j} = \gamma_{00} + \gamma_{01}\,\text{Sector}_{j} + u_{0j}
    \beta_{1j} = \gamma_{10} + \gamma_{11}\,\text{Sector}_{j} + u_{1j}
    """
    spec = Spec((model,)) if isinstance(model, Location) else model
    row = notation_named(notation)
    place = _place(spec, row, frozenset(between), plain_names)
    layouts = _layouts(spec, place, row, coding or {})
    lines = {
        "level1": [line for layout in layouts for line in level1(layout, row)],
        "level2": [line for layout in layouts for line in level2(layout, row)],
        "combined": [combined(layout, row) for layout in layouts],
        "distributions": distributions(layouts, spec.distributional, row, coding or {}, frozenset(matrices)),
        "matrix": matrices_of(layouts, spec.distributional, row),
    }
    return Equations(
        notation=notation,
        sections=_sections(lines, row),
        coefficients=tuple(pair for layout in layouts for pair in fixed_symbols(layout, row)),
        where=legend(layouts, spec.distributional, row, frozenset(matrices)),
    )


def _sections(lines: Mapping[str, Sequence[Line]], row: Notation) -> tuple[Section, ...]:
    names = sorted(TITLES, key=lambda name: name != "matrix") if row.matrix_first else list(TITLES)
    return tuple(Section(name, TITLES[name], tuple(lines[name])) for name in names if lines[name])


def _layouts(spec: Spec, place: Place, row: Notation, coding: Coding) -> tuple[Layout, ...]:
    several = len(spec.locations) > 1
    return tuple(
        _with_families(lay_out(location, place, row, coding, str(number) if several else ""), spec)
        for number, location in enumerate(spec.locations, start=1)
    )


def _with_families(layout: Layout, spec: Spec) -> Layout:
    own = dict(spec.families)
    groupings = (replace(one, family=own.get(one.name, "normal")) for one in layout.groupings)
    family = own.get(TRUE_EFFECTS if layout.location.known else ERRORS, "normal")
    return replace(layout, groupings=tuple(groupings), family=family)


def _place(spec: Spec, row: Notation, between: frozenset[str], plain_names: bool) -> Place:
    """Give every grouping column a letter, and find the one group of a multilevel form."""
    random = tuple(dict.fromkeys(term.group for location in spec.locations for term in location.random))
    averaged = _averaging_groups(spec)
    grouping = tuple(dict.fromkeys(column for group in random + averaged for column in group))
    letters, own = _letters(len(grouping), row)
    place = Place(
        row=row.row_index("".join(letters), own),
        own=own,
        letters=tuple(zip(grouping, letters, strict=True)),
        plain_names=plain_names,
    )
    candidates = random or averaged
    if len(candidates) != 1:
        return place
    (group,) = candidates
    return replace(place, group=place.of_groups(group), between=between | set(group))


def _letters(count: int, row: Notation) -> tuple[tuple[str, ...], str]:
    """Return the letters of `count` grouping columns and of the row."""
    letters = tuple(INDEX_LETTERS) + tuple(f"h_{{{number}}}" for number in range(1, count))
    if row.group_first:
        return letters[:count], letters[count]
    return letters[1 : count + 1], letters[0]


def _averaging_groups(spec: Spec) -> tuple[tuple[str, ...], ...]:
    """Return the groups named in ``cvar`` and ``dvar``."""
    found = (columns for call in group_calls(_terms(spec)) for columns in averaging_groups(call))
    return tuple(dict.fromkeys(found))


def _terms(spec: Spec) -> tuple[Term, ...]:
    random = [term for location in spec.locations for term in location.random]
    parts: tuple[Location | DistributionalPart | RandomTerm, ...] = (
        *spec.locations,
        *spec.distributional,
        *random,
    )
    return tuple(term for part in parts for term in part.terms)
