from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design, two_outcomes

import laird as ld
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


def test_outcomes_alike_have_the_size_of_their_sampling_errors():
    v = np.array([0.04, 0.01, 0.09, 100.0, 0.1])
    model = ld.model("y ~ 1 + meta_V(v)", data={"y": np.full(5, 0.3), "v": v})
    (own,) = sizes_of(model.design)
    assert (own.size, own.text) == (pytest.approx(0.3, rel=1e-12), "sampling sd of y")
    assert model.fit("eb", draws=200, random_seed=1).fixef["Intercept"] == pytest.approx(0.3, rel=1e-9)
    proportional = ld.model("y ~ 1 + meta_V(v, scale='proportional')", "sigma ~ 0", data=model.table)
    with pytest.raises(DataError, match="`y` does not vary"):
        _ = proportional.priors
