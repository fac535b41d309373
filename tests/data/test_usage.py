"""What a spec uses."""

from laird.data.usage import factors, groupings, is_column, outcomes, random_terms
from laird.spec import parse_spec, text

SPEC = parse_spec("log(y) ~ x * C(a) + dvar(x, h) + (1 + z | g) + (1 | g:k)", "sigma ~ v")


def test_factors_are_those_of_every_part_each_once():
    assert [text(factor) for factor in factors(SPEC)] == ["x", "C(a)", "dvar(x, h)", "z", "v"]
    assert [is_column(factor) for factor in factors(SPEC)] == [True, True, False, True, True]


def test_groupings_are_those_of_random_terms_and_group_means():
    assert groupings(SPEC) == {"g": ("g",), "g:k": ("g", "k"), "h": ("h",)}
    assert [random.group_name for random in random_terms(SPEC)] == ["g", "g:k"]
    assert [text(outcome) for outcome in outcomes(SPEC)] == ["log(y)"]
