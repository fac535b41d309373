from __future__ import annotations

import pandas as pd
import pytest

import laird as ld
from laird.report.meta.labels import row_labels, stacked_labels, unique

DATA = pd.DataFrame(
    {
        "yi": [0.1, 0.4, 0.2, 0.3, 0.5, 0.9],
        "vi": [0.1, 0.2, 0.3, 0.4, 0.1, 0.1],
        "author": ["Cox", "Lee", None, "Cox", "Rao", "Box"],
        "year": [1972.0, 1980.0, None, 1972.0, 1990.0, 1991.0],
        "g": [1, 1, 2, 2, 3, 3],
    }
)


def labels(*study, formula="yi ~ 1 + meta_V(vi)"):
    return row_labels(ld.model(ld.parse_spec(formula, study=study), data=DATA))


def test_the_columns_of_the_spec_name_the_rows():
    assert labels("author", "year")[:4] == ("Cox, 1972a", "Lee, 1980", "without name", "Cox, 1972b")


def test_numbers_are_told_what_they_are():
    assert labels("g", "year")[:2] == ("g 1, year 1972", "g 1, year 1980")


def test_without_columns_rows_have_numbers_or_their_group():
    assert labels()[:2] == ("row 0", "row 1")
    assert labels(formula="yi ~ 1 + (1 | g) + meta_V(vi)")[:4] == ("g 1a", "g 1b", "g 2a", "g 2b")


def test_more_rows_of_one_name_than_letters_are_numbered():
    found = unique(["a"] * 27)
    assert (found[0], found[-1]) == ("a (1)", "a (27)")
    assert len(set(found)) == 27


@pytest.mark.parametrize("name", ["bangertdrowns", "konstantopoulos", "assink", "raudenbush1985"])
def test_every_row_of_the_models_has_a_name_of_its_own(study_of, name):
    found = row_labels(study_of(name, "reml").model)
    assert len(set(found)) == len(found)


def test_outcomes_stand_behind_the_study(gums):
    assert gums.labels[:2] == ("Pihlstrom et al., 1983: AL", "Pihlstrom et al., 1983: PD")
    assert gums.labels == stacked_labels(gums.study.model)
