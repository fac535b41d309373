"""Every structure against n × n matrices in plain NumPy, at random parameters."""

from dataclasses import replace

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.hierarchies import INNER, MODELS, Model, outcomes
from tests.gaussian.hierarchies import model as model_of_one

from laird.gaussian.hierarchy import density, sigma2_slope, solve

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


@pytest.mark.parametrize("name", ["row by row", "crossed", "no groups, known variances", "blocks"])
def test_slope_in_a_constant_variance_of_the_residuals(name, restricted):
    """The slope in σ² is that in log σ over 2σ², and at σ = 0 that of the limit."""
    base = MODELS[name]
    noise = replace(base.noise, W=np.ones((len(base.y), 1)), variances=base.noise.variances + 0.5)
    moved = replace(base, noise=noise, V=base.V + 0.5 * np.eye(len(base.y)))
    if noise.covariances:
        inside = tuple((rows, V + 0.5 * np.eye(len(rows))) for rows, V in noise.covariances)
        moved = replace(moved, noise=replace(noise, covariances=inside))

    def of_variance(variance):
        at = moved.at._replace(alpha=0.5 * np.log(variance))
        return moved.log_likelihood(at, restricted)

    some = np.array([0.7])
    expected = central_difference(of_variance, some)
    at = moved.at._replace(alpha=0.5 * np.log(some))
    assert_close(sigma2_slope(moved.data, at, restricted=restricted), expected, GRADIENT)
    zero = sigma2_slope(moved.data, moved.at._replace(alpha=np.array([-np.inf])), restricted=restricted)
    h = 1e-5  # one-sided, of second order: the error is of the order of h²
    f = [of_variance(np.array([max(k * h, 1e-300)])) for k in range(3)]
    assert zero[0] == pytest.approx((4 * f[1] - f[2] - 3 * f[0]) / (2 * h), rel=1e-4)


def test_slopes_in_the_variance_of_each_outcome():
    """Without correlations every outcome has a slope of its own; without a density there is none."""
    base = outcomes(2, rho=0, variances=True, seed=1)
    W = base.noise.W[:, :2]
    base = replace(base, noise=replace(base.noise, W=W))
    at = base.at._replace(alpha=np.array([-np.inf, 0.2]))

    def of_variances(variances):
        return base.log_likelihood(base.at._replace(alpha=0.5 * np.log(variances)), True)

    found, h, least = sigma2_slope(base.data, at, restricted=True), 1e-6, np.array([1e-300, np.exp(0.4)])
    steps = [of_variances(least + step) - of_variances(least) for step in h * np.eye(2)]
    np.testing.assert_allclose(found, np.array(steps) / h, rtol=1e-4)  # one-sided differences
    none = MODELS["strata"]
    alpha = np.full(2, -np.inf)
    assert np.isnan(sigma2_slope(none.data, none.at._replace(alpha=alpha), restricted=True)).all()


def test_a_covariance_that_is_not_positive_definite_has_no_density(restricted):
    """-∞ with a zero gradient, so that an optimiser turns back; a solution is refused."""
    base = model_of_one(blocks=INNER, seed=3)
    singular = tuple((rows, np.ones((len(rows), len(rows)))) for rows, _ in base.noise.covariances)
    noise = replace(base.noise, covariances=singular, variances=np.ones(len(base.y)))
    data = replace(base, noise=noise).data
    at = base.at._replace(alpha=np.array([-np.inf]))
    value, gradient = density(data, at, restricted=restricted)
    assert value == -np.inf
    assert not np.concatenate([gradient.L.ravel(), gradient.alpha]).any()
    assert np.isfinite(density(data, base.at, restricted=restricted)[0])
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solve(data, at)


@pytest.mark.parametrize("name", ["strata", "blocks across groups"])
def test_singular_fixed_effects_have_no_density(name, restricted):
    base = MODELS[name]
    empty = replace(base, X=base.X * [1, 0, 1])
    value, gradient = density(empty.data, empty.at, restricted=restricted)
    assert value == -np.inf
    assert not np.concatenate([gradient.L.ravel(), gradient.alpha, *gradient.delta]).any()


@pytest.mark.parametrize("name", ["nested", "crossed slopes", "blocks inside groups", "blocks across groups"])
def test_the_order_of_rows_does_not_matter(name, restricted):
    base = MODELS[name]
    order = np.random.default_rng(4).permutation(len(base.y))
    first, second = (density(m.data, m.at, restricted=restricted) for m in (base, reordered(base, order)))
    assert first[0] == pytest.approx(second[0], rel=1e-12)  # sums in another order
    assert_close(first[1].alpha, second[1].alpha, 1e-9)
    assert_close(first[1].L, second[1].L, 1e-9)


def reordered(base, order):
    noise, place = base.noise, np.argsort(order)
    moved = {name: getattr(noise, name)[order] for name in ("W", "has_sigma", "variances", "which", "units")}
    covariances = tuple((place[rows], V) for rows, V in noise.covariances)
    return replace(
        base,
        **{name: getattr(base, name)[order] for name in ("y", "X")},
        Z=tuple(z[order] for z in base.Z),
        ids=tuple(i[order] for i in base.ids),
        noise=replace(noise, **moved, covariances=covariances),
    )


@pytest.mark.parametrize("scale", [(1e-12, 1.0), (1.0, 1e10), (1e10, 1e-12)])
@pytest.mark.parametrize("name", ["two outcomes, groups", "two outcomes, known covariances"])
def test_units_of_every_outcome_do_not_matter(name, scale):
    """y_o → a_o + b_o y_o, v → b_o² v: every estimate moves with the units, to rounding."""
    base = MODELS[name]
    b, a = np.asarray(scale), 1e3 * np.asarray(scale) * [1, -1]
    moved = rescaled(base, a, b)
    p = base.X.shape[1]
    value, gradient = density(base.data, base.at, restricted=True)
    found, moved_gradient = density(moved.data, moved.at, restricted=True)
    which = base.noise.which
    shift = np.sum(np.log(b[which])) - np.sum(np.log(b[owners(base.X, which)]))
    assert found == pytest.approx(value - shift, rel=1e-9)
    assert_close(moved_gradient.alpha, gradient.alpha, 1e-7)
    assert_close(moved_gradient.zeta, gradient.zeta, 1e-7)
    units = b[owners(base.X, which)]
    expected = solve(base.data, base.at)
    intercepts = np.array([1.0, 0.0] * (p // 2)) * a[owners(base.X, which)]
    assert_close(solve(moved.data, moved.at).beta / units, expected.beta + intercepts / units, 1e-9)
    assert_close(solve(moved.data, moved.at).beta_cov / np.outer(units, units), expected.beta_cov, 1e-9)


def owners(M, which):
    """Outcome of every column."""
    return which[np.argmax(M != 0, axis=0)]


def rescaled(base, a, b):
    noise, which = base.noise, base.noise.which
    by_row, constant = b[which], np.all((noise.W != 0) == noise.W, axis=0)
    alpha = base.at.alpha + np.where(constant, np.log(b[owners(noise.W, which)]), 0)
    covariances = tuple((rows, V * np.outer(by_row[rows], by_row[rows])) for rows, V in noise.covariances)
    size = np.concatenate([np.ones(0), *(b[owners(z, which)] for z in base.Z)])
    return replace(
        base,
        y=a[which] + by_row * base.y,
        V=base.V * np.outer(by_row, by_row),
        noise=replace(noise, variances=noise.variances * by_row**2, covariances=covariances),
        at=base.at._replace(alpha=alpha, L=size[:, None] * base.at.L),
    )


@pytest.mark.parametrize("name", ["nested", "crossed", "blocks across groups"])
def test_a_model_cannot_be_written_to_and_leaves_the_rows_as_they_were(name):
    base = MODELS[name]
    data = base.data
    with pytest.raises(ValueError, match="read-only"):
        data.to_starred[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        data.body.layout.known[0] = 1.0
    given = (base.y, base.X, *base.Z, *base.ids, *base.s, base.noise.W, base.noise.variances)
    assert all(array.flags.writeable for array in given)
