"""Simulated data: they have the columns, groups and moments that the model says."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.fitting.problems import grouped_frame

from laird.bound import model
from laird.errors import DataError, FitError, LairdWarning
from laird.fitting.simulate import draw
from laird.fitting.truth import read_truth

MANY = 4000
"""Groups or rows: sds of the moments below are then 1 to 3 %, and tolerances four of these."""


@pytest.fixture(scope="module")
def frame():
    data = grouped_frame(J=10, sizes=(4, 8), seed=1)
    return data.assign(c=pd.Categorical(np.where(data.x > 0.5, "high", "low"), categories=["low", "high"]))


@pytest.fixture(scope="module")
def slopes(frame):
    return model("y ~ x * c + (1 + x | g)", data=frame)


VALUES = {"Intercept": 1, "x": 2, "c[high]": 0, "x:c[high]": 0, "G(g)": [[4, 1], [1, 2]], "sigma": 0.5}


def draws(bound, values, n=MANY, seed=0):
    """Many draws of the outcome of the fitted rows, shape (n, rows)."""
    truth, rng = read_truth(bound.design, values, {}), np.random.default_rng(seed)
    return np.stack([draw(bound.design, truth, rng) for _ in range(n)])


def assert_moments(values, mean, cov):
    """Means and covariances of (S, rows) within four and a half standard errors, hundreds at once."""
    S, sd = len(values), np.sqrt(np.diag(cov))
    assert (abs(values.mean(axis=0) - mean) <= 4.5 * sd / np.sqrt(S)).all()
    error = np.sqrt((np.outer(sd**2, sd**2) + cov**2) / S)
    assert (abs(np.cov(values.T) - cov) <= 4.5 * error + 1e-12).all()


def same_group(ids):
    return (np.asarray(ids)[:, None] == np.asarray(ids)[None, :]).astype(float)


def test_columns_and_rows_are_the_models(frame, slopes):
    data = slopes.simulate(VALUES, random_seed=1)
    assert list(data) == ["y", "x", "c", "g"]
    pd.testing.assert_frame_equal(data[["x", "c", "g"]], frame[["x", "c", "g"]])
    assert not np.allclose(data.y, frame.y)


def test_a_seed_repeats(slopes):
    pd.testing.assert_frame_equal(
        slopes.simulate(VALUES, random_seed=3), slopes.simulate(VALUES, random_seed=3)
    )
    assert (slopes.simulate(VALUES, random_seed=3).y != slopes.simulate(VALUES, random_seed=4).y).all()
    generator = np.random.default_rng(3)
    pd.testing.assert_series_equal(
        slopes.simulate(VALUES, None, generator).y, slopes.simulate(VALUES, random_seed=3).y
    )


def test_moments_with_random_slopes(frame, slopes):
    G, x = np.array([[4.0, 1.0], [1.0, 2.0]]), frame.x.to_numpy()
    Z = np.column_stack([np.ones(len(x)), x])
    cov = same_group(frame.g) * (Z @ G @ Z.T) + 0.25 * np.eye(len(x))
    assert_moments(draws(slopes, VALUES), 1 + 2 * x, cov)


def test_moments_with_crossed_factors(frame):
    crossed = frame.assign(h=np.array(list("abc"))[np.arange(len(frame)) % 3])
    bound = model("y ~ 1 + (1 | g) + (1 | h)", data=crossed)
    cov = 4 * same_group(crossed.g) + 9 * same_group(crossed.h) + np.eye(len(frame))
    values = {"Intercept": 0, "sd(g)": 2, "sd(h)": 3, "sigma": 1}
    assert_moments(draws(bound, values), np.zeros(len(frame)), cov)


def test_moments_with_regressions_of_sds(frame):
    bound = model("y ~ 1 + (1 | g)", "sigma ~ x", "sd(g) ~ w", data=frame)
    values = {"Intercept": 0, "log_sd(g, Intercept)": 0.2, "log_sd(g, w)": 0.5}
    values |= {"log_sigma(Intercept)": -0.3, "log_sigma(x)": 0.4}
    cov = same_group(frame.g) * np.exp(2 * (0.2 + 0.5 * frame.w.to_numpy()))
    cov += np.diag(np.exp(2 * (-0.3 + 0.4 * frame.x.to_numpy())))
    assert_moments(draws(bound, values), np.zeros(len(frame)), cov)


@pytest.mark.parametrize("phi", [None, 2.5])
def test_moments_with_known_covariances(phi):
    rng = np.random.default_rng(2)
    root = np.tril(rng.normal(size=(6, 6))) * same_group([0, 0, 1, 1, 1, 2])
    V = root @ root.T
    data = {"y": rng.normal(size=6), "study": list("aabbcc")}
    scale = "" if phi is None else ', scale="proportional"'
    bound = model(f"y ~ 1 + (1 | study) + meta_V(V{scale})", "sigma ~ 0", data=data, known={"V": V})
    values = {"Intercept": 1, "sd(study)": 0.5} | ({} if phi is None else {"phi": phi})
    cov = 0.25 * same_group(data["study"]) + (phi or 1) * V
    assert_moments(draws(bound, values), np.ones(6), cov)


def test_moments_with_several_outcomes():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"a": rng.normal(size=8), "b": rng.normal(size=8), "c": rng.normal(size=8)})
    data.loc[2, "b"] = np.nan
    bound = model("a ~ 1", "b ~ 1", "c ~ 1", data=data)
    values = {f"{name}: Intercept": k for k, name in enumerate("abc")}
    values |= {"sigma(a)": 1, "sigma(b)": 2, "sigma(c)": 3}
    values |= {"rho(a, b)": 0.5, "rho(a, c)": -0.3, "rho(b, c)": 0.4}
    which, units = bound.design.which, bound.design.units
    # LKJ: the last is the partial correlation of b and c given a.
    third = 0.5 * -0.3 + 0.4 * np.sqrt((1 - 0.25) * (1 - 0.09))
    C = np.array([[1, 0.5, -0.3], [0.5, 1, third], [-0.3, third, 1]]) * np.outer([1, 2, 3], [1, 2, 3])
    assert_moments(draws(bound, values), which.astype(float), C[np.ix_(which, which)] * same_group(units))
    simulated = bound.simulate(values, random_seed=1)
    assert list(simulated) == ["a", "b", "c"]
    assert simulated.isna().sum().to_dict() == {"a": 0, "b": 1, "c": 0}


def test_new_groups_have_the_rows_of_fitted_ones(frame, slopes):
    data = slopes.simulate(VALUES, groups=300, random_seed=1)
    assert data.g.nunique() == 300
    assert not set(data.g) & set(frame.g)
    shapes = {tuple(own) for _, own in frame.groupby("g").x}
    assert {tuple(own) for _, own in data.groupby("g").x} == shapes
    assert data.c.cat.categories.tolist() == ["low", "high"]


def test_estimates_come_back_from_many_new_groups(slopes):
    data = slopes.simulate(VALUES, groups=3000, random_seed=1)
    fit = model("y ~ x * c + (1 + x | g)", data=data).fit()
    # Four standard errors; those of G's entries from 3000 groups are below 3 %.
    assert abs(fit.fixef["x"] - 2) < 4 * fit.se["x"]
    np.testing.assert_allclose(fit.covariance("g"), [[4, 1], [1, 2]], rtol=0.12)
    assert fit.sigma == pytest.approx(0.5, rel=0.02)


def test_new_groups_of_nested_factors():
    data = pd.DataFrame({"batch": np.repeat(list("ABC"), 6), "cask": list("aabbcc") * 3})
    data["y"] = np.random.default_rng(0).normal(size=18)
    bound = model("y ~ 1 + (1 | batch/cask)", data=data)
    values = {"Intercept": 0, "sd(batch)": 3, "sd(batch:cask)": 2, "sigma": 1}
    found = bound.simulate(values, groups=2000, random_seed=2)
    casks = found.groupby(["batch", "cask"]).y.mean()
    batches = casks.groupby("batch")
    assert batches.ngroups == 2000
    # Variances of 2000 batch means and 4000 differences within: 4 % and 3 % standard error.
    assert batches.var().mean() == pytest.approx(4 + 0.5, rel=0.1)
    assert batches.mean().var() == pytest.approx(9 + 4.5 / 3, rel=0.13)


def test_given_rows(slopes):
    rows = {"x": [0.0, 1.0, 2.0], "c": ["low"] * 3, "g": ["a", "a", "b"]}
    quiet = {**VALUES, "sigma": 0, "G(g)": [[4, 0], [0, 0]]}
    data = slopes.simulate(quiet, rows, 1)
    deviations = data.y - (1 + 2 * data.x)
    assert deviations[0] == pytest.approx(deviations[1], abs=1e-12)
    assert abs(deviations[2] - deviations[0]) > 1e-6
    assert list(data) == ["y", "x", "c", "g"]


def test_rows_of_another_data_frame(slopes):
    pl = pytest.importorskip("polars")
    rows = pl.DataFrame({"x": [0.0, 1.0], "c": ["low", "high"], "g": ["a", "b"]})
    assert len(slopes.simulate(VALUES, rows, 1)) == 2


def test_estimates_of_a_fit(slopes):
    fit = slopes.fit()
    data = slopes.simulate({"sigma": 0.0}, from_fit=fit, random_seed=1)
    own = model("y ~ x * c", data=data[data.g == "g03"].assign(c=data.c.astype(str))).design
    # Without residuals every group lies on a line of its own x, by c.
    assert np.linalg.matrix_rank(np.column_stack([own.X, own.y]), tol=1e-8) == own.X.shape[1]


def test_the_fitted_groups_keep_their_effects(slopes):
    fit = slopes.fit()
    data = slopes.simulate({"sigma": 0.0}, "fitted", from_fit=fit)
    np.testing.assert_allclose(data.y, fit.fitted(), rtol=1e-10)


def test_contextual_variables_of_new_groups_are_theirs(frame):
    bound = model("y ~ cvar(x, g) + dvar(x, g) + (1 | g)", data=frame)
    values = {"Intercept": 0, "cvar(x, g)": 5, "dvar(x, g)": 2, "sd(g)": 0, "sigma": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error", LairdWarning)
        data = bound.simulate(values, 20, 1)
    mean = data.groupby("g").x.transform("mean")
    np.testing.assert_allclose(data.y, 5 * mean + 2 * (data.x - mean), atol=1e-10)


def test_functions_of_the_outcome_are_undone(frame):
    bound = model("log(z) ~ x", data=frame.assign(z=np.exp(frame.y)))
    data = bound.simulate({"Intercept": 1, "x": 2, "sigma": 0})
    np.testing.assert_allclose(data.z, np.exp(1 + 2 * frame.x), rtol=1e-12)


def test_missing_rows_stay_out(frame):
    gaps = frame.assign(x=frame.x.where(frame.index != 4))
    bound = model("y ~ x", data=gaps, missing="drop")
    data = bound.simulate({"Intercept": 0, "x": 1, "sigma": 0})
    np.testing.assert_array_equal(data.y, gaps.x.dropna())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 0}, "groups = 0 is too few"),
        ({"groups": "old"}, "groups = 'old' is not possible"),
        ({"groups": "fitted"}, "needs the effects of a fit"),
        ({"random_seed": "a"}, "random_seed = 'a' is not usable"),
    ],
)
def test_options_that_cannot_be(slopes, arguments, message):
    with pytest.raises(FitError, match=message):
        slopes.simulate(VALUES, **arguments)


def test_models_that_cannot_be_simulated(frame):
    with pytest.raises(FitError, match="no groups to draw new ones"):
        model("y ~ x", data=frame).simulate({"Intercept": 0, "x": 1, "sigma": 1}, 3)
    with pytest.raises(FitError, match=r"`sqrt\(z\)` cannot be turned back"):
        model("sqrt(z) ~ x", data=frame.assign(z=frame.y**2)).simulate({})
    with pytest.raises(FitError, match="Weights of log-likelihoods"):
        model("y ~ x", data=frame.assign(k=np.arange(1.0, len(frame) + 1)), weights="k").simulate({})


def test_new_rows_need_their_sampling_variances(frame):
    bound = model("y ~ 1 + (1 | g) + meta_V(V)", data=frame, known={"V": np.ones(len(frame))})
    with pytest.raises(DataError, match="`V` of new rows are not known"):
        bound.simulate({"Intercept": 0, "sd(g)": 1, "sigma": 1}, 3)
    column = model("y ~ 1 + (1 | g) + meta_V(v)", data=frame.assign(v=1e-6 + 0 * frame.x))
    assert column.simulate({"Intercept": 0, "sd(g)": 1, "sigma": 1}, 3).g.nunique() == 3


SHAPES = {"nu(g)": 8.0, "alpha(errors)": 4.0}


def test_families_have_the_covariances_that_the_normal_has():
    data = grouped_frame(J=6, sizes=(3, 5), seed=1)
    values = {"Intercept": 1, "x": 2, "G(g)": [[4, 1], [1, 2]], "sigma": 0.5}
    bound = model("y ~ x + (1 + x | g)", data=data, families={"g": "t", "errors": "skew_normal"})
    Z = np.column_stack([np.ones(len(data)), data.x])
    cov = (Z @ values["G(g)"] @ Z.T) * same_group(data.g) + 0.25 * np.eye(len(data))
    Y = draws(bound, values | SHAPES)
    apart = np.cov(Y.T) - cov
    assert np.abs(apart).max() < 0.2 * np.abs(cov).max(), "fourth moments of t_8 are 1.5 times the normal's"
    assert np.abs(Y.mean(axis=0) - (1 + 2 * data.x)).max() < 4.5 * np.sqrt(cov.max() / MANY)


@pytest.mark.parametrize("shapes", [{"nu(errors)": 4.0}, {"alpha(errors)": -5.0}])
def test_errors_are_drawn_from_their_family(shapes):
    (name, value), data = next(iter(shapes.items())), pd.DataFrame({"y": np.arange(20_000) % 7.0})
    is_t = name.startswith("nu")
    bound = model("y ~ 1", data=data, families={"errors": "t" if is_t else "skew_normal"})
    y = bound.simulate({"Intercept": 3, "sigma": 2, **shapes}, random_seed=1).y
    if is_t:
        expected = stats.t(value, 3, 2 * np.sqrt((value - 2) / value))
    else:
        delta = value / np.sqrt(1 + value**2)
        scale = 2 / np.sqrt(1 - 2 * delta**2 / np.pi)
        expected = stats.skewnorm(value, 3 - scale * delta * np.sqrt(2 / np.pi), scale)
    assert stats.kstest(y, expected.cdf).pvalue > 1e-3


def test_true_effects_vary_in_their_family_and_sampling_errors_do_not():
    data = pd.DataFrame({"y": np.arange(20_000) % 7.0, "v": 1e-8})
    bound = model("y ~ 1 + meta_V(v)", data=data, families={"true_effects": "t"})
    y = bound.simulate({"Intercept": 0, "sigma": 1, "nu(true_effects)": 5}, random_seed=1).y
    assert stats.kstest(y * np.sqrt(5 / 3), stats.t(5).cdf).pvalue > 1e-3


def test_shapes_are_named_and_bounded():
    data = grouped_frame(J=6, sizes=(2, 3), seed=1)
    bound = model("y ~ 1 + (1 | g)", data=data, families={"g": "skew_normal", "errors": "t"})
    values = {"Intercept": 0, "sigma": 1, "sd(g)": 1, "nu(errors)": 5.0}
    with pytest.raises(FitError, match=r"Values are missing for `alpha\(g, Intercept\)`"):
        bound.simulate(values)
    assert len(bound.simulate(values | {"alpha(g)": 3.0}, groups=50, random_seed=1).g.unique()) == 50
    with pytest.raises(FitError, match=r"With nu\(errors\) = 2 a t has no standard deviation"):
        bound.simulate(values | {"alpha(g)": 3.0, "nu(errors)": 2.0})
