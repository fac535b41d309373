from __future__ import annotations

from laird.report.standouts import standouts


def test_the_groups_beyond_196_errors_the_farthest_first(slopes):
    fit = slopes.fits[1]
    z = (fit.ranef("school") / fit.ranef_sd("school"))["Intercept"].abs()
    expected = z[z > 1.96].sort_values(ascending=False)
    assert len(expected) > 0
    assert standouts(fit, "school")["Intercept"] == tuple(expected.index)


def test_no_group_stands_out_of_a_variance_of_zero(no_variance):
    assert standouts(no_variance.fits[1], "Batch") == {"Intercept": ()}
