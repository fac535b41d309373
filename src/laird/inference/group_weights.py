"""What every group contributes to the fixed effects, and how EBLUPs, G and BLUEs vary.

The weights of the mean and their extremes are those of the slides, p. 125 to 132; the order of the
variances, p. 166 to 172.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting import ols
from laird.fitting.problem import grouped, joined_columns, level2_weights_of
from laird.fitting.result import Fit
from laird.gaussian.crossproducts import Grouped

type Floats = NDArray[np.float64]


def group_weights(fit: Fit, group: str | None = None) -> pd.DataFrame:
    """The weight of every group in the fixed effects that describe the groups' lines.

    With each group's own least-squares line β̂_j of covariance V_j = σ²(Z_j'Z_j)⁻¹ around
    β_j ~ N(A_jγ, G), generalised least squares is γ̂ = Σ_j W_jβ̂_j with
    W_j = [Σ A_k'(G + V_k)⁻¹A_k]⁻¹A_j'(G + V_j)⁻¹.  For a mean, A_j = 1, the weight is
    proportional to 1/(g + σ²/n_j): between n_j/n (pooled rows; g = 0) and 1/J (each group
    alike; g infinitely large).

    Parameters
    ----------
    fit
        By ``"ml"``, ``"reml"``, ``"eb"`` or ``"nuts"``, with constant sigma.
    group
        Grouping factor; may be left out when the model has one.  Several factors are
        taken one at a time, the others' effects as known.

    Returns
    -------
    One row per term and group: ``term, group, n, gls, pooled, equal``: the weight of the
    group's own coefficient (of the intercept in ``Intercept`` and ``Sector[Public]``, of
    the slope of x in ``x``) in the estimate of the term; ``pooled`` in least squares of
    all rows, ``equal`` in least squares of the groups' coefficients.  Weights of a mean add
    up to 1, of a difference to 0.  Terms whose slope is common to all groups are not listed.

    Raises
    ------
    FitError
        Least squares, sds that depend on predictors, an unknown group, or no term that
        describes the groups' lines.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ 1 + (1 | school)", data=ld.load_data("hs")).fit("reml")
    >>> ld.group_weights(fit).sort_values("n").iloc[[0, -1]].round(4)
             term group   n     gls  pooled  equal
    38  Intercept  9550  29  0.0236  0.0147  0.025
    16  Intercept  5619  66  0.0257  0.0334  0.025
    """
    random, place, data = _factor(fit, group)
    A = level2_weights_of(fit.problem.design, random, data)
    absorbed = np.flatnonzero(np.nan_to_num(A).any(axis=(0, 1)))
    if not len(absorbed):
        raise FitError("No fixed effect describes the groups' own lines.")
    if np.isnan(A).any():
        raise FitError("Some groups have too few rows to tell their values of the level-2 predictors.")
    A = A[:, :, absorbed]
    ZZ = _products(data)
    B = _precision(ZZ, fit.point.G[place, place], fit.point.sigma)
    counts = np.bincount(random.ids, minlength=len(random.levels))
    rows = []
    kinds = {"gls": B, "pooled": ZZ, "equal": np.broadcast_to(np.eye(ZZ.shape[1]), ZZ.shape)}
    weights = {kind: _weights(A, M) for kind, M in kinds.items()}
    for k, term in enumerate(np.array(fit.problem.design.names)[absorbed]):
        own = int(np.argmax(np.abs(A[:, :, k]).sum(axis=0)))
        columns = {kind: W[:, k, own] for kind, W in weights.items()}
        rows.append(pd.DataFrame({"term": term, "group": list(random.levels), "n": counts, **columns}))
    return pd.concat(rows, ignore_index=True)


def variance_inequality(fit: Fit, group: str | None = None) -> pd.DataFrame:
    """Compare how much EBLUPs, the groups' true coefficients and BLUEs vary.

    Var(EBLUP) = G(G + V_j)⁻¹G ≤ G ≤ G + V_j = Var(BLUE), in the order of positive
    semidefinite matrices: predictions vary less than what they predict,
    estimates of single groups vary more.

    Parameters
    ----------
    fit, group
        As in `laird.group_weights`.

    Returns
    -------
    One row per random coefficient: ``term, eblup, g, blue``: variances that the model
    expects, averaged over the groups whose own line exists; ``observed_eblup,
    observed_blue``: mean squares around the fixed part of these groups; ``groups``, their
    number; ``holds``: whether both differences of the expected matrices are positive
    semidefinite, for every group.

    Raises
    ------
    FitError
        As in `laird.group_weights`, or no group with a line of its own.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ 1 + (1 | school)", data=ld.load_data("hs")).fit("reml")
    >>> ld.variance_inequality(fit)[["eblup", "g", "blue"]].round(2).to_dict("records")
    [{'eblup': 7.29, 'g': 8.04, 'blue': 8.89}]
    """
    random, place, data = _factor(fit, group)
    blue = ols.fit(fit.problem).group_coef(random.group).to_numpy()
    own = np.all(np.isfinite(blue), axis=1)
    ZZ = _products(data)[own]
    own[own] = _well_conditioned(ZZ)
    if not own.any():
        raise FitError(f"No group of `{random.group}` has rows enough for a line of its own.")
    G, ZZ = fit.point.G[place, place], _products(data)[own]
    V = fit.point.sigma**2 * np.linalg.inv(ZZ)
    eblup = G @ _precision(ZZ, G, fit.point.sigma) @ G
    centre = fit.fixed_lines(random.group).to_numpy()[own]
    return pd.DataFrame(
        {
            "term": list(random.names),
            "eblup": np.diag(eblup.mean(axis=0)),
            "g": np.diag(G),
            "blue": np.diag((G + V).mean(axis=0)),
            "observed_eblup": np.mean(fit.ranef(random.group).to_numpy()[own] ** 2, axis=0),
            "observed_blue": np.mean((blue[own] - centre) ** 2, axis=0),
            "groups": int(own.sum()),
            "holds": bool(_is_ordered(eblup, G) and _is_ordered(np.broadcast_to(G, V.shape), G + V)),
        }
    )


def _factor(fit: Fit, group: str | None) -> tuple[RandomDesign, slice, Grouped]:
    design = fit.problem.design
    names = [random.group for random in design.random]
    if fit.method == "ols" or not names:
        raise FitError(
            "Weights of groups need a fit with random terms.",
            remedy='Add a random term such as `(1 | g)`, and fit with "reml".',
        )
    if design.scales or design.known is not None or design.outcomes or design.weights is not None:
        raise FitError("Weights of groups are for models with constant sigma and group sds.")
    if group is None and len(names) > 1:
        raise FitError("The model has several grouping factors.", allowed=f"Name one of {names}: `group=`.")
    fit.ranef(group or names[0])
    place = names.index(group or names[0])
    random = design.random[place]
    return random, joined_columns(design.random)[place], grouped(design, random)


def _products(data: Grouped) -> Floats:
    """Z_j'Z_j in the user's units, (J, q, q)."""
    Tinv = np.linalg.inv(data.scaling.T)
    return np.asarray(Tinv.T @ data.ZZ @ Tinv)


def _precision(ZZ: Floats, G: Floats, sigma: float) -> Floats:
    """Z_j'(Z_jGZ_j' + σ²I)⁻¹Z_j, which is (G + V_j)⁻¹ where V_j exists, (J, q, q)."""
    inner = np.linalg.solve(sigma**2 * np.eye(len(G)) + ZZ @ G, ZZ)
    return np.asarray((inner + inner.transpose(0, 2, 1)) / 2)


def _weights(A: Floats, M: Floats) -> Floats:
    """(Σ A_k'M_kA_k)⁻¹A_j'M_j, shape (J, p, q)."""
    half = A.transpose(0, 2, 1) @ M
    return np.asarray(np.linalg.solve((half @ A).sum(axis=0), half))


def _well_conditioned(ZZ: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.cond(ZZ) < 1e12)


def _is_ordered(lower: Floats, upper: Floats) -> bool:
    w = np.linalg.eigvalsh(upper - lower)
    return bool(np.all(w >= -1e-10 * np.abs(np.linalg.eigvalsh(upper)).max()))
