"""Envelopes of sorted residuals by simulation from the fitted model (Atkinson 1985).

All curves of N simulated data sets and the observed one are compared at the same normal quantiles.  The
global band scales the pointwise one around its median until a share `prob` of the simulated curves
lies in it everywhere (directional quantiles; Myllymäki et al. 2017, J. R. Stat. Soc. B 79,
381-404): a true model leaves it anywhere with probability 1 - `prob`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.options import one_of, probability, seed, whole_number
from laird.fitting.problem import problem
from laird.fitting.result import Fit
from laird.inference.conditional import conditional
from laird.inference.replicates import refitted, simulated_outcome
from laird.inference.residuals import Kind, residuals

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Band = Literal["global", "pointwise"]

MOST_POINTS = 400
"""Of more residuals only so many order statistics are looked at, evenly in normal quantiles."""

LEAST_DRAWS = 39


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Envelope:
    """Sorted residuals in a band that the fitted model gives.

    Attributes
    ----------
    table
        One row per residual in their order (of very many, an even selection): ``label``, ``quantile``
        (of the normal distribution), ``residual``, ``median, lower, upper`` of the
        simulated ones, and ``outside``, whether it leaves the band.
    p_value
        Share of the curves that leave their common median at least as far as the observed one does.
    what
        The residuals in words.
    band, prob, draws
        The band, its probability, and how many data sets were simulated.
    """

    table: pd.DataFrame
    p_value: float
    what: str
    band: Band
    prob: float
    draws: int

    def __repr__(self) -> str:
        count, n = int(self.table["outside"].sum()), len(self.table)
        return (
            f"{self.what}: {count} of {n} outside the {100 * self.prob:g} % {self.band} envelope of "
            f"{self.draws} simulations; p = {self.p_value:.3g}"
        )


def envelope(
    fit: Fit,
    level: int | str = 1,
    kind: Kind = "standardised",
    *,
    term: str | None = None,
    band: Band = "global",
    prob: float = 0.95,
    draws: int = 199,
    refit: bool = False,
    random_seed: int | None = None,
) -> Envelope:
    """Compare the distribution of residuals with that under the fitted model, by simulation.

    Residuals of mixed models are neither independent nor, when estimated, quite normal; simulated ones
    share this, so that no theory of their order is needed.

    Parameters
    ----------
    fit
        A fit by any method; of draws, at the posterior means of the covariance parameters.
    level, kind
        As in `laird.residuals`.
    term
        The coefficient of the groups; None: the first.
    band
        ``"global"``: the whole curve of a true model lies within with probability `prob`;
        ``"pointwise"``: each of its points does.
    prob
        Probability of the band.
    draws
        Number of simulated data sets, at least 39.
    refit
        Fit the model to every simulated data set (``ols``, ``ml``, ``reml``); False: predict their errors
        and effects at the covariance parameters of the fit, which changes little and is fast.
    random_seed
        Same seed, same band.

    Raises
    ------
    FitError
        As in `laird.residuals`; weighted rows, effects without variance, too few draws.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.envelope(fit, "Subject", draws=99, random_seed=1)
    Effects of Subject on Intercept, standardised: 0 of 18 outside the 95 % global envelope ...
    """
    one_of("band", band, ("global", "pointwise"))
    probability(prob)
    whole_number("draws", draws, LEAST_DRAWS)
    _refuse_refit(fit, refit)
    observed = _column(residuals(fit, level, kind), term)
    values, labels = observed.to_numpy(), observed.index
    if np.isnan(values).all():
        raise FitError("These effects have no variance: there is nothing to compare.")
    kept = np.flatnonzero(np.isfinite(values))
    order = kept[np.argsort(values[kept], kind="stable")]
    numbers = order_numbers(len(order))
    rng = np.random.default_rng(seed(random_seed))
    sims = (_column(residuals(own, level, kind), term) for own in _replicates(fit, draws, refit, rng))
    curves = np.array([np.sort(own.to_numpy()[kept])[numbers] for own in sims])
    found = banded(values[order][numbers], curves, prob, band)
    table = pd.DataFrame(
        {
            "label": [labels[i] for i in order[numbers]],
            "quantile": normal_quantiles(len(order))[numbers],
            "residual": values[order][numbers],
            "median": found.median,
            "lower": found.lower,
            "upper": found.upper,
        }
    )
    table["outside"] = (table["residual"] < table["lower"]) | (table["residual"] > table["upper"])
    return Envelope(table, found.p_value, _words(observed, level, kind), band, prob, draws)


def _refuse_refit(fit: Fit, refit: bool) -> None:
    if refit and fit.method not in ("ols", "ml", "reml"):
        raise FitError(f'Simulated data are not fitted again by "{fit.method}".', allowed="refit=False.")


def _column(found: pd.Series | pd.DataFrame, term: str | None) -> pd.Series:
    """The residuals of rows, or those of one term."""
    if isinstance(found, pd.Series):
        return found
    name = found.columns[0] if term is None else term
    if name not in found:
        raise FitError(
            f"There is no coefficient `{term}` at this level.",
            allowed="Terms: " + ", ".join(f"`{column}`" for column in found) + ".",
        )
    return found[name]


def _words(observed: pd.Series, level: int | str, kind: Kind) -> str:
    if level == 1:
        return f"Residuals, {kind}"
    return f"Effects of {observed.index.name} on {observed.name}, {kind}"


def _replicates(fit: Fit, draws: int, refit: bool, rng: np.random.Generator) -> Iterator[Fit]:
    """The model at simulated outcomes."""
    at = conditional(fit)
    for _ in range(draws):
        y = simulated_outcome(at, rng)
        if refit:
            yield refitted(fit, y)
        else:
            design = replace(fit.problem.design, y=y)
            yield conditional(at, problem(fit.spec, fit.problem.schema, design))


def normal_quantiles(count: int) -> Floats:
    """Φ⁻¹((i - ⅜)/(count + ¼)), close to the expected order statistics (Blom 1958).

    Examples
    --------
    >>> normal_quantiles(3).round(2)
    array([-0.87,  0.  ,  0.87])
    """
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(1, count + 1) - 0.375) / (count + 0.25)))


def order_numbers(count: int) -> Ids:
    """Positions 0 … count - 1, of many an even selection in normal quantiles with both ends.

    Examples
    --------
    >>> order_numbers(3), len(order_numbers(100_000))
    (array([0, 1, 2]), 360)
    """
    if count <= MOST_POINTS:
        return np.arange(count)
    from scipy.special import ndtr

    ends = normal_quantiles(count)[-1]
    grid = ndtr(np.linspace(-ends, ends, MOST_POINTS))
    return np.unique(np.clip(np.rint(grid * (count + 0.25) - 0.625), 0, count - 1).astype(np.int64))


class Banded(NamedTuple):
    """Median and band of simulated curves, shapes (k,), and the p-value of the observed one."""

    median: Floats
    lower: Floats
    upper: Floats
    p_value: float


def banded(observed: Floats, curves: Floats, prob: float, band: Band) -> Banded:
    """Band of curves (N, k) for an observed one (k,).

    Examples
    --------
    >>> curves = np.linspace(-1, 1, 41)[:, None] * np.ones(3)
    >>> banded(np.array([0.0, 0.1, 2.0]), curves, 0.9, "pointwise").upper.round(2)
    array([0.9, 0.9, 0.9])
    """
    tails = [0.5, (1 - prob) / 2, (1 + prob) / 2]
    median, lower, upper = np.quantile(curves, tails, axis=0)
    below, above = (np.maximum(side, np.finfo(float).tiny) for side in (median - lower, upper - median))

    def farthest(values: Floats) -> Floats:
        return np.asarray(np.maximum((values - median) / above, (median - values) / below).max(axis=-1))

    far, own = farthest(curves), farthest(observed)
    p_value = (1.0 + np.count_nonzero(far >= own)) / (len(curves) + 1.0)
    scale = float(np.quantile(far, prob, method="higher")) if band == "global" else 1.0
    return Banded(median, median - scale * below, median + scale * above, float(p_value))
