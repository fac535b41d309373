"""Every structure against n × n matrices in plain NumPy, at random parameters."""

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.hierarchies import MODELS, Model

from laird.gaussian.hierarchy import density, solve

VALUE = 1e-9  # relative; seen: 1e-12
GRADIENT = 1e-6  # central differences with step 1e-5 are good to about 1e-9 of the value
RTOL = 1e-8  # relative to the largest entry; matrices have condition numbers up to 1e6


@pytest.fixture(params=MODELS)
def model(request) -> Model:
    return MODELS[request.param]


@pytest.fixture(params=[False, True], ids=["ml", "reml"])
def restricted(request):
    return request.param


def assert_close(actual, expected, rtol=RTOL):
    largest = np.abs(expected).max(initial=1e-12)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * largest)


def own_entries(model, matrix):
    """The entries of a matrix like L that belong to one factor."""
    return np.concatenate([np.zeros(0), *(matrix[place, place].ravel() for place in model.places)])


def test_density_equals_the_oracle(model, restricted):
    value, _ = density(model.data, model.at, restricted=restricted)
    assert value == pytest.approx(model.log_likelihood(model.at, restricted), rel=VALUE)


def differences(model, field, restricted):
    """Derivative of the oracle in one array of the parameters."""
    return central_difference(
        lambda values: model.log_likelihood(model.at._replace(**{field: values}), restricted),
        getattr(model.at, field),
    )


def test_gradient_in_the_factor(model, restricted):
    """Entries of a zero column have derivative zero: the likelihood is even in them."""
    _, gradient = density(model.data, model.at, restricted=restricted)
    size = sizes(model)[:, None]
    expected = central_difference(
        lambda K: model.log_likelihood(model.at._replace(L=size * K), restricted), model.at.L / size
    )
    assert_close(own_entries(model, size * gradient.L), own_entries(model, expected), GRADIENT)


def sizes(model):
    """Sds of the group effects, 1 where they are zero."""
    sd = np.linalg.norm(model.at.L, axis=1)
    return np.where(sd > 0, sd, 1.0)


@pytest.mark.parametrize("field", ["alpha", "log_phi", "zeta"])
def test_gradient_in_the_noise(model, field, restricted):
    _, gradient = density(model.data, model.at, restricted=restricted)
    found, at = getattr(gradient, field), getattr(model.at, field)
    assert found.shape == at.shape
    if not np.isfinite(at).all():
        assert found[np.isinf(at)] == 0  # a sigma of zero stays there
        return
    assert_close(found, differences(model, field, restricted), GRADIENT)


def test_gradient_in_the_regressions_of_group_sds(model, restricted):
    _, gradient = density(model.data, model.at, restricted=restricted)
    assert len(gradient.delta) == len(model.s)
    for f, found in enumerate(gradient.delta):
        before, after = model.at.delta[:f], model.at.delta[f + 1 :]

        def of_delta(delta, before=before, after=after):
            return model.log_likelihood(model.at._replace(delta=(*before, delta, *after)), restricted)

        assert_close(found, central_difference(of_delta, model.at.delta[f]), GRADIENT)


def test_solution_equals_the_oracle(model):
    found, (mean, cov) = solve(model.data, model.at), model.posterior(model.at)
    p = model.X.shape[1]
    unit = np.sqrt(np.diag(cov)[:p])
    assert_close(found.beta / unit, mean[:p] / unit)
    assert_close(found.beta_cov / np.outer(unit, unit), cov[:p, :p] / np.outer(unit, unit))
    assert len(found.effects) == len(model.Z)
    for f, own in enumerate(found.effects):
        q, rows = model.Z[f].shape[1], model.rows_of(f)
        size = sizes(model)[model.places[f]]
        assert_close(own.u / size, mean[rows].reshape(-1, q) / size)
        blocks = [cov[a : a + q, a : a + q] for a in range(rows.start, rows.stop, q)]
        assert_close(own.cov / np.outer(size, size), np.stack(blocks) / np.outer(size, size))
        crossed = cov[rows, :p].reshape(-1, q, p)
        assert_close(own.beta_cov / np.outer(size, unit), crossed / np.outer(size, unit))
