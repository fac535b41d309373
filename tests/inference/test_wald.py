import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.peers import golden

import laird as ld


def test_a_joint_test_by_definition(hs_fit):
    fit = hs_fit("reml")
    test = ld.wald(fit, ["ses = 1", "Sector[Public] = -1"], df="inner-outer")
    d = fit.fixef.to_numpy()[1:3] - [1, -1]
    chi2 = d @ np.linalg.solve(fit.vcov.to_numpy()[1:3, 1:3], d)
    assert (test.joint.df1, test.joint.df2) == (2, 38)
    assert (test.joint.chi2, test.joint.f) == (pytest.approx(chi2), pytest.approx(chi2 / 2))
    assert test.joint.p_value == pytest.approx(stats.f.sf(chi2 / 2, 2, 38))
    assert test.joint.chi2_p_value == pytest.approx(stats.chi2.sf(chi2, 2))


def test_one_row_is_the_square_of_its_t(hs_fit):
    for df in ("satterthwaite", "kenward-roger"):
        test = ld.wald(hs_fit("reml"), "ses + ses:Sector[Public] = 2", df=df)
        (row,) = test.rows.to_dict("records")
        assert test.joint.f == pytest.approx(row["statistic"] ** 2)
        assert test.joint.df2 == pytest.approx(row["df"])
        assert test.joint.p_value == pytest.approx(row["p_value"])


def test_a_pattern_is_all_its_terms(hs_fit):
    fit = hs_fit("reml")
    by_pattern = ld.wald(fit, pattern="Sector")
    by_name = ld.wald(fit, ["Sector[Public]", "ses:Sector[Public]"])
    assert by_pattern.rows.equals(by_name.rows)
    assert by_pattern.joint == by_name.joint


def test_the_order_and_scale_of_rows_do_not_matter_jointly(hs_fit):
    fit = hs_fit("reml")
    for df in ("satterthwaite", "kenward-roger"):
        a = ld.wald(fit, ["ses", "Sector[Public]"], df=df).joint
        b = ld.wald(fit, ["Sector[Public] + ses", "3*ses"], df=df).joint
        assert (a.f, a.chi2) == (pytest.approx(b.f), pytest.approx(b.chi2))
        if df == "kenward-roger":  # Fai and Cornelius take the eigenvectors of KCK', which depend on K
            assert a.df2 == pytest.approx(b.df2)


def test_hotellings_t2_of_balanced_lines(sleepstudy):
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy)
    lines = model.fit("ols").group_coef("Subject").to_numpy()
    T2 = lines.mean(axis=0) @ np.linalg.solve(np.cov(lines.T) / 18, lines.mean(axis=0))
    joint = ld.wald(model.fit("reml"), np.eye(2), df="kenward-roger").joint
    assert joint.df2 == pytest.approx(16, rel=1e-5)  # the estimates of REML are good to about 1e-6
    assert joint.f == pytest.approx(T2 * 16 / (2 * 17), rel=1e-5)


def test_fixed_effects_averaged_of_the_slides(hs):
    """Estimator 2a: a line for every school by least squares, the sectors' averages compared."""
    expected = golden("seed_numbers")["method_2a_fixed_effects_averaged"]
    fit = ld.model("mathach ~ 0 + school + school:ses", data=hs.assign(school=hs.school.astype(str))).fit(
        "ols"
    )
    sector = hs.groupby(hs.school.astype(str)).Sector.first()
    weights = np.where(sector == "Public", 1 / (sector == "Public").sum(), -1 / (sector != "Public").sum())
    by_school = dict(zip(sector.index, weights, strict=True))
    K = pd.DataFrame(
        {
            term: {"Int": by_school[own] * (":" not in term), "Slope": by_school[own] * (":" in term)}
            for term in fit.fixef.index
            for own in [term.partition("[")[2].partition("]")[0]]
        }
    )
    test = ld.wald(fit, K)
    for name in ("Int", "Slope"):
        row = test.rows.set_index("hypothesis").loc[name]
        found = [row["estimate"], row["se"], row["statistic"]]
        assert found == pytest.approx(
            [expected[name][k] for k in ("estimate", "se", "t")], abs=5.1e-7
        )  # digits
        assert row["df"] == expected[name]["df"]
    assert test.joint.f == pytest.approx(expected["joint_F"], abs=5.1e-6)


def test_values_of_a_matrix(hs_fit):
    fit = hs_fit("reml")
    K = np.eye(4)[1:3]
    assert ld.wald(fit, K, rhs=[1, -1]).joint == ld.wald(fit, ["ses = 1", "Sector[Public] = -1"]).joint
    assert ld.wald(fit, pattern="ses", rhs=1).rows["value"].tolist() == [1, 1]


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_draws_have_the_posterior_of_the_combination(method, hs_fit):
    fit = hs_fit(method)
    test = ld.wald(fit, "ses + ses:Sector[Public] = 3")
    values = fit.draws.flat("beta")[:, [1, 3]].sum(axis=1)
    assert test.joint is None
    assert list(test.rows.columns)[:3] == ["hypothesis", "estimate", "value"]
    assert test.rows["above"][0] == np.mean(values > 3)


def test_it_prints_its_rows_and_the_joint_test(hs_fit):
    test = ld.wald(hs_fit("reml"), pattern="Sector")
    assert "satterthwaite" in repr(test)
    assert "F(2, " in repr(test)
    assert "<table" in test._repr_html_()
    assert "F(" not in repr(ld.wald(hs_fit("eb"), "ses"))


def test_bad_input(hs_fit):
    fit = hs_fit("reml")
    with pytest.raises(ld.FitError, match="either a hypothesis or a pattern"):
        ld.wald(fit)
    with pytest.raises(ld.FitError, match="either a hypothesis or a pattern"):
        ld.wald(fit, "ses", pattern="ses")
    with pytest.raises(ld.FitError, match="not a regular expression"):
        ld.wald(fit, pattern="Sector[")
    with pytest.raises(ld.FitError, match="does not fit the hypothesis"):
        ld.wald(fit, "ses = 1", rhs=2)
    with pytest.raises(ld.FitError, match="does not fit the hypothesis"):
        ld.wald(fit, np.eye(4), rhs=[1, 2])
    with pytest.raises(ld.FitError, match="not a probability"):
        ld.wald(fit, "ses", prob=1)
    with pytest.raises(ld.SpecError, match="Nearest: `ses`"):
        ld.wald(fit, "sess")
