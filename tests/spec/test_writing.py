import pytest
from hypothesis import given
from tests.spec.strategies import trees

from laird.spec.parser import parse
from laird.spec.priors import parse_priors
from laird.spec.spec import parse_spec
from laird.spec.terms import DistributionalPart, Term
from laird.spec.writing import part_text, prior_text, term_name, text

CANONICAL = {
    "cvar( ses,school )": "cvar(ses, school)",
    "a+b": "a + b",
    "a : b": "a:b",
    "(a+b)*c": "(a + b) * c",
    "a+(b*c)": "a + b * c",
    "a-(b-c)": "a - (b - c)",
    "a^(b^c)": "a ^ b ^ c",
    "(a^b)^c": "(a ^ b) ^ c",
    "(-a)*b": "(-a) * b",
    "-(a+b)": "-(a + b)",
    "`ses`+`my x`": "ses + `my x`",
    "f(x,'a \"b\"',k=2.50)": "f(x, 'a \"b\"', k=2.5)",
    "(1|g)": "(1 | g)",
    "(x||g)": "(x || g)",
}


@pytest.mark.parametrize("source", CANONICAL)
def test_canonical_text(source):
    assert text(parse(source)) == CANONICAL[source]


@given(trees)
def test_text_reads_back_as_the_same_tree(tree):
    assert parse(text(tree)) == tree


def test_term_names():
    spec = parse_spec("y ~ ses * Sector + cvar(ses, school):`my x` + poly(ses, 2)")
    assert [term_name(term) for term in spec.locations[0].terms] == [
        "Intercept",
        "ses",
        "Sector",
        "poly(ses, 2)",
        "ses:Sector",
        "cvar(ses, school):`my x`",
    ]


def test_parts_quote_odd_names():
    assert part_text(DistributionalPart("sd", ("my group", "b"), (Term(),))) == "sd(`my group`:b) ~ 1"


@pytest.mark.parametrize("written", ["flat", "normal(0, 2.5)", "student_t(3, -1e-07, 1)"])
def test_prior_text_reads_back(written):
    assert [prior_text(row) for row in parse_priors({"b": written})] == [written]
