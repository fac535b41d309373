from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design, two_outcomes

from laird.errors import DataError
from laird.posterior.targets import blank, checked, rms, sd, sizes_for, sizes_of, term_of


def test_a_single_outcome_has_all_rows():
    (own,) = sizes_of(design())
    assert (own.outcome, own.label, own.word, own.text) == ("score", "", "sd", "sd(score)")
    assert own.size == pytest.approx(np.std(design().y, ddof=1), rel=1e-12)


def test_every_outcome_has_its_own_size():
    d = two_outcomes()
    first, second = sizes_of(d)
    assert second.size == pytest.approx(np.std(d.y[d.which == 1], ddof=1), rel=1e-12)
    assert first.size != second.size
    assert sizes_for((first, second), "b: x") is second
    assert second.own("b: x") == "x"
    assert second.of(d.X[:, 3]) == pytest.approx(np.std(d.X[d.which == 1, 3], ddof=1), rel=1e-12)


def test_without_an_intercept_sizes_are_root_mean_squares():
    d = replace(design(), names=("a", "b", "c"))
    assert sizes_of(d)[0].word == "rms"
    assert rms(np.array([3.0, 4.0])) == pytest.approx(np.sqrt(12.5), rel=1e-15)


def test_constants_have_no_size():
    assert sd(np.full(3, 1e8)) == 0.0
    with pytest.raises(DataError, match="The column does not vary"):
        checked(0.0, "The column")


def test_terms_of_columns():
    assert term_of("ses:Sector[Public]:Sex[m]") == "ses:Sector:Sex"
    assert blank("sigma", "sigma").family == ""
