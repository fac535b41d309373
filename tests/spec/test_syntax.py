from dataclasses import FrozenInstanceError

import pytest

from laird.spec.parser import parse
from laird.spec.syntax import Name, children, variables, walk


def test_equal_where_the_text_says_the_same():
    assert parse("y~x  +z") == parse("y ~ x + z")
    assert hash(parse("y~x  +z")) == hash(parse("y ~ x + z"))


def test_spans_point_into_the_text():
    source = "y ~ cvar(ses, school) + (1 | g)"
    pieces = {source[slice(*node.span)] for node in walk(parse(source))}
    assert {"cvar(ses, school)", "ses", "school", "(1 | g)", "1", "g", "y", source} <= pieces


@pytest.mark.parametrize("source", ["y ~ x", "-x", "log(x, base=2)", "(1 | g)", "f('a')", "2"])
def test_nodes_are_frozen_and_hashable(source):
    for node in walk(parse(source)):
        assert isinstance(hash(node), int)
        with pytest.raises(FrozenInstanceError):
            node.span = (1, 2)


def test_children_of_a_leaf_are_none():
    assert children(Name("x")) == ()


def test_variables_come_once_in_order_and_names_of_arguments_are_none_of_them():
    assert variables(parse("f(b, a, key=c) + a")) == ("b", "a", "c")
