"""Effects as derivatives of the linear predictor: against differences of predictions, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.fitting.derivatives import effects

RNG = np.random.default_rng(4)
N = 240
DATA = pd.DataFrame(
    {
        "school": np.repeat(np.arange(8), 30),
        "class": np.repeat(np.arange(24), 10),
        "other": np.arange(N) % 6,
        "x": RNG.normal(1.0, 1.0, N) + np.repeat(RNG.normal(size=24), 10),
        "z": RNG.normal(5.0, 1.0, N),
        "w": RNG.uniform(1.0, 2.0, N),
        "kind": RNG.choice(["a", "b", "c"], N),
        "size": np.repeat(RNG.normal(3.0, 1.0, 8), 30),
    }
)
DATA["y"] = DATA["x"] + RNG.normal(size=N)


def fit(formula):
    return model(f"y ~ {formula}", data=DATA).fit("ols")


def found(formula, variable="x", **at):
    own = fit(formula)
    return {
        (e.variable.name, e.effect, e.group, *dict(e.at).values()): float(e.weights @ own.point.beta)
        for e in effects(own.problem, variable, at)
    }


def test_three_levels_have_an_effect_between_each_kind_of_groups():
    b = fit("dvar(x, class) + dvar(x, class, school) + cvar(x, school)").fixef
    within, classes, schools = b["dvar(x, class)"], b["dvar(x, class, school)"], b["cvar(x, school)"]
    expected = {
        ("x", "within", ""): within,
        ("x", "between", "class"): classes,
        ("x", "contextual", "class"): classes - within,
        ("x", "between", "school"): schools,
        ("x", "contextual", "school"): schools - classes,
    }
    for formula in (
        "dvar(x, class) + dvar(x, class, school) + cvar(x, school)",
        "x + cvar(x, class) + cvar(x, school)",
        "dvar(x, class) + cvar(x, class) + cvar(x, school)",
    ):
        # three least-squares fits of one model
        assert found(formula) == pytest.approx(expected, rel=1e-9)


def test_classes_numbered_within_schools_are_nested_too():
    data = DATA.assign(number=DATA["class"] % 3)
    own = model("y ~ x + cvar(x, school:number) + cvar(x, school)", data=data).fit("ols")
    groups = [(e.effect, e.group) for e in effects(own.problem, "x")]
    assert groups[1:] == [
        ("between", "school:number"),
        ("contextual", "school:number"),
        ("between", "school"),
        ("contextual", "school"),
    ]
    values = [float(e.weights @ own.point.beta) for e in effects(own.problem, "x")]
    assert list(found("x + cvar(x, class) + cvar(x, school)").values()) == pytest.approx(values, rel=1e-9)


def test_the_effect_between_crossed_groups_is_at_fixed_means_of_the_others():
    b = fit("x + cvar(x, school) + cvar(x, other)").fixef
    effect = found("x + cvar(x, school) + cvar(x, other)")
    assert effect["x", "between", "school"] == pytest.approx(b["x"] + b["cvar(x, school)"], rel=1e-14)
    assert effect["x", "between", "other"] == pytest.approx(b["x"] + b["cvar(x, other)"], rel=1e-14)


def test_effects_are_differences_of_predictions():
    """With products of x, its mean, numbers and categories: moved by one unit."""
    formula = "x * z + cvar(x, school) * z + kind * x + cvar(x, school):kind"
    own, effect = fit(formula), found(formula, z=2.0)
    design = own.problem.design

    def linear_predictor(x, mean, kind):
        values = {
            "Intercept": 1.0,
            "x": x,
            "z": 2.0,
            "cvar(x, school)": mean,
            "kind[b]": kind == "b",
            "kind[c]": kind == "c",
        }
        row = [np.prod([values[part] for part in name.split(":")]) for name in design.names]
        return float(np.array(row) @ own.point.beta)

    for kind in "abc":
        base = linear_predictor(0.0, 0.0, kind)
        assert effect["x", "within", "", 2.0, kind] == pytest.approx(linear_predictor(1.0, 0.0, kind) - base)
        assert effect["x", "contextual", "school", 2.0, kind] == pytest.approx(
            linear_predictor(0.0, 1.0, kind) - base
        )
        assert effect["x", "between", "school", 2.0, kind] == pytest.approx(
            linear_predictor(1.0, 1.0, kind) - base
        )


def test_products_of_x_and_its_mean_are_taken_at_their_means():
    own = fit("x * cvar(x, school)")
    b, mean = own.fixef, DATA["x"].mean()
    effect = found("x * cvar(x, school)")
    at = (mean, mean)
    within = b["x"] + b["x:cvar(x, school)"] * mean
    assert next(iter(effect.values())) == pytest.approx(within, rel=1e-10)
    assert next(iter(effect))[3:] == pytest.approx(at)
    elsewhere = found("x * cvar(x, school)", **{"cvar(x, school)": 2.0, "x": 0.0})
    assert next(iter(elsewhere.values())) == pytest.approx(b["x"] + 2.0 * b["x:cvar(x, school)"], rel=1e-12)


def test_scaled_and_centred_terms_count_per_unit_of_the_variable():
    plain = found("x + cvar(x, school)")
    assert found("center(x) + center(cvar(x, school))") == pytest.approx(plain, rel=1e-9)
    assert found("scale(x) + scale(cvar(x, school))") == pytest.approx(plain, rel=1e-9)
    assert found("log(z) + cvar(log(z), school)", "log(z)").keys() == {
        ("log(z)", "within", ""),
        ("log(z)", "between", "school"),
        ("log(z)", "contextual", "school"),
    }


def test_means_of_others_and_weighted_means_are_labelled():
    groups = {key[2] for key in found("x + cvar(x, school, loo=True)")}
    assert groups == {"", "school, others"}
    groups = {key[2] for key in found("dvar(x, school, weights=w) + cvar(x, school, weights=w)")}
    assert groups == {"", "school, weighted by w"}


def test_categories_have_the_effects_of_each_level_but_the_first():
    b = fit("kind + cvar(kind, school)").fixef
    effect = found("kind + cvar(kind, school)", "kind")
    for level in "bc":
        assert effect[f"kind[{level}]", "within", ""] == b[f"kind[{level}]"]
        assert effect[f"kind[{level}]", "contextual", "school"] == b[f"cvar(kind, school)[{level}]"]
    centred = found("dvar(kind, school) + cvar(kind, school)", "kind")
    assert centred == pytest.approx(effect, rel=1e-9)


def test_a_category_coded_in_full_is_compared_with_its_first_level():
    effect = found("kind + cvar(kind, school)", "kind")
    full = found("0 + kind + cvar(kind, school)", "kind")
    assert full == pytest.approx(effect, rel=1e-9)


def test_several_variables_at_once():
    own = fit("x + z + cvar(x + z, school)")
    assert own.contextual("z")["effect"].tolist() == ["within", "between", "contextual"]
    assert own.contextual("z")["estimate"].iloc[2] == own.fixef["cvar(z, school)"]


REFUSED = {
    ("x + z", "x"): ("The model has no group mean of `x`", "Add the contextual term cvar(x, "),
    ("cvar(x, school) + z", "x"): ("The model has no effect of `x` within groups.", "dvar(x, school)"),
    ("dvar(x, school)", "x"): (
        "takes the between effect of `x` in groups of `school` to be zero",
        "Add cvar(x, school)",
    ),
    ("dvar(x, class) + cvar(x, school)", "x"): (
        "takes the between effect of `x` in groups of `class` to be zero",
        "",
    ),
    ("x + cvar(x, school)", "X"): ("`X` is not in the fixed part of the model.", "Nearest: `x`."),
    ("x + cvar(x, school)", "x + z"): ("`x + z` is not one variable.", ""),
    ("x + cvar(x, school)", "cvar(x, school)"): (
        "`cvar(x, school)` is not one variable.",
        "Name the variable itself",
    ),
    ("poly(x, 2) + cvar(x, school)", "x"): (
        "`poly(x, 2)` depends on `x` in another way than linearly",
        "fit.predict",
    ),
    ("x + I(x^2) + cvar(x, school)", "x"): ("`I(x ^ 2)` depends on `x`", ""),
    ("log(w) + w + cvar(log(w), school)", "log(w)"): ("`w` depends on `log(w)` in another way", ""),
    ("x + cvar(x, school) + x:size", "x"): (
        "`size` interacts with the variable, but has no effect of its own",
        'at={"size": …}',
    ),
}


@pytest.mark.parametrize(("formula", "variable"), REFUSED)
def test_what_has_no_single_effect_is_refused(formula, variable):
    what, rest = REFUSED[formula, variable]
    with pytest.raises(FitError) as caught:
        found(formula, variable)
    assert what in str(caught.value)
    assert rest in str(caught.value)
