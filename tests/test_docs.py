"""The README's picture is what its script draws today."""

import runpy
import struct

import pytest


def png_size(path):
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return struct.unpack(">II", header[16:])


@pytest.fixture(scope="module")
def script(root):
    return runpy.run_path(str(root / "docs" / "make_pictures.py"))


def test_the_script_draws_a_picture_of_the_stored_size(script, root, tmp_path):
    script["main"](tmp_path)
    drawn = tmp_path / "shrinkage.png"
    assert png_size(drawn) == png_size(root / "docs" / "shrinkage.png")


def test_the_picture_shows_every_school_in_both_panels(script, hs):
    left, right = script["shrinkage_of_slopes"]().axes
    schools = hs["school"].nunique()
    for panel in (left, right):
        assert schools in [len(line.get_xdata()) for line in panel.get_lines()]
    assert left.get_ylabel() == "Coefficient of ses (mathach)"
