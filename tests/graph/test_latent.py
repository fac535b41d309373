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


@pytest.fixture(scope="module")
def densities(bound, own):
    """The graph's log density of the data, and the same by hand, at a point of some seed."""
    graph = latent(bound.design, prior_table([], bound.design), own)
    assert bound.design.names == ("Intercept", "dvar(x, g)", "w", "cvar(x, g)", "dvar(x, g):w")
    compiled = graph.compile_logp(vars=graph.observed_RVs, jacobian=False)

    def at(seed):
        rng = np.random.default_rng(seed)
        point = {name: rng.normal(size=np.shape(value)) for name, value in graph.initial_point().items()}
        point["partial_g_interval__"] = np.zeros(1)
        return float(compiled(point)), by_hand(bound.design, point)

    return at


def by_hand(design, point):
    """log p(y | x, z) + log p(x | m) + log p(m) - log p(z) - log |dz/dm| at a point."""
    tau, within, sigma = (np.exp(point[f"{name}_log__"]) for name in ("tau_x", "sigma_x", "sigma"))
    level = point["mean_x"] + (W - W.mean()) / W.std() * point["alpha_x"]
    reliability = tau**2 / (tau**2 + within**2 / 5)
    sd = np.sqrt(reliability / 5) * within
    means = level + reliability * (MEANS - level) + sd * point["z_x"]
    m = means[IDS]
    u = np.exp(point["sd_g_log__"]) * point["z_g"]  # partial correlation zero
    gamma, centre = point["beta_centred"], design.X[:, 1:].mean(axis=0)
    columns = np.stack([X - m, W[IDS], m, (X - m) * W[IDS]], axis=1)
    mean = gamma[0] + (columns - centre) @ gamma[1:] + u[IDS, 0] + (X - m) * u[IDS, 1]
    own = norm.logpdf(X, m, within).sum() + norm.logpdf(means, level, tau).sum()
    return norm.logpdf(DATA["y"], mean, sigma).sum() + own - (norm.logpdf(point["z_x"]) - np.log(sd)).sum()


@pytest.mark.parametrize("seed", [8, 9, 10])
def test_the_likelihood_is_that_of_the_rows_and_their_latent_means(densities, seed):
    """Sums of squares and means are sufficient: up to a constant they have the density of the rows."""
    found, expected = densities(seed)
    other_found, other_expected = densities(0)
    assert found - other_found == pytest.approx(expected - other_expected, rel=1e-9)


def test_coefficients_are_reported_as_the_model_names_them(bound, own):
    graph = latent(bound.design, prior_table([], bound.design), own)
    assert graph.coords["term"] == bound.design.names
    assert {"beta", "latent_x"} <= {variable.name for variable in graph.deterministics}
    assert graph["latent_x"].eval().shape == (4,)
