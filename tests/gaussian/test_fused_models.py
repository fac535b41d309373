"""The compiled densities are those of the structures in Python."""

import numpy as np
import pytest
from tests.gaussian.hierarchies import BOUNDARY, CORRELATED, DIAGONAL, OUTCOMES, WEIGHTED, with_at

from laird.gaussian.coefficients import flat_prior, normal_prior
from laird.gaussian.connected import Connected
from laird.gaussian.fused_models import fused_model, fused_values
from laird.gaussian.hierarchy import density_under

ALL = DIAGONAL | WEIGHTED | BOUNDARY | CORRELATED | OUTCOMES
NAMES = [name for name, model in ALL.items() if not isinstance(model.data.body, Connected)]
VALUE = 1e-11  # relative: the same operations, in nearly the same order


def agrees(model, prior, b):
    data = model.data
    expected = density_under(data, prior, model.at, b)[0]
    found = fused_values(fused_model(data, prior), model.at.repeated(2), np.stack([b, b]))
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
    prior = normal_prior(model.data.scaling, np.full(p, 0.3), np.linspace(0.0, 2.0, p), [p - 1])
    agrees(model, prior, np.array([0.7]))


@pytest.mark.parametrize("name", ["strata", "group sds", "nested", "crossed"])
def test_no_variance_between_groups(name):
    model = with_at(ALL[name], L=0 * ALL[name].at.L)
    agrees(model, flat_prior(model.data.scaling, restricted=True), np.zeros(0))


def test_it_is_minus_infinity_where_rows_have_no_variance():
    model = DIAGONAL["strata"]
    data = with_at(model, alpha=np.full(2, -np.inf))
    prior = flat_prior(model.data.scaling, restricted=True)
    found = fused_values(fused_model(model.data, prior), data.at.repeated(1), np.zeros((1, 0)))
    assert found.tolist() == [-np.inf]


def test_connected_rows_have_none():
    connected = [model.data for model in ALL.values() if isinstance(model.data.body, Connected)]
    priors = [flat_prior(data.scaling, restricted=True) for data in connected]
    assert connected
    assert [fused_model(data, prior) for data, prior in zip(connected, priors, strict=True)] == [None] * len(
        connected
    )
