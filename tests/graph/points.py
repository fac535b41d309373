"""Random points of a PyMC model, and its log density as a function of one of them."""

import numpy as np
import pymc as pm

PLAIN = "FAST_COMPILE"  # Python thunks: nothing is compiled, so the tests are quick


def random_point(model: pm.Model, seed: int = 0, scale: float = 0.7) -> dict[str, np.ndarray]:
    """Unconstrained values near the initial point, for every free variable."""
    rng = np.random.default_rng(seed)
    start = model.initial_point(random_seed=0)
    return {
        name: np.asarray(value) + scale * rng.normal(size=np.shape(value)) for name, value in start.items()
    }


def logp(model: pm.Model):
    """Log density on the unconstrained scale, Jacobians included."""
    return model.compile_logp(mode=PLAIN)


def dlogp(model: pm.Model):
    """Its gradient, as one vector in the order of the model's value variables."""
    return model.compile_dlogp(mode=PLAIN)
