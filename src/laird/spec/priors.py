"""Priors as rows of text: families, their arguments, and what each may be a prior of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from laird.errors import SpecError, nearest
from laird.spec.algebra import expand
from laird.spec.families import Families
from laird.spec.parser import parse
from laird.spec.published import PUBLISHED, published
from laird.spec.scanner import error_at
from laird.spec.syntax import Call, Expr, Name, Number, Unary
from laird.spec.terms import Prior
from laird.spec.writing import term_name, text

FAMILIES: dict[str, tuple[str, ...]] = {
    "normal": ("mu", "sigma"),
    "student_t": ("nu", "mu", "sigma"),
    "cauchy": ("mu", "sigma"),
    "half_normal": ("sigma",),
    "half_student_t": ("nu", "sigma"),
    "half_cauchy": ("sigma",),
    "exponential": ("rate",),
    "gamma": ("shape", "rate"),
    "inverse_gamma": ("shape", "scale"),
    "lognormal": ("mu", "sigma"),
    "log_student_t": ("nu", "mu", "sigma"),
    "uniform": ("lower", "upper"),
    "flat": (),
    "lkj": ("eta",),
}
POSITIVE_FAMILIES = (
    "half_normal",
    "half_student_t",
    "half_cauchy",
    "exponential",
    "gamma",
    "inverse_gamma",
    "lognormal",
    "log_student_t",
)
_SCALE_FAMILIES = (*POSITIVE_FAMILIES, "uniform", "flat")
_DEGREES_FAMILIES = (*POSITIVE_FAMILIES, "uniform")
_CORRELATION_FAMILIES = ("lkj", "flat")
_COEFFICIENT_FAMILIES = tuple(family for family in FAMILIES if family != "lkj")
_SHAPE_FAMILIES = tuple(family for family in _COEFFICIENT_FAMILIES if family != "flat")
_POSITIVE_ARGUMENTS = ("sigma", "nu", "rate", "shape", "scale", "eta")
PARAMETERS = frozenset({"sigma", "sd", "cor", "rho", "log_sigma", "log_sd", "atanh_rho", "nu", "alpha"})
EVERYTHING = "*"
SETS = ("flat", "weakly_informative", "informative", "boundary_avoiding")
"""Priors of everything, by name; their numbers are in `laird.posterior.sets`."""
_PARAMETERS = "Allowed: a term, `b`, `Intercept`, `sigma`, `sd(g)`, `sd(g, term)`, `cor(g)`, …."
_EXAMPLE = '"normal(0, 2.5)" or "flat"'

type Kind = Literal["everything", "coefficient", "scale", "correlation", "degrees", "shape"]

_KINDS: dict[str, Kind] = {
    EVERYTHING: "everything",
    **dict.fromkeys(("sigma", "sd", "phi"), "scale"),
    **dict.fromkeys(("cor", "rho"), "correlation"),
}
_SHAPES: dict[str, Kind] = {"nu": "degrees", "alpha": "shape"}


def parse_priors(priors: Mapping[str, str] | str | None) -> tuple[Prior, ...]:
    """Return the rows of a prior table, ordered by parameter.

    Parameters
    ----------
    priors
        ``{"ses": "normal(0, 2.5)", "sd(school)": "half_normal(1)"}``, or the name of a set of
        priors of every parameter, ``"flat"``, ``"weakly_informative"`` or ``"informative"``, which
        ``{"*": "informative", "sigma": "half_normal(5)"}`` combines, or None.  Sds also take
        a published prior by name, such as ``"turner(pain, pharmacological vs placebo)"``
        (`laird.spec.published`).

    Raises
    ------
    SpecError
        Unknown family, wrong number of values, a value or a family that the parameter
        cannot have.

    Examples
    --------
    >>> parse_priors({"sd( school,ses )": "half_normal(sigma=1)"})
    (Prior(parameter='sd(school, ses)', family='half_normal', values=(1.0,), published=''),)
    >>> parse_priors("flat")[0].family
    'flat'
    """
    if isinstance(priors, str):
        priors = {EVERYTHING: priors}
    if priors is not None and not isinstance(priors, Mapping):
        raise SpecError(
            "Priors must be a mapping.", remedy='Write {"ses": "normal(0, 2.5)"}, or "flat", "informative".'
        )
    rows = [_prior(parameter, written) for parameter, written in (priors or {}).items()]
    _refuse_repeated(row.parameter for row in rows)
    return tuple(sorted(rows, key=lambda row: row.parameter))


def without_shapes(priors: Iterable[Prior], families: Families) -> tuple[Prior, ...]:
    """Leave out the priors of shapes that other families than these have.

    Examples
    --------
    >>> priors = parse_priors({"nu(g)": "gamma(2, 0.1)", "alpha(g)": "normal(0, 1)", "x": "flat"})
    >>> [row.parameter for row in without_shapes(priors, (("g", "t"),))]
    ['nu(g)', 'x']
    """
    of = {"degrees": "t", "shape": "skew_normal"}
    return tuple(row for row in priors if _owner(row.parameter, of) in {None, *families})


def _owner(parameter: str, of: Mapping[str, str]) -> tuple[str, str] | None:
    """Of the prior of a shape: what has which family."""
    family = of.get(parameter_kind(parameter))
    what = parameter.partition("(")[2].rstrip(")").partition(",")[0]
    return (what, family) if family else None


def parameter_kind(parameter: str) -> Kind:
    """Return what a prior on `parameter` is about.

    Examples
    --------
    >>> parameter_kind("sd(school)"), parameter_kind("cor"), parameter_kind("ses")
    ('scale', 'correlation', 'coefficient')
    """
    head, call, _ = parameter.partition("(")
    return (_KINDS | _SHAPES if call else _KINDS).get(head, "coefficient")


def families_of(parameter: str) -> tuple[str, ...]:
    """Return the families that a prior on `parameter` may have.

    Examples
    --------
    >>> families_of("cor(school)")
    ('lkj', 'flat')
    """
    return {
        "everything": SETS,
        "coefficient": _COEFFICIENT_FAMILIES,
        "scale": _SCALE_FAMILIES,
        "correlation": _CORRELATION_FAMILIES,
        "degrees": _DEGREES_FAMILIES,
        "shape": _SHAPE_FAMILIES,
    }[parameter_kind(parameter)]


def _prior(parameter: str, written: object) -> Prior:
    if not isinstance(written, str) or not written.strip():
        raise SpecError(
            f"The prior of `{parameter}` must be text such as {_EXAMPLE}.", where=f"    {written!r}"
        )
    if not isinstance(parameter, str):
        raise SpecError(f"The name of a parameter must be text, not {parameter!r}.", allowed=_PARAMETERS)
    name = _parameter(parameter)
    if name == EVERYTHING:
        return Prior(name, _set(written))
    try:
        family, values, source = published(written) or (*_family_and_values(written), "")
        _check_family(name, family, values, written)
    except SpecError as error:
        what = f"The prior of `{name}` is not valid. {error.what}"
        raise SpecError(what, where=error.where, allowed=error.allowed, remedy=error.remedy) from None
    return Prior(name, family, values, source)


def _set(written: str) -> str:
    name = written.strip().removesuffix("()")
    if name not in SETS:
        what = f"There is no set of priors `{name}`."
        remedy = 'For single parameters write {"ses": "normal(0, 2.5)"}.'
        raise error_at(written, (0, len(written)), what, allowed=_any_of(SETS), remedy=remedy)
    return name


def _any_of(names: Iterable[str]) -> str:
    return f"Allowed: {', '.join(names)}."


def _parameter(written: str) -> str:
    """Return the canonical name of a parameter; names of columns (``Sector[Public]``) stay as they are.

    A coefficient of one of several outcomes has the outcome in front: ``y1: ses``.
    """
    if written == EVERYTHING or "[" in written:
        return written
    outcome, among_several, own = written.partition(": ")
    if among_several and "(" not in outcome and not outcome.endswith(" "):
        return f"{outcome.strip()}: {_parameter(own)}"
    match parse(written):
        case Call(head, args, ()) if head in PARAMETERS:
            return f"{head}({', '.join(map(text, args))})"
        case Name("Intercept"):
            return "Intercept"
        case expr:
            return _term(expr, written)


def _term(expr: Expr, written: str) -> str:
    total = expand(expr, written)
    if len(total.terms) != 1 or total.intercept is not None or total.bars:
        remedy = "Write Intercept, b, the name of one term, sigma, sd(group), sd(group, term) or cor(group)."
        raise error_at(written, expr.span, "This is not the name of one parameter.", remedy=remedy)
    return term_name(total.terms[0])


def _family_and_values(written: str) -> tuple[str, tuple[float, ...]]:
    match parse(written):
        case Name(family) if family not in FAMILIES or not FAMILIES[family]:
            return _known_family(family, written), ()
        case Name(family):
            return family, _values(Call(family, (), (), (0, len(written))), written)
        case Call(family) as call:
            _known_family(family, written)
            return family, _values(call, written)
    raise error_at(
        written, (0, len(written)), "This is not a family.", remedy=f"Write for example {_EXAMPLE}."
    )


def _known_family(family: str, written: str) -> str:
    if family in SETS and family not in FAMILIES:
        what = f"`{family}` is a set of priors of all parameters."
        remedy = f'Write {{"*": "{family}"}} beside the priors of single parameters.'
        raise error_at(written, (0, len(family)), what, remedy=remedy)
    if family not in FAMILIES:
        what = f"There is no prior family `{family}`."
        raise error_at(written, (0, len(family)), what, allowed=nearest(family, (*FAMILIES, *PUBLISHED)))
    return family


def _values(call: Call, written: str) -> tuple[float, ...]:
    names = FAMILIES[call.function]
    given = dict(zip(names, call.args, strict=False)) | dict(call.keywords)
    if set(given) != set(names) or len(call.args) + len(call.keywords) != len(names):
        raise error_at(
            written,
            call.span,
            f"`{call.function}` takes {len(names)} value{'s' if len(names) != 1 else ''}.",
            remedy=f"Write {call.function}({', '.join(names)}).",
        )
    return tuple(_value(name, given[name], written) for name in names)


def _value(name: str, expr: Expr, written: str) -> float:
    match expr:
        case Number(value):
            number = value
        case Unary("-", Number(value)):
            number = -value
        case _:
            raise error_at(written, expr.span, f"The value of `{name}` must be a number.")
    if name in _POSITIVE_ARGUMENTS and number <= 0:
        raise error_at(written, expr.span, f"The value of `{name}` must be greater than 0.")
    return number


def _check_family(parameter: str, family: str, values: tuple[float, ...], written: str) -> None:
    allowed = families_of(parameter)
    if family not in allowed:
        what = f"`{parameter}` cannot have the family `{family}`."
        raise error_at(written, (0, len(family)), what, allowed=_any_of(allowed))
    if family == "uniform" and values[0] >= values[1]:
        raise error_at(written, (0, len(written)), "The lower limit must be less than the upper limit.")
    if family == "uniform" and parameter_kind(parameter) == "scale" and values[0] < 0:
        raise error_at(
            written, (0, len(written)), f"`{parameter}` is a standard deviation: its lower limit is 0."
        )


def _refuse_repeated(parameters: Iterable[str]) -> None:
    seen: set[str] = set()
    for parameter in parameters:
        if parameter in seen:
            raise SpecError(f"There are two priors of `{parameter}`.", remedy="Take one away.")
        seen.add(parameter)
