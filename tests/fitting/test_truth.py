"""Parameters by name: all names of a model, short forms, matrices, impossible values."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import grouped_frame

from laird.bound import model
from laird.errors import FitError
from laird.fitting.display import row_name
from laird.fitting.truth import parameter_names, read_truth


@pytest.fixture(scope="module")
def frame():
    data = grouped_frame(J=10, sizes=(4, 8), seed=1)
    return data.assign(h=np.array(list("abcd"))[np.arange(len(data)) % 4], v=0.1, y2=data.x[::-1].to_numpy())


def design(frame, *formulas):
    return model(*formulas, data=frame).design


SLOPES = {
    "Intercept": 1,
    "x": 2,
    "sd(g, Intercept)": 3,
    "sd(g, x)": 4,
    "cor(g, Intercept, x)": 0.5,
    "sigma": 6,
}


@pytest.mark.parametrize(
    ("formulas", "names"),
    [
        (("y ~ x + (1 + x | g)",), list(SLOPES)),
        (("y ~ 1 + (1 + x || g)",), ["Intercept", "sd(g, Intercept)", "sd(g, x)", "sigma"]),
        (("y ~ 1 + (1 | g) + (1 | h)",), ["Intercept", "sd(g, Intercept)", "sd(h, Intercept)", "sigma"]),
        (
            ("y ~ 1 + (1 | g)", "sigma ~ x"),
            ["Intercept", "sd(g, Intercept)", "log_sigma(Intercept)", "log_sigma(x)"],
        ),
        (
            ("y ~ 1 + (1 + x | g)", "sd(g) ~ w"),
            [
                "Intercept",
                "log_sd(g, Intercept)",
                "log_sd(g, w)",
                "sd(g, x)",
                "cor(g, Intercept, x)",
                "sigma",
            ],
        ),
        (("y ~ 1 + meta_V(v)", "sigma ~ 0"), ["Intercept"]),
        (
            ("y ~ 1", "y2 ~ 1", "rho(y, y2) ~ w"),
            [
                "y: Intercept",
                "y2: Intercept",
                "sigma(y)",
                "sigma(y2)",
                "atanh_rho(y, y2, Intercept)",
                "atanh_rho(y, y2, w)",
            ],
        ),
        (
            ("y ~ 1", "y2 ~ 1", "sigma(y) ~ x"),
            [
                "y: Intercept",
                "y2: Intercept",
                "log_sigma(y, Intercept)",
                "log_sigma(y, x)",
                "sigma(y2)",
                "rho(y, y2)",
            ],
        ),
    ],
)
def test_names(frame, formulas, names):
    found = design(frame, *formulas)
    assert list(parameter_names(found)) == names
    truth = read_truth(found, dict.fromkeys(names, 0.25), {})
    np.testing.assert_array_equal(truth.beta, np.full(len(found.names), 0.25))


@pytest.mark.parametrize(
    "formulas",
    [
        ("y ~ x + (1 + x | g)",),
        ("y ~ 1 + (1 | g)", "sigma ~ x", "sd(g) ~ w"),
        ('y ~ 1 + (1 | g) + meta_V(v, scale="proportional")', "sigma ~ 0"),
        ("y ~ 1", "y2 ~ x"),
        ("y ~ 1 + (1 | g)", "y2 ~ x", "sigma(y) ~ x", "rho(y, y2) ~ w"),
    ],
)
def test_names_are_those_of_the_summary(frame, formulas):
    """So that a fit's estimates are values to simulate from."""
    varying = frame.assign(v=np.linspace(0.1, 0.3, len(frame)))
    fit = model(*formulas, data=varying).fit()
    rows = fit.summary()[["component", "group", "term"]].to_numpy()
    assert sorted(row_name(*row) for row in rows) == sorted(parameter_names(fit.problem.design))


def test_covariance_of_the_random_coefficients(frame):
    truth = read_truth(design(frame, "y ~ x + (1 + x | g)"), SLOPES, {})
    L = truth.groups[0].L
    np.testing.assert_allclose(L @ L.T, [[9, 6], [6, 16]], rtol=1e-12)
    assert truth.sigma == 6.0
    assert truth.phi == 1.0


@pytest.mark.parametrize(
    "given",
    [
        {"G(g)": [[9, 6], [6, 16]]},
        {"G(g)": pd.DataFrame([[9.0, 6.0], [6.0, 16.0]])},
        {"sd(g,Intercept)": 3, "sd(g,x)": 4, "cor(g)": 0.5},
        {"sd(g, Intercept)": 3, "sd(g, x)": 4, "cor(g, x, Intercept)": 0.5},
    ],
)
def test_short_forms(frame, given):
    others = {"Intercept": 1, "x": 2, "sigma": 6}
    truth = read_truth(design(frame, "y ~ x + (1 + x | g)"), {**others, **given}, {})
    np.testing.assert_allclose(truth.groups[0].L @ truth.groups[0].L.T, [[9, 6], [6, 16]], rtol=1e-12)


def test_sds_and_correlation_of_outcomes(frame):
    both = design(frame, "y ~ 1", "y2 ~ 1")
    given = {"y: Intercept": 0, "y2: Intercept": 0, "sigma(y)": 2, "sigma(y2)": 3, "rho(y, y2)": -0.4}
    truth = read_truth(both, given, {})
    np.testing.assert_allclose(np.exp(truth.log_sigma), [[2], [3]], rtol=1e-12)
    np.testing.assert_allclose(np.tanh(truth.atanh_rho), [[-0.4]], rtol=1e-12)


def test_one_random_coefficient_has_a_short_name(frame):
    truth = read_truth(design(frame, "y ~ 1 + (1 | g)"), {"Intercept": 0, "sd(g)": 2, "sigma": 1}, {})
    np.testing.assert_array_equal(truth.groups[0].L, [[2.0]])


def test_singular_covariances_are_allowed(frame):
    """A correlation of one, and an sd of zero, which has no correlation."""
    found = design(frame, "y ~ x + (1 + x | g)")
    one = read_truth(found, {**SLOPES, "cor(g)": 1.0}, {}).groups[0].L
    np.testing.assert_allclose(one @ one.T, [[9, 12], [12, 16]], rtol=1e-12)
    zero = read_truth(found, {**SLOPES, "G(g)": [[9, 0], [0, 0]]}, {}).groups[0].L
    np.testing.assert_array_equal(zero @ zero.T, [[9, 0], [0, 0]])


def test_sds_by_regression_refer_to_the_average_group(frame):
    """sd(g, x) is the sd where the log sd of the intercepts is at the average of w over groups."""
    given = {"Intercept": 0, "log_sd(g, Intercept)": 0.5, "log_sd(g, w)": 0.3, "sd(g, x)": 4}
    found = design(frame, "y ~ 1 + (1 + x || g)", "sd(g) ~ w")
    own = read_truth(found, {**given, "sigma": 1}, {}).groups[0]
    assert own.log_reference == pytest.approx(0.5 + 0.3 * frame.groupby("g").w.first().mean())
    np.testing.assert_allclose(np.diag(own.L), [np.exp(own.log_reference), 4.0])


def test_given_values_stand_before_fitted_ones(frame):
    truth = read_truth(design(frame, "y ~ x + (1 + x | g)"), {"x": 9}, SLOPES)
    np.testing.assert_array_equal(truth.beta, [1.0, 9.0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X": 1}, "no parameter `X`.*\nNearest: `x`"),
        ({"sd(h)": 1}, r"no parameter `sd\(h\)`"),
        ({"x": "two"}, "`x` must be a number, not 'two'"),
        ({"x": np.nan}, "`x` must be finite"),
        ({"sigma": -1}, "sigma = -1 is no standard deviation"),
        ({"sd(g, x)": -1}, r"sd\(g, x\) = -1 is no standard deviation"),
        ({"cor(g)": 1.5}, "correlations of `g` do not go together"),
        ({"G(g)": [[1, 0, 0]] * 3}, "symmetric 2 × 2 matrix"),
        ({"G(g)": [[1, 0.5], [0.4, 1]]}, "symmetric 2 × 2 matrix"),
        ({"G(g)": [[-1, 0], [0, 1]]}, "no standard deviation or variance"),
        ({"G(g)": [[1, 2], [2, 1]]}, "a correlation is beyond 1"),
    ],
)
def test_impossible_values(frame, given, message):
    with pytest.raises(FitError, match=message):
        read_truth(design(frame, "y ~ x + (1 + x | g)"), {**SLOPES, **given}, {})


def test_correlations_that_do_not_go_together(frame):
    found = design(frame.assign(z=frame.x**2), "y ~ 1 + (1 + x + z | g)")
    given = dict.fromkeys(parameter_names(found), 0.9) | {"cor(g, x, z)": -0.9}
    with pytest.raises(FitError, match=r"do not go together: their matrix has the eigenvalue -0\.8"):
        read_truth(found, given, {})


def test_a_matrix_for_independent_coefficients(frame):
    found = design(frame, "y ~ 1 + (1 + x || g)")
    with pytest.raises(FitError, match="that the model holds independent"):
        read_truth(found, {"Intercept": 0, "sigma": 1, "G(g)": [[1, 0.5], [0.5, 1]]}, {})


def test_a_matrix_for_sds_by_regression(frame):
    with pytest.raises(FitError, match="are a regression"):
        read_truth(design(frame, "y ~ 1 + (1 | g)", "sd(g) ~ w"), {"G(g)": [[1]]}, {})


BOTH = {"y: Intercept": 0, "y2: Intercept": 0, "sigma(y)": 1, "sigma(y2)": 1, "rho(y, y2)": 0}


@pytest.mark.parametrize(("name", "value"), [("sigma(y)", -0.5), ("rho(y, y2)", -1.5)])
def test_impossible_values_of_outcomes(frame, name, value):
    with pytest.raises(FitError, match=r"is no (standard deviation|correlation)"):
        read_truth(design(frame, "y ~ 1", "y2 ~ 1"), {**BOTH, name: value}, {})


def test_sds_of_zero_and_correlations_of_one_are_allowed(frame):
    truth = read_truth(design(frame, "y ~ 1", "y2 ~ 1"), {**BOTH, "sigma(y)": 0.0, "rho(y, y2)": 1}, {})
    np.testing.assert_array_equal(np.exp(truth.log_sigma), [[0.0], [1.0]])
    np.testing.assert_array_equal(np.tanh(truth.atanh_rho), [[1.0]])


def test_missing_values_are_all_named(frame):
    with pytest.raises(FitError, match=r"missing for `x`, `cor\(g, Intercept, x\)`") as error:
        read_truth(
            design(frame, "y ~ x + (1 + x | g)"),
            {k: SLOPES[k] for k in SLOPES if "x" not in k} | {"sd(g, x)": 1},
            {},
        )
    assert "`sigma`" in error.value.allowed
    assert "from_fit" in error.value.remedy
