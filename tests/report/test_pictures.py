from __future__ import annotations

from base64 import b64decode

import numpy as np

from laird.report import pictures


def shown(points: int):
    def draw(figure):
        figure.add_subplot().plot(np.arange(points), np.arange(points) % 7, "o")

    return pictures.picture(draw, alt="Points", caption="", size=(3.0, 2.0))


def test_a_small_picture_is_svg_and_the_same_every_time():
    picture = shown(5)
    kind, content = picture.source.split(";base64,")
    assert kind == "data:image/svg+xml"
    assert b64decode(content).startswith(b"<?xml")
    assert (picture.width, picture.height) == (288, 192)
    assert shown(5) == picture


def test_a_picture_of_many_points_is_png():
    kind, content = shown(20_000).source.split(";base64,")
    assert kind == "data:image/png"
    assert b64decode(content).startswith(b"\x89PNG")
