"""What scripts in docs/ write is what they would write today."""

import re
import runpy
import struct

import pytest

import laird as ld
from laird.spec import spec_from_toml


def png_size(path):
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return struct.unpack(">II", header[16:])


@pytest.fixture(scope="module")
def script(root):
    return runpy.run_path(str(root / "docs" / "make_pictures.py"))


@pytest.fixture(scope="module")
def reference(root):
    return runpy.run_path(str(root / "docs" / "make_reference.py"))


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


def test_the_reference_is_up_to_date(reference, root):
    """If not: `python docs/make_reference.py`."""
    assert (root / "docs" / "REFERENCE.md").read_text(encoding="utf-8") == reference["reference"]()


def test_every_public_name_is_in_the_reference_once(reference):
    topics = reference["topics"]()
    listed = [name for names in topics.values() for name in names.split()]
    assert sorted(listed) == sorted(set(ld.__all__) - set(reference["MODULES"]))


def test_every_call_in_the_reference_has_a_summary_and_cannot_break_its_table(reference):
    rows = [line for line in reference["reference"]().splitlines() if line.startswith("| `")]
    assert len(rows) > len(ld.__all__)
    for row in rows:
        _, call, text, _ = re.split(r"(?<!\\)\|", row)
        assert text.strip().endswith((".", "?", ":", "`")), row
        assert call.count("`") == 2


def test_every_meta_analysis_and_every_builder_is_told_of(root):
    told = (root / "docs" / "META_ANALYSIS.md").read_text(encoding="utf-8")
    files = {path.stem for path in (root / "models").glob("*.toml") if not path.stem.startswith("hs_")}
    linked = set(re.findall(r"\(\.\./models/(\w+)\.toml\)", told))
    assert linked == files
    lines = re.findall(r"`(vcov_\w+\([^`]*\))`", told)
    assert len(lines) >= 6
    for line in lines:
        outcomes = 2 if line.startswith("vcov_bivariate") else 1
        parts = [f"y{k} ~ 1" + (" + meta_V(V)" if k == 1 else "") for k in range(1, outcomes + 1)]
        assert ld.parse_spec(*parts, known={"V": line}).known


def test_the_model_file_of_the_text_is_the_bundled_one(root):
    told = (root / "docs" / "META_ANALYSIS.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```toml\n(.*?)```", told, flags=re.DOTALL)
    assert spec_from_toml(source).hash == ld.read_spec(root / "models" / "assink_rho06.toml").hash
