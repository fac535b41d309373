"""The wheel carries everything that laird needs besides its code."""

from __future__ import annotations

import zipfile

import pytest
from hatchling.builders.wheel import WheelBuilder


@pytest.fixture(scope="module")
def shipped(root, tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(root)).build(directory=str(folder), versions=["standard"])
    return set(zipfile.ZipFile(wheel).namelist())


def test_licence_typing_marker_and_command(shipped):
    names = {name.split(".dist-info/")[-1] for name in shipped}
    assert {"laird/py.typed", "licenses/LICENSE", "entry_points.txt"} <= names


@pytest.mark.parametrize(("folder", "inside"), [("src/laird", "laird"), ("models", "laird/models")])
def test_every_file_of_the_folder_is_shipped(folder, inside, shipped, root):
    files = [
        path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    assert files
    assert {f"{inside}/{path.relative_to(root / folder)}" for path in files} <= shipped
