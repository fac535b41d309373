"""What pictures accept, and what they say of the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from laird.compare.shrinkage import shrinkage
from laird.errors import FitError
from laird.plots.sources import (
    as_fit,
    as_fits,
    check_probability,
    choose_shrunken,
    coefficients,
    random_design,
)


def test_a_table_and_the_fits_it_came_from_give_the_same(hs_fit):
    fits = [hs_fit("reml"), hs_fit("eb")]
    (of_fits,) = coefficients(fits, ("ses",))
    (of_table,) = coefficients(shrinkage(fits), ("ses",))
    assert of_fits.labels == of_table.labels
    for kind in ("blue", "eblup", "eb"):
        assert np.array_equal(of_fits.estimate[kind], of_table.estimate[kind])
        assert np.array_equal(of_fits.sd[kind], of_table.sd[kind])


def test_fits_know_the_names(hs_fit):
    (data,) = coefficients(hs_fit("reml"), ("ses",))
    assert (data.group, data.outcome, data.axis_label) == (
        "school",
        "mathach",
        "Coefficient of ses (mathach)",
    )
    assert data.mean_label == "GLS mean"
    assert data.n.sum() == hs_fit("reml").nobs


def test_the_posterior_alone_has_no_gls_mean(hs_fit):
    assert coefficients(hs_fit("nuts"), ("ses",))[0].mean_label == "mean of the fixed part"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit, _: coefficients(fit, ("sess",)), "no coefficient `sess` to draw.\nNearest: `ses`"),
        (lambda fit, _: coefficients(fit, ("ses",), "scool"), "grouping factor `scool`.*\nNearest: `school`"),
        (lambda _, table: coefficients(table([1.0]), ("ses",)), "Available: `Intercept`"),
        (
            lambda *_: coefficients(pd.DataFrame({"group": []}), ("ses",)),
            "not a shrinkage table.*`term`, `n`",
        ),
        (lambda *_: as_fits([]), "drawn from fits"),
        (lambda *_: as_fits("reml"), "drawn from fits"),
        (lambda *_: as_fits(3), "drawn from fits"),
        (lambda fit, _: as_fit([fit]), "drawn from one fit"),
        (lambda *_: check_probability(1.0), "Allowed: 0 < prob < 1"),
    ],
)
def test_bad_arguments(ask, message, hs_fit, table):
    with pytest.raises(FitError, match=message):
        ask(hs_fit("reml"), table)


def test_estimates_to_shrink_to(hs_fit):
    (data,) = coefficients([hs_fit("reml"), hs_fit("eb")], ("ses",))
    assert choose_shrunken(data, None) == "eblup"
    assert choose_shrunken(data, "eb") == "eb"
    with pytest.raises(FitError, match=r"no estimate `posterior`.*\nAvailable: `eblup`, `eb`"):
        choose_shrunken(data, "posterior")


def test_least_squares_alone_does_not_shrink(hs_fit):
    (data,) = coefficients(hs_fit("ols"), ("ses",))
    with pytest.raises(FitError, match="nothing shrinks"):
        choose_shrunken(data, None)


def test_the_only_grouping_factor_needs_no_name(hs_fit):
    assert random_design(hs_fit("reml"), None).group == "school"
