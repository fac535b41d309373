"""Draws that were made up, for tests of what is done with draws."""

from dataclasses import replace

import numpy as np

from laird.fitting.draws import Draws
from laird.fitting.summaries import Summariser


def draws_like(beta, sigma, L, u=(), **options) -> Draws:
    """Draws of a model with a constant sigma, arrays (C, S, …)."""
    none = np.zeros((*sigma.shape, 0))
    return Draws(
        beta=beta,
        L=L,
        alpha=np.log(sigma)[..., None],
        u=tuple(u),
        summaries=(),
        delta=(),
        log_phi=none,
        zeta=none,
        **{"stats": {}, **options},
    )


def made_up(sigma, diverging=0) -> Draws:
    """Draws of a one-way model that have only sigma to vary."""
    C, S = sigma.shape
    stats = {"diverging": np.arange(C * S).reshape(C, S) < diverging}
    L = np.broadcast_to(sigma[..., None, None], (C, S, 1, 1)).copy()
    return draws_like(sigma[..., None].copy(), sigma, L, [np.zeros((C, S, 12, 1))], stats=stats)


C, S, J, q, p = 2, 5, 12, 2, 3


def example() -> Draws:
    """Draws of y ~ x + w + (1 + x | g) with twelve groups."""
    rng = np.random.default_rng(0)
    made = draws_like(
        rng.normal(size=(C, S, p)),
        rng.uniform(1, 2, (C, S)),
        np.tril(rng.normal(size=(C, S, q, q))),
        [rng.normal(size=(C, S, J, q))],
        stats={"diverging": np.zeros((C, S), dtype=bool)},
    )
    summaries = Summariser(quantiles=True)
    summaries.add(made.flat_effects()[0], made.flat("beta"))
    return replace(made, summaries=(summaries.finish(),))
