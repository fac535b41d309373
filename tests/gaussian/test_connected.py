"""Components of rows as dense matrices: sizes, LAPACK for large ones, and what is too large."""

from dataclasses import replace

import numpy as np
import pytest
from tests.gaussian.hierarchies import CORRELATED, MODELS

from laird.errors import FitError
from laird.gaussian import connected
from laird.gaussian.connected import Connected, refuse_large
from laird.gaussian.hierarchy import density, solve
from laird.gaussian.hierarchy_marginal import bind
from laird.gaussian.prediction import prediction_variance

NAMES = ["blocks across groups", "blocks of rows anywhere", "blocks across crossed groups"]


@pytest.mark.parametrize("name", NAMES)
def test_components_by_size_hold_every_row_once(name):
    body = CORRELATED[name].data.body
    assert isinstance(body, Connected)
    assert [batch.first for batch in body.batches] == np.cumsum(
        [0, *(batch.count * batch.size for batch in body.batches[:-1])]
    ).tolist()
    assert sum(batch.count * batch.size for batch in body.batches) == len(body.W)
    assert len({batch.size for batch in body.batches}) == len(body.batches)


@pytest.mark.parametrize("name", NAMES)
def test_lapack_gives_what_numpy_gives(name, monkeypatch):
    """With every matrix large: density, gradient, solution, prediction and draws."""
    model = CORRELATED[name]
    results = []
    for small in (connected.SMALL, 0):
        monkeypatch.setattr(connected, "SMALL", small)
        results.append(everything(model))
    np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-9)


def everything(model):
    """All numbers of a model, one after another."""
    data, p = model.data, model.X.shape[1]
    value, gradient = density(data, model.at, restricted=True)
    found = solve(data, model.at)
    rows = [z[:9] for z in model.Z], [own[:9] for own in model.ids]
    variance = prediction_variance(data, model.at, model.X[:9], *rows)
    stacked, rng = model.at._replace(L=model.at.L[None]), np.random.default_rng(2)
    beta, effects = bind(data, np.zeros(p), np.zeros(p)).draw(stacked, np.zeros((1, 0)), rng)
    parts = (gradient.L, gradient.alpha, *gradient.delta, found.beta, variance, beta, *effects)
    return np.concatenate([[value], *(part.ravel() for part in parts), found.effects[0].cov.ravel()])


@pytest.mark.parametrize("small", [0, 48])
def test_a_matrix_that_is_not_positive_definite_has_no_density(small, monkeypatch):
    """A factor of NaN leaves no Cholesky factor, in NumPy and in LAPACK."""
    monkeypatch.setattr(connected, "SMALL", small)
    model = CORRELATED["blocks across groups"]
    with np.errstate(invalid="ignore"):
        value, _ = density(model.data, model.at._replace(L=np.nan * model.at.L), restricted=True)
    assert value == -np.inf


def test_a_large_block_goes_to_lapack():
    """A dense V of all rows is one component, where larger blocks are not whitened in place."""
    base = MODELS["dense V"]
    times, n = 2, len(base.y)
    rows = np.arange(times * n)
    V = np.kron(np.eye(times), base.V) + 0.1
    noise = replace(
        base.noise,
        **{name: np.concatenate([getattr(base.noise, name)] * times) for name in ("W", "has_sigma", "which")},
        units=rows,
        variances=np.diag(V).copy(),
        covariances=((rows, V),),
    )
    y = np.random.default_rng(0).normal(size=times * n)
    large = replace(base, y=y, X=np.tile(base.X, (times, 1)), noise=noise, V=V)
    assert isinstance(large.data.body, Connected)
    value, _ = density(large.data, large.at, restricted=True)
    assert value == pytest.approx(large.log_likelihood(large.at, True), rel=1e-9)
    assert not isinstance(base.data.body, Connected)


def test_too_many_connected_rows_are_refused():
    with pytest.raises(FitError, match=r"6,001 rows are connected .* would take 0\.3 GB") as raised:
        refuse_large(np.zeros(6001, dtype=np.int64))
    assert "6,000 connected rows" in str(raised.value)
    refuse_large(np.zeros(6000, dtype=np.int64))
