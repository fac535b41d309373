"""Lines as points: radii against F and t, coverage by simulation, tests that are not there."""

import numpy as np
import pytest
from scipy import stats
from tests.compare.samples import schools

from laird.compare.betaspace import Line, ellipse_radius, shadow_radius
from laird.compare.estimates import averaged
from laird.errors import FitError


def line(mean=(1.0, 2.0), cov=((4.0, 1.0), (1.0, 2.0)), df=20.0, **options):
    return Line("pooled", "mixture", "all", ("Intercept", "x"), np.array(mean), np.array(cov), df, **options)


@pytest.mark.parametrize("df", [3.0, 38.0, 1973.0])
@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_radii_are_quantiles_of_f_and_t(df, prob):
    assert ellipse_radius(df, prob) == pytest.approx(np.sqrt(2 * stats.f.ppf(prob, 2, df)), rel=1e-12)
    hotelling = 2 * df / (df - 1) * stats.f.ppf(prob, 2, df - 1)
    assert ellipse_radius(df, prob, wishart=True) == pytest.approx(np.sqrt(hotelling), rel=1e-12)
    assert shadow_radius(df, prob) == pytest.approx(stats.t.ppf(0.5 + prob / 2, df), rel=1e-9)


def test_radii_of_a_known_covariance():
    assert ellipse_radius(np.inf) == pytest.approx(np.sqrt(stats.chi2.ppf(0.95, 2)), rel=1e-12)
    assert shadow_radius(np.inf) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)


def test_an_estimated_covariance_covers_as_promised():
    """10 lines from a bivariate normal; 4000 repetitions have a standard error of 0.0034."""
    rng = np.random.default_rng(1)
    lines = rng.standard_normal((4000, 10, 2)) @ np.array([[1.0, 0.6], [0.0, 2.0]])
    mean = lines.mean(axis=1)
    deviations = lines - mean[:, None]
    cov = np.einsum("rji,rjk->rik", deviations, deviations) / 9 / 10
    squared = np.einsum("ri,rij,rj->r", mean, np.linalg.inv(cov), mean)
    assert np.mean(squared <= ellipse_radius(9, wishart=True) ** 2) == pytest.approx(0.95, abs=0.011)


def test_shadows_are_intervals():
    own = line()
    half = shadow_radius(20) * np.sqrt([4.0, 2.0])
    np.testing.assert_allclose(own.interval(), [[1 - half[0], 1 + half[0]], [2 - half[1], 2 + half[1]]])
    assert own.radius() > own.shadow_radius()


def test_joint_test():
    own = line().test()
    squared = np.array([1.0, 2.0]) @ np.linalg.solve([[4.0, 1.0], [1.0, 2.0]], [1.0, 2.0])
    assert own == pytest.approx((squared / 2, 2, 20.0, stats.f.sf(squared / 2, 2, 20)))
    hotelling = line(wishart=True).test()
    F = squared / 2 * 19 / 20
    assert hotelling == pytest.approx((F, 2, 19.0, stats.f.sf(F, 2, 19)))


def test_joint_test_of_the_slides(hs, golden):
    expected = golden("seed_numbers")["method_2a_fixed_effects_averaged"]
    found = averaged(schools(hs)).at(np.array([0.0, 1.0]))
    test = line(found.coefficients, found.cov, found.df[0]).test()
    assert test.statistic == pytest.approx(expected["joint_F"], abs=5e-6)
    assert test.df1 == expected["num_df"]


def test_joint_test_does_not_depend_on_units():
    scaled = line(mean=(1e9, 2e-9), cov=((4e18, 1.0), (1.0, 2e-18)))
    assert scaled.test().statistic == pytest.approx(line().test().statistic, rel=1e-9)


@pytest.mark.parametrize("cov", [((0.0, 0.0), (0.0, 1.0)), ((1.0, 1.0), (1.0, 1.0))])
def test_a_singular_covariance_has_no_test(cov):
    with pytest.raises(FitError, match="singular"):
        line(cov=cov).test()


def test_too_few_degrees_of_freedom():
    with pytest.raises(FitError, match="1 degrees of freedom are too few for an ellipse"):
        ellipse_radius(1, wishart=True)
    with pytest.raises(FitError, match="too few for a joint test"):
        line(df=1.0, wishart=True).test()


@pytest.mark.parametrize("radius", [ellipse_radius, shadow_radius])
@pytest.mark.parametrize("prob", [0.0, 1.0, 95])
def test_probabilities(radius, prob):
    with pytest.raises(FitError, match="is not a probability"):
        radius(10, prob)


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        line().mean[0] = 0.0
