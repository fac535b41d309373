import pytest

from laird.errors import SpecError
from laird.spec import parse_spec, spec_from_toml
from laird.spec.recipes import parse_recipes, recipe_columns, recipe_text

FORMULA = "yi ~ 1 + (1 | study) + meta_V(V)"

CANONICAL = {
    "vcov_cluster( vi,study , rho= .60)": "vcov_cluster(vi, study, rho=0.6)",
    "vcov_cluster(cluster=study, v=vi, rho=-0.1)": "vcov_cluster(vi, study, rho=-0.1)",
    "vcov_cluster(vi, study, time=week, structure='ar', rho=.5)": (
        'vcov_cluster(vi, study, rho=0.5, structure="ar", time=week)'
    ),
    "vcov_cluster(vi, `my study`, rho=c(.6, .4), type=outcome)": (
        "vcov_cluster(vi, `my study`, rho=c(0.6, 0.4), type=outcome)"
    ),
    "vcov_bivariate(v1, v2, cov=c12)": "vcov_bivariate(v1, v2, cov=c12)",
    "vcov_bivariate(v1, v2, cor=0.5)": "vcov_bivariate(v1, v2, cor=0.5)",
}

ERRORS = {
    "vi": "This is not a call of a builder.",
    "vcov_clster(vi)": "There is no builder `vcov_clster`.\n    vcov_clster(vi)\n    ^^^^^^^^^^^\nNearest",
    "vcov_cluster(vi)": "The column `cluster` is missing.",
    "vcov_cluster(vi, study, 0.6)": "This argument needs a name.",
    "vcov_cluster(vi, study, roh=0.6)": "has no argument `roh`.",
    "vcov_cluster(vi, study, v=vi)": "The argument `v` is given twice.",
    "vcov_cluster(vi + 1, study)": "`v` must be a column.",
    "vcov_cluster(vi, study, rho=r)": "`rho` must be a number, or a pair of numbers",
    "vcov_cluster(vi, study, rho=c(0.6, r))": "`rho` must be a number, or a pair of numbers",
    'vcov_cluster(vi, study, time="week")': "`time` must be a column.",
    "vcov_cluster(vi, study, structure=ar)": '`structure` must be text such as "ar".',
    'vcov_bivariate(v1, v2, cor="x")': "`cor` must be a number or a column.",
    " ": "must be text",
}


@pytest.mark.parametrize("written", CANONICAL)
def test_one_matrix_has_one_text(written):
    (recipe,) = parse_recipes({"V": written})
    assert recipe_text(recipe) == f"V = {CANONICAL[written]}"
    assert parse_recipes({"V": CANONICAL[written]}) == (recipe,)


@pytest.mark.parametrize("written", ERRORS)
def test_errors(written):
    with pytest.raises(SpecError, match="What builds `V` ") as caught:
        parse_recipes({"V": written})
    assert ERRORS[written] in str(caught.value)


def test_a_recipe_is_text():
    for known in ({"V": 0.6}, {1: "vcov_cluster(vi, study, rho=0.6)"}):
        with pytest.raises(SpecError, match="must be text"):
            parse_recipes(known)
    with pytest.raises(SpecError, match="must be a mapping"):
        parse_recipes("vcov_cluster(vi, study, rho=0.6)")


def test_the_columns_of_all_recipes():
    recipes = parse_recipes({"W": "vcov_cluster(wi, study, rho=0)", "V": "vcov_bivariate(v1, wi, cov=c)"})
    assert [recipe.name for recipe in recipes] == ["V", "W"]
    assert recipe_columns(recipes) == ("v1", "wi", "c", "study")


def test_a_recipe_is_part_of_the_spec():
    def spec(rho):
        return parse_spec(FORMULA, known={"V": f"vcov_cluster(vi, study, rho={rho})"})

    assert str(spec(0.6)).splitlines() == [FORMULA, "V = vcov_cluster(vi, study, rho=0.6)"]
    assert spec_from_toml(spec(0.6).to_toml()) == spec(0.60)
    assert '[known]\nV = "vcov_cluster(vi, study, rho=0.6)"' in spec(0.6).to_toml()
    assert spec(0.6).hash != spec(0.4).hash


def test_a_recipe_that_no_formula_names_is_refused():
    with pytest.raises(
        SpecError, match=r"builds `W`, which no meta_V\(...\) names.\n(.|\n)*Nearest|Available"
    ):
        parse_spec(FORMULA, known={"W": "vcov_cluster(vi, study, rho=0.6)"})


def test_two_outcomes_need_two_formulas():
    with pytest.raises(SpecError, match="two outcomes; this model has 1"):
        parse_spec("y ~ 1 + meta_V(V)", known={"V": "vcov_bivariate(v1, v2, cor=0.5)"})
