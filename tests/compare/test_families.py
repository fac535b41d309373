import numpy as np
import pytest
from tests.beyond_normal import with_families

import laird as ld
from laird.compare.families import normal_model
from laird.errors import FitError


@pytest.fixture(scope="module")
def fits():
    data = ld.load_data("sleepstudy")
    normal = ld.model("Reaction ~ Days + (1 | Subject)", data=data).fit("eb", draws=400, random_seed=1)
    shapes = {"nu(Subject)": 5.0, "nu(errors)": 4.0}
    return {"normal": normal, "t": with_families(normal, shapes, Subject="t", errors="t")}


@pytest.fixture(scope="module")
def studies():
    data = ld.load_data("bcg_rr")
    normal = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("eb", draws=400, random_seed=1)
    deviations = np.random.default_rng(1).normal(size=(1, 400, 13))
    shapes = {"nu(true_effects)": 5.0}
    return {"normal": normal, "t": with_families(normal, shapes, deviations, true_effects="t")}


def test_parameters_stand_side_by_side(fits):
    table = ld.compare_families(fits, unit="row")
    assert list(table.columns) == ["component", "group", "term", "normal", "normal_sd", "t", "t_sd"]
    shapes = table[table.component == "nu"]
    assert shapes.t.tolist() == [5.0, 4.0]
    assert shapes.normal.isna().all()
    last = table[table.component == "loo"].set_index("term")
    assert last.loc["elpd_diff", ["normal", "t"]].max() == 0.0
    apart = last.loc["elpd", "normal"] - last.loc["elpd", "t"]
    assert abs(apart) == pytest.approx(-last.loc["elpd_diff", ["normal", "t"]].min())


def test_without_a_unit_nothing_is_left_out(fits):
    assert "loo" not in set(ld.compare_families(fits, unit=None).component)


def test_effects_of_groups_stand_side_by_side(fits):
    table = ld.family_effects(fits)
    assert table.label.tolist() == list(fits["normal"].ranef("Subject").index)
    assert {"blue", "blue_sd", "normal", "normal_factor", "t", "t_factor", "t_weight"} <= set(table)
    assert "normal_weight" not in table
    np.testing.assert_allclose(table.t, fits["t"].group_coef("Subject").iloc[:, 0])


def test_true_effects_are_labelled_by_their_studies(studies):
    table = ld.family_effects(studies, labels=ld.load_data("bcg_rr").author)
    assert table.label[0] == ld.load_data("bcg_rr").author[0]
    assert table.t_weight.between(0, 2).all()
    np.testing.assert_allclose(table.blue, studies["t"].problem.design.y)


def test_weights_of_all_outliers_in_one_table(fits):
    table = ld.outlier_weights(fits["t"])
    assert table.weight.is_monotonic_increasing
    assert set(table.what) == {"Subject", "errors"}
    with pytest.raises(FitError, match="Nothing in this model is a Student t"):
        ld.outlier_weights(fits["normal"])


def test_the_normal_model_beside_one_with_families():
    priors = {"nu(Subject)": "gamma(4, 1)", "Days": "normal(0, 20)"}
    model = ld.model(
        "Reaction ~ Days + (1 | Subject)",
        data=ld.load_data("sleepstudy"),
        families={"Subject": "t"},
        priors=priors,
    )
    normal = normal_model(model)
    assert normal.spec == ld.parse_spec("Reaction ~ Days + (1 | Subject)", priors={"Days": "normal(0, 20)"})
    assert normal.fit("reml").status == "ok"


@pytest.mark.parametrize("given", [{}, {"one": None}, "fits"])
def test_no_fits_to_compare(given):
    with pytest.raises(FitError, match="There are no fits to compare"):
        ld.compare_families(given)


def test_a_normal_model_has_nothing_to_compare_with():
    model = ld.model("Reaction ~ Days", data=ld.load_data("sleepstudy"))
    with pytest.raises(FitError, match="All errors and effects of this model are normal"):
        ld.compare_families(model)


def test_unknown_effects_are_named(fits):
    with pytest.raises(FitError, match="Nearest: `Subject`"):
        ld.family_effects(fits, "subjects")
