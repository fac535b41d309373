"""Shares of variance explained in multilevel models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.likelihood import maximise
from laird.fitting.result import Fit
from laird.gaussian.crossproducts import group
from laird.inference.variances import shares

type Floats = NDArray[np.float64]
type Row = tuple[str, str, float]


def r2(fit: Fit) -> pd.DataFrame:
    """Multilevel R², or that of least squares.

    Snijders & Bosker (2012, section 7.1): the proportional reduction of the mean squared
    error of prediction against the model with random intercepts only, which is fitted for
    it, of single rows (level 1) and of group means (level 2).  They may be negative.
    Nakagawa & Schielzeth (2013): the share of the variance due to the fixed part
    (marginal), and to fixed part and groups (conditional).  With random slopes the
    variance between groups is the mean of z'Gz over the rows (Johnson 2014), at level 2
    the mean over the groups of z̄'Gz̄.  Least squares has one level, the rows: R² and R²
    adjusted for the degrees of freedom (Ezekiel 1930), against the mean of the rows, or
    against zero in a model without an intercept.

    Parameters
    ----------
    fit
        A fit with random terms, or by least squares; the values are those of its point
        estimate.

    Returns
    -------
    ``measure, level, r2``: Snijders and Bosker's rows for one grouping factor only.

    Raises
    ------
    FitError
        Fits without random terms by other methods than least squares; with regressions of
        group sds or known variances.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=ld.load_data("hs")).fit("ml")
    >>> ld.r2(fit).round(3)
                   measure        level     r2
    0      Snijders-Bosker          row  0.146
    1      Snijders-Bosker   group mean  0.554
    2  Nakagawa-Schielzeth     marginal  0.104
    3  Nakagawa-Schielzeth  conditional  0.172
    """
    rows = _least_squares(fit) if fit.method == "ols" else _multilevel(fit)
    return pd.DataFrame(rows, columns=["measure", "level", "r2"])


def _least_squares(fit: Fit) -> list[Row]:
    y, X = fit.problem.design.y, fit.problem.design.X
    one = np.ones(len(y))
    level = X @ np.linalg.lstsq(X, one)[0]
    intercept = np.allclose(level, one)
    left, total = np.sum(fit.residuals() ** 2), np.sum((y - intercept * y.mean()) ** 2)
    adjusted = 1 - left / (len(y) - X.shape[1]) / (total / (len(y) - intercept))
    return [("least squares", "row", 1 - left / total), ("least squares, adjusted", "row", adjusted)]


def _multilevel(fit: Fit) -> list[Row]:
    own, design = shares(fit), fit.problem.design
    fixed, between, residual = float(own.fixed[0]), float(own.groups.sum()), float(own.residual[0])
    total = fixed + between + residual
    rows = [
        ("Nakagawa-Schielzeth", "marginal", fixed / total),
        ("Nakagawa-Schielzeth", "conditional", (fixed + between) / total),
    ]
    if len(design.random) == 1:
        rows = [*_snijders_bosker(fit, design.random[0], between, residual), *rows]
    return rows


def _snijders_bosker(fit: Fit, random: RandomDesign, between: float, residual: float) -> list[Row]:
    J = len(random.levels)
    counts = np.bincount(random.ids, minlength=J)
    means = np.stack([np.bincount(random.ids, z, J) for z in random.Z.T], axis=1) / counts[:, None]
    of_means = float(np.mean(np.einsum("ja,ab,jb->j", means, fit.point.G, means)))
    tau2, sigma2 = _null(fit, random)
    shrunken = float(np.mean(1.0 / counts))
    row = 1 - (between + residual) / (tau2 + sigma2)
    mean = 1 - (of_means + residual * shrunken) / (tau2 + sigma2 * shrunken)
    return [("Snijders-Bosker", "row", row), ("Snijders-Bosker", "group mean", mean)]


def _null(fit: Fit, random: RandomDesign) -> tuple[float, float]:
    """Variances of the model with random intercepts only, by ML for an ML fit, else by REML."""
    y = fit.problem.design.y
    one = np.ones((len(y), 1))
    if fit.problem.design.weights is not None:
        raise FitError("R² is not available for weighted rows.")
    null = maximise(
        group(y, one, one, random.ids, len(random.levels), ((0,),)), restricted=fit.method != "ml"
    )
    return float(null.L[0, 0] ** 2), null.sigma**2
