"""Two ways to the same products: compressed groups, and blocks of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import laird as ld
from laird.inference import chunks
from laird.inference.dispersion import drawn_theta
from laird.inference.logo_rows import CentredRows, centred_rows


@pytest.fixture(scope="module")
def fit():
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    return model.fit("eb", draws=100, random_seed=1)


def both(fit) -> tuple[CentredRows, CentredRows]:
    """The rows, and the same without the knowledge that there is one factor."""
    rows = centred_rows(fit)
    problem = replace(fit.problem, reduced=object())
    return rows, replace(rows, problem=problem)


def test_products_of_units(fit):
    theta, _ = drawn_theta(fit)
    ((_, short),), ((_, long),) = (own.unit_products(theta) for own in both(fit))
    np.testing.assert_allclose(short.logdet, long.logdet, rtol=1e-10)
    scale = np.abs(long.S).max()
    np.testing.assert_allclose(short.S, long.S, atol=1e-9 * scale, err_msg="centred columns cancel")


def test_products_of_rows(fit):
    theta, _ = drawn_theta(fit)
    ((_, short),), ((_, long),) = (own.row_products(theta) for own in both(fit))
    np.testing.assert_allclose(short.diagonal, long.diagonal, rtol=1e-9)
    np.testing.assert_allclose(short.SW, long.SW, atol=1e-9 * np.abs(long.SW).max())


def test_few_draws_at_a_time_give_the_same(fit, monkeypatch):
    theta, _ = drawn_theta(fit)
    rows = centred_rows(fit)
    ((_, whole),) = rows.unit_products(theta)
    monkeypatch.setattr(chunks, "CELLS", 2000)
    parts = list(rows.unit_products(theta))
    assert len(parts) > 1
    np.testing.assert_allclose(np.concatenate([own.S for _, own in parts]), whole.S, rtol=1e-12)


def test_columns_are_centred_and_coefficients_come_back(fit):
    rows = centred_rows(fit)
    np.testing.assert_allclose(rows.W[:, 1].mean(), 0.0, atol=1e-12)
    np.testing.assert_allclose(rows.T @ rows.origin, fit.point.beta, rtol=1e-12)
    np.testing.assert_array_equal(rows.counts, 10)


def test_weighted_rows_have_no_density():
    data = ld.load_data("sleepstudy").assign(w=2.0)
    fit = ld.model("Reaction ~ Days", data=data, weights="w").fit("ml")
    with pytest.raises(ld.FitError, match="Weighted rows"):
        centred_rows(fit)
