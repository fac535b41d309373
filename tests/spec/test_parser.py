import pytest
from hypothesis import given
from hypothesis import strategies as st

from laird.errors import SpecError
from laird.spec.parser import parse, parse_formula, shortest
from laird.spec.scanner import scan
from laird.spec.syntax import Bar, Binary, Call, Name, Number, String, Unary, walk

A, B, C = Name("a"), Name("b"), Name("c")
ONE, TWO = Number(1.0, "1"), Number(2.0, "2")

TREES = {
    "a + b - c": Binary("-", Binary("+", A, B), C),
    "a + b * c": Binary("+", A, Binary("*", B, C)),
    "a * b:c": Binary("*", A, Binary(":", B, C)),
    "a / b / c": Binary("/", Binary("/", A, B), C),
    "a ^ b ^ c": Binary("^", A, Binary("^", B, C)),
    "(a + b)^2": Binary("^", Binary("+", A, B), TWO),
    "-a * b": Unary("-", Binary("*", A, B)),
    "a ^ -2 * b": Binary("*", Binary("^", A, Unary("-", TWO)), B),
    "-a + b": Binary("+", Unary("-", A), B),
    "a ~ b + c": Binary("~", A, Binary("+", B, C)),
    "(1 | a)": Bar(ONE, A),
    "(a + b || c)": Bar(Binary("+", A, B), C, double=True),
    "(1 | a/b)": Bar(ONE, Binary("/", A, B)),
    "((a))": A,
    "f()": Call("f", ()),
    "f(a, b, key='v')": Call("f", (A, B), (("key", String("v")),)),
    "2.0": TWO,
    "a\n+\nb": Binary("+", A, B),
}

ERRORS = {  # formula: (message, column of the caret, remedy)
    "y ~ x z": ("An operator is missing between `x` and `z`.", 6, "Write + to add a term"),
    "y ~ x:(z) (w)": ("An operator is missing between `)` and `(`.", 10, "Write + to add a term"),
    "y ~ 2x": ("An operator is missing between `2` and `x`.", 5, "Write +"),
    "y ~ `a` `b`": ("An operator is missing between ``a`` and ``b``.", 8, "Write +"),
    "y ~ x ) + z": ("This ) closes nothing.", 6, "Take it away"),
    "y ~ x, z": ("A comma separates the arguments of a function", 5, "Write + to add a term."),
    "y": ("The formula has no `~`", 0, "Write for example `mathach ~"),
    "y ~": ("Something is missing after `~`.", 2, "Write `1` for a model with an intercept only."),
    "~ x": ("There is no outcome before `~`.", 0, "Write for example"),
    "y ~ x +": ("Something is missing after `+`.", 6, "Add a column"),
    "y ~ x * * z": ("Something is missing after `*`.", 6, "Add a column"),
    "y ~ (x": ("This ( is never closed.", 4, "Add the )."),
    "y ~ log(x": ("This ( is never closed.", 7, "Add the )."),
    "y ~ ()": ("Something is missing after `(`.", 4, "Add a column"),
    "y ~ f(x,)": ("Something is missing after `,`.", 7, "Add a column"),
    "y ~ f(x y)": ("An operator is missing between `x` and `y`.", 8, "Write +"),
    "y ~ f(k=1, x)": ("An argument without a name stands after one with a name.", 11, ""),
    "y ~ f(k=1, k=2)": ("The argument `k` is given twice.", 11, ""),
    "y ~ x | g": ("A random term stands in parentheses.", 6, "Write (1 | group)"),
    "y ~ x || g": ("A random term stands in parentheses.", 6, "Write (1 + x || group)"),
    "y ~ (1 | )": ("This random term has no group.", 7, "Name the grouping column"),
    "y ~ (| g)": ("There is nothing before the bar.", 5, "Write (1 | group)."),
    "y ~ (1 | p | g)": ("A random term has one bar only.", 11, "Write (1 + x | group); outcomes"),
    "y ~ (1 | g": ("This ( is never closed.", 4, "Add the )."),
    "y ~ x ~ z": ("A formula has one `~` only.", 6, "Give a second formula as its own string."),
    "y ~ (x ~ z)": ("`~` cannot stand inside parentheses.", 7, "Write one ~"),
    "y = x": ("`=` stands only before the value of a named argument.", 2, "Write ~"),
    "y ~ 1e999": ("This number is too large.", 4, ""),
    "* x": ("A formula cannot start with `*`.", 0, "Write for example"),
}


@pytest.mark.parametrize("source", TREES)
def test_trees(source):
    assert parse(source) == TREES[source]


@pytest.mark.parametrize("source", ERRORS)
def test_errors_say_what_where_and_the_remedy(source):
    message, column, remedy = ERRORS[source]
    with pytest.raises(SpecError) as caught:
        parse_formula(source)
    assert message in caught.value.what
    assert caught.value.where.startswith(f"    {source}\n    {' ' * column}^")
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("source", ["", "   ", "\n"])
def test_empty_formula(source):
    with pytest.raises(SpecError, match=r"The formula is empty\.\nWrite for example"):
        parse(source)


@pytest.mark.parametrize("source", [None, 3, ["y ~ x"]])
def test_a_formula_is_text(source):
    with pytest.raises(SpecError, match="A formula is text, not"):
        parse(source)


def test_deep_nesting_is_an_error_of_the_formula():
    with pytest.raises(SpecError, match="nested too deeply"):
        parse("(" * 100_000)


def test_long_sums_are_no_deep_nesting():
    assert parse(" + ".join(["x"] * 5000)).right == Name("x")


def words_of(tree):
    """How many names, numbers and strings the text of `tree` must have had."""
    return sum(
        1 + len(node.keywords) if isinstance(node, Call) else isinstance(node, Name | Number | String)
        for node in walk(tree)
    )


@given(st.text(alphabet="xyg12 ~+-:*/^()|,=`'\"0.eµ", max_size=25))
def test_any_text_is_read_wholly_or_refused(source):
    try:
        tree = parse(source)
    except SpecError:
        return
    words = [token for token in scan(source) if token.kind not in ("operator", "end")]
    assert words_of(tree) == len(words)


@given(st.floats(0, allow_nan=False, allow_infinity=False))
def test_shortest_reads_back(value):
    assert float(shortest(value)) == value
