"""Near-singular G: lengths of its principal axes, and its ellipsoid in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.display import number
from laird.fitting.result import Fit
from laird.plots.axesofg import PrincipalAxes, axes_of, principal_axes_of
from laird.plots.geometry import ellipse
from laird.plots.sources import as_fit, choose
from laird.plots.style import DARK, LOOKS, MEDIUM, axes, label, marker_size
from laird.plots.threed import dress_walls, three_dimensional

type Floats = NDArray[np.float64]

FLAT = 0.05
"""An axis shorter than this share of the longest is drawn as one without variance."""
LONG, SHORT = LOOKS["blue"].colour, LOOKS["eblup"].colour
REACH = 2.0
"""The ellipsoid of three coefficients has this radius, in sds."""
TILT = np.deg2rad(14.0)
"""The camera looks along the pancake, from so much above."""


def principal_axes(fit: Fit, group: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw in how many directions the groups' coefficients vary, and in which they do not.

    Each bar is a principal axis of G, with coefficients over their sds: its length is the
    sd along the direction written above it.  A bar near zero (vermilion, below a twentieth
    of the longest) is a direction without variance between groups: G is singular or nearly so.

    Parameters
    ----------
    fit
        A fit with two or more random coefficients.
    group
        Grouping factor, when the model has several.
    ax
        Axes to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        One random coefficient only, or no variance at all.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> [text.get_text() for text in ld.plots.principal_axes(fit).texts][1::2]
    ['0.71 Intercept + 0.71 Days', '0.71 Intercept − 0.71 Days']
    """
    found = axes_of(as_fit(fit), group)
    q, longest = len(found.names), float(found.lengths[0])
    ax = axes(ax, (6.4, 1.0 + 0.55 * q))
    flat = found.lengths < FLAT * longest
    places = np.arange(q)
    colours = np.where(flat, SHORT, LONG).tolist()
    ax.barh(places + 0.16, found.lengths, height=0.36, color=colours, alpha=0.85, zorder=2)
    ax.plot(found.lengths[flat], places[flat] + 0.16, "D", color=SHORT, markersize=6, clip_on=False, zorder=3)
    for k, share in enumerate(found.shares):
        write = partial(ax.annotate, textcoords="offset points", verticalalignment="center", fontsize="small")
        write(f"{100 * share:.1f} % of the variance", (found.lengths[k], k + 0.16), (7, 0))
        write(found.in_words(k), (0.0, k - 0.22), (4, 0))
    ax.set_yticks([])
    ax.set_ylim(q - 0.5, -0.5)
    ax.set_xlim(0, 1.35 * longest)
    note = f"coefficients of {found.group} over their sds"
    label(ax, "Sd between groups along the direction", "Principal axes of G", [note])
    return ax


def ellipsoid(
    fit: Fit, terms: Sequence[str] | None = None, group: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw G of three coefficients as an ellipsoid, with the groups' predictors as points.

    Coefficients are over their sds, which are written at the axes; the ellipsoid has radius
    two.  The lines are its principal axes, on the walls are its shadows.  The camera looks
    along it where it is flat: the ellipsoid of a near-singular G is a pancake (slides, Lab 1).

    Parameters
    ----------
    fit
        A fit with three or more random coefficients.
    terms
        Three of them; None: the first three.
    group
        Grouping factor, when the model has several.
    ax
        Axes with ``projection="3d"`` to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        Fewer than three coefficients, or axes that are not three-dimensional.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> fit = ld.model("mathach ~ ses + Minority + (ses + Minority | school)", data=hs).fit("reml")
    >>> ax = ld.plots.ellipsoid(fit)
    >>> ax.get_xlabel(), ax.get_zlabel()
    ('Intercept / 1.63', 'Minority[Yes] / 0.602')
    """
    whole = axes_of(as_fit(fit), group)
    names = _three(whole, terms)
    at = [whole.names.index(name) for name in names]
    found = principal_axes_of(whole.group, names, fit.covariance(whole.group).to_numpy()[np.ix_(at, at)])
    drawn = three_dimensional(ax, "An ellipsoid")
    towards = _camera(drawn, found)
    _surface(drawn, found)
    scale = np.where(found.sd > 0, found.sd, 1.0)
    effects = fit.ranef(whole.group).to_numpy()[:, at] / scale
    size = marker_size(drawn, len(effects))
    drawn.plot(*effects.T, "o", color=SHORT, markersize=size, markeredgewidth=0, zorder=4)
    _walls(drawn, found, towards, 1.1 * max(REACH, float(np.abs(effects).max())))
    _name(drawn, found)
    return cast("Axes", drawn)


def _three(found: PrincipalAxes, terms: Sequence[str] | None) -> tuple[str, ...]:
    names = found.names[:3] if terms is None else tuple(terms)
    if len(set(names)) != 3:
        raise FitError(
            f"An ellipsoid has three coefficients; `{found.group}` has {', '.join(found.names)}.",
            remedy="Name three different ones, or draw `principal_axes` or `coefficient_plane`.",
        )
    return tuple(choose("coefficient", name, found.names) for name in names)


def ellipsoid_surface(found: PrincipalAxes, radius: float = REACH, points: int = 49) -> Floats:
    """Points of the ellipsoid {radius·QΛ^½z : |z| = 1} of R, shape (3, points, points)."""
    along, around = np.linspace(0.0, np.pi, points), np.linspace(0.0, 2 * np.pi, points)
    sphere = np.stack(
        [
            np.outer(np.sin(along), np.cos(around)),
            np.outer(np.sin(along), np.sin(around)),
            np.outer(np.cos(along), np.ones(points)),
        ]
    )
    half_axes = radius * found.directions * found.lengths
    return np.asarray(np.tensordot(half_axes, sphere, axes=1))


def _camera(ax: Any, found: PrincipalAxes) -> Floats:
    """Look along the second axis, so that the longest and the shortest are seen; return from where."""
    towards = np.cos(TILT) * found.directions[:, 1] + np.sin(TILT) * found.directions[:, 2]
    towards = towards if towards[2] >= 0 else -towards
    elevation, azimuth = np.arcsin(towards[2]), np.arctan2(towards[1], towards[0])
    ax.view_init(elev=float(np.rad2deg(elevation)), azim=float(np.rad2deg(azimuth)))
    ax.computed_zorder = False
    return np.asarray(towards)


def _surface(ax: Any, found: PrincipalAxes) -> None:
    ax.plot_surface(*ellipsoid_surface(found), color=LONG, alpha=0.14, linewidth=0, shade=False, zorder=2)
    ax.plot_wireframe(*ellipsoid_surface(found, points=21), color=LONG, linewidth=0.3, alpha=0.6, zorder=2)
    ends = REACH * found.directions * found.lengths
    for end in ends.T:
        ax.plot(*np.stack([-end, end], axis=1), color=DARK, linewidth=1.4, zorder=3)


def _walls(ax: Any, found: PrincipalAxes, towards: Floats, edge: float) -> None:
    """Shadows of the ellipsoid on the three walls behind it."""
    R = (found.directions * found.lengths**2) @ found.directions.T
    for wall in range(3):
        rest = [k for k in range(3) if k != wall]
        curve = np.full((3, 181), -edge if towards[wall] >= 0 else edge)
        curve[rest] = ellipse([0.0, 0.0], R[np.ix_(rest, rest)], REACH)
        ax.plot(*curve, color=MEDIUM, linewidth=0.9, zorder=1)
    ax.set(xlim=(-edge, edge), ylim=(-edge, edge), zlim=(-edge, edge))


def _name(ax: Any, found: PrincipalAxes) -> None:
    named = [
        f"{name} / {number(float(sd), 3)}" if sd > 0 else f"{name} (sd 0)"
        for name, sd in zip(found.names, found.sd, strict=True)
    ]
    ax.set(xlabel=named[0], ylabel=named[1], zlabel=named[2])
    dress_walls(ax)
