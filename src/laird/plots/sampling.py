"""Draws: prior against posterior, and how the chains of a sampler mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.display import row_name
from laird.fitting.draws import Draws
from laird.fitting.result import Fit
from laird.fitting.tables import Parameter, draw_values, parameters, shape_name
from laird.plots.sources import as_fit
from laird.plots.style import CHAINS, DARK, METHODS, PALE, heading, label, panels
from laird.posterior.families import logpdf
from laird.posterior.table import CORRELATIONS, LEAST_NU, PriorRow, PriorTable, above

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

RANK_BINS = 20
SHAPES = ("nu", "alpha")
"""Of families that are not normal."""


def prior_posterior(fit: Fit, *, figure: FigureBase | None = None) -> tuple[Axes, ...]:
    """Draw the prior density of every covariance parameter over a histogram of its draws.

    The axis is that of the draws: a prior that is flat across it says little there.

    Parameters
    ----------
    fit
        A fit by ``"eb"`` or ``"nuts"``.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    >>> fit = model.fit("eb", random_seed=1)
    >>> print(ld.plots.prior_posterior(fit)[0].get_title(loc="left"))
    sd(Batch, Intercept)
    bars: draws; line: prior half_student_t(3, 63)
    """
    draws, priors = _draws(as_fit(fit)), fit.priors
    if priors is None:
        raise FitError("The fit has draws but no priors to draw.")
    shown = _covariance_parameters(fit)
    drawn = panels(figure, len(shown), min(len(shown), 2), (3.5, 2.1))
    for ax, parameter in zip(drawn, shown, strict=True):
        row, size = _prior(fit, priors, parameter)
        _histogram(ax, _values(fit, draws, parameter).ravel(), fit)
        prior = _density(ax, row, size)
        heading(ax, row_name(parameter.component, parameter.group, parameter.term), f"bars: draws; {prior}")
    return drawn


def _draws(fit: Fit) -> Draws:
    if fit.draws is None:
        raise FitError(
            f'This picture needs draws; the fit by "{fit.method}" has none.',
            remedy='Fit with "nuts" or "eb"; at a boundary "eb" has no draws.',
        )
    return fit.draws


def _covariance_parameters(fit: Fit) -> tuple[Parameter, ...]:
    design, residual = fit.problem.design, fit.problem.has_residual
    shapes = (Parameter(*shape_name(name), "", ()) for name in (fit.draws.shapes if fit.draws else ()))
    return (*parameters((), design.random, fit.regressions, residual=residual), *shapes)


def _values(fit: Fit, draws: Draws, parameter: Parameter) -> Floats:
    """Draws of a covariance parameter or a shape, (chains, draws)."""
    if parameter.component in SHAPES:
        return draws.shapes[_prior_name(parameter)]
    return draw_values(draws, parameter, fit.problem.codings, fit.regressions)


def _prior(fit: Fit, priors: PriorTable, parameter: Parameter) -> tuple[PriorRow | None, int]:
    """The prior's row, and the size of the correlation matrix that a correlation belongs to."""
    if parameter.component != "cor":
        name = _prior_name(parameter)
        row = next((row for row in priors if row.parameter == name), None)
        return row, row.size if row else 1
    r = next(r for r in fit.problem.design.random if r.group == parameter.group)
    column = r.names.index(parameter.term2)
    return priors.cor(parameter.group), next(len(block) for block in r.blocks if column in block)


def _prior_name(parameter: Parameter) -> str:
    """What the prior table calls a parameter; the constant of a regression has no row of its own."""
    if parameter.component in ("sigma", "phi"):
        return f"sigma({parameter.group})" if parameter.group else parameter.component
    inside = (parameter.group, parameter.term)
    return f"{parameter.component}({', '.join(name for name in inside if name)})"


def _histogram(ax: Axes, values: Floats, fit: Fit) -> None:
    """The draws between their 0.1 % and 99.9 % quantiles."""
    look = METHODS[fit.method]
    lower, upper = np.quantile(values, [0.001, 0.999])
    room = 0.1 * (upper - lower)
    ax.set_xlim(max(lower - room, 0.0) if values.min() >= 0.0 else lower - room, upper + room)
    ax.hist(
        values,
        bins=np.linspace(lower, upper, 41).tolist(),
        weights=np.full(len(values), 40 / (upper - lower) / len(values)),
        color=look.colour,
        alpha=0.45,
    )
    ax.locator_params(axis="x", nbins=6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)


def _density(ax: Axes, row: PriorRow | None, size: int) -> str:
    """Draw the prior's density; return what the title says of it."""
    if row is None:
        return "prior: see the table"
    if row.family == "flat" and row.kind not in CORRELATIONS:
        return "flat prior"
    x = np.linspace(*ax.get_xlim(), 300)
    ax.plot(x, prior_density(row, x, size), color=DARK, linewidth=1.4)
    return f"line: prior {row.prior}"


def prior_density(row: PriorRow, x: ArrayLike, size: int = 2) -> Floats:
    """Return the density of a prior; NaN for a flat one, which has none.

    A correlation in a matrix of `size` rows under LKJ(η) is 2 Beta(a, a) - 1 with
    a = η + (size - 2)/2 (Lewandowski, Kurowicka and Joe 2009).

    Examples
    --------
    >>> row = PriorRow("cor(school)", "cor", "school", 0, "lkj", (2.0,), "")
    >>> prior_density(row, [-1.0, 0.0, 1.0]).round(3).tolist()
    [0.0, 0.75, 0.0]
    """
    values = np.asarray(x, dtype=float)
    if row.kind not in CORRELATIONS:
        flat = row.family == "flat"
        density = np.full(values.shape, np.nan) if flat else np.exp(logpdf(row.family, values, *row.values))
        return _above(row, values, density) if row.kind == "nu" else density
    from scipy.special import beta

    a = row.eta + (size - 2) / 2
    return np.asarray(np.maximum(1 - values**2, 0.0) ** (a - 1) / (beta(a, a) * 2 ** (2 * a - 1)))


def _above(row: PriorRow, nu: Floats, density: Floats) -> Floats:
    """The density of the part of a prior where a t has an sd."""
    below = float(above(np.zeros(1), row.family, row.values)[0])
    return np.where(nu > LEAST_NU, density / (1 - below), 0.0)


def trace_rank(fit: Fit, *, figure: FigureBase | None = None) -> tuple[Axes, ...]:
    """Draw traces, and ranks by chain, of every covariance parameter: two panels in a row.

    Where chains agree the ranks of each chain's draws among all draws are uniform, up to
    chance (Vehtari et al. 2021): the grey band holds 95 % of the bars of independent draws.

    Parameters
    ----------
    fit
        A fit by ``"nuts"``.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.

    Returns
    -------
    Axes, two for each parameter: trace, ranks.
    """
    if as_fit(fit).method != "nuts":
        raise FitError(f'The fit by "{fit.method}" has no chains.', remedy='Fit with "nuts".')
    draws, shown = _draws(fit), _covariance_parameters(fit)
    drawn = panels(figure, 2 * len(shown), 2, (3.5, 1.3))
    for k, parameter in enumerate(shown):
        values = _values(fit, draws, parameter)
        _trace(drawn[2 * k], values, row_name(parameter.component, parameter.group, parameter.term))
        _ranks(drawn[2 * k + 1], values)
    for ax, name in zip(drawn[-2:], ("draw", "rank among all draws"), strict=True):
        label(ax, name, "")
    for ax in drawn[:-2]:
        ax.tick_params(labelbottom=False)
    return drawn


def _trace(ax: Axes, values: Floats, name: str) -> None:
    for chain, colour in zip(values, _colours(len(values)), strict=True):
        ax.plot(chain, color=colour, linewidth=0.5, alpha=0.8)
    heading(ax, name)
    ax.margins(x=0)


def _ranks(ax: Axes, values: Floats) -> None:
    counts = rank_counts(values)
    expected = values.shape[1] / counts.shape[1]
    edges = np.linspace(0, values.size, counts.shape[1] + 1)
    half = 1.96 * np.sqrt(
        expected * (1 - 1 / counts.shape[1]) * (1 - 1 / len(values) if len(values) > 1 else 1)
    )
    ax.axhspan(expected - half, expected + half, color=PALE, zorder=0.5)
    for chain, colour in zip(counts, _colours(len(counts)), strict=True):
        ax.stairs(chain, edges, color=colour, linewidth=1.0)
    ax.set_ylim(0, max(2 * expected, 1.05 * float(counts.max())))
    ax.set_yticks([])
    ax.margins(x=0)


def _colours(count: int) -> list[str]:
    return [CHAINS[k % len(CHAINS)] for k in range(count)]


def rank_counts(values: ArrayLike, bins: int = RANK_BINS) -> NDArray[np.int64]:
    """Return how many draws of each chain fall into each of `bins` bins of their common ranks.

    Examples
    --------
    >>> rank_counts([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], bins=2).tolist()
    [[3, 0], [0, 3]]
    """
    draws = np.asarray(values, dtype=float)
    ranks = np.empty(draws.size, dtype=np.int64)
    ranks[np.argsort(draws, axis=None, kind="stable")] = np.arange(draws.size)
    place = (ranks * bins // draws.size).reshape(draws.shape)
    return np.stack([np.bincount(chain, minlength=bins) for chain in place])
