import pytest
from hypothesis import assume, given
from tests.spec.strategies import COLUMNS, intercepts, right_sides

from laird.errors import SpecError
from laird.spec.algebra import arrange, expand, merge, times
from laird.spec.parser import parse
from laird.spec.syntax import Name
from laird.spec.terms import Term
from laird.spec.writing import term_name

TERMS = {  # as R's terms() gives them
    "a": "1 a",
    "1": "1",
    "0": "",
    "-1": "",
    "0 + a": "a",
    "a - 1": "a",
    "a + 0": "a",
    "0 + a + 1": "1 a",
    "a + b": "1 a b",
    "a:b": "1 a:b",
    "a * b": "1 a b a:b",
    "a * b * c": "1 a b c a:b a:c b:c a:b:c",
    "a / b": "1 a a:b",
    "a / b / c": "1 a a:b a:b:c",
    "(a + b) / c": "1 a b a:b:c",
    "a / (b + c)": "1 a a:b a:c",
    "(a + b)^2": "1 a b a:b",
    "(a + b + c)^2": "1 a b c a:b a:c b:c",
    "(a + b + c)^3": "1 a b c a:b a:c b:c a:b:c",
    "(a + b)**2": "1 a b a:b",
    "(a + b):c": "1 a:c b:c",
    "(1 + a) * b": "1 a b a:b",
    "a:b + a": "1 a a:b",
    "a + a": "1 a",
    "a:b + b:a": "1 a:b",
    "a * b - a:b": "1 a b",
    "a * b * c - a:b:c": "1 a b c a:b a:c b:c",
    "(a + b)^2 - (a + b)": "1 a:b",
    "c + (b - b) + a": "1 c a",
    "c + (c + b - c)": "1 c b",
    "b:a + a + b": "1 a b b:a",
    "log(a) * b": "1 log(a) b log(a):b",
    "(a + b)^9": "1 a b a:b",
}

ERRORS = {
    "a^2": ("`a ^ 2` combines one term with itself", "I(a^2) or poly(a, 2)", 0),
    "a * a": ("`a * a` combines one term with itself", "I(a^2)", 0),
    "(a + b)^1.5": ("The exponent must be a whole number, at least 1.", "(a + b)^2", 8),
    "(a + b)^0": ("The exponent must be a whole number", "", 8),
    "(a + b)^c": ("The exponent must be a whole number", "", 8),
    "a - b": ("There is no term `b` before this place to remove.", "Available: `a`.", 4),
    "sector - Sector": ("There is no term `Sector`", "Nearest: `sector`.", 9),
    "a + 2": ("The number 2 is not a term; only 0 and 1 are.", "I(x / 100)", 4),
    "a / 100": ("The number 100 is not a term", "I(x / 100)", 4),
    "a + 'b'": ("Text is not a term.", "without quotes", 4),
    "(0 + a) * b": ("The intercept cannot be removed inside a product.", "Write 0 + … at the start.", 1),
    "a * 0": ("The intercept cannot be removed inside a product.", "", 4),
    "a * (1 | g)": ("`(1 | g)` can only be added", "after a +", 4),
    "a - (1 | g)": ("`(1 | g)` can only be added", "after a +", 4),
    "a:meta_V(v)": ("`meta_V(v)` can only be added", "after a +", 2),
    "Intercept + a": ("`Intercept` is not a column.", "Write 1.", 0),
}


def names(source):
    total = expand(parse(source), source)
    return [term_name(term).replace("Intercept", "1") for term in arrange(total.with_intercept())]


@pytest.mark.parametrize("source", TERMS)
def test_terms(source):
    assert names(source) == TERMS[source].split()


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    what, rest, column = ERRORS[source]
    with pytest.raises(SpecError) as caught:
        expand(parse(source), source)
    assert what in caught.value.what
    assert rest in str(caught.value)
    assert caught.value.where.startswith(f"    {source}\n    {' ' * column}^")


@given(intercepts, right_sides)
def test_agrees_with_formulaic(intercept, right):
    """An independent implementation of the same algebra gives the same terms, by degree."""
    from formulaic import Formula

    letters = dict(zip(COLUMNS, "abcdefghijk", strict=True))
    for column in sorted(COLUMNS, key=len, reverse=True):  # formulaic reads Python names only
        right = right.replace(column, letters[column])
    try:
        ours = names(intercept + right)
    except SpecError as error:
        assume("with itself" not in error.what)
        raise
    theirs = [str(term) for term in Formula(intercept + right, _ordering="degree")]
    assert [set(name.split(":")) for name in ours] == [set(name.split(":")) for name in theirs]


def test_a_long_sum_is_no_deep_recursion():
    assert len(names(" + ".join(f"x{i}" for i in range(1500)))) == 1501


def test_random_terms_and_known_variances_are_kept_apart():
    total = expand(parse("x + (1 | g) + meta_V(v) + (x | h)"), "")
    assert [len(part) for part in (total.terms, total.bars, total.known)] == [1, 2, 1]


def test_merge_and_times():
    a, b = Term((Name("a"),)), Term((Name("b"),))
    assert merge([times(a, b), times(b, a), a]) == (times(a, b), a)
    assert times(times(a, b), a) == times(a, b)


def test_arrange_spells_interactions_as_elsewhere():
    (term,) = expand(parse("b:a"), "").terms
    (elsewhere,) = expand(parse("a:b"), "").terms
    assert arrange((term,)) == (term,)
    assert arrange((term,), like=[elsewhere]) == (elsewhere,)
