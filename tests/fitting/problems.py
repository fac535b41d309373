"""Small data sets with known truth, shared by the tests of the fitters."""

import numpy as np
import pandas as pd

from laird.bound import model
from laird.fitting.problem import Problem, problem
from laird.fitting.target import target_of
from laird.gaussian.theta import Theta
from laird.posterior.density import Posterior


def grouped_frame(J=12, sizes=(3, 9), *, seed=0, sd=(1.0, 0.6), rho=0.3, sigma=1.0) -> pd.DataFrame:
    """y on x within groups g, with random intercepts and slopes; w is constant within groups."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), rng.integers(*sizes, J))
    root = np.array([[sd[0], 0.0], [rho * sd[1], np.sqrt(1 - rho**2) * sd[1]]])
    u = rng.standard_normal((J, 2)) @ root.T
    x, w = rng.normal(0.5, 1, len(g)), rng.normal(0, 1, J)[g]
    y = 3 + 1.5 * x - w + u[g, 0] + u[g, 1] * x + sigma * rng.standard_normal(len(g))
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": [f"g{j:02d}" for j in g]})


def balanced_frame(means, n=4, spread=1.0) -> pd.DataFrame:
    """Groups with the given means and the same n deviations, of sum zero and mean square `spread`²."""
    deviations = np.linspace(-1, 1, n)
    deviations *= spread / np.sqrt(np.sum(deviations**2) / (n - 1))
    y = np.concatenate([mean + deviations for mean in means])
    return pd.DataFrame({"y": y, "g": np.repeat([f"g{j}" for j in range(len(means))], n)})


def bound_problem(formula: str, data: pd.DataFrame) -> Problem:
    """The problem of a model, as the fitters get it."""
    bound = model(formula, data=data)
    return problem(bound.spec, bound.schema, bound.design)


def bound_target(formula: str, data: pd.DataFrame, priors=None) -> Posterior:
    """The posterior of a model, as empirical Bayes and NUTS get it."""
    bound = model(formula, data=data, priors=priors)
    return target_of(problem(bound.spec, bound.schema, bound.design), bound.priors)


def at(L, sigma: float) -> Theta:
    """Covariance parameters of a model with a constant sigma."""
    return Theta(np.asarray(L, dtype=float), np.array([np.log(sigma)]))
