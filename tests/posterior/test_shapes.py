import numpy as np
import pytest
from scipy import stats

import laird as ld
from laird.errors import SpecError
from laird.posterior.table import above


def priors(formula="mathach ~ ses + (ses || school)", *, families, given=None):
    table = ld.model(formula, data=ld.load_data("hs"), families=families, priors=given).priors
    return {row.parameter: row for row in table if row.kind in ("nu", "alpha")}


def test_every_family_has_its_shape():
    found = priors(families={"errors": "t", "school": "skew_normal"})
    assert {name: row.prior for name, row in found.items()} == {
        "nu(errors)": "gamma(2, 0.1)",
        "alpha(school, Intercept)": "normal(0, 4)",
        "alpha(school, ses)": "normal(0, 4)",
    }


def test_shapes_are_overridden_by_what_they_are_of_and_not_by_flat_priors():
    found = priors(families={"school": "skew_normal"}, given={"alpha(school)": "normal(0, 1)"})
    assert {row.prior for row in found.values()} == {"normal(0, 1)"}
    assert priors(families={"school": "t"}, given="flat")["nu(school)"].family == "gamma"


def test_the_range_of_degrees_of_freedom_is_that_of_the_part_above_two():
    (row,) = priors(families={"school": "t"}).values()
    gamma = stats.gamma(2, scale=10)
    p = gamma.cdf(2) + np.array([0.05, 0.95]) * gamma.sf(2)
    assert row.interval() == pytest.approx(tuple(gamma.ppf(p)))  # root finding to 1e-12


@pytest.mark.parametrize(
    ("family", "values", "p"),
    [("uniform", (4.0, 6.0), 0.5), ("uniform", (0.0, 1.0), 1.0), ("exponential", (0.1,), None)],
)
def test_quantiles_above_two(family, values, p):
    expected = 1 - 0.5 * np.exp(-0.2) if p is None else p
    assert above(np.array([0.5]), family, values)[0] == pytest.approx(expected, abs=1e-11)


def test_correlated_effects_cannot_be_skewed():
    with pytest.raises(SpecError, match="cannot be correlated"):
        priors("mathach ~ ses + (ses | school)", families={"school": "skew_normal"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nu(school)": "flat"}, "cannot have the family `flat`"),
        ({"nu(school)": "normal(0, 1)"}, "cannot have the family `normal`"),
        ({"alpha(school)": "flat"}, "cannot have the family `flat`"),
        ({"nu(schol)": "gamma(2, 1)"}, "fits no parameter"),
    ],
)
def test_priors_that_a_shape_cannot_have_are_refused(given, message):
    family = "skew_normal" if "alpha(school)" in given else "t"
    with pytest.raises(SpecError, match=message):
        priors(families={"school": family}, given=given)


def test_a_column_called_nu_is_a_column():
    data = ld.load_data("hs").rename(columns={"ses": "nu"})
    table = ld.model("mathach ~ nu", data=data, priors={"nu": "normal(0, 1)"}).priors
    assert next(row for row in table if row.parameter == "nu").prior == "normal(0, 1)"
