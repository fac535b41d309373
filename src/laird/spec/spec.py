"""The frozen `Spec`, and how text becomes one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from laird.errors import SpecError, nearest
from laird.spec.families import check_families, families_text, parse_families
from laird.spec.formulas import (
    Formula,
    check_known,
    check_parts,
    location,
    part,
    read_formula,
    refuse_outcomes,
)
from laird.spec.priors import EVERYTHING, parse_priors
from laird.spec.recipes import check_recipes, parse_recipes, recipe_text
from laird.spec.scanner import normalised
from laird.spec.syntax import variables
from laird.spec.terms import DistributionalPart, Location, Prior, Recipe
from laird.spec.toml_writer import Value, toml
from laird.spec.writing import location_text, part_text, prior_text, text

MISSING = ("error", "drop")
LABELS = ("name", "title", "question", "data")


@dataclass(frozen=True, slots=True)
class Spec:
    """A model as text says it; see `parse_spec` and `read_spec`.

    Attributes
    ----------
    locations
        One `Location` per outcome (one for a univariate model).
    distributional
        Regressions of sigma, group sds and correlations, in order of appearance.
    priors
        Overrides only, ordered by parameter; the defaults depend on the data.
    levels
        Category order by column, ``((column, (level, ...)), ...)``, ordered by column.
    missing
        What to do with missing values: ``"error"`` or ``"drop"``.
    weights
        Column of multipliers of the rows' log-likelihoods; empty without.
    known
        How the matrices that ``meta_V`` names are built from columns, ordered by name.
    families
        What is not normal, ``((what, family), ...)``, ordered by what; see `laird.spec.families`.
    data, name, title, question
        Labels: a bundled data set or a CSV path, a short name, a heading, and the
        question that the model answers.
    study
        Columns whose values, joined by commas, name the rows in reports, such as author and year.

    Examples
    --------
    >>> spec = parse_spec("mathach ~ ses * Sector + (ses | school)")
    >>> print(spec)
    mathach ~ 1 + ses + Sector + ses:Sector + (1 + ses | school)
    """

    locations: tuple[Location, ...]
    distributional: tuple[DistributionalPart, ...] = ()
    priors: tuple[Prior, ...] = ()
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: str = "error"
    weights: str = ""
    known: tuple[Recipe, ...] = ()
    families: tuple[tuple[str, str], ...] = ()
    data: str = ""
    name: str = ""
    title: str = ""
    question: str = ""
    study: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the canonical formulas, one a line, below them how V is built and what is not normal."""
        others = (families_text(self.families),) if self.families else ()
        return "\n".join((self.formula, *self.parts, *map(recipe_text, self.known), *others))

    @property
    def formula(self) -> str:
        """The canonical formula of the (first) outcome."""
        return location_text(self.locations[0])

    @property
    def parts(self) -> tuple[str, ...]:
        """The canonical formulas of further outcomes and of the distributional parts."""
        others = map(location_text, self.locations[1:])
        return (*others, *map(part_text, self.distributional))

    @property
    def hash(self) -> str:
        """The SHA-256 of the model: formulas, known, families, priors, levels, …; not its labels."""
        model: list[object] = [
            str(self),
            [[row.parameter, prior_text(row)] for row in self.priors],
            self.levels,
            self.missing,
            *([self.weights] if self.weights else []),
        ]
        return hashlib.sha256(json.dumps(model, ensure_ascii=True).encode()).hexdigest()

    def to_toml(self) -> str:
        """Return the spec as TOML; `read_spec` of that text gives an equal spec.

        Examples
        --------
        >>> print(parse_spec("y ~ x", priors="flat").to_toml(), end="")
        formula = "y ~ 1 + x"
        priors = "flat"
        """
        table: dict[str, Value] = {label: getattr(self, label) for label in LABELS}
        table["study"] = self.study
        table |= {"formula": self.formula, "parts": self.parts}
        table["missing"] = "" if self.missing == "error" else self.missing
        table["weights"] = self.weights
        table["known"] = {recipe.name: text(recipe.call) for recipe in self.known}
        table["families"] = dict(self.families)
        table["priors"] = _priors_table(self.priors)
        table["levels"] = dict(self.levels)
        return toml({key: value for key, value in table.items() if value})


class Settings(TypedDict, total=False):
    """What a spec says besides its formulas."""

    priors: Mapping[str, str] | str | None
    levels: Mapping[str, Sequence[str]] | None
    missing: str
    weights: str
    known: Mapping[str, str] | None
    families: Mapping[str, str] | None
    data: str
    name: str
    title: str
    question: str
    study: Sequence[str]


def parse_spec(formula: str, *parts: str, **settings: Unpack[Settings]) -> Spec:
    """Return the spec that formulas describe.

    Parameters
    ----------
    formula
        The outcome's formula, such as ``"mathach ~ ses * Sector + (1 + ses | school)"``.
    *parts
        Further formulas: of other outcomes, or ``"sigma ~ x"``, ``"sd(study) ~ x"``,
        ``"rho(y1, y2) ~ x"``.
    **settings
        `priors` (see `parse_priors`), `levels` (category order by column), `missing`
        (``"error"`` or ``"drop"``), `weights` (a column), `known` (what ``meta_V`` names, see
        `laird.spec.recipes`), `families` (what is not normal, see `laird.spec.families`), and
        the labels `data`, `name`, `title`, `question`, `study`.

    Raises
    ------
    SpecError
        With a caret under the place, the nearest names, and the remedy.

    Examples
    --------
    >>> parse_spec("yi ~ habitat + meta_V(vi)", "sigma ~ habitat").parts
    ('sigma ~ 1 + habitat',)
    """
    formulas = [read_formula(source) for source in (formula, *parts)]
    outcomes = {name for one in formulas if not one.parameter for name in variables(one.left)}
    for one in formulas:
        refuse_outcomes(one, outcomes)
    means, rest = ([one for one in formulas if bool(one.parameter) == other] for other in (False, True))
    if not means:
        _refuse_lone_part(formulas[0])
    locations = tuple(location(one, several=len(means) > 1) for one in means)
    check_known(means, locations)
    distributional = tuple(part(one, locations) for one in rest)
    check_parts(rest, distributional)
    _refuse_repeated(formulas, locations, distributional)
    return build_spec(locations, distributional, **settings)


def build_spec(
    locations: tuple[Location, ...],
    distributional: tuple[DistributionalPart, ...] = (),
    *,
    priors: Mapping[str, str] | str | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
    missing: str = "error",
    weights: str = "",
    known: Mapping[str, str] | None = None,
    families: Mapping[str, str] | None = None,
    study: Sequence[str] = (),
    **labels: Unpack[_Labels],
) -> Spec:
    """Return a spec of these formulas, with its settings checked.

    Examples
    --------
    >>> from laird.spec.terms import Term
    >>> from laird.spec.syntax import Name
    >>> build_spec((Location(Name("y"), (Term(),)),), missing="drop").missing
    'drop'
    """
    if missing not in MISSING:
        raise SpecError(f"`missing` cannot be {missing!r}.", allowed=nearest(str(missing), MISSING))
    _check_weights(weights, locations)
    recipes = parse_recipes(known)
    check_recipes(recipes, locations)
    others = parse_families(families)
    check_families(others, locations, distributional)
    chosen, rows = _levels(levels or {}), parse_priors(priors)
    names = _study(study)
    settings = (rows, chosen, missing, normalised(weights), recipes, others)
    return Spec(locations, distributional, *settings, study=names, **labels)


def _study(study: object) -> tuple[str, ...]:
    names = study if isinstance(study, Sequence) and not isinstance(study, str) else [None]
    if not all(isinstance(name, str) for name in names):
        raise SpecError("`study` must be a list of columns.", remedy='Write ["author", "year"].')
    return tuple(normalised(name) for name in names if name)


def _check_weights(weights: object, locations: Sequence[Location]) -> None:
    """Weights multiply the log-likelihoods of rows, which only independent rows have."""
    if not isinstance(weights, str):
        raise SpecError("`weights` must be the name of a column.", remedy='Write weights="w".')
    if not weights:
        return
    why = "have several outcomes" if len(locations) > 1 else ""
    for random in (random for one in locations for random in one.random):
        why = f"share the random effects of `{random.group_name}`"
    if why:
        raise SpecError(
            f"`weights` multiply the log-likelihoods of independent rows, but these rows {why}.",
            allowed="Only all rows of a group or unit together have a log-likelihood, not each row.",
            remedy="Leave `weights` out; sampling variances of effect sizes belong into meta_V(v).",
        )


class _Labels(TypedDict, total=False):
    data: str
    name: str
    title: str
    question: str


def respecified(spec: Spec, **changes: Unpack[Settings]) -> Spec:
    """Return `spec` with other settings, checked as `parse_spec` checks them.

    Examples
    --------
    >>> respecified(parse_spec("y ~ x"), missing="drop").missing
    'drop'
    """
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    checked = build_spec(spec.locations, spec.distributional, **given)
    return replace(spec, **{name: getattr(checked, name) for name in given})


def spec_variables(spec: Spec) -> tuple[str, ...]:
    """Return the data columns that `spec` uses, each once, in order of appearance.

    The name in ``meta_V(...)`` is left out: it may stand for a matrix given in ``known=``;
    and so are the columns that build such a matrix (`recipe_columns`).

    Examples
    --------
    >>> spec_variables(parse_spec("y ~ cvar(x, g) + (1 | g:h)"))
    ('y', 'x', 'g', 'h')
    """
    names: list[str] = []
    for one in spec.locations:
        exprs = [one.outcome, *(factor for term in one.terms for factor in term.factors)]
        names += [name for expr in exprs for name in variables(expr)]
        for random in one.random:
            names += [name for term in random.terms for factor in term.factors for name in variables(factor)]
            names += random.group
    for row in spec.distributional:
        names += [name for term in row.terms for factor in term.factors for name in variables(factor)]
    names += [spec.weights] if spec.weights else []
    return tuple(dict.fromkeys(names))


def _priors_table(priors: tuple[Prior, ...]) -> Value:
    if len(priors) == 1 and priors[0].parameter == EVERYTHING:
        return prior_text(priors[0])
    return {row.parameter: prior_text(row) for row in priors}


def _refuse_lone_part(formula: Formula) -> None:
    raise formula.error(
        formula.left.span,
        f"The formula of `{formula.parameter}` needs the formula of an outcome beside it.",
        remedy=f'Write "y ~ x", "{formula.source.strip()}".',
    )


def _refuse_repeated(
    formulas: Sequence[Formula], locations: Sequence[Location], distributional: Sequence[DistributionalPart]
) -> None:
    in_order = [one for one in formulas if not one.parameter] + [one for one in formulas if one.parameter]
    keys = [text(one.outcome) for one in locations] + [(row.parameter, row.target) for row in distributional]
    for position, (formula, key) in enumerate(zip(in_order, keys, strict=True)):
        if key in keys[:position]:
            what = f"There are two formulas of `{text(formula.left)}`."
            raise formula.error(formula.left.span, what, remedy="Write one formula with all its terms.")


def _levels(levels: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(levels, Mapping):
        raise SpecError(
            "`levels` must be a mapping of columns to lists.", remedy='Write {"Sex": ["Male", "Female"]}.'
        )
    rows = ((normalised(column), _column_levels(column, order)) for column, order in levels.items())
    return tuple(sorted(rows))


def _column_levels(column: str, order: Sequence[str]) -> tuple[str, ...]:
    if isinstance(order, str) or not all(isinstance(level, str) for level in order):
        raise SpecError(
            f"The levels of `{column}` must be a list of text.", remedy='Write ["Male", "Female"].'
        )
    if not order or len(set(order)) < len(order):
        raise SpecError(f"The levels of `{column}` must be one or more, each once.")
    return tuple(order)
