"""The model without heterogeneity against weighted least squares."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.homogeneous import by_sampling, homogeneous, typical


def test_it_is_weighted_least_squares():
    data = ld.load_data("konstantopoulos2011")
    design = ld.model("yi ~ year + (1 | district) + meta_V(vi)", data=data).design
    found = by_sampling(homogeneous(design))
    w, X, y = 1 / data.vi.to_numpy(), design.X, design.y
    beta = np.linalg.solve(X.T @ (w[:, None] * X), X.T @ (w * y))
    np.testing.assert_allclose(found.beta, beta, rtol=1e-8)
    np.testing.assert_allclose(found.Q, np.sum(w * (y - X @ beta) ** 2), rtol=1e-9)


def test_rows_of_one_outcome_have_its_columns_alone():
    data = {"a": [1.0, 2.0, 4.0, 3.0, 2.5], "b": [2.0, 1.0, 3.0, 5.0, 2.0], "v": [0.1, 0.2, 0.3, 0.1, 0.2]}
    design = ld.model("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)", data=data).design
    own = homogeneous(design, design.which == 1)
    assert own.names == ("b: Intercept",)
    w = 1 / np.array(data["v"])
    assert typical(own) == pytest.approx(4 * w.sum() / (w.sum() ** 2 - np.sum(w**2)), rel=1e-12)
    assert typical(own, phi=2.0) == pytest.approx(2 * typical(own), rel=1e-12)
