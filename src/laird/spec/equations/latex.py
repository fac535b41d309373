r"""LaTeX of the small parts: names, symbols with indices, expressions, and lines.

What is written here reads the same in LaTeX, MathJax, KaTeX and latex2mathml: special
characters of a name are written in math mode, between pieces of ``\text{}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from laird.spec.functions import AVERAGES, averaging_groups, is_group_mean
from laird.spec.syntax import Bar, Binary, Call, Expr, Name, Number, String, Unary, children, variables, walk
from laird.spec.terms import Term
from laird.spec.writing import text

SPECIAL = {
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "\\": r"\backslash",
    "~": r"{\sim}",
    "^": r"{\wedge}",
}
LINE_WIDTH = 72

_TEMPLATES = {
    "I": "{}",
    "C": "{}",
    "log": r"\log\left({}\right)",
    "log2": r"\log_{{2}}\left({}\right)",
    "log10": r"\log_{{10}}\left({}\right)",
    "log1p": r"\log\left(1 + {}\right)",
    "exp": r"\exp\left({}\right)",
    "expm1": r"\left(\exp\left({}\right) - 1\right)",
    "sqrt": r"\sqrt{{{}}}",
    "abs": r"\left|{}\right|",
}
_OPERATORS = {
    "+": "{} + {}",
    "-": "{} - {}",
    "*": r"{}\,{}",
    ":": r"{}\,{}",
    "/": r"\frac{{{}}}{{{}}}",
    "^": "{}^{{{}}}",
}


def words(text: str) -> str:
    r"""Return plain words as LaTeX, safe in math mode.

    Examples
    --------
    >>> print(words("mathach"), words("stem_height"))
    \text{mathach} {\text{stem}\_\text{height}}
    """
    pieces = [piece for piece in re.split(r"([_%&#$\\{}~^])", " ".join(text.split())) if piece]
    written = [SPECIAL.get(piece, rf"\text{{{piece}}}") for piece in pieces]
    return written[0] if len(written) == 1 else "{" + "".join(written) + "}"


def symbol(base: str, index: str = "", *marks: str) -> str:
    r"""Return a symbol with its index below and its marks above.

    Examples
    --------
    >>> print(symbol(r"\tau", "00"), symbol(r"\tau", "00", "v"))
    \tau_{00} \tau_{00}^{(v)}
    """
    below = f"_{{{index}}}" if index else ""
    above = ",".join(mark for mark in marks if mark)
    return base + below + (f"^{{({above})}}" if above else "")


def squared(base: str, index: str = "", *marks: str) -> str:
    r"""Return the square of a symbol.

    Examples
    --------
    >>> print(squared(r"\sigma", "ij"), squared(r"\sigma", "", "1"))
    \sigma_{ij}^{2} \left(\sigma^{(1)}\right)^{2}
    """
    written = symbol(base, index, *marks)
    return rf"\left({written}\right)^{{2}}" if any(marks) else written + "^{2}"


def column_vector(entries: Iterable[str]) -> str:
    """Return a bracketed column of entries."""
    return matrix((entry,) for entry in entries)


def matrix(rows: Iterable[Iterable[str]]) -> str:
    r"""Return a bracketed matrix.

    Examples
    --------
    >>> print(matrix([["a", "b"], ["c", "d"]]))
    \begin{bmatrix} a & b \\ c & d \end{bmatrix}
    """
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def normal(mean: str, variance: str) -> str:
    """Return the normal distribution with this mean and variance."""
    return rf"N\left({mean}, {variance}\right)"


def distribution(family: str, of: str, mean: str, variance: str) -> str:
    r"""Return the distribution of a family with this mean and variance; `of` marks its shape.

    Examples
    --------
    >>> distribution("t", "school", "0", r"\tau^{2}")
    't_{\\nu_{\\text{school}}}\\left(0, \\tau^{2}\\right)'
    """
    if family == "normal":
        return normal(mean, variance)
    return rf"{distribution_name(family, of)}\left({mean}, {variance}\right)"


def distribution_name(family: str, of: str) -> str:
    """Return the symbol of a family with its shape."""
    return f"{_LETTERS[family]}_{{{shape_symbol(family, of)}}}"


def shape_symbol(family: str, of: str) -> str:
    """Return the symbol of degrees of freedom, or of skewness."""
    return symbol(_SHAPES[family], words(of) if of else "")


_LETTERS = {"t": "t", "skew_normal": r"\operatorname{SN}"}
_SHAPES = {"t": r"\nu", "skew_normal": r"\alpha"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which index each column carries.

    Attributes
    ----------
    row
        Index of a column that varies by row, e.g. ``ij``.
    own
        The letter of the row itself, e.g. ``i``.
    group
        Index of the columns in `between`, which are constant within the group.
    letters
        Index letter of each grouping column.
    plain_names
        True when ``cvar`` and ``dvar`` are written as names.
    """

    row: str
    own: str = ""
    group: str = ""
    letters: tuple[tuple[str, str], ...] = ()
    between: frozenset[str] = frozenset()
    plain_names: bool = False

    @property
    def all_groups(self) -> str:
        """The index of all groups of a row."""
        return "".join(letter for _, letter in self.letters)

    def of_groups(self, columns: Iterable[str]) -> str:
        """Return the index of the groups formed by these grouping columns."""
        letters = dict(self.letters)
        return "".join(letters.get(column, "") for column in columns)

    def of_column(self, column: str) -> str:
        """Return the index that `column` carries."""
        return self.group if column in self.between else self.row

    def at_row(self, row: str) -> Place:
        """Return the same place with another row index."""
        return replace(self, row=row)

    def without_index(self) -> Place:
        """Return a place where no column carries an index."""
        return replace(self, row="", group="")

    def is_between(self, expr: Expr) -> bool:
        """Tell whether `expr` is constant within the group."""
        if isinstance(expr, Call) and expr.function in AVERAGES:
            return is_group_mean(expr, self.between)
        used = variables(expr)
        return bool(used) and self.between.issuperset(used)


def expression(expr: Expr, place: Place) -> str:
    r"""Return the LaTeX of an expression on columns.

    Examples
    --------
    >>> ses = Name("ses")
    >>> place = Place(row="ij", group="j", letters=(("school", "j"),))
    >>> print(expression(Call("cvar", (ses, Name("school"))), place))
    \overline{\text{ses}}_{j}
    >>> print(expression(Call("log", (ses,)), place))
    \log\left(\text{ses}_{ij}\right)
    """
    match expr:
        case Number(text=written):
            return written
        case String(value=value):
            return words(value)
        case Name(name=name):
            return symbol(words(name), place.of_column(name))
        case Unary(operator=operator, operand=operand):
            return f"{operator}{_operand(operand, place)}"
        case Binary():
            return _binary(expr, place)
        case Call():
            return _call(expr, place)
        case Bar():
            return words(text(expr))


def group_calls(terms: Iterable[Term]) -> tuple[Call, ...]:
    """Return every ``cvar`` and ``dvar`` in `terms`, in order."""
    nodes = (node for term in terms for factor in term.factors for node in walk(factor))
    return tuple(node for node in nodes if isinstance(node, Call) and node.function in AVERAGES)


def multiplicand(expr: Expr, place: Place) -> str:
    """Return an expression that can stand in a product: sums go into parentheses."""
    inner = expr.args[0] if isinstance(expr, Call) and expr.function == "I" else expr
    return _operand(inner, place)


def _operand(expr: Expr, place: Place) -> str:
    is_sum = isinstance(expr, Unary) or (isinstance(expr, Binary) and expr.operator in "+-")
    return _parenthesised(expr, place) if is_sum else expression(expr, place)


def _parenthesised(expr: Expr, place: Place) -> str:
    return rf"\left({expression(expr, place)}\right)"


def _binary(expr: Binary, place: Place) -> str:
    match expr.operator:
        case "+" | "/":
            left, right = expression(expr.left, place), expression(expr.right, place)
        case "-":
            left, right = expression(expr.left, place), _operand(expr.right, place)
        case "^":
            base = expression if isinstance(expr.left, Name | Number) else _parenthesised
            left, right = base(expr.left, place), expression(expr.right, place)
        case _:
            left, right = _operand(expr.left, place), _operand(expr.right, place)
    return _OPERATORS[expr.operator].format(left, right)


def _call(call: Call, place: Place) -> str:
    if call.function in AVERAGES:
        return _group_function(call, place)
    if call.function == "center":
        return _difference(call.args[0], rf"\overline{{{_bare(call.args[0], place)}}}", place)
    written = ", ".join(expression(argument, place) for argument in children(call))
    if call.function in _TEMPLATES:
        return _TEMPLATES[call.function].format(written)
    return rf"\operatorname{{{call.function}}}\left({written}\right)"


def _group_function(call: Call, place: Place) -> str:
    if place.plain_names:
        of_group = place.of_groups(averaging_groups(call)[0])
        return symbol(words(text(call)), of_group if is_group_mean(call, variables(call)) else place.row)
    means = [symbol(mean, index) for mean, index in group_means(call, place)]
    if call.function == "cvar":
        return means[0]
    if len(means) == 1:
        return _difference(call.args[0], means[0], place)
    return rf"\left({' - '.join(means)}\right)"


def group_means(call: Call, place: Place) -> Iterator[tuple[str, str]]:
    r"""Yield each mean of a ``cvar`` or ``dvar`` with its index; a mark says that it is not a plain mean.

    Examples
    --------
    >>> place = Place(row="ij", letters=(("school", "j"),))
    >>> for mean, index in group_means(Call("dvar", (Name("ses"), Name("school"))), place):
    ...     print(mean, index)
    \overline{\text{ses}} j
    """
    options = dict(call.keywords)
    others, weights = "loo" in options, options.get("weights")
    marks = [r"\setminus " + place.own] * others + ([_bare(weights, place)] if weights else [])
    mean = symbol(rf"\overline{{{_bare(call.args[0], place)}}}", "", *marks)
    for columns in averaging_groups(call):
        yield mean, place.of_groups(columns)


def _difference(expr: Expr, subtracted: str, place: Place) -> str:
    return rf"\left({expression(expr, place)} - {subtracted}\right)"


def _bare(expr: Expr, place: Place) -> str:
    return expression(expr, place.without_index())


@dataclass(frozen=True, slots=True)
class Line:
    r"""One relation: a left side, a sign, and the summands of the right side in groups.

    Examples
    --------
    >>> print(Line(r"\beta_{0j}", (("\\gamma_{00}",), ("u_{0j}",))))
    \beta_{0j} = \gamma_{00} + u_{0j}
    """

    left: str
    groups: tuple[tuple[str, ...], ...]
    relation: str = "="

    @property
    def summands(self) -> tuple[str, ...]:
        """All summands in order."""
        return tuple(summand for group in self.groups for summand in group)

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {' + '.join(self.summands) or '0'}"

    def rows(self) -> tuple[str, ...]:
        """Return the rows of an aligned block; a long sum is broken between groups."""
        if _width(str(self)) <= LINE_WIDTH:
            broken = [self.summands or ("0",)]
        else:
            broken = [row for group in self.groups for row in _filled(group)]
        first, *others = (" + ".join(row) for row in broken)
        return f"{self.left} &{self.relation} {first}", *(rf"&\quad + {row}" for row in others)


def relation(left: str, right: str, sign: str = "=") -> Line:
    """Return a line whose right side is not a sum."""
    return Line(left, ((right,),), sign)


def distributed(left: str, right: str) -> Line:
    """Return the line that gives the distribution of `left`."""
    return relation(left, right, r"\sim")


def aligned(rows: Iterable[str]) -> str:
    """Return rows as one aligned block."""
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _width(latex: str) -> int:
    """Return about how many characters wide `latex` is when set."""
    plain = re.sub(r"\\(text|overline|left|right|operatorname)\b", "", latex)
    return len(re.sub(r"[{}_^\s]", "", re.sub(r"\\[A-Za-z]+|\\,", "x", plain)))


def _filled(summands: Iterable[str]) -> Iterable[tuple[str, ...]]:
    row: tuple[str, ...] = ()
    for summand in summands:
        if row and _width("".join((*row, summand))) > LINE_WIDTH:
            yield row
            row = ()
        row = (*row, summand)
    if row:
        yield row
