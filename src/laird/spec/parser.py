"""Tokens -> syntax tree, by precedence climbing; the whole string or an error.

From loosest to tightest: ``~``, ``+ -``, signs, ``* /``, ``:``, ``^`` (to the right).
"""

from __future__ import annotations

from math import isfinite

from laird.errors import SpecError
from laird.spec.scanner import Token, error_at, normalised, scan
from laird.spec.syntax import Bar, Binary, Call, Expr, Name, Number, String, Unary

PRECEDENCE = {"~": 1, "+": 2, "-": 2, "*": 4, "/": 4, ":": 5, "^": 6}
SIGN = 3
_BARS = ("|", "||")
_STARTS_OPERAND = ("number", "string", "name", "column")
_EXAMPLE = "Write for example `mathach ~ ses + (1 | school)`."


def parse(source: str) -> Expr:
    """Return the syntax tree of all of `source`, a formula or any expression.

    Raises
    ------
    SpecError
        With a caret under the place where the text stops making sense.

    Examples
    --------
    >>> parse("y ~ x")
    Binary(operator='~', left=Name(name='y'), right=Name(name='x'))
    """
    if not isinstance(source, str):
        raise SpecError(f"A formula is text, not {type(source).__name__}.", remedy=_EXAMPLE)
    if not source.strip():
        raise SpecError("The formula is empty.", remedy=_EXAMPLE)
    try:
        return _Parser(source).whole()
    except RecursionError:
        raise SpecError("The parentheses of this formula are nested too deeply.") from None


def parse_formula(source: str) -> tuple[Expr, Expr]:
    """Return the two sides of a formula.

    Examples
    --------
    >>> parse_formula("y ~ x")
    (Name(name='y'), Name(name='x'))
    """
    match parse(source):
        case Binary("~", left, right):
            return left, right
    raise error_at(
        source, (0, len(source)), "The formula has no `~` with the outcome before it.", remedy=_EXAMPLE
    )


def shortest(value: float) -> str:
    """Return the shortest text that reads back as `value`.

    Examples
    --------
    >>> shortest(2.0), shortest(0.1), shortest(1e-7)
    ('2', '0.1', '1e-07')
    """
    return repr(value).removesuffix(".0")


class _Parser:
    """A cursor over the tokens of one formula."""

    def __init__(self, source: str) -> None:
        self.source = normalised(source)
        self.tokens = scan(self.source)
        self.index = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def operator(self) -> str:
        return self.token.value if self.token.kind == "operator" else ""

    def advance(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def whole(self) -> Expr:
        expr = self.expression(0)
        if self.token.kind != "end":
            raise self.left_over()
        return expr

    def expression(self, minimum: int) -> Expr:
        left = self.operand(minimum)
        while (level := PRECEDENCE.get(self.operator, 0)) > minimum:
            left = self.binary(left, level)
        return left

    def binary(self, left: Expr, level: int) -> Expr:
        sign = self.advance()
        right = self.expression(level - 1 if sign.value == "^" else level)
        if sign.value == "~" and self.operator == "~":
            raise self.error(
                self.token, "A formula has one `~` only.", remedy="Give a second formula as its own string."
            )
        return Binary(sign.value, left, right, (left.span[0], right.span[1]))

    def operand(self, minimum: int) -> Expr:
        token = self.advance()
        match token.kind, token.value:
            case "number", _:
                return self.number(token)
            case "string", value:
                return String(value, token.span)
            case "column", value:
                return Name(value, token.span)
            case "name", _ if self.operator == "(":
                return self.call(token)
            case "name", value:
                return Name(value, token.span)
            case "operator", "(":
                return self.group(token)
            case "operator", ("+" | "-") as sign:
                operand = self.expression(max(minimum, SIGN))
                return Unary(sign, operand, (token.span[0], operand.span[1]))
        raise self.missing_operand(token)

    def number(self, token: Token) -> Number:
        value = float(token.value)
        if not isfinite(value):
            raise self.error(token, "This number is too large.")
        return Number(value, shortest(value), token.span)

    def group(self, opening: Token) -> Expr:
        inner = self.expression(PRECEDENCE["~"])
        if self.operator in _BARS:
            inner = self.bar(inner, opening)
        self.close(opening)
        return inner

    def bar(self, left: Expr, opening: Token) -> Expr:
        bar = self.advance()
        if self.operator == ")":
            raise self.error(
                bar, "This random term has no group.", remedy="Name the grouping column: (1 | school)."
            )
        right = self.expression(PRECEDENCE["~"])
        if self.operator in _BARS:
            remedy = "Write (1 + x | group); outcomes with effects of the same group have them correlated."
            raise self.error(self.token, "A random term has one bar only.", remedy=remedy)
        return Bar(left, right, bar.value == "||", (opening.span[0], self.token.span[1]))

    def call(self, name: Token) -> Expr:
        opening = self.advance()
        args: list[Expr] = []
        keywords: list[tuple[str, Expr]] = []
        more = self.operator != ")"
        while more:
            self.argument(args, keywords)
            more = self.operator == "," and bool(self.advance())
        closing = self.close(opening)
        return Call(name.value, tuple(args), tuple(keywords), (name.span[0], closing.span[1]))

    def argument(self, args: list[Expr], keywords: list[tuple[str, Expr]]) -> None:
        following = self.tokens[min(self.index + 1, len(self.tokens) - 1)]
        if self.token.kind == "name" and following.value == "=" and following.kind == "operator":
            keyword = self.advance()
            self.advance()
            if keyword.value in dict(keywords):
                raise self.error(keyword, f"The argument `{keyword.value}` is given twice.")
            keywords.append((keyword.value, self.expression(PRECEDENCE["~"])))
        elif keywords:
            raise self.error(self.token, "An argument without a name stands after one with a name.")
        else:
            args.append(self.expression(PRECEDENCE["~"]))

    def close(self, opening: Token) -> Token:
        if self.token.kind == "end":
            raise self.error(opening, "This ( is never closed.", remedy="Add the ).")
        if self.operator != ")":
            raise self.left_over()
        return self.advance()

    def error(self, token: Token, what: str, *, remedy: str = "") -> SpecError:
        return error_at(self.source, token.span, what, remedy=remedy)

    def written(self, token: Token) -> str:
        return self.source[slice(*token.span)]

    def missing_operand(self, token: Token) -> SpecError:
        if token.value == "~" and self.index == 1:
            return self.error(token, "There is no outcome before `~`.", remedy=_EXAMPLE)
        if token.value in _BARS:
            return self.error(token, "There is nothing before the bar.", remedy="Write (1 | group).")
        if self.index == 1:
            return self.error(token, f"A formula cannot start with `{self.written(token)}`.", remedy=_EXAMPLE)
        previous = self.tokens[self.index - 2]
        what = f"Something is missing after `{self.written(previous)}`."
        if previous.value == "~":
            return self.error(previous, what, remedy="Write `1` for a model with an intercept only.")
        return self.error(previous, what, remedy="Add a column there, or take the sign away.")

    def left_over(self) -> SpecError:
        token = self.token
        previous = self.tokens[self.index - 1]
        if token.kind in _STARTS_OPERAND or token.value == "(":
            first, second = self.written(previous), self.written(token)
            return self.error(
                token,
                f"An operator is missing between `{first}` and `{second}`.",
                remedy="Write + to add a term, : for an interaction, * for both.",
            )
        what, remedy = _LEFT_OVER[token.value]
        return self.error(token, what, remedy=remedy)


_LEFT_OVER = {
    ")": ("This ) closes nothing.", "Take it away, or add the ( it belongs to."),
    ",": ("A comma separates the arguments of a function, not terms.", "Write + to add a term."),
    "=": ("`=` stands only before the value of a named argument.", "Write ~ between outcome and predictors."),
    "~": ("`~` cannot stand inside parentheses.", "Write one ~ between outcome and predictors."),
    "|": ("A random term stands in parentheses.", "Write (1 | group) or (1 + x | group)."),
    "||": ("A random term stands in parentheses.", "Write (1 + x || group)."),
}
