import numpy as np
import pytest
from scipy import stats

import laird as ld
from laird.inference.likelihood_ratio import boundary_tail, exceedance
from laird.inference.nesting import Difference


@pytest.fixture(scope="module")
def sleep_fit(sleepstudy):
    def fit(random, method="reml", fixed="Days"):
        return ld.model(f"Reaction ~ {fixed} + {random}", data=sleepstudy).fit(method)

    return fit


def test_lme4s_anova_of_correlated_and_independent_effects(sleep_fit):
    """lme4's example(lmer): anova(fm1, fm2) refits by ML and prints Chisq 0.0639, Pr 0.8004."""
    test = ld.lr_test(sleep_fit("(Days || Subject)", "ml"), sleep_fit("(Days | Subject)", "ml"))
    assert test.statistic == pytest.approx(0.0639, abs=5e-5)
    assert test.p_value == pytest.approx(0.8004, abs=5e-5)
    assert (test.df, test.reference, test.method) == (1, "chi2(1)", "asymptotic")


def test_one_variance_and_its_covariance_is_a_mixture(sleep_fit):
    small, large = sleep_fit("(1 | Subject)"), sleep_fit("(Days | Subject)")
    test = ld.lr_test(small, large)
    assert test.statistic == pytest.approx(2 * (large.loglik - small.loglik))
    expected = 0.5 * stats.chi2.sf(test.statistic, 1) + 0.5 * stats.chi2.sf(test.statistic, 2)
    assert test.p_value == pytest.approx(expected)
    assert test.table.parameters.tolist() == [4, 6]


def test_the_order_of_the_fits_does_not_matter(sleep_fit):
    small, large = sleep_fit("(1 | Subject)"), sleep_fit("(Days | Subject)")
    assert repr(ld.lr_test(large, small)) == repr(ld.lr_test(small, large))


def test_fixed_effects_by_ml(sleep_fit):
    test = ld.lr_test(sleep_fit("(1 | Subject)", "ml", "1"), sleep_fit("(1 | Subject)", "ml"))
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 1))


def test_several_variances_are_conservative_and_say_so():
    assert boundary_tail(3.0, Difference(3, 2)) == (
        "chi2(3), conservative: several variances",
        pytest.approx(stats.chi2.sf(3.0, 3)),
    )


def test_a_variance_of_zero_has_a_p_value_of_one(dyestuff2):
    small, large = (ld.model(f"Yield ~ {right}", data=dyestuff2).fit() for right in ("1", "1 + (1 | Batch)"))
    test = ld.lr_test(small, large)
    assert test.statistic == pytest.approx(0, abs=1e-9)
    assert test.p_value == pytest.approx(1)


@pytest.mark.parametrize("methods", [("reml", "reml"), ("ml", "ml"), ("ols", "ml")])
def test_one_variance_is_simulated_exactly(methods, dyestuff):
    small = ld.model("Yield ~ 1", data=dyestuff).fit(methods[0])
    large = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit(methods[1])
    test = ld.lr_test(small, large, simulate=5000, random_seed=1)
    assert test.method == "exact simulation"
    assert test.simulated.shape == (5000,)
    assert test.p_value == exceedance(test.simulated, test.statistic)
    # with six groups zero is more frequent than asymptotically: the mixture is conservative
    assert test.p_value < test.asymptotic_p_value
    again = ld.lr_test(small, large, simulate=5000, random_seed=1)
    np.testing.assert_array_equal(test.simulated, again.simulated)


def test_the_exact_p_value_is_that_of_the_f_test(dyestuff):
    """Balanced and REML: the ratio is a function of the one-way F, so that p is its tail."""
    small, large = (ld.model(f"Yield ~ {right}", data=dyestuff).fit() for right in ("1", "1 + (1 | Batch)"))
    test = ld.lr_test(small, large, simulate=50_000, random_seed=3)
    groups = [own.Yield for _, own in dyestuff.groupby("Batch")]
    expected = stats.f_oneway(*groups).pvalue
    assert test.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected / 50_000))


def test_other_differences_are_bootstrapped(sleep_fit):
    test = ld.lr_test(sleep_fit("(1 | Subject)"), sleep_fit("(Days | Subject)"), simulate=40, random_seed=1)
    assert test.method == "parametric bootstrap"
    assert test.p_value == 1 / 41
    assert "40 draws" in str(test)


def test_it_prints_the_models_and_the_verdict(sleep_fit):
    test = ld.lr_test(sleep_fit("(1 | Subject)"), sleep_fit("(Days | Subject)"))
    assert "0.5 chi2(1) + 0.5 chi2(2)" in repr(test)
    assert "<table" in test._repr_html_()


def test_exceedance_counts_the_statistic_itself():
    assert exceedance(np.array([0.0, 1.0, 2.0]), 1.0) == 3 / 4


def test_bad_input(sleep_fit, hs_fit):
    small = sleep_fit("(1 | Subject)")
    with pytest.raises(ld.FitError, match="nothing to test"):
        ld.lr_test(small, small)
    with pytest.raises(ld.FitError, match="simulate = -1"):
        ld.lr_test(small, sleep_fit("(Days | Subject)"), simulate=-1)
    with pytest.raises(ld.FitError, match="random_seed"):
        ld.lr_test(small, sleep_fit("(Days | Subject)"), simulate=10, random_seed="a")
    with pytest.raises(ld.FitError, match="needs two fits"):
        ld.lr_test(hs_fit("eb"), hs_fit("reml"))


def test_a_larger_model_with_the_lower_likelihood_is_refused(sleep_fit):
    from dataclasses import replace

    small, large = sleep_fit("(1 | Subject)"), sleep_fit("(Days | Subject)")
    with pytest.raises(ld.FitError, match="has not reached the maximum"):
        ld.lr_test(small, replace(large, loglik=small.loglik - 1))
