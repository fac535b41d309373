"""New data in the coordinates of the fitted data."""

import numpy as np
import pytest

from laird.data.encode import group_ids, read_new
from laird.data.schema import learn
from laird.errors import DataError, LairdWarning
from laird.spec import parse_spec

DATA = {
    "y": [1.0, 2.0, 4.0, 3.0, 0.0, 1.0, 5.0],
    "x": [0.0, 1.0, 2.0, 5.0, 1.0, 2.0, 3.0],
    "g": ["p", "p", "q", "q", "r", "r", "r"],
    "h": [1, 2, 1, 2, 1, 2, 1],
}
PLAIN = learn(parse_spec("y ~ x + (1 | g)"), DATA)
CROSSED = learn(parse_spec("y ~ x + (1 | g:h)"), DATA)
CONTEXTUAL = learn(parse_spec("y ~ cvar(x, g) + (1 | g)"), DATA)


def ids(schema, new, groups):
    table = read_new(schema, new, outcome=False, groups=groups)
    ((_, found),) = group_ids(schema, table, groups).items()
    return found.tolist()


@pytest.mark.parametrize("groups", ["error", "existing", "new", "population"])
def test_known_groups_keep_their_numbers(groups):
    assert ids(PLAIN, {"x": [1.0, 1.0], "g": ["r", "p"]}, groups) == [2, 0]
    assert ids(CROSSED, {"x": [1.0, 1.0], "g": ["r", "p"], "h": [2, 1]}, groups) == [5, 0]


@pytest.mark.parametrize("groups", ["error", "existing"])
def test_unknown_groups_are_refused_by_name(groups):
    with pytest.raises(DataError) as error:
        ids(PLAIN, {"x": [1.0, 1.0, 0.0], "g": ["p", "zz", "zz"]}, groups)
    assert str(error.value) == (
        '`g` has groups that the fitted data did not have: "zz".\n'
        "    g: 2 of 3 rows, in rows 1, 2\n"
        'Groups: "p", "q", "r".\n'
        'Correct them, or say what they are: groups="new" or groups="population".'
    )


@pytest.mark.parametrize("groups", ["new", "population"])
def test_unknown_groups_are_numbered_after_the_fitted_ones_when_asked_for(groups):
    assert ids(PLAIN, {"x": [1.0, 1.0, 0.0], "g": ["zz", "p", "yy"]}, groups) == [3, 0, 4]


def test_only_the_population_does_without_groups():
    assert ids(PLAIN, {"x": [1.0]}, "population") == [-1]
    for groups in ("error", "existing", "new"):
        with pytest.raises(DataError, match="There is no column `g`"):
            ids(PLAIN, {"x": [1.0]}, groups)


def test_group_means_need_the_groups_even_for_the_population():
    with pytest.raises(DataError, match="There is no column `g`"):
        ids(CONTEXTUAL, {"x": [1.0]}, "population")


def test_means_of_new_groups_are_announced():
    with pytest.warns(
        LairdWarning, match=r'Group means of the new groups of `g` \("zz"\) are those of the rows'
    ):
        assert ids(CONTEXTUAL, {"x": [1.0], "g": ["zz"]}, "new") == [3]


def test_missing_values_of_new_data_are_refused():
    with pytest.raises(DataError, match="column x: 1 missing value, in row 0"):
        ids(PLAIN, {"x": [np.nan], "g": ["p"]}, "error")
    with pytest.raises(DataError, match="column g: 1 missing value, in row 0"):
        ids(PLAIN, {"x": [1.0], "g": [None]}, "new")
