from __future__ import annotations

from laird.report.blocks import Code, Facts, Table
from laird.report.reproduction import reproduction_section
from laird.spec import spec_from_toml


def by_title(section):
    return {block.title: block.code for block in section.blocks if isinstance(block, Code)}


def test_command_model_file_seeds_and_hashes(slopes):
    section = reproduction_section(slopes)
    texts = by_title(section)
    assert texts["Command"] == "laird report slopes.toml"
    assert spec_from_toml(texts["Model file"]) == slopes.model.spec
    runs = next(block for block in section.blocks if isinstance(block, Table))
    assert [[cell.text for cell in row][:2] for row in runs.rows] == [
        ["OLS", "–"],
        ["REML", "–"],
        ["EB", "1"],
        ["NUTS", "1"],
    ]
    facts = dict(next(block for block in section.blocks if isinstance(block, Facts)).facts)
    assert facts["Spec, SHA-256"] == f"`{slopes.model.spec.hash}`"
    assert facts["Data, SHA-256"] == f"`{slopes.reference.origin.data_hash}`"
    assert "laird" in facts["Versions"]


def test_without_a_command_none_is_invented(plain):
    assert list(by_title(reproduction_section(plain))) == ["Model file"]
