"""A figure -> one picture inside the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from laird.report.blocks import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

type Draw = Callable[[Figure], Any]

CSS_PIXELS_PER_INCH = 96
LARGEST_SVG = 250_000
"""Pictures whose SVG text is longer (many points) are kept as PNG."""
_PNG_DPI = 200


def picture(draw: Draw, *, alt: str, caption: str, size: tuple[float, float]) -> Picture:
    """Draw into a fresh figure and return the picture.

    Parameters
    ----------
    draw
        Draws into the figure it is given.
    alt
        What the picture shows, for those who cannot see it.
    caption
        Printed below.
    size
        Width and height in inches.

    Examples
    --------
    >>> def line(figure):
    ...     figure.add_subplot().plot([1, 2])
    >>> shown = picture(line, alt="A line", caption="", size=(4, 3))
    >>> shown.source[:26], shown.width, shown.height
    ('data:image/svg+xml;base64,', 384, 288)
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "laird"}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        source = _source(figure)
    width, height = (round(inches * CSS_PIXELS_PER_INCH) for inches in size)
    return Picture(source, alt, caption, width, height)


def _source(figure: Figure) -> str:
    svg = _saved(figure, format="svg", metadata={"Date": None})
    if len(svg) <= LARGEST_SVG:
        return _data_uri("image/svg+xml", svg)
    return _data_uri("image/png", _saved(figure, format="png", dpi=_PNG_DPI))


def _saved(figure: Figure, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, **options)
    return buffer.getvalue()


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"
