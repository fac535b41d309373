import numpy as np
import pytest
from scipy import stats

from laird.errors import FitError
from laird.inference.combinations import check_probability, drawn, draws_of, estimated, labelled
from laird.inference.reference import reference


def test_estimates_tests_and_intervals_of_t(hs_fit):
    fit = hs_fit("reml")
    K, rhs = np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([2.0])
    (row,) = estimated(fit, K, rhs, reference(fit, "inner-outer"), 0.9).to_dict("records")
    se = np.sqrt(K[0] @ fit.vcov.to_numpy() @ K[0])
    value = fit.fixef.iloc[[1, 3]].sum()
    assert (row["estimate"], row["se"]) == (pytest.approx(value), pytest.approx(se))
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(value - 2) / se, 1935))
    assert [row["lower"], row["upper"]] == pytest.approx(list(stats.t.interval(0.9, 1935, value, se)))


def test_draws_give_quantiles_and_the_share_above(hs_fit):
    fit = hs_fit("eb")
    K = np.array([[0.0, 1.0, 0.0, 1.0]])
    (row,) = drawn(fit, K, np.array([3.0]), draws_of(fit, None), 0.8).to_dict("records")
    values = fit.draws.flat("beta") @ K[0]
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(values, [0.1, 0.9]).tolist())
    assert row["above"] == np.mean(values > 3)
    assert row["estimate"] == pytest.approx(fit.fixef.iloc[[1, 3]].sum())


def test_likelihood_fits_have_no_draws(hs_fit):
    assert draws_of(hs_fit("reml"), None) is None


def test_draws_refuse_degrees_of_freedom(hs_fit):
    with pytest.raises(FitError, match="Leave `df` out"):
        draws_of(hs_fit("eb"), "normal")


@pytest.mark.parametrize("prob", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_a_probability_is_between_0_and_1(prob):
    with pytest.raises(FitError, match="not a probability"):
        check_probability(prob)


def test_labels_come_first(hs_fit):
    fit = hs_fit("reml")
    table = estimated(fit, np.eye(4), np.zeros(4), reference(fit, None), 0.95)
    assert labelled(table, "term", fit.fixef.index).columns[0] == "term"
