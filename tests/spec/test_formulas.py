import pytest

from laird.errors import SpecError
from laird.spec.formulas import location, part, read_formula
from laird.spec.spec import parse_spec
from laird.spec.syntax import Call, Name
from laird.spec.terms import KnownVariance
from laird.spec.writing import random_text

RANDOM = {
    "(1 | g)": ["(1 | g)"],
    "(x | g)": ["(1 + x | g)"],
    "(1 + x | g)": ["(1 + x | g)"],
    "(0 + x | g)": ["(0 + x | g)"],
    "(x - 1 | g)": ["(0 + x | g)"],
    "(x || g)": ["(1 + x || g)"],
    "(1 || g)": ["(1 | g)"],
    "(x * z | g)": ["(1 + x + z + x:z | g)"],
    "(z:x | g)": ["(1 + x:z | g)"],
    "(1 | a/b)": ["(1 | a)", "(1 | a:b)"],
    "(1 | a/b/c)": ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"],
    "(1 | a/(b/c))": ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"],
    "(1 | a:b)": ["(1 | a:b)"],
    "(x || a/b)": ["(1 + x || a)", "(1 + x || a:b)"],
    "(1 | g) + (0 + x | g)": ["(1 | g)", "(0 + x | g)"],
    "(1 | a) + (x | b)": ["(1 | a)", "(1 + x | b)"],
    "(1 | `my g`)": ["(1 | `my g`)"],
    "(dvar(x, g) | g)": ["(1 + dvar(x, g) | g)"],
    "(1 | x)": ["(1 | x)"],  # whether x may group is a question to the data
}

ERRORS = {
    "y ~ y": ("`y` is an outcome of this model: it cannot predict or group.", 4),
    "y ~ x + log(y)": ("`y` is an outcome", 12),
    "log(y) ~ y": ("`y` is an outcome", 9),
    "y ~ cvar(y, g)": ("`y` is an outcome", 9),
    "y ~ (1 | y)": ("`y` is an outcome", 9),
    "y ~ (1 | g) + (1 | g)": ("The random `Intercept` by `g` is there twice", 14),
    "y ~ (1 + x | g) + (1 | g)": ("The random `Intercept` by `g` is there twice", 18),
    "y ~ (x || g) + (0 + x | g)": ("The random `x` by `g` is there twice", 15),
    "y ~ (1 | a/b) + (1 | b:a)": ("The random `Intercept` by `b:a` is there twice", 16),
    "y ~ (0 + x:z | g) + (0 + z:x | g)": ("The random `z:x` by `g` is there twice", 20),
    "y ~ (0 | g)": ("This random term has no coefficient.", 4),
    "y ~ (g | g)": ("`g` groups this random term and cannot vary within its own groups.", 5),
    "y ~ (1 | a + b)": ("This is not a grouping factor.", 9),
    "y ~ (1 | a * b)": ("This is not a grouping factor.", 9),
    "y ~ (1 | (a/b):c)": ("This is not a grouping factor.", 10),
    "y ~ (1 | log(g))": ("This is not a grouping factor.", 9),
    "y ~ (1 | 2)": ("This is not a grouping factor.", 9),
    "y ~ (1 | a/a)": ("The column `a` appears twice in this grouping factor.", 9),
    "y ~ (1 + (1 | h) | g)": ("`(1 | h)` cannot stand inside a random term.", 9),
    "y ~ (meta_V(v) | g)": ("`meta_V(v)` cannot stand inside a random term.", 5),
    "y ~ meta_V(v) + meta_V(w)": ("A formula has one meta_V only.", 16),
    "y / 2 ~ x": ("The outcome must be one column or a function of columns.", 0),
    "2 ~ x": ("The outcome must be one column", 0),
    "y + z ~ x": ("The outcome must be one column", 0),
    "cvar(y, g) ~ x": ("The outcome must be one column", 0),
    "lgo(y) ~ x": ("There is no function `lgo` of an outcome.", 0),
    "log(y, 2) ~ x": ("The call of `log` has too many arguments.", 0),
    "sigma ~ x": ("The formula of `sigma` needs the formula of an outcome beside it.", 0),
    "sd(g) ~ x": ("The formula of `sd` needs the formula of an outcome beside it.", 0),
}

PART_ERRORS = {  # the last formula is the wrong one
    ("y ~ x", "sd(g) ~ x"): ("`g` is not a grouping factor of this model.", 3),
    ("y ~ x + (1 | study)", "sd(stdy) ~ x"): ("`stdy` is not a grouping factor of this model.", 3),
    ("y ~ (1 | a) + (1 | b)", "sd(a/b) ~ x"): ("`a / b` is not a grouping factor", 3),
    ("y ~ (1 | g)", "sd(g, x) ~ x"): ("`sd` takes 1 name in parentheses here.", 0),
    ("y ~ (1 | g)", "sd() ~ x"): ("`sd` takes 1 name in parentheses here.", 0),
    ("y ~ (1 | g)", "sd(group=g) ~ x"): ("`sd` takes 1 name in parentheses here.", 0),
    ("y ~ x", "sigma ~ (1 | g)"): ("`(1 | g)` is not available in the formula of `sigma`.", 8),
    ("y ~ x", "sigma ~ meta_V(v)"): ("`meta_V(v)` is not available in the formula of `sigma`.", 8),
    ("y ~ x", "sigma ~ 0"): ("`sigma ~ 0` leaves the rows no variance of their own.", 8),
    ("y ~ x + (1 | g)", "sd(g) ~ 0"): ("There is no term left in this formula.", 8),
    ("y1 ~ 1 + meta_V(V)", "y2 ~ 1", "sigma(y1) ~ 0", "rho(y1, y2) ~ x"): (
        "`sigma(y1) ~ 0` leaves `y1` nothing that could be correlated.",
        0,
    ),
    ("y1 ~ 1 + meta_V(a)", 'y2 ~ 1 + meta_V(b, scale="proportional")'): (
        "`meta_V(a)` is additive, `meta_V(b)` proportional.",
        5,
    ),
    ("y ~ x", "sigma ~ y"): ("`y` is an outcome of this model", 8),
    ("y ~ x", "sigma ~ x", "sigma ~ z"): ("There are two formulas of `sigma`.", 0),
    ("y ~ x", "sigma ~ x", "sigma(y) ~ z"): ("There are two formulas of `sigma(y)`.", 0),
    ("y ~ x", "sigma(z) ~ x"): ("`z` is not an outcome of this model.", 6),
    ("y ~ x", "rho(y, z) ~ x"): ("`rho` is the correlation of two outcomes; this model has one.", 0),
    ("y1 ~ x", "y2 ~ x", "sigma ~ x"): ("`sigma` takes 1 name in parentheses here.", 0),
    ("y1 ~ x", "y2 ~ x", "rho(y1) ~ x"): ("`rho` takes 2 names in parentheses here.", 0),
    ("y1 ~ x", "y2 ~ x", "rho(y1, y1) ~ x"): ("`rho` needs two different outcomes.", 0),
    ("y1 ~ x", "y2 ~ x", "rho(y1, y3) ~ x"): ("`y3` is not an outcome of this model.", 8),
    ("y1 ~ x", "y2 ~ x", "rho(y1, y2) ~ 1", "rho(y2, y1) ~ x"): ("There are two formulas of", 0),
    ("y1 ~ x", "y1 ~ z"): ("There are two formulas of `y1`.", 0),
    ("y1 ~ x", "y2 ~ y1"): ("`y1` is an outcome of this model", 5),
    ("y ~ x", "sdd(g) ~ x"): ("There is no function `sdd` of an outcome.", 0),
}

REMEDIES = {
    ("y ~ x + (1 | study)", "sd(stdy) ~ x"): (
        "Nearest: `study`.",
        "Add (1 | stdy) to the formula of the outcome.",
    ),
    ("y1 ~ x", "y2 ~ x", "sigma ~ x"): ("", "Write sigma(y1) ~ …."),
    ("y ~ x", "sdd(g) ~ x"): ("Nearest: `sd`.", ""),
    ("sigma ~ x",): ("", 'Write "y ~ x", "sigma ~ x".'),
    ("y ~ (1 | g) + (1 | g)",): ("", "(x | g) means (1 + x | g), without intercept (0 + x | g)."),
    ("y ~ (1 | a * b)",): ("Groups are columns, joined by / (nested) or : (crossed).", "Write (1 | school)"),
    ("y / 2 ~ x",): ("Functions: I, log,", "Write for example log(y) ~ x, or I(y / 100) ~ x."),
}


@pytest.mark.parametrize("source", RANDOM)
def test_random_terms(source):
    random = location(read_formula(f"y ~ x:z + {source}")).random
    assert [random_text(term) for term in random] == RANDOM[source]


def test_beside_other_outcomes_an_independent_intercept_is_kept():
    (random,) = location(read_formula("y ~ 1 + (1 || g)"), several=True).random
    assert random_text(random) == "(1 || g)"


@pytest.mark.parametrize(
    "sources",
    [
        ("y ~ 1 + meta_V(v)", "sigma ~ 0"),
        ("y1 ~ 1 + (1 || g) + meta_V(V)", "y2 ~ 1 + (1 || g)", "sigma(y2) ~ 0"),
        ("y1 ~ 1", "y2 ~ 1", "rho(y1, y2) ~ 0"),
    ],
)
def test_zero_has_no_terms_and_reads_back(sources):
    spec = parse_spec(*sources)
    assert spec.distributional[-1].terms == ()
    assert parse_spec(spec.formula, *spec.parts) == spec


def test_accented_letters_of_two_spellings_are_one_name():
    assert parse_spec("y ~ pe\N{COMBINING GRAVE ACCENT}re") == parse_spec(
        "y ~ p\N{LATIN SMALL LETTER E WITH GRAVE}re"
    )


@pytest.mark.parametrize("sources", [(source,) for source in ERRORS] + list(PART_ERRORS))
def test_errors_point_at_the_place(sources):
    what, column = ERRORS[sources[0]] if len(sources) == 1 else PART_ERRORS[sources]
    with pytest.raises(SpecError) as caught:
        parse_spec(*sources)
    assert what in caught.value.what
    assert caught.value.where.startswith(f"    {sources[-1]}\n    {' ' * column}^")


@pytest.mark.parametrize("sources", REMEDIES)
def test_errors_say_what_is_allowed_and_the_remedy(sources):
    with pytest.raises(SpecError) as caught:
        parse_spec(*sources)
    allowed, remedy = REMEDIES[sources]
    assert allowed in caught.value.allowed
    assert remedy in caught.value.remedy


def test_known_variance():
    assert location(read_formula("yi ~ meta_V(vi) + x")).known == KnownVariance("vi")
    proportional = location(read_formula("yi ~ meta_V(`my v`, scale='proportional')"))
    assert proportional.known == KnownVariance("my v", "proportional")


def test_transformed_outcome():
    assert location(read_formula("log(y) ~ x")).outcome == Call("log", (Name("y"),))


def test_targets_of_parts():
    one = [location(read_formula("y ~ (1 | a/b)"))]
    two = [location(read_formula("y1 ~ x")), location(read_formula("y2 ~ x"))]
    assert part(read_formula("sigma ~ x"), one).target == ()
    assert part(read_formula("sigma(y) ~ x"), one).target == ()
    assert part(read_formula("sd(b:a) ~ x"), one).target == ("a", "b")
    assert part(read_formula("sigma(y2) ~ x"), two).target == ("y2",)
    assert part(read_formula("rho(y2, y1) ~ x"), two).target == ("y1", "y2")


def test_an_unknown_parameter_is_a_second_outcome():
    assert len(parse_spec("y ~ x", "sigmaa ~ x").locations) == 2
