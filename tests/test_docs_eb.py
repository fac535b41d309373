"""The examples of the page on empirical Bayes give what it says."""

import doctest

from tests.validate.eb_studies import CELLS


def test_examples_run(root):
    page = root / "docs" / "EMPIRICAL_BAYES.md"
    found = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted >= 7
    assert found.failed == 0


def test_every_simulated_cell_is_told(root):
    told = (root / "docs" / "EMPIRICAL_BAYES.md").read_text(encoding="utf-8")
    assert all(f"| {cell.name} |" in told for cell in CELLS)
