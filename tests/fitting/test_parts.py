"""The fixed part column by column."""

import numpy as np
import pytest

from laird.bound import model
from laird.errors import FitError, SpecError
from laird.fitting.parts import column_of, expression_of, parts_of, variables_of
from laird.fitting.problem import problem
from laird.spec import text
from laird.spec.syntax import Name


@pytest.fixture(scope="module")
def part(hs):
    own = model("mathach ~ ses * Sector + cvar(Sex, school) + (1 | school)", data=hs)
    (found,) = parts_of(problem(own.spec, own.schema, own.design))
    return found


def test_a_part_has_the_columns_of_the_design(part, hs):
    assert [column.name for column in part.columns][:3] == ["Intercept", "ses", "Sector[Public]"]
    np.testing.assert_array_equal(column_of(part, Name("ses"), 0), hs["ses"])
    np.testing.assert_array_equal(column_of(part, Name("Sector"), 1), hs["Sector"] == "Public")
    assert column_of(part, Name("Sector"), 0) is None


def test_variables_of_categories_are_their_levels_but_the_first(part):
    assert [own.name for own in variables_of(Name("Sector"), part.schema)] == ["Sector[Public]"]
    assert [own.name for own in variables_of(Name("Sex"), part.schema)] == ["Sex[Male]"]
    assert [own.level for own in variables_of(Name("ses"), part.schema)] == [0]


def test_expressions_are_in_canonical_form():
    assert text(expression_of(" log( ses )")) == "log(ses)"
    with pytest.raises(FitError, match="`a:b` is not one variable"):
        expression_of("a:b")
    with pytest.raises(SpecError):
        expression_of("log(")
