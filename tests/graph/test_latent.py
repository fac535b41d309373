"""The graph with latent group means, against the densities written by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from laird.bound import model
from laird.graph.latent import LatentMean, latent
from laird.posterior import prior_table

RNG = np.random.default_rng(3)
IDS = np.repeat(np.arange(4), 5)
X = RNG.normal(size=20) + IDS
W = np.array([0.0, 1.0, 3.0, 2.0])
DATA = {"y": RNG.normal(size=20), "x": X, "g": IDS, "w": W[IDS]}
MEANS = X.reshape(4, 5).mean(axis=1)


@pytest.fixture(scope="module")
def bound():
    return model("y ~ dvar(x, g) * w + cvar(x, g) + (dvar(x, g) | g)", data=DATA)


@pytest.fixture(scope="module")
def own():
    zero, one = np.zeros(20), np.ones(20)
    slopes = {"dvar(x, g)": -one, "cvar(x, g)": one, "dvar(x, g):w": -W[IDS]}
    names = ("Intercept", "dvar(x, g)", "w", "cvar(x, g)", "dvar(x, g):w")
    X_slope = np.stack([slopes.get(name, zero) for name in names], axis=1)
    return LatentMean("x", X, IDS, MEANS, W[:, np.newaxis], X_slope, (np.stack([zero, -one], axis=1),))


def test_the_likelihood_is_that_of_the_latent_means(bound, own):
    design = bound.design
    assert design.names == ("Intercept", "dvar(x, g)", "w", "cvar(x, g)", "dvar(x, g):w")
    graph = latent(design, prior_table([], design), own)
    rng = np.random.default_rng(8)
    point = {name: rng.normal(size=np.shape(value)) for name, value in graph.initial_point().items()}
    point["partial_g_interval__"] = np.zeros(1)
    found = graph.compile_logp(vars=graph.observed_RVs, jacobian=False)(point)

    tau, within, sigma = (np.exp(point[f"{name}_log__"]) for name in ("tau_x", "sigma_x", "sigma"))
    scaled = (W - W.mean()) / W.std()
    means = point["mean_x"] + scaled * point["alpha_x"] + tau * point["z_x"]
    m = means[IDS]
    u = np.exp(point["sd_g_log__"]) * point["z_g"]  # partial correlation zero
    gamma, centre = point["beta_centred"], design.X[:, 1:].mean(axis=0)
    columns = np.stack([X - m, W[IDS], m, (X - m) * W[IDS]], axis=1)
    mean = gamma[0] + (columns - centre) @ gamma[1:] + u[IDS, 0] + (X - m) * u[IDS, 1]
    expected = norm.logpdf(DATA["y"], mean, sigma).sum() + norm.logpdf(X, m, within).sum()
    assert found == pytest.approx(expected, rel=1e-10)


def test_coefficients_are_reported_as_the_model_names_them(bound, own):
    graph = latent(bound.design, prior_table([], bound.design), own)
    assert graph.coords["term"] == bound.design.names
    assert {"beta", "latent_x"} <= {variable.name for variable in graph.deterministics}
    assert graph["latent_x"].eval().shape == (4,)
