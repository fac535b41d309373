"""Principal axes of G against the eigenvalues of its correlation matrix."""

from __future__ import annotations

import numpy as np
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.plots.axesofg import axes_of, principal_axes_of

NAMES = ("Intercept", "ses", "Sex")


def test_lengths_and_directions_make_the_correlation_matrix():
    sd, R = np.array([2.0, 0.5, 3.0]), np.array([[1.0, 0.6, 0.2], [0.6, 1.0, -0.4], [0.2, -0.4, 1.0]])
    found = principal_axes_of("school", NAMES, R * np.outer(sd, sd))
    assert found.sd == pytest.approx(sd)
    assert found.lengths**2 == pytest.approx(np.linalg.eigvalsh(R)[::-1])
    assert (found.directions * found.lengths**2) @ found.directions.T == pytest.approx(R)
    assert found.shares == pytest.approx(found.lengths**2 / 3)


def test_a_flat_g_has_an_axis_of_length_zero():
    b = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    found = principal_axes_of("school", NAMES, b @ b.T)
    assert found.lengths[2] == pytest.approx(0.0, abs=1e-7)  # root of a rounded zero
    assert b.T @ (found.directions[:, 2] / found.sd) == pytest.approx(np.zeros(2), abs=1e-7)


def test_a_coefficient_without_variance_is_a_direction_of_its_own():
    found = principal_axes_of("school", NAMES, np.diag([4.0, 0.0, 1.0]))
    assert found.lengths.tolist() == [1.0, 1.0, 0.0]
    assert found.in_words(2) == "1.00 ses"


def test_words_begin_with_the_largest_weight_and_leave_out_zeros():
    found = principal_axes_of(
        "school", NAMES, np.array([[1.0, -0.5, 0.0], [-0.5, 1.0, 0.0], [0.0, 0.0, 0.3]])
    )
    assert found.in_words(0) == "0.71 Intercept − 0.71 ses"
    assert found.in_words(1) == "1.00 Sex"


def test_bad_arguments(sleepstudy, dyestuff):
    with pytest.raises(FitError, match="one coefficient"):
        axes_of(model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit("reml"))
    with pytest.raises(FitError, match="Nearest: `Subject`"):
        axes_of(model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml"), "subject")
