import numpy as np
import pytest

import laird as ld
from laird.data.frame import read_table
from laird.data.recipes import built
from laird.errors import DataError, SpecError
from laird.spec.recipes import parse_recipes

FORMULA = "yi ~ 1 + (1 | study) + meta_V(V)"
CLUSTER = {"V": "vcov_cluster(vi, study, rho=0.6)"}
TWO = ("AL ~ 1 + meta_V(V)", "PD ~ 1")
BIVARIATE = {"V": "vcov_bivariate(v_AL, v_PD, cov=cov)"}


@pytest.fixture
def assink():
    return ld.load_data("assink2016")


@pytest.fixture
def berkey():
    return ld.load_data("berkey1998_wide")


def dense(known, n):
    V = np.diag(known.variances)
    for block in known.blocks:
        V[np.ix_(block.rows, block.rows)] = block.V
    assert V.shape == (n, n)
    return V


def test_a_built_matrix_is_the_one_that_the_function_gives(assink):
    model = ld.model(FORMULA, data=assink, known=CLUSTER)
    expected = ld.vcov_cluster(assink.vi, assink.study, rho=0.6).toarray()
    np.testing.assert_array_equal(dense(model.design.known, 100), expected)


def test_every_argument_arrives(assink):
    data = assink.assign(week=np.arange(100) % 7)
    built_ = ld.model(
        FORMULA, data=data, known={"V": 'vcov_cluster(vi, study, rho=0.5, structure="ar", time=week)'}
    )
    expected = ld.vcov_cluster(data.vi, data.study, rho=0.5, structure="ar", time=data.week)
    np.testing.assert_array_equal(dense(built_.design.known, 100), expected.toarray())
    by_type = 'vcov_cluster(vi, study, rho=c(0.6, 0.4), structure="by_type", type=deltype)'
    found = ld.model(FORMULA, data=data, known={"V": by_type})
    expected = ld.vcov_cluster(data.vi, data.study, rho=(0.6, 0.4), structure="by_type", type=data.deltype)
    np.testing.assert_array_equal(dense(found.design.known, 100), expected.toarray())


def test_dropped_rows_take_no_part(assink):
    gaps = assink.assign(vi=assink.vi.where(assink.index % 9 != 4))
    kept = gaps.dropna(subset="vi")
    one = ld.model(FORMULA, data=gaps, known=CLUSTER, missing="drop")
    other = ld.model(FORMULA, data=kept, known=CLUSTER)
    assert one.schema.dropped == (("vi", len(gaps) - len(kept)),)
    np.testing.assert_array_equal(dense(one.design.known, len(kept)), dense(other.design.known, len(kept)))


def test_missing_values_are_refused_without_that(assink):
    with pytest.raises(DataError, match="column vi: 1 missing value, in row 3"):
        ld.model(FORMULA, data=assink.assign(vi=assink.vi.where(assink.index != 3)), known=CLUSTER)


def test_two_outcomes(berkey):
    V = dense(ld.model(*TWO, data=berkey, known=BIVARIATE).design.known, 10)
    blocks = ld.vcov_bivariate(berkey.v_AL, berkey.v_PD, cov=berkey["cov"])
    for trial, block in enumerate(blocks):
        np.testing.assert_array_equal(V[2 * trial : 2 * trial + 2, 2 * trial : 2 * trial + 2], block)


@pytest.mark.filterwarnings("ignore:.*is estimated from 4 effect sizes:laird.errors.LairdWarning")
def test_an_outcome_that_is_missing_needs_no_variance(berkey):
    berkey.loc[1, ["AL", "v_AL", "cov"]] = np.nan
    found = ld.model(*TWO, data=berkey, known=BIVARIATE)
    assert len(found.design.y) == 9
    assert dense(found.design.known, 9)[2].tolist() == [0, 0, 0.0057, 0, 0, 0, 0, 0, 0]
    berkey.loc[0, "v_PD"] = np.nan
    with pytest.raises(DataError, match="column v_PD: 1 missing value, in row 0"):
        ld.model(*TWO, data=berkey, known=BIVARIATE)


@pytest.mark.filterwarnings("ignore:.*is estimated from 4 effect sizes:laird.errors.LairdWarning")
def test_of_each_outcome_its_own_clusters(berkey):
    """Rows without an outcome are no rows of its matrix."""
    data = berkey.assign(region=[1, 1, 2, 2, 2])
    data.loc[1, ["AL", "v_AL"]] = np.nan
    known = {"V": "vcov_cluster(v_AL, region, rho=0.5)", "W": "vcov_cluster(v_PD, region, rho=0.5)"}
    found = ld.model("AL ~ 1 + meta_V(V)", "PD ~ 1 + meta_V(W)", data=data, known=known).design
    V = dense(found.known, 9)
    for outcome, name in enumerate(("AL", "PD")):
        own = found.which == outcome
        rows = data.dropna(subset=name)
        expected = ld.vcov_cluster(rows[f"v_{name}"], rows.region, rho=0.5).toarray()
        np.testing.assert_array_equal(V[np.ix_(own, own)], expected)


def test_new_data_with_the_columns_have_their_variances(assink):
    fit = ld.model(FORMULA, data=assink, known=CLUSTER).fit("reml")
    new = {"study": [1, 1], "vi": [0.1, 0.2]}
    mean, response = (fit.predict(new, kind=kind) for kind in ("mean", "response"))
    variances = response.se**2 - mean.se**2
    np.testing.assert_allclose(variances - fit.sigma**2, [0.1, 0.2], rtol=1e-10)
    with pytest.raises(DataError, match="which the new rows do not have"):
        fit.predict({"study": [1]}, kind="response")


def test_a_matrix_replaces_what_a_spec_builds(assink):
    spec = ld.model(FORMULA, data=assink, known=CLUSTER).spec
    other = ld.model(spec, data=assink, known={"V": assink.vi.to_numpy()})
    assert other.spec.known == ()
    np.testing.assert_array_equal(dense(other.design.known, 100), np.diag(assink.vi))
    changed = ld.model(spec, data=assink, known={"V": "vcov_cluster(vi, study, rho=0.2)"})
    assert str(changed.spec).endswith("rho=0.2)")


def test_impossible_values_name_the_recipe(assink):
    with pytest.raises(DataError, match=r"`rho` is 2\.0\.\n    V = vcov_cluster\(vi, study, rho=2\)"):
        ld.model(FORMULA, data=assink, known={"V": "vcov_cluster(vi, study, rho=2)"})
    with pytest.raises(DataError, match="Column `deltype` holds categories, but numbers are needed"):
        ld.model(FORMULA, data=assink, known={"V": "vcov_cluster(deltype, study, rho=0.5)"})


def test_a_column_of_that_name_is_refused(assink):
    with pytest.raises(DataError, match="`V` is given twice: by a column"):
        ld.model(FORMULA, data=assink.assign(V=assink.vi), known=CLUSTER)


def test_a_bivariate_matrix_leaves_no_room_for_another(berkey):
    with pytest.raises(DataError, match=r"meta_V\(v_PD\) has nothing left to say"):
        ld.model("AL ~ 1 + meta_V(V)", "PD ~ 1 + meta_V(v_PD)", data=berkey, known=BIVARIATE)


def test_labels_of_clusters_are_told():
    (recipe,) = parse_recipes(
        {"V": 'vcov_cluster(v, g, structure="shared_control", n_treated=n, n_control=c)'}
    )
    table = read_table({"v": [1.0, 1.0], "g": ["a", "a"], "n": [5, 5], "c": [5, 6]}, ["v", "g", "n", "c"])
    with pytest.raises(DataError, match="`n_control` differs"):
        built(recipe, table, np.ones((2, 1), dtype=bool))


def test_text_that_is_no_recipe_is_refused_by_the_model(assink):
    with pytest.raises(SpecError, match="There is no builder `vcov`"):
        ld.model(FORMULA, data=assink, known={"V": "vcov(vi, study)"})
