"""Variance of x'β + Σ_f z_f'u_f at any rows, given the data and the covariance parameters.

Jointly for β and the effects of all factors (Henderson 1975): rows may combine groups that
never met, and new groups, whose effects have their prior covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.body import Targets
from laird.gaussian.cells import crossed_variance
from laird.gaussian.composite import Composite, CrossedBody, gls
from laird.gaussian.hierarchy import Hierarchy, evaluated
from laird.gaussian.nested import nested_variance
from laird.gaussian.theta import Theta
from laird.gaussian.tree import Tree

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

ROWS = 20_000
"""Rows computed at once."""


def prediction_variance(
    data: Hierarchy | Composite, theta: Theta, X: Floats, Z: Sequence[Floats], ids: Sequence[Ids]
) -> Floats:
    """Variance of x'(β̂ - β) + Σ_f z_f'(û_f - u_f), user's units, shape (T,).

    Parameters
    ----------
    data, theta
        The model and its covariance parameters; for a `Composite` alpha is (log σ,).
    X, Z, ids
        Rows: X (T, p), and by factor of the model Z (T, q) and groups (T,).  A group of -1
        is a new one; where sds of groups differ, its columns are to be multiplied by its
        own exp(s'δ).
    """
    parts = [
        _variance(data, theta, X[at], [z[at] for z in Z], [own[at] for own in ids])
        for at in (slice(start, start + ROWS) for start in range(0, len(X), ROWS))
    ]
    return np.concatenate([np.zeros(0), *parts])


def _variance(
    data: Hierarchy | Composite, theta: Theta, X: Floats, Z: Sequence[Floats], ids: Sequence[Ids]
) -> Floats:
    units = data.scaling
    x = units.y_scale * X @ units.A
    z = [units.y_scale * own @ units.T[place, place] for own, place in zip(Z, data.columns, strict=True)]
    if isinstance(data, Composite):
        return _of_composite(data, theta, Targets(x, z, ids))
    found = evaluated(data, data.flat[True], theta, np.zeros(0))
    stretched = [
        part if e is None else part * np.where(own < 0, 1.0, e[own])[:, None]
        for part, own, e in zip(z, ids, found.state.stretch, strict=True)
    ]
    return data.body.variance(found.state, found.integrated.cov, Targets(x, stretched, ids))


def _of_composite(data: Composite, theta: Theta, at: Targets) -> Floats:
    units, sigma = data.scaling, float(np.exp(theta.alpha[0]))
    relative = np.linalg.inv(units.T) @ theta.L / sigma
    places = [data.columns[f] for f in data.order]
    factors = [np.ascontiguousarray(relative[place, place]) for place in places]
    done = data.body.eliminate(factors)
    found = gls(done.S)
    if found is None:
        raise np.linalg.LinAlgError("X'V⁻¹X is singular")
    ordered = Targets(at.x, [at.z[f] for f in data.order], [at.ids[f] for f in data.order])
    if isinstance(data.body, CrossedBody):
        share = crossed_variance(data.body.products, factors, done, found[1], ordered)
    else:
        share = nested_variance(cast(Tree, data.body), factors, done, found[1], ordered)
    return (sigma / units.y_scale) ** 2 * share
