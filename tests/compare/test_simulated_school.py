"""The slides' simulated school: its printed numbers, its ellipses, its predictor."""

import numpy as np
import pytest
from scipy import stats

from laird.compare.simulated_school import simulated_school
from laird.errors import FitError

# Slides, p. 90: ses, residuals and data of the first simulated school, as printed.
SES = [-1.05, -0.78, 1.05, -1.01, 0.77, 1.85, 0.87, -1.18, 0.18, 2.08, -1.14, -1.71]
SES += [-0.64, -0.41, 0.86, 1.29, 0.04, 0.23, 0.90, 0.50, -2.10, -1.89, 0.38]
ERRORS = [4.46, -0.73, 0.30, 7.63, -7.03, 1.20, -6.23, -4.66, 6.17, 0.75, -1.43, 0.46]
ERRORS += [3.64, -2.39, 2.24, 2.60, 3.96, 0.71, -3.74, 3.30, 4.42, -4.59, -3.61]
MATHACH = [14.53, 8.09, 0.70, 17.56, -5.34, -2.10, -4.99, 6.03, 10.58, -3.59, 9.09, 13.57]
MATHACH += [11.83, 4.75, 3.51, 1.88, 9.00, 4.91, -2.66, 6.24, 19.37, 9.38, -0.13]
TRUE_LINE = (5.243, -4.615)
"""What the printed numbers imply; the slides show it as a point, somewhat atypical but not implausible."""


@pytest.fixture(scope="module")
def slides():
    return simulated_school(x=SES, beta=TRUE_LINE, errors=ERRORS)


def test_data_of_the_slides(slides):
    # Printed to 0.01, ses times a slope of 4.6: 0.005 (1 + 1 + 4.6) is the rounding.
    np.testing.assert_allclose(slides.y, MATHACH, atol=0.034)


def test_parameters_of_the_slides(slides):
    np.testing.assert_array_equal(slides.gamma, [12, 2])
    np.testing.assert_array_equal(slides.G, [[16, 8], [8, 25]])
    assert slides.variance == 20.0


def test_the_true_line_is_not_wholly_implausible(slides):
    """Figure 14: outside the dispersion ellipse, within that of 95 %."""
    distance = slides.beta - slides.gamma
    squared = distance @ np.linalg.solve(slides.G, distance)
    assert 1 < squared < stats.chi2.ppf(0.95, 2)


def test_both_ellipses_nearly_coincide(slides):
    """Figure 17: V is almost G, for a school of 23 with this much spread of ses."""
    np.testing.assert_allclose(slides.V, slides.G + 20 * np.linalg.inv(slides.X.T @ slides.X), rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(slides.V)), np.sqrt(np.diag(slides.G)), rtol=0.05)


def test_least_squares(slides):
    slope = stats.linregress(SES, slides.y)
    np.testing.assert_allclose(slides.blue, [slope.intercept, slope.slope], rtol=1e-12)


def test_the_predictor_combines_by_inverse_variances(slides):
    """Slides p. 170: {G⁻¹ + S⁻¹}⁻¹ {G⁻¹γ + S⁻¹β̂}, S = σ²(X'X)⁻¹."""
    Gi, Si = np.linalg.inv(slides.G), np.linalg.inv(slides.blue_cov)
    cov = np.linalg.inv(Gi + Si)
    np.testing.assert_allclose(slides.blup, cov @ (Gi @ slides.gamma + Si @ slides.blue), rtol=1e-9)
    np.testing.assert_allclose(slides.blup_cov, cov, rtol=1e-9)


def test_dispersions_over_many_schools():
    """3000 schools with one x: entries of covariances have standard errors below 4 %."""
    x = np.linspace(-1.5, 1.5, 6)
    made = [simulated_school(x=x, random_seed=k) for k in range(3000)]
    true, blue, blup = (np.array([getattr(s, name) for s in made]) for name in ("beta", "blue", "blup"))
    own = made[0]
    for values, expected in [
        (true, own.G),
        (blue, own.V),
        (blue - true, own.blue_cov),
        (true - blup, own.blup_cov),
    ]:
        error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / len(made))
        assert (abs(np.cov(values.T) - expected) < 4.5 * error).all()
    np.testing.assert_allclose(true.mean(axis=0), own.gamma, atol=4.5 * 5 / np.sqrt(len(made)))


def test_blups_vary_less_and_blues_more_than_true_lines(slides):
    """Slides p. 171: Var(β̃) <= G <= Var(β̂)."""
    of_blups = slides.weights @ slides.G
    for difference in (slides.V - slides.G, slides.G - of_blups):
        assert np.linalg.eigvalsh((difference + difference.T) / 2).min() > 0


def test_sizes_are_poisson():
    sizes = [len(simulated_school(random_seed=k).x) for k in range(1000)]
    assert np.mean(sizes) == pytest.approx(30, abs=4.5 * np.sqrt(30 / 1000))
    assert min(len(simulated_school(size=2, random_seed=k).x) for k in range(50)) == 2


def test_a_seed_repeats():
    np.testing.assert_array_equal(simulated_school(random_seed=5).y, simulated_school(random_seed=5).y)


def test_tables(slides):
    frame = slides.to_frame()
    assert list(frame) == ["x", "y", "population", "true", "least_squares", "error"]
    np.testing.assert_allclose(frame.true + frame.error, frame.y, rtol=1e-12)
    assert list(slides.lines().index) == ["population", "true", "least squares", "best predictor"]
    assert repr(slides).startswith("Simulated school: 23 rows, sigma 4.472\n")
    assert "population" in repr(slides)


def test_a_dispersion_of_zero_keeps_the_population_line():
    school = simulated_school(G=np.zeros((2, 2)), random_seed=1)
    np.testing.assert_array_equal(school.beta, school.gamma)
    np.testing.assert_allclose(school.blup, school.gamma, rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma": [1, 2, 3]}, "`gamma` must be 2 finite numbers"),
        ({"G": [[1, 2], [2, 1]]}, "no covariance matrix"),
        ({"G": [[1, 0.5], [0.2, 1]]}, "no covariance matrix"),
        ({"G": np.eye(3)}, "`G` must be 2 × 2"),
        ({"variance": 0}, "variance = 0 is not usable"),
        ({"size": 1}, "size = 1 is not usable"),
        ({"x": [1, 1]}, "two or more of them different"),
        ({"x": [1.0, 2.0], "errors": [0.0]}, "`errors` must be 2 finite"),
        ({"beta": [np.nan, 0]}, "`beta` must be 2 finite"),
        ({"random_seed": -1}, "random_seed = -1 is not usable"),
    ],
)
def test_impossible_schools(values, message):
    with pytest.raises(FitError, match=message):
        simulated_school(**values)


def test_arrays_cannot_be_changed(slides):
    with pytest.raises(ValueError, match="read-only"):
        slides.beta[0] = 1.0
