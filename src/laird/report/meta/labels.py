"""What the rows of a meta-analysis are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from laird.bound import Model
from laird.data.column import Column
from laird.data.labels import level_labels

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def row_labels(model: Model) -> tuple[str, ...]:
    """Return a name of its own for every row of the table.

    The columns that the spec names under `study`, joined by commas, with their names where they
    begin with a number; else the group, or the row number.  Rows of one name get a letter.

    Examples
    --------
    >>> import laird as ld
    >>> spec = ld.parse_spec("yi ~ 1 + meta_V(vi)", data="bcg_rr", study=["author", "year"])
    >>> row_labels(ld.model(spec))[:2]
    ('Aronson, 1948', 'Ferguson & Simes, 1949')
    """
    columns = {name: _texts(model.table.column(name)) for name in model.spec.study}
    if columns:
        named = _with_names(columns) if _numbers(next(iter(columns.values()))) else columns.values()
        return unique(", ".join(filter(None, parts)) for parts in zip(*named, strict=True))
    design = model.design
    if design.random and not design.outcomes:
        finest = max(design.random, key=lambda random: len(random.levels))
        return unique(f"{finest.group} {finest.levels[j]}" for j in finest.ids)
    return tuple(f"row {row}" for row in model.table.rows)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Tell names that occur more than once apart by letters, then by numbers.

    Examples
    --------
    >>> unique(["Cox, 1972", "Lee, 1980", "Cox, 1972"])
    ('Cox, 1972a', 'Lee, 1980', 'Cox, 1972b')
    """
    listed = [name or "without name" for name in names]
    total, seen = Counter(listed), Counter[str]()
    found = []
    for name in listed:
        suffix = _suffix(seen[name], total[name]) if total[name] > 1 else ""
        found.append(name + suffix)
        seen[name] += 1
    return tuple(found)


def _suffix(place: int, of: int) -> str:
    return _LETTERS[place] if of <= len(_LETTERS) else f" ({place + 1})"


def _texts(column: Column) -> tuple[str, ...]:
    """The values as text, empty where there is none."""
    known = column.values[~column.missing]
    written = iter(column.labels[code] for code in known) if column.labels else iter(level_labels(known))
    return tuple("" if missing else next(written) for missing in column.missing)


def _with_names(columns: Mapping[str, Sequence[str]]) -> list[list[str]]:
    return [[value and f"{name} {value}" for value in own] for name, own in columns.items()]


def _numbers(texts: Iterable[str]) -> bool:
    return all(text.replace(".", "", 1).isdigit() for text in texts if text)


def stacked_labels(model: Model) -> tuple[str, ...]:
    """Return the names of the rows of the fit: with several outcomes, of study and outcome."""
    names, design = row_labels(model), model.design
    if not design.outcomes:
        return names
    pairs = zip(design.units, design.which, strict=True)
    return tuple(f"{names[unit]}: {design.outcomes[outcome]}" for unit, outcome in pairs)
