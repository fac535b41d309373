"""Effect sizes against published values.

Sources: tables of Normand (1999, Statistics in Medicine 18:321) and van Houwelingen et al. (2002);
otherwise what the tests of R's metafor expect of ``escalc`` (4 decimals, so half a unit of
the fourth is the tolerance).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.meta.effects import small_sample_correction

FOUR_DECIMALS = 5.0001e-5

BCG = pd.DataFrame(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
    ],
    columns=["tpos", "tneg", "cpos", "cneg"],
)
HINE = pd.DataFrame(
    {"n1": [39, 44, 107, 103, 110, 154], "n2": [43, 44, 110, 100, 106, 146]}
    | {"a": [2, 4, 6, 7, 7, 11], "c": [1, 4, 4, 5, 3, 4]}
)
NORMAND = pd.DataFrame(
    [
        (155, 55, 47, 156, 75, 64),
        (31, 27, 7, 32, 29, 4),
        (75, 64, 17, 71, 119, 29),
        (18, 66, 20, 18, 137, 48),
        (8, 14, 8, 13, 18, 11),
        (57, 19, 7, 52, 18, 4),
        (34, 52, 45, 33, 41, 34),
        (110, 21, 16, 183, 31, 27),
        (60, 30, 27, 52, 23, 20),
    ],
    columns=["n1", "m1", "s1", "n2", "m2", "s2"],
)


def bcg(function, **options):
    return function(BCG.tpos, BCG.tpos + BCG.tneg, BCG.cpos, BCG.cpos + BCG.cneg, **options)


def normand(function, rows=slice(None), **options):
    d = NORMAND[rows]
    return function(d.m1, d.s1, d.n1, d.m2, d.s2, d.n2, **options)


def agrees(table, yi, vi):
    np.testing.assert_allclose(table.yi, yi, rtol=0, atol=FOUR_DECIMALS)
    np.testing.assert_allclose(table.vi, vi, rtol=0, atol=FOUR_DECIMALS)


def test_log_risk_ratios_of_the_bundled_trials_of_bcg():
    """The values that the data set of the R package carries, to the last digit."""
    found = bcg(ld.effects.log_risk_ratio).loc[:2]
    np.testing.assert_allclose(
        found.yi, [-0.889311333920205, -1.58538865720143, -1.34807314829969], rtol=1e-13
    )
    np.testing.assert_allclose(
        found.vi, [0.325584765003961, 0.194581121398144, 0.415367965367965], rtol=1e-13
    )


def test_log_odds_ratios_of_van_houwelingen():
    agrees(
        bcg(ld.effects.log_odds_ratio),
        [-0.9387, -1.6662, -1.3863, -1.4564, -0.2191, -0.9581],
        [0.3571, 0.2081, 0.4334, 0.0203, 0.0520, 0.0099],
    )


def test_risk_differences_of_normand_in_percentage_points():
    found = ld.effects.risk_difference(HINE.a, HINE.n1, HINE.c, HINE.n2)
    agrees(
        pd.DataFrame({"yi": 100 * found.yi, "vi": 1e4 * found.vi}),
        [2.8026, 0.0000, 1.9711, 1.7961, 3.5334, 4.4031],
        [17.7575, 37.5657, 8.1323, 10.8998, 8.0114, 6.1320],
    )


def test_standardized_mean_differences():
    agrees(
        normand(ld.effects.standardized_mean_difference, slice(4)),
        [-0.3552, -0.3479, -2.3176, -1.8880],
        [0.0131, 0.0645, 0.0458, 0.1606],
    )


def test_mean_differences_of_normand_table_viii():
    found = normand(ld.effects.mean_difference, equal_variances=True)
    assert found.yi.tolist() == [-20, -2, -55, -71, -4, 1, 11, -10, 7]
    printed = [40.59, 2.05, 15.28, 150.22, 20.19, 1.22, 95.38, 8.03, 20.69]
    np.testing.assert_allclose(found.vi, printed, rtol=0, atol=5.0001e-3)


def test_log_response_ratios():
    agrees(
        normand(ld.effects.log_response_ratio, slice(4)),
        [-0.3102, -0.0715, -0.6202, -0.7303],
        [0.0094, 0.0028, 0.0018, 0.0119],
    )


def test_log_variability_ratio():
    agrees(ld.effects.log_variability_ratio(47, 155, 64, 156), [-0.3087], [0.0065])


def test_fisher_z():
    found = ld.effects.fisher_z([0.0, 0.62, 0.99, -0.13], [123, 15, 6, 41])
    agrees(found, [0.0, 0.7250, 2.6467, -0.1307], [0.0083, 0.0833, 0.3333, 0.0263])


def test_the_correction_is_exact_where_gamma_functions_are_known():
    """J(2) = Γ(1)/Γ(1/2) = 1/√π; J(4) = Γ(2)/(√2 Γ(3/2)) = √2/√π."""
    np.testing.assert_allclose(small_sample_correction([2, 4]), [1, np.sqrt(2)] / np.sqrt(np.pi), rtol=1e-14)
    assert np.isfinite(small_sample_correction(1e6))


def test_the_unbiased_variance_of_g_has_the_right_mean():
    """E of the estimated variance = variance of the estimates, within 4 standard errors."""
    rng = np.random.default_rng(1)
    n, studies, effect = 6, 40_000, 0.8
    first = rng.normal(effect, 1, (studies, n))
    second = rng.normal(0, 1, (studies, n))
    columns = [
        f(x, 1) for x in (first, second) for f in (lambda x, a: x.mean(a), lambda x, a: x.std(a, ddof=1))
    ]
    m1, s1, m2, s2 = columns
    found = ld.effects.standardized_mean_difference(m1, s1, n, m2, s2, n, variance="unbiased")
    deviations = (found.yi - effect) ** 2
    difference = deviations - found.vi
    assert abs(found.yi.mean() - effect) < 4 * found.yi.std() / np.sqrt(studies)
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(studies)


@pytest.mark.parametrize(
    ("name", "yi"),
    [
        ("log_risk_ratio", np.log((0.5 / 11) / (3.5 / 13))),
        ("log_odds_ratio", np.log((0.5 / 10.5) / (3.5 / 9.5))),
        ("risk_difference", 0.5 / 11 - 3.5 / 13),
    ],
)
def test_half_an_event_is_added_to_tables_with_an_empty_cell_only(name, yi):
    found = getattr(ld.effects, name)([0, 4], [10, 10], [3, 3], [12, 12])
    bare = getattr(ld.effects, name)([4], [10], [3], [12], correct="none")
    assert found.yi[0] == pytest.approx(yi, rel=1e-14)
    assert found.yi[1] == bare.yi[0]


def test_the_correction_may_be_added_to_all_tables():
    found = ld.effects.log_odds_ratio([4], [10], [3], [12], correct="all", correction=1.0)
    assert found.yi[0] == pytest.approx(np.log(5 * 10 / (7 * 4)), rel=1e-14)


def test_results_keep_the_index_and_missing_studies_stay_missing():
    d = NORMAND[:3].astype(float).set_axis(["a", "b", "c"])
    d.loc["b", "s1"] = np.nan
    found = ld.effects.mean_difference(d.m1, d.s1, d.n1, d.m2, d.s2, d.n2)
    assert found.index.tolist() == ["a", "b", "c"]
    assert found.isna().all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.log_risk_ratio([-1], [10], [1], [10]), "`events1` must be at least 0"),
        (lambda e: e.log_risk_ratio([1], [0], [1], [10]), "`n1` must be above 0"),
        (lambda e: e.log_odds_ratio([1], [10], [12], [10]), "`events2` is above `n2`"),
        (lambda e: e.log_odds_ratio([0], [10], [1], [10], correct="none"), "Empty cells leave the effect"),
        (lambda e: e.log_odds_ratio([0], [10], [1], [10], correction=0.0), "Empty cells leave the effect"),
        (lambda e: e.log_odds_ratio([1], [10], [1], [10], correction=-1), "`correction` is -1"),
        (lambda e: e.log_odds_ratio([1], [10], [1], [10], correct="some"), "`correct` is 'some'"),
        (lambda e: e.risk_difference([0], [9], [0], [9], correct="none"), "Empty cells"),
        (lambda e: e.mean_difference(1, -1, 9, 2, 1, 9), "`sd1` must be at least 0"),
        (lambda e: e.mean_difference(1, 1, 1, 2, 1, 9), "`n1` must be at least 2"),
        (lambda e: e.mean_difference(1, 0, 9, 2, 0, 9), "Both sds are zero"),
        (lambda e: e.standardized_mean_difference(1, 0, 9, 2, 0, 9), "Both sds are zero"),
        (lambda e: e.standardized_mean_difference(1, 1, 2, 2, 1, 2, variance="unbiased"), "n1 \\+ n2 > 4"),
        (lambda e: e.standardized_mean_difference(1, 1, 2, 2, 1, 2, variance="best"), "`variance` is 'best'"),
        (lambda e: e.log_response_ratio(1, 1, 9, -2, 1, 9), "ratio of the means is not positive"),
        (lambda e: e.log_response_ratio(1, 0, 9, 2, 0, 9), "Both sds are zero"),
        (lambda e: e.log_variability_ratio(0, 9, 2, 9), "`sd1` must be above 0"),
        (lambda e: e.fisher_z(1.0, 9), "`r` is not between -1 and 1"),
        (lambda e: e.fisher_z(0.5, 3), "`n` must be at least 4"),
    ],
)
def test_what_no_study_can_report_is_refused(call, message):
    with pytest.raises(ld.DataError, match=message):
        call(ld.effects)
