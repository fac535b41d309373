"""The compiled density is the one of the structures in Python."""

import numpy as np
import pytest
from tests.gaussian.hierarchies import BOUNDARY, CORRELATED, DIAGONAL, OUTCOMES, WEIGHTED, with_at

from laird.gaussian.coefficients import flat_prior, normal_prior
from laird.gaussian.diagonal import diagonal_of, log_densities
from laird.gaussian.hierarchy import density_under

NAMES = [
    *("no groups", "no groups, strata", "no groups, known variances", "fixed effects, known variances"),
    *("proportional variances", "proportional variances, no sigma", "strata", "row by row", "group sds"),
    *WEIGHTED,
    "sigma of zero",
]
ALL = DIAGONAL | WEIGHTED | BOUNDARY
VALUE = 1e-12  # relative: the same operations, in nearly the same order


def agrees(model, prior, b):
    data = model.data
    expected = density_under(data, prior, model.at, b)[0]
    found = log_densities(diagonal_of(data, prior), model.at.repeated(2), np.stack([b, b]))
    assert np.isfinite(expected)
    np.testing.assert_allclose(found, expected, rtol=VALUE)


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_likelihoods(name, restricted):
    model = ALL[name]
    agrees(model, flat_prior(model.data.scaling, restricted=restricted), np.zeros(0))


@pytest.mark.parametrize("name", NAMES)
def test_priors_and_sampled_coefficients(name):
    model = ALL[name]
    p = model.X.shape[1]
    prior = normal_prior(model.data.scaling, np.full(p, 0.3), np.linspace(0.0, 2.0, p), [1])
    agrees(model, prior, np.array([0.7]))


@pytest.mark.parametrize("name", ["strata", "group sds"])
def test_no_variance_between_groups(name):
    model = with_at(ALL[name], L=0 * ALL[name].at.L)
    agrees(model, flat_prior(model.data.scaling, restricted=True), np.zeros(0))


def test_it_is_minus_infinity_where_rows_have_no_variance():
    model = DIAGONAL["strata"]
    data = with_at(model, alpha=np.full(2, -np.inf))
    prior = flat_prior(model.data.scaling, restricted=True)
    found = log_densities(diagonal_of(model.data, prior), data.at.repeated(1), np.zeros((1, 0)))
    assert found.tolist() == [-np.inf]


@pytest.mark.parametrize("name", ["nested", "crossed", "blocks", "two outcomes"])
def test_other_structures_have_none(name):
    data = (DIAGONAL | CORRELATED | OUTCOMES)[name].data
    assert diagonal_of(data, flat_prior(data.scaling, restricted=True)) is None
