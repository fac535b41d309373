"""Generalised least squares and the traces of P against dense matrices (rounding is the only difference)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.oracles import projection, some_rows

from laird.inference.gls import gls, times, trace_P, trace_PTPT, trace_TT
from laird.inference.rowblocks import layout, whitener


@pytest.mark.parametrize("seed", range(3))
def test_estimates_and_traces_are_the_dense_ones(seed):
    rows = some_rows(seed)
    by = whitener(rows.where, rows.stacks())
    found = gls(rows.y, rows.X, by)
    P, Si = projection(rows.X, rows.Sigma), np.linalg.inv(rows.Sigma)
    C = np.linalg.inv(rows.X.T @ Si @ rows.X)
    np.testing.assert_allclose(found.cov, C, rtol=1e-10)
    np.testing.assert_allclose(found.beta, C @ rows.X.T @ Si @ rows.y, rtol=1e-10)
    np.testing.assert_allclose(found.Sr, P @ rows.y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.Q, rows.y @ P @ rows.y, rtol=1e-10)
    assert found.df == 14
    same = rows.labels[:, None] == rows.labels
    T = same * 1.0 + np.eye(17)
    stacks = rows.stacks(T)
    assert trace_P(by, found) == pytest.approx(np.trace(P), rel=1e-10)
    assert trace_TT(by, stacks) == pytest.approx(np.trace(Si @ T @ Si @ T), rel=1e-10)
    assert trace_PTPT(by, found, stacks) == pytest.approx(np.trace(P @ T @ P @ T), rel=1e-10)
    np.testing.assert_allclose(times(by, stacks, rows.X), T @ rows.X, rtol=1e-12)


def test_weights_repeat_rows():
    rng = np.random.default_rng(5)
    y, X, v = rng.normal(size=6), rng.normal(size=(6, 2)), rng.uniform(1, 2, 6)
    times_each = np.array([1, 3, 2, 1, 1, 4])
    again = np.repeat(np.arange(6), times_each)
    one, many = (whitener(layout(np.arange(len(own))), [own[:, None, None]]) for own in (v, v[again]))
    found = gls(y, X, one, times_each.astype(float))
    expected = gls(y[again], X[again], many)
    for name in ("beta", "cov", "Q", "df"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    assert trace_P(one, found, times_each) == pytest.approx(trace_P(many, expected), rel=1e-12)
