"""Latent group means: against maximum likelihood of the joint normal model, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from laird.bound import model
from laird.errors import FitError, LairdWarning
from laird.inference.contextual import contextual

J, N_J = 100, 4
WITHIN, BETWEEN = 0.5, 2.0
SAMPLING = {"draws": 4000, "tune": 1500, "chains": 4, "cores": 2, "random_seed": 1}
FORMULA = "y ~ x + cvar(x, g) + (1 | g)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(12)
    ids = np.repeat(np.arange(J), N_J)
    m = rng.normal(size=J)
    x = m[ids] + rng.normal(0.0, 2.0, J * N_J)
    y = 1.0 + WITHIN * x + (BETWEEN - WITHIN) * m[ids] + rng.normal(0, 0.5, J)[ids] + rng.normal(size=J * N_J)
    return pd.DataFrame({"g": ids, "x": x, "y": y, "z": rng.normal(size=J * N_J)})


@pytest.fixture(scope="module")
def fit(data):
    return model(FORMULA, data=data).fit()


@pytest.fixture(scope="module")
def latent(fit):
    return contextual(fit, "x", latent=True, **SAMPLING).set_index("effect")


def maximum_likelihood(data):
    """(β_W, β_B) of x = m + r, y = a + β_W r + β_B m + u + e; a group is one normal vector."""
    groups = np.stack([data["x"].to_numpy().reshape(J, N_J), data["y"].to_numpy().reshape(J, N_J)], axis=2)
    one, eye = np.ones((N_J, N_J)), np.eye(N_J)

    def negative(p):
        (mean_x, a, b_w, b_b), (tau, within, u, e) = p[:4], np.exp(2 * p[4:])
        between = np.array([[tau, b_b * tau], [b_b * tau, b_b**2 * tau + u]])
        inside = np.array([[within, b_w * within], [b_w * within, b_w**2 * within + e]])
        cov = np.kron(one, between) + np.kron(eye, inside)
        mean = np.tile([mean_x, a + b_b * mean_x], N_J)
        return -multivariate_normal.logpdf(groups.reshape(J, -1), mean, cov).sum()

    start = np.array([0.0, 1.0, 0.5, 1.5, 0.0, 0.5, -0.5, 0.0])
    return minimize(negative, start, method="BFGS").x[2:4]


def test_the_posterior_is_near_maximum_likelihood(latent, data):
    within, between = maximum_likelihood(data)
    # weak priors and a skewed posterior move a mean by a fraction of its sd
    assert abs(latent.loc["within", "estimate"] - within) < 0.3 * latent.loc["within", "se"]
    assert abs(latent.loc["between", "estimate"] - between) < 0.5 * latent.loc["between", "se"]


def test_it_undoes_the_attenuation_of_observed_means(latent, fit):
    observed = fit.contextual("x").set_index("effect")
    assert observed.loc["between", "upper"] < BETWEEN
    assert latent.loc["between", "lower"] < BETWEEN < latent.loc["between", "upper"]
    # within groups the two models differ by less than the standard error
    assert (
        abs(latent.loc["within", "estimate"] - observed.loc["within", "estimate"])
        < observed.loc["within", "se"]
    )
    assert latent.loc["contextual", "se"] > observed.loc["contextual", "se"]


def test_the_table_says_how_it_was_found(latent):
    assert set(latent["method"]) == {"posterior, latent mean"}
    assert (latent["ess_bulk"] > 100).all()
    total = latent.loc["within", "estimate"] + latent.loc["contextual", "estimate"]
    assert latent.loc["between", "estimate"] == pytest.approx(total, rel=1e-12)


def test_few_draws_are_told(fit):
    with pytest.warns(LairdWarning, match="Sampling has not converged: largest R-hat"):
        contextual(fit, "x", latent=True, draws=10, tune=10, chains=2, cores=1, random_seed=2)


@pytest.mark.parametrize(
    ("formula", "variable", "message"),
    [
        ("y ~ x + cvar(x, g)", "x", "of groups that have a random term"),
        ("y ~ x + cvar(x, g, loo=True) + (1 | g)", "x", "there must be one plain group mean"),
        ("y ~ h + cvar(h, g) + (1 | g)", "h", "`h\\[v\\]` must be a number"),
        ("y ~ x * cvar(x, g) + I(x^2) + (1 | g)", "x", "depends on `x` in another way"),
        ("y ~ dvar(x, g) * cvar(x, g) + (1 | g)", "x", "holds the square of the group mean"),
    ],
)
def test_models_without_a_latent_mean(data, formula, variable, message):
    data = data.assign(h=np.where(data["z"] > 0, "u", "v"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LairdWarning)
        own = model(formula, data=data).fit("ols")
    with pytest.raises(FitError, match=message):
        contextual(own, variable, latent=True, **SAMPLING)


def test_regressions_of_sds_and_wrong_options_are_refused(data, fit):
    scaled = model(FORMULA, "sigma ~ z", data=data).fit("ml")
    with pytest.raises(FitError, match="the model has regressions of sds"):
        contextual(scaled, "x", latent=True)
    with pytest.raises(FitError, match="draws = 0 is not usable"):
        contextual(fit, "x", latent=True, draws=0)
    with pytest.raises(FitError, match="`draws` is an option of sampling"):
        contextual(fit, "x", draws=100)
