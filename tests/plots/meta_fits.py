"""Meta-analyses that the tests of pictures share, each fitted once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

import laird as ld
from laird.fitting.result import Fit


@cache
def bcg(method: str = "reml") -> Fit:
    """One mean and one heterogeneity."""
    options = {"random_seed": 1, "draws": 500} if method == "eb" else {}
    return ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit(method, **options)


@cache
def ablat() -> Fit:
    """A numeric moderator of mean and heterogeneity."""
    return ld.model("yi ~ ablat + meta_V(vi)", "sigma ~ ablat", data=ld.load_data("bcg_rr")).fit("ml")


@cache
def restoration(method: str = "reml") -> Fit:
    """A category and a number that move the mean; the category moves the heterogeneity."""
    options = {"random_seed": 1, "draws": 400} if method == "eb" else {}
    model = ld.model(
        "yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat", data=ld.load_data("restoration")
    )
    return model.fit(method, **options)


@cache
def assink() -> Fit:
    """A hundred effects in 17 studies."""
    return ld.model("yi ~ 1 + meta_V(vi) + (1 | study)", data=ld.load_data("assink2016")).fit("reml")


@cache
def berkey() -> Fit:
    """Two outcomes, whose moderator is within a function."""
    return ld.model(ld.read_spec("models/berkey_year.toml")).fit("reml")


def dense_sigma(fit: Fit) -> np.ndarray:
    """Σ = V + σ² + τ²ZZ' of a fit without moderators of the heterogeneity, rows by rows."""
    design = fit.problem.design
    Sigma = np.diag(design.known.variances + float(fit.sigma) ** 2)
    for random in design.random:
        Z = pd.get_dummies(random.ids).to_numpy(dtype=float)
        Sigma += float(fit.covariance(random.group).iloc[0, 0]) * Z @ Z.T
    return Sigma
