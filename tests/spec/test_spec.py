import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.spec.strategies import PRIORS, formulas

from laird.errors import SpecError
from laird.spec.files import spec_from_toml
from laird.spec.spec import Spec, parse_spec, respecified, spec_variables
from laird.spec.syntax import Name, walk

FULL = parse_spec(
    "yi ~ habitat * duration + (1 + duration || study/site) + meta_V(vi)",
    "sigma ~ habitat",
    "sd(study) ~ 0 + habitat",
    priors={"b": "normal(0, 1)", "sd(study)": "half_normal(0.5)"},
    levels={"habitat": ["grassland", "forest"]},
    missing="drop",
    name="restoration",
    title='A "title"',
    question="Line 1\nLine 2 — with ∂ and \\",
    data="restoration",
    study=["author", "year"],
)


def parsed(formula, **settings):
    """The spec of a random formula; what the algebra refuses is tested elsewhere."""
    try:
        return parse_spec(formula, **settings)
    except SpecError as error:
        assume("with itself" not in error.what and "there twice" not in error.what)
        raise


@given(formulas)
def test_canonical_text_reads_back(formula):
    spec = parsed(formula)
    again = parse_spec(str(spec))
    assert again == spec
    assert str(again) == str(spec)
    assert again.hash == spec.hash


@given(
    formulas,
    st.dictionaries(st.sampled_from(("b", "ses", "Intercept", "`my x`")), st.sampled_from(PRIORS)),
    st.dictionaries(st.text("ab é.", min_size=1), st.lists(st.text(), min_size=1, unique=True)),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_toml_reads_back(formula, priors, levels, title):
    spec = parsed(formula, priors=priors, levels=levels, title=title)
    written = spec.to_toml()
    assert spec_from_toml(written) == spec
    assert spec_from_toml(written).to_toml() == written


def test_toml_of_everything():
    assert spec_from_toml(FULL.to_toml()) == FULL
    assert FULL.to_toml().splitlines()[:4] == [
        'name = "restoration"',
        'title = "A \\"title\\""',
        'question = "Line 1\\nLine 2 — with ∂ and \\\\"',
        'data = "restoration"',
    ]


def test_two_spellings_of_one_model_are_equal():
    long = "mathach ~ 1 + ses + Sector + ses:Sector + (1 + ses | school)"
    assert parse_spec("mathach ~ ses*Sector + (ses|school)") == parse_spec(long)
    assert hash(parse_spec("mathach~ses*Sector+(ses|school)")) == hash(parse_spec(long))


def test_parts_come_in_canonical_order():
    spec = parse_spec("sigma(y1) ~ x", "y1 ~ x", "rho(y2, y1) ~ 1", "y2 ~ z")
    assert spec.formula == "y1 ~ 1 + x"
    assert spec.parts == ("y2 ~ 1 + z", "sigma(y1) ~ 1 + x", "rho(y1, y2) ~ 1")


@pytest.mark.parametrize("label", ["name", "title", "question", "data"])
def test_labels_are_not_part_of_the_hash(label):
    assert replace(FULL, **{label: "other"}).hash == FULL.hash


@pytest.mark.parametrize(
    "other",
    [
        parse_spec("y ~ x + z"),
        parse_spec("y ~ x", priors="flat"),
        parse_spec("y ~ x", levels={"x": ["a"]}),
        parse_spec("y ~ x", missing="drop"),
        parse_spec("y ~ x", weights="w"),
        parse_spec("y ~ x", "sigma ~ x"),
        parse_spec("y ~ x", "z ~ x"),
    ],
)
def test_every_part_of_the_model_is_in_the_hash(other):
    assert other.hash != parse_spec("y ~ x").hash


def test_the_hash_is_the_same_in_another_process():
    code = f"from laird.spec import parse_spec; print(parse_spec({FULL.formula!r}).hash)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == parse_spec(FULL.formula).hash


@pytest.mark.parametrize("field", Spec.__dataclass_fields__)
def test_a_spec_cannot_be_changed(field):
    with pytest.raises(FrozenInstanceError):
        setattr(FULL, field, None)


def test_a_spec_is_frozen_to_the_bottom():
    assert isinstance(hash(FULL), int)
    random = FULL.locations[0].random[0]
    for value in (*FULL.locations, *FULL.distributional, *FULL.priors, random, *random.terms):
        assert isinstance(hash(value), int)
        with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
            value.factors = value.terms = value.values = ()
    for location in FULL.locations:
        for factor in (factor for term in location.terms for factor in term.factors):
            assert all(isinstance(hash(node), int) for node in walk(factor))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"missing": "dorp"}, "Nearest: `drop`."),
        ({"missing": None}, "`missing` cannot be None."),
        ({"levels": {"Sex": "Male"}}, "The levels of `Sex` must be a list of text."),
        ({"levels": {"Sex": [1, 2]}}, "The levels of `Sex` must be a list of text."),
        ({"levels": {"Sex": []}}, "The levels of `Sex` must be one or more, each once."),
        ({"levels": {"Sex": ["a", "a"]}}, "The levels of `Sex` must be one or more, each once."),
        ({"levels": [("Sex", ["a"])]}, "`levels` must be a mapping of columns to lists."),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(SpecError) as caught:
        parse_spec("y ~ x", **settings)
    assert message in str(caught.value)


def test_variables():
    spec = parse_spec("log(y) ~ cvar(x, g) + z + (w | a:b) + meta_V(v)", "sigma ~ s")
    assert spec_variables(spec) == ("y", "x", "g", "z", "w", "a", "b", "s")
    assert spec_variables(parse_spec("y ~ x", weights="w")) == ("y", "x", "w")


def test_weights_are_part_of_the_file():
    spec = parse_spec("y ~ x + meta_V(v)", weights="w")
    assert 'weights = "w"' in spec.to_toml()
    assert spec_from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize(
    ("formulas", "weights", "message"),
    [
        (("y ~ x + (1 | g)",), "w", "these rows share the random effects of `g`"),
        (("y ~ x", "z ~ x"), "w", "these rows have several outcomes"),
        (("y ~ x",), [1.0], "`weights` must be the name of a column"),
    ],
)
def test_weights_are_refused_where_rows_are_not_independent(formulas, weights, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse_spec(*formulas, weights=weights)
    assert caught.value.remedy


def test_a_spec_takes_other_settings_and_checks_them():
    spec = parse_spec("y ~ x", priors="flat")
    assert respecified(spec, missing="drop", weights="w") == replace(spec, missing="drop", weights="w")
    with pytest.raises(SpecError, match="`missing` cannot be"):
        respecified(spec, missing="dorp")


def test_a_name_is_the_name_of_a_column():
    assert parse_spec("`a b` ~ x").locations[0].outcome == Name("a b")


def test_the_spec_layer_needs_the_standard_library_only():
    code = (
        "import sys, laird.spec\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'pymc', 'formulaic', 'narwhals', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == "[]"


def test_what_names_the_rows_is_a_label():
    plain, named = parse_spec("y ~ x"), parse_spec("y ~ x", study=["author", "year"])
    assert named.study == ("author", "year")
    assert named.hash == plain.hash
    assert spec_variables(named) == ("y", "x")


@pytest.mark.parametrize("study", ["author", [1], {"author": 1}])
def test_what_names_the_rows_is_a_list_of_columns(study):
    with pytest.raises(SpecError, match="`study` must be a list of columns"):
        parse_spec("y ~ x", study=study)
