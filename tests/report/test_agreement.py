from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from laird.report.agreement import effect_difference, fixed_difference, understated


def test_fixed_difference_is_in_standard_errors(slopes, comparison):
    _, reml, eb, _ = slopes.fits
    expected = (reml.fixef - eb.fixef).abs() / np.minimum(reml.se, eb.se)
    difference, term = fixed_difference(comparison, ("reml", "eb"))
    assert difference == pytest.approx(expected.max(), rel=1e-12)  # the same numbers, another order
    assert term == expected.idxmax()


def test_effect_difference_is_the_largest_over_all_pairs():
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [1.5, 2.0], "c": [1.0, 4.0]})
    table = table.assign(a_sd=0.5, b_sd=1.0, c_sd=1.0)
    assert effect_difference(table, ("a", "b")) == 1.0
    assert effect_difference(table, ("a", "b", "c")) == 4.0
    assert effect_difference(table, ("a",)) == 0.0


def test_coefficients_without_error_do_not_count():
    table = pd.DataFrame({"a": [0.0], "b": [1.0], "a_sd": [0.0], "b_sd": [1.0]})
    assert effect_difference(table, ("a", "b")) == 0.0


def test_understated_is_the_smallest_ratio_of_errors(slopes, comparison):
    ratio, term = understated(comparison, "reml")
    ratios = slopes.fits[0].se / slopes.fits[1].se
    assert (ratio, term) == (pytest.approx(ratios.min(), rel=1e-12), ratios.idxmin())
