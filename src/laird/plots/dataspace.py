"""Data in three dimensions: an outcome over two predictors, planes, and the lines of groups in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from laird.bound import Model, model
from laird.compare.estimates import Sample
from laird.compare.question import Missing
from laird.data.factors import Codes
from laird.data.frame import as_frame
from laird.data.grouping import codes_of, column_of, grouped, of_kind, values_at
from laird.errors import DataError, SpecError
from laird.plots.arrangement import MOST_CATEGORIES
from laird.plots.grouplines import own_lines
from laird.plots.style import DARK, LOOKS, Look, marker_size
from laird.plots.threed import dress_walls, three_dimensional

type Floats = NDArray[np.float64]

COLOURS = (LOOKS["blue"].colour, LOOKS["eblup"].colour, LOOKS["eb"].colour, DARK)
VIEW = (22.0, -62.0)
"""Elevation and azimuth of the camera, degrees."""
ZOOM = 1.02
MESH = 9


class _Cloud(NamedTuple):
    """Two predictors and an outcome, (n, 2) and (n,), with names, and the kind of each row."""

    x: Floats
    y: Floats
    names: tuple[str, str, str]
    kinds: Codes


def data_space(
    formula: str,
    *,
    data: Any,
    group: str | None = None,
    split: str | None = None,
    plane: bool = True,
    view: tuple[float, float] = VIEW,
    missing: Missing = "error",
    ax: Axes | None = None,
) -> Axes:
    """Draw an outcome over two predictors in three dimensions, with their least-squares plane.

    With a group mean as the second predictor, ``"mathach ~ ses + cvar(ses, school)"``, the
    plane shows three effects at once: it rises within groups along the first axis,
    contextually along the second, and between groups along their diagonal, on which the
    means of groups lie (slides, Lab 1: seeing data in 3d).

    Parameters
    ----------
    formula
        Outcome and two numeric columns or functions of columns.
    data
        Any data frame that narwhals accepts.
    group
        Grouping column: each group's mean, and its least-squares line on the first predictor,
        at its value of the second, which must be constant within groups.
    split
        A category: its points, lines and planes have colours of their own.
    plane
        False: no planes.
    view
        Elevation and azimuth of the camera in degrees.
    missing
        As in `laird.model`.
    ax
        Axes with ``projection="3d"`` to draw into; None: a new pyplot figure.

    Raises
    ------
    SpecError, DataError, FitError
        Other than two numeric columns, a second predictor that varies within groups, or axes
        that are flat.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> ax = ld.plots.data_space(
    ...     "mathach ~ ses + cvar(ses, school)", data=hs, group="school", split="Sector"
    ... )
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()
    ('ses', 'cvar(ses, school)', 'mathach')
    """
    bound = model(formula, data=data, missing=missing)
    cloud = _cloud(bound, data, split)
    lines = _group_lines(bound, data, cloud, group) if group else []
    drawn = three_dimensional(ax, "A picture of data in three dimensions")
    drawn.view_init(*view)
    drawn.computed_zorder = False
    drawn.set_box_aspect((4.0, 4.0, 3.0), zoom=ZOOM)
    for k in range(len(cloud.kinds.labels)):
        rows = cloud.kinds.codes == k
        if plane:
            _plane(drawn, cloud.x[rows], cloud.y[rows], COLOURS[k])
        _points(drawn, cloud.x[rows], cloud.y[rows], COLOURS[k], 0.3 if group else 0.6)
    for line in lines:
        _line(drawn, line)
    dress_walls(drawn)
    drawn.set(xlabel=cloud.names[0], ylabel=cloud.names[1], zlabel=cloud.names[2])
    _name_kinds(drawn, cloud.kinds.labels if split else ())
    return cast("Axes", drawn)


def _points(ax: Any, x: Floats, y: Floats, colour: str, alpha: float) -> None:
    size = max(marker_size(ax, len(y)), 1.6)
    ax.plot(*x.T, y, "o", color=colour, markersize=size, markeredgewidth=0, alpha=alpha, zorder=2)


def _name_kinds(ax: Any, labels: Sequence[str]) -> None:
    looks = (Look(name, colour, "o") for name, colour in zip(labels, COLOURS, strict=False))
    handles = [Line2D([], [], label=look.label, **look.points(6.0)) for look in looks]
    if handles:
        ax.legend(handles=handles, loc="upper left", frameon=False, fontsize="small")


def _cloud(bound: Model, data: Any, split: str | None) -> _Cloud:
    design = bound.design
    if design.names[:1] != ("Intercept",) or len(design.names) != 3 or design.random or design.outcomes:
        raise SpecError(
            "Three dimensions have an outcome and two numeric predictors.",
            where=f"    {bound.spec}",
            remedy="Write `y ~ x1 + x2`, with columns of numbers or functions such as `cvar(x, g)`; "
            "groups and categories go into `group=` and `split=`.",
        )
    names = (design.names[1], design.names[2], design.outcome)
    return _Cloud(design.X[:, 1:], design.y, names, _kinds(bound, data, split))


def _kinds(bound: Model, data: Any, split: str | None) -> Codes:
    rows = bound.design.rows
    if split is None:
        return Codes(np.zeros(len(rows), dtype=np.int64), ("",))
    found = codes_of(column_of(as_frame(_rows(data, rows, split)), split))
    if len(found.labels) > MOST_CATEGORIES:
        raise DataError(
            f"`{split}` has {len(found.labels)} values; at most {MOST_CATEGORIES} can be told apart.",
            remedy="Colour points by a category with few levels.",
        )
    return found


def _rows(data: Any, rows: NDArray[np.int64], *names: str) -> Any:
    """Columns of the user's frame at the rows used."""
    frame = as_frame(data)
    for name in names:
        column_of(frame, name)
    return of_kind(frame, {name: values_at(frame, name, rows) for name in names})


class _Line(NamedTuple):
    """The line of a group: ends along x, its place along the other axis, heights; its mean; its colour."""

    x: Floats
    place: float
    y: Floats
    mean: tuple[float, float]
    colour: str


def _group_lines(bound: Model, data: Any, cloud: _Cloud, group: str) -> list[_Line]:
    own = grouped(_rows(data, bound.design.rows, *group.split(":")), group)
    J = len(own.labels)
    sample = Sample(
        cloud.y, cloud.x[:, :1], np.ones((J, 1)), own.ids, cloud.names[:1], ("Intercept",), own.labels, group
    )
    places, first = sample.means(cloud.x[:, 1]), own.first()
    if not np.allclose(places[own.ids], cloud.x[:, 1], rtol=1e-9, atol=0.0):
        raise DataError(
            f"`{cloud.names[1]}` varies within groups of `{group}`: their lines have no place along it.",
            remedy="Let the second predictor be a variable of the groups, such as "
            f"`cvar({cloud.names[0]}, {group})`.",
        )
    lines, means = own_lines(sample), (sample.means(cloud.x[:, 0]), sample.means(cloud.y))
    return [
        _Line(
            lines.x[j],
            float(places[j]),
            lines.y[j],
            (float(means[0][j]), float(means[1][j])),
            COLOURS[cloud.kinds.codes[first[j]]],
        )
        for j in range(J)
    ]


def _line(ax: Any, line: _Line) -> None:
    place = np.full(2, line.place)
    ax.plot(line.x, place, line.y, color=line.colour, linewidth=1.1, zorder=4)
    ax.plot(
        [line.mean[0]],
        [line.place],
        [line.mean[1]],
        marker="o",
        markersize=4.0,
        markerfacecolor=line.colour,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=5,
    )


def _plane(ax: Any, x: Floats, y: Floats, colour: str) -> None:
    """The least-squares plane over the range of the predictors."""
    columns = np.column_stack([np.ones(len(x)), x - x.mean(axis=0)])
    beta = np.linalg.lstsq(columns, y, rcond=None)[0]
    across = [np.linspace(*bounds, MESH) for bounds in zip(x.min(axis=0), x.max(axis=0), strict=True)]
    a, b = np.meshgrid(*across)
    centre = x.mean(axis=0)
    height = beta[0] + beta[1] * (a - centre[0]) + beta[2] * (b - centre[1])
    ax.plot_surface(a, b, height, color=colour, alpha=0.10, linewidth=0, shade=False, zorder=1)
    ax.plot_wireframe(a, b, height, color=colour, linewidth=0.5, alpha=0.7, zorder=1)
