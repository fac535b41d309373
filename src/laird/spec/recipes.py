"""How a sampling covariance matrix is built from columns, as text: ``vcov_cluster(vi, study, rho=0.6)``.

The builders are those of `laird.vcov_cluster` and `laird.vcov_bivariate`, with columns in the
place of their values; ``c(0.6, 0.4)`` is a pair of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from laird.errors import SpecError, nearest
from laird.spec.parser import parse
from laird.spec.scanner import error_at, normalised
from laird.spec.syntax import Call, Expr, Name, Number, String, Unary, variables
from laird.spec.terms import Location, Recipe
from laird.spec.writing import quoted, text

type Kind = Literal["column", "numbers", "number or column", "text"]


class Builder(NamedTuple):
    """What a builder takes: columns by position, then options by name."""

    columns: tuple[str, ...]
    options: Mapping[str, Kind]


BUILDERS: Mapping[str, Builder] = {
    "vcov_cluster": Builder(
        ("v", "cluster"),
        {
            "rho": "numbers",
            "structure": "text",
            "time": "column",
            "type": "column",
            "n_treated": "column",
            "n_control": "column",
        },
    ),
    "vcov_bivariate": Builder(("v1", "v2"), {"cor": "number or column", "cov": "number or column"}),
}
PAIR = "c"
_EXAMPLE = 'Write V = "vcov_cluster(vi, study, rho=0.6)".'


def parse_recipes(known: Mapping[str, str] | None) -> tuple[Recipe, ...]:
    """Return how each matrix is built, ordered by name.

    Raises
    ------
    SpecError
        The text is no call of a builder, or its arguments are not what the builder takes.

    Examples
    --------
    >>> from laird.spec.writing import text
    >>> (recipe,) = parse_recipes({"V": "vcov_cluster(vi, cluster=study, rho=.6)"})
    >>> recipe.name, text(recipe.call)
    ('V', 'vcov_cluster(vi, study, rho=0.6)')
    """
    if known is not None and not isinstance(known, Mapping):
        raise SpecError("`known` must be a mapping of names to text.", remedy=_EXAMPLE)
    return tuple(sorted((_recipe(name, written) for name, written in (known or {}).items()), key=_name))


def _name(recipe: Recipe) -> str:
    return recipe.name


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as a line of text.

    Examples
    --------
    >>> recipe_text(*parse_recipes({"V": "vcov_bivariate(v1, v2, cor=0.5)"}))
    'V = vcov_bivariate(v1, v2, cor=0.5)'
    """
    return f"{quoted(recipe.name)} = {text(recipe.call)}"


def recipe_columns(recipes: Iterable[Recipe]) -> tuple[str, ...]:
    """Return the data columns that the recipes use, each once.

    Examples
    --------
    >>> recipe_columns(parse_recipes({"V": "vcov_cluster(vi, study, rho=0.6)"}))
    ('vi', 'study')
    """
    return tuple(dict.fromkeys(name for recipe in recipes for name in variables(recipe.call)))


def check_recipes(recipes: Sequence[Recipe], locations: Sequence[Location]) -> None:
    """Refuse a matrix that no formula names, and one of two outcomes beside any other number.

    Raises
    ------
    SpecError
        As said.
    """
    used = [one.known.name for one in locations if one.known]
    for recipe in recipes:
        if recipe.name not in used:
            raise SpecError(
                f"`known` builds `{recipe.name}`, which no meta_V(...) names.",
                where=f"    {recipe_text(recipe)}",
                allowed=nearest(recipe.name, used),
                remedy=f"Write meta_V({recipe.name}) into the formula, or leave `{recipe.name}` out.",
            )
        if recipe.call.function == "vcov_bivariate" and len(locations) != 2:
            raise SpecError(
                f"`vcov_bivariate` gives the covariances of two outcomes; this model has {len(locations)}.",
                where=f"    {recipe_text(recipe)}",
                remedy="Give one formula for each of two outcomes, or build V by `vcov_cluster`.",
            )


def _recipe(name: str, written: object) -> Recipe:
    if not isinstance(name, str) or not isinstance(written, str) or not written.strip():
        raise SpecError(f"What builds `{name}` must be text.", where=f"    {written!r}", remedy=_EXAMPLE)
    try:
        return Recipe(normalised(name), _checked(written))
    except SpecError as error:
        what = f"What builds `{name}` is not valid. {error.what}"
        raise SpecError(what, where=error.where, allowed=error.allowed, remedy=error.remedy) from None


def _checked(written: str) -> Call:
    call = parse(written)
    if not isinstance(call, Call):
        raise error_at(written, call.span, "This is not a call of a builder.", remedy=_EXAMPLE)
    if call.function not in BUILDERS:
        span = (call.span[0], call.span[0] + len(call.function))
        what = f"There is no builder `{call.function}`."
        raise error_at(written, span, what, allowed=nearest(call.function, BUILDERS), remedy=_EXAMPLE)
    builder = BUILDERS[call.function]
    given = _bound(call, builder, written)
    columns = tuple(_value(given[name], name, "column", written) for name in builder.columns)
    options = _options(given, builder, written)
    return Call(call.function, columns, tuple(options))


def _options(given: Mapping[str, Expr], builder: Builder, written: str) -> Iterator[tuple[str, Expr]]:
    for name, kind in builder.options.items():
        if name in given:
            yield name, _value(given[name], name, kind, written)


def _bound(call: Call, builder: Builder, written: str) -> dict[str, Expr]:
    """Join names and arguments as Python does."""
    names = (*builder.columns, *builder.options)
    form = f"{call.function}({', '.join(builder.columns)}, {'=…, '.join(builder.options)}=…)"
    if len(call.args) > len(builder.columns):
        extra = call.args[len(builder.columns)]
        raise error_at(written, extra.span, "This argument needs a name.", remedy=f"Write {form}.")
    given = dict(zip(builder.columns, call.args, strict=False))
    for name, value in call.keywords:
        if name not in names:
            what = f"`{call.function}` has no argument `{name}`."
            raise error_at(written, value.span, what, allowed=nearest(name, names))
        if name in given:
            raise error_at(written, value.span, f"The argument `{name}` is given twice.")
        given[name] = value
    for name in builder.columns:
        if name not in given:
            raise error_at(written, call.span, f"The column `{name}` is missing.", remedy=f"Write {form}.")
    return given


_FITS: Mapping[str, tuple[str, ...]] = {
    "column": ("column",),
    "numbers": ("number", "pair"),
    "number or column": ("number", "column"),
    "text": ("text",),
}
_WORDS: Mapping[str, str] = {
    "column": "a column",
    "numbers": "a number, or a pair of numbers such as c(0.6, 0.4)",
    "number or column": "a number or a column",
    "text": 'text such as "ar"',
}


def _value(expr: Expr, name: str, kind: Kind, written: str) -> Expr:
    found, value = _read(expr)
    if found not in _FITS[kind]:
        raise error_at(written, expr.span, f"`{name}` must be {_WORDS[kind]}.")
    return value


def _read(expr: Expr) -> tuple[str, Expr]:
    """The kind of an argument, and the argument with its sign in the number."""
    match expr:
        case Name():
            return "column", expr
        case String():
            return "text", expr
        case Number():
            return "number", expr
        case Unary("-", Number(value, spelling)):
            return "number", Number(-value, f"-{spelling}")
        case Call(function, (first, second), ()) if function == PAIR:
            (one, a), (other, b) = _read(first), _read(second)
            return ("pair" if one == other == "number" else ""), Call(PAIR, (a, b))
    return "", expr
