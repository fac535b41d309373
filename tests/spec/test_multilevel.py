import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.spec.strategies import BETWEEN, WITHIN

from laird.errors import SpecError
from laird.spec.multilevel import MultilevelForm, multilevel, multilevel_form, to_multilevel
from laird.spec.spec import parse_spec
from laird.spec.writing import location_text

COLUMNS_BETWEEN = ("Sector", "size")

FORMS = {
    "y ~ 1 + (1 | g)": ["y ~ 1 within g", "Intercept ~ 1, random"],
    "y ~ w + (1 | g)": ["y ~ 1 within g", "Intercept ~ 1 + w, random"],
    "y ~ x + (1 | g)": ["y ~ 1 + x within g", "Intercept ~ 1, random", "x ~ 1"],
    "y ~ w * x + (x | g)": ["y ~ 1 + x within g", "Intercept ~ 1 + w, random", "x ~ 1 + w, random"],
    "y ~ x * w + (1 | g)": ["y ~ 1 + x within g", "Intercept ~ 1 + w, random", "x ~ 1 + w"],
    "y ~ x + x:w + (x | g)": ["y ~ 1 + x within g", "Intercept ~ 1, random", "x ~ 1 + w, random"],
    "y ~ x:w + (1 | g)": ["y ~ 1 + x within g", "Intercept ~ 1, random", "x ~ 0 + w"],
    "y ~ cvar(x, g) + x + (dvar(x, g) | g)": [
        "y ~ 1 + x + dvar(x, g) within g",
        "Intercept ~ 1 + cvar(x, g), random",
        "x ~ 1",
        "dvar(x, g) ~ 0, random",
    ],
    "y ~ (cvar(x, g) + dvar(x, g)) * w + (dvar(x, g) || g)": [
        "y ~ 1 + dvar(x, g) within g",
        "Intercept ~ 1 + cvar(x, g) + w + cvar(x, g):w, random",
        "dvar(x, g) ~ 1 + w, random",
    ],
    "y ~ x * z * w + (1 | g)": [
        "y ~ 1 + x + z + x:z within g",
        "Intercept ~ 1 + w, random",
        "x ~ 1 + w",
        "z ~ 1 + w",
        "x:z ~ 1 + w",
    ],
    "y ~ 0 + x + (0 + x | g)": ["y ~ 0 + x within g", "x ~ 1, random"],
    "y ~ log(w) + poly(x, 2) + cvar(x, w) + (1 | g:h)": [
        "y ~ 1 + poly(x, 2) within g:h",
        "Intercept ~ 1 + log(w) + cvar(x, w), random",
        "poly(x, 2) ~ 1",
    ],
}

NO_FORM = {
    "y ~ x": "it has no random term",
    "y ~ x + (1 | g) + (1 | h)": "it has several grouping factors (g, h)",
    "y ~ x + (1 | g/h)": "it has several grouping factors (g, g:h)",
    "y ~ x + (1 | g) + (0 + x | g)": "several random terms; write independent ones as one (… || …)",
    "y ~ x + (1 | g) + meta_V(v)": "it has known sampling variances",
    "y ~ x + w + (w | g)": "the random coefficient of `w`, which does not vary within `g`",
    "y ~ x + (cvar(x, g) | g)": "the random coefficient of `cvar(x, g)`",
}

ERRORS = {
    "unknown coefficient": (["y ~ x"], ["sses ~ w"], {}, "`sses` is not a coefficient of level 1."),
    "two equations": (["y ~ x"], ["x ~ w", "x ~ 1"], {}, "There are two level-2 equations of `x`."),
    "two coefficients": (["y ~ x"], ["x + 1 ~ w", "a + b ~ w"], {}, "This is not one level-1 coefficient."),
    "level 1 in level 2": (["y ~ x"], ["Intercept ~ x"], {}, "`x` varies within groups"),
    "outcome in level 2": (["y ~ x"], ["Intercept ~ y"], {}, "`y` varies within groups"),
    "random term in level 1": (["y ~ x + (1 | g)"], [], {}, "`(1 | g)` cannot stand in a level-1 equation."),
    "random term in level 2": (["y ~ x"], ["x ~ (1 | g)"], {}, "`(1 | g)` cannot stand in a level-2"),
    "nothing random": (["y ~ x"], [], {}, "No coefficient varies between the groups of `g`."),
    "random is empty": (["y ~ x"], ["x ~ w"], {"random": []}, "No coefficient varies between"),
    "random is unknown": (["y ~ x"], ["x ~ w"], {"random": ["z"]}, "`z` is not a coefficient of level 1."),
    "random is one text": (["y ~ x"], ["x ~ w"], {"random": "x"}, "`random` must be a list of text"),
    "level2 is one text": (["y ~ x"], "x ~ w", {}, "`level2` must be a list of text"),
    "no coefficient": (["y ~ x"], ["x ~ 0", "Intercept ~ 1"], {"random": ["Intercept"]}, "`x ~ 0` leaves no"),
    "two factors": (["y ~ x"], ["x ~ w"], {"within": "g/h"}, "The multilevel form has one grouping factor."),
    "level 1 is sigma": (["sigma ~ x"], [], {}, "Level 1 must be the formula of an outcome."),
    "level 1 is no formula": (["y"], [], {}, "The formula has no `~`"),
}


def combined(formula):
    return parse_spec(formula).locations[0]


@pytest.mark.parametrize("formula", FORMS)
def test_forms(formula):
    form = to_multilevel(combined(formula), between=["w"])
    assert str(form).splitlines() == FORMS[formula]
    assert form.to_combined() == combined(formula)


@pytest.mark.parametrize("formula", NO_FORM)
def test_what_has_no_form_says_why(formula):
    with pytest.raises(SpecError) as caught:
        to_multilevel(combined(formula), between=["w"])
    assert caught.value.what.startswith("This model has no multilevel form: ")
    assert NO_FORM[formula] in caught.value.what
    assert location_text(combined(formula)) in caught.value.where


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    level1, level2, options, message = ERRORS[case]
    with pytest.raises(SpecError) as caught:
        multilevel(*level1, level2=level2, **({"within": "g"} | options))
    assert message in caught.value.what


def test_the_two_ways_to_write_a_model_give_one_spec():
    spec = multilevel(
        "mathach ~ ses",
        within="school",
        level2=["Intercept ~ Sector", "ses ~ Sector"],
        priors={"b": "normal(0, 1)"},
        title="t",
    )
    formula = "mathach ~ ses * Sector + (1 + ses | school)"
    assert spec == parse_spec(formula, priors={"b": "normal(0, 1)"}, title="t")


def test_a_coefficient_without_equation_is_fixed():
    assert multilevel("y ~ x", within="g", level2=["Intercept ~ 1"]) == parse_spec("y ~ x + (1 | g)")


def test_random_names_the_coefficients_that_vary():
    spec = multilevel("y ~ x", within="g", level2=["x ~ w"], random=["Intercept", "x"], correlated=False)
    assert spec == parse_spec("y ~ x + x:w + (1 + x || g)")


def test_further_parts():
    spec = multilevel("y ~ x", "sigma ~ w", "sd(g) ~ w", within="g", level2=["Intercept ~ 1"])
    assert spec == parse_spec("y ~ x + (1 | g)", "sigma ~ w", "sd(g) ~ w")


sums = st.lists(st.sampled_from(WITHIN), max_size=3, unique=True)
predictors = st.lists(st.sampled_from(BETWEEN), max_size=2, unique=True)


@st.composite
def forms(draw, intercepts=("0", "1")):
    equations = st.builds(
        lambda first, rest: " + ".join([first, *rest]), st.sampled_from(intercepts), predictors
    )
    level1 = draw(sums)
    level2 = [f"{term} ~ {draw(equations)}" for term in ["Intercept", *level1] if draw(st.booleans())]
    assume(level2)
    terms = " + ".join(["1", *level1])
    return multilevel_form(f"y ~ {terms}", within="school", level2=level2, correlated=draw(st.booleans()))


@given(forms())
def test_combined_and_back(form: MultilevelForm):
    back = to_multilevel(form.to_combined(), between=COLUMNS_BETWEEN)
    assert back.to_combined() == form.to_combined()
    assert (back.level1, back.level2, back.random) == (form.level1, form.level2, form.random)


@given(forms(intercepts=("1",)))
def test_the_text_of_a_form_describes_it(form: MultilevelForm):
    first, *rows = str(form).split("\n")
    random = [row.split(" ~ ")[0] for row in rows if row.endswith(", random")]
    level2 = [row.removesuffix(", random") for row in rows]
    level1 = first.removesuffix(" within school")
    again = multilevel_form(level1, within="school", level2=level2, random=random, correlated=form.correlated)
    assert again.to_combined() == form.to_combined()
