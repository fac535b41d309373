"""Prior predictive checks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import laird as ld

CLOSE = {"sigma": "lognormal(0, 0.001)", "Intercept": "normal(10, 2)"}


def test_shares_of_a_normal_outcome():
    data = {"y": np.arange(10.0)}
    model = ld.model("y ~ 1", data=data, priors=CLOSE)
    found = ld.prior_predictive(model, (9.0, 14.0), draws=20_000, random_seed=1)
    expected = norm(10, np.sqrt(5))
    error = 5 * 0.5 / np.sqrt(20_000)
    assert found.below == pytest.approx(expected.cdf(9.0), abs=error)
    assert found.above == pytest.approx(expected.sf(14.0), abs=error)
    assert found.inside + found.below + found.above == pytest.approx(1.0)
    assert "plausible range 9 to 14" in repr(found)
    assert "plausible range 9 to 14" in found._repr_html_()


def test_without_a_range_there_are_no_shares():
    found = ld.prior_predictive(ld.model("y ~ 1", data={"y": np.arange(10.0)}, priors=CLOSE), random_seed=1)
    assert np.isnan(found.inside)
    assert found.plausible is None
    assert "plausible" not in repr(found)
    assert list(found.table.statistic) == ["mean", "sd", "min", "max"]


def test_groups_are_in_it():
    model = ld.model("mathach ~ ses + (ses | school)", data=ld.load_data("hs"))
    found = ld.prior_predictive(model, draws=200, random_seed=1)
    assert "sd of group means" in set(found.table.statistic)


@pytest.mark.parametrize("plausible", [(1.0, 1.0), 3.0, (1.0, 2.0, 3.0), (2.0, 1.0)])
def test_what_is_no_range_is_refused(plausible):
    model = ld.model("y ~ 1", data={"y": np.arange(10.0)})
    with pytest.raises(ld.FitError, match="is no range"):
        ld.prior_predictive(model, plausible)


def test_a_fit_is_no_model():
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    with pytest.raises(ld.FitError, match="not of a Fit"):
        ld.prior_predictive(fit)
