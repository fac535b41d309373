"""The page on files, Bambi and PyMC: its code gives what it shows."""

import doctest


def test_the_code_of_the_page_gives_what_it_shows(root):
    page = root / "docs" / "INTERCHANGE.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted > 5
    assert found.failed == 0
