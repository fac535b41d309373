"""Latent group means by the explicit graph: near maximum likelihood, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from laird.bound import model
from laird.errors import FitError, LairdWarning

J, N_J = 60, 12
SAMPLING = {"draws": 2000, "tune": 1000, "chains": 4, "cores": 2, "random_seed": 1}
FORMULA = "y ~ x + cvar(x, g) + (1 | g)"


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(12)
    ids = np.repeat(np.arange(J), N_J)
    m = rng.normal(size=J)
    x = m[ids] + rng.normal(0.0, 2.0, J * N_J)
    y = 1.0 + 0.5 * x + 1.5 * m[ids] + rng.normal(0, 1.0, J)[ids] + rng.normal(size=J * N_J)
    return model(FORMULA, data=pd.DataFrame({"g": ids, "x": x, "y": y})).fit("eb", random_seed=1)


def test_the_posterior_is_the_one_without_sampling(fit):
    found = fit.contextual("x", latent="sampled", **SAMPLING)
    exact = fit.contextual("x", latent=True)
    assert set(found["method"]) == {"posterior, latent mean"}
    assert (found["ess_bulk"] > 200).all()
    # 200 independent draws give ends of an interval to 0.2 sds, twice over
    off = (found[["lower", "upper", "se"]] - exact[["lower", "upper", "se"]]).div(exact["se"], axis=0)
    assert (off.abs() < 0.5).all(axis=None)


def test_few_draws_are_told(fit):
    with pytest.warns(LairdWarning, match="Sampling has not converged: largest R-hat"):
        fit.contextual("x", latent="sampled", draws=10, tune=10, chains=2, cores=1, random_seed=2)


def test_wrong_options_are_refused(fit):
    with pytest.raises(FitError, match="draws = 0 is not usable"):
        fit.contextual("x", latent="sampled", draws=0)
