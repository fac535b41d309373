"""Marginal means over categorical moderators: of the location, and of the heterogeneity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design, build_new
from laird.errors import FitError, nearest
from laird.fitting.intervals import credible
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.gaussian.theta import Theta
from laird.inference.combinations import check_probability, drawn, draws_of, estimated
from laird.inference.dispersion import drawn_theta
from laird.inference.profiles import profile_limits, profile_of
from laird.inference.reference import Df, Reference, reference
from laird.inference.reference_grid import categories_of, reference_grid
from laird.posterior.codings import Coding, outcome_rows

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Part = Literal["location", "scale"]


def marginal_means(
    fit: Fit,
    by: str | Sequence[str],
    *,
    part: Part = "location",
    group: str = "",
    at: Mapping[str, Any] | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Means at the levels of moderators, the other categories averaged with equal weights.

    Parameters
    ----------
    fit
        A fit by any method, of any model.
    by
        Categorical moderators, or numbers to which `at` gives several values.
    part
        ``"location"``: the mean outcome.  ``"scale"``: the residual sd σ (of a meta-analysis the
        heterogeneity τ), or the sd between the groups of `group`; averages are of
        logarithms, so that means are geometric.
    group
        With ``part="scale"``, a grouping factor with ``sd(group) ~ …``, or one of several outcomes.
    at
        Values at which other moderators are held (numbers: their means).
    df
        As in `laird.coef_tests`, for the location.
    prob
        Probability of the intervals.

    Returns
    -------
    One row per combination of `by` (and ``outcome``, of several): the levels, ``estimate, se,
    lower, upper``, with ``df`` for the location.  Of a scale ``se`` is that of log sd, and intervals
    are of profile likelihood (``ml``, ``reml``) or equal-tailed (draws).

    Raises
    ------
    FitError
        `by` or `at` name no moderator; the scale has no predictors; see
        `laird.inference.reference_grid.reference_grid`.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat", data=data).fit("ml")
    >>> ld.marginal_means(fit, "habitat")[["habitat", "estimate"]].round(3).values.tolist()
    [['grassland', 0.146], ['forest', 0.408]]
    >>> ld.marginal_means(fit, "habitat", part="scale")[["estimate"]].round(3).values.tolist()
    [[0.138], [0.379]]
    """
    check_probability(prob)
    one_of("part", part, ("location", "scale"))
    names = [by] if isinstance(by, str) else list(by)
    grid = reference_grid(fit, at)
    _check_by(fit, names, grid)
    rows = build_new(fit.problem.schema, grid, groups="population")
    if part == "location":
        cells, K = _averaged(grid, rows, names, rows.X)
        return cells.join(_of_location(fit, K, df, prob))
    coding, W, about = _predictors(fit, rows, group)
    cells, K = _averaged(grid, rows, names, W @ coding.A, about)
    return cells.drop(columns="outcome", errors="ignore").join(_of_scale(fit, coding, K, prob))


def _check_by(fit: Fit, names: Sequence[str], grid: pd.DataFrame) -> None:
    several = [name for name in grid if name in categories_of(fit) or grid[name].nunique() > 1]
    for name in names:
        if name not in several:
            raise FitError(
                f"`{name}` is no categorical moderator, and no number with several values in `at`.",
                allowed=nearest(name, map(str, several)) or "The model has none.",
            )


def _averaged(
    grid: pd.DataFrame, rows: Design, names: Sequence[str], values: Floats, about: Flags | None = None
) -> tuple[pd.DataFrame, Floats]:
    """The combinations of `names`, and the mean of the values over the cells of each; of some rows."""
    cells = grid.iloc[rows.rows][list(names)].reset_index(drop=True)
    if rows.outcomes:
        cells.insert(0, "outcome", [rows.outcomes[k] for k in rows.which])
    kept = np.arange(len(cells)) if about is None else np.flatnonzero(about)
    labels = cells.iloc[kept]
    combinations = labels.drop_duplicates().reset_index(drop=True)
    place = pd.merge(labels, combinations.reset_index(), how="left")["index"].to_numpy()
    share = (place == np.arange(len(combinations))[:, None]) / np.bincount(place)[:, None]
    return combinations, share @ values[kept]


def _of_location(fit: Fit, K: Floats, df: Df | Reference | None, prob: float) -> pd.DataFrame:
    draws, zero = draws_of(fit, df), np.zeros(len(K))
    if draws is not None:
        return drawn(fit, K, zero, draws, prob)[["estimate", "se", "lower", "upper"]]
    return estimated(fit, K, zero, reference(fit, df), prob)[["estimate", "se", "df", "lower", "upper"]]


def _predictors(fit: Fit, rows: Design, group: str) -> tuple[Coding, Floats, Flags]:
    """The regression of a log sd, its predictors, and one row of each cell that it is about."""
    factor = group in [random.group for random in rows.random]
    parameter = "sd" if factor else "sigma"
    coding = fit.problem.codings.of(parameter, group)
    W = next((own.W for own in rows.scales if (own.parameter, own.group) == (parameter, group)), None)
    if coding is None or W is None:
        known = [own.group for own in rows.scales]
        raise FitError(
            f"The model has no regression of {f'an sd or a sigma of `{group}`' if group else 'sigma'}.",
            allowed="It has those of: " + ", ".join(f"`{name}`" for name in known) + "."
            if any(known)
            else "",
            remedy="" if any(known) else 'Add a formula such as "sigma ~ x".',
        )
    about = outcome_rows(rows, group) if group in rows.outcomes else rows.which == 0
    return coding, W, about if len(rows.which) else np.ones(len(W), dtype=bool)


def _of_scale(fit: Fit, coding: Coding, K: Floats, prob: float) -> pd.DataFrame:
    """Geometric means of an sd; K has standardised predictors."""
    at = np.linalg.solve(coding.A, _coefficients(fit, coding))
    if fit.draws is not None:
        logs = coding.standardised(drawn_theta(fit)[0]) @ K.T
        limits = np.array(credible(logs, prob, K @ at))
        se = logs.std(axis=0, ddof=1)
    else:
        limits, se = _profiled(fit, coding, K, prob), _errors(fit, coding, K)
    estimate = np.exp(K @ at)
    lower, upper = np.exp(limits)
    return pd.DataFrame({"estimate": estimate, "se": se, "lower": lower, "upper": upper})


def _profiled(fit: Fit, coding: Coding, K: Floats, prob: float) -> Floats:
    profile, found = profile_of(fit), []
    for k in K:

        def log_sd(theta: Theta, k: Floats = k) -> float:
            return float(k @ coding.standardised(theta))

        found.append(profile_limits(profile, log_sd, prob))
    return np.array(found).T


def _coefficients(fit: Fit, coding: Coding) -> Floats:
    found = next(r for r in fit.regressions if (r.parameter, r.group) == (coding.parameter, coding.group))
    return np.asarray(found.estimate)


def _errors(fit: Fit, coding: Coding, K: Floats) -> Floats:
    found = next(r for r in fit.regressions if (r.parameter, r.group) == (coding.parameter, coding.group))
    M = K @ np.linalg.inv(coding.A)
    return np.asarray(np.sqrt(np.einsum("ik,kl,il->i", M, found.cov, M)))
