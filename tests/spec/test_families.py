import pytest

from laird.errors import SpecError
from laird.spec import parse_spec, respecified, spec_from_toml
from laird.spec.families import parse_families

META = "yi ~ x + (1 | study) + meta_V(vi)"


def test_families_are_ordered_and_normal_ones_left_out():
    assert parse_families({"b": "t", "a": "skew_normal", "errors": "normal"}) == (
        ("a", "skew_normal"),
        ("b", "t"),
    )
    assert parse_families(None) == ()


def test_a_spec_with_families_reads_back_from_its_toml():
    spec = parse_spec("y ~ x + (1 | g) + (1 | h:k)", families={"errors": "t", "h:k": "skew_normal"})
    assert spec_from_toml(spec.to_toml()) == spec
    assert str(spec).splitlines()[-1] == "families: errors t, h:k skew_normal"


def test_families_are_part_of_the_model():
    normal = parse_spec(META)
    robust = respecified(normal, families={"true_effects": "t"})
    assert robust.hash != normal.hash
    assert respecified(robust, families={}) == normal
    assert parse_spec(META, families={"study": "normal"}) == normal


@pytest.mark.parametrize(
    ("formulas", "families", "message"),
    [
        (("y ~ x",), "t", "must be a mapping"),
        (("y ~ x",), {"errors": 3}, "must be text"),
        (("y ~ x",), {"errors": "skewnormal"}, "Nearest: `skew_normal`"),
        (("y ~ x + (1 | school)",), {"schol": "t"}, "Nearest: `school`"),
        (("y ~ x",), {"true_effects": "t"}, "the residuals are called `errors`"),
        ((META,), {"errors": "t"}, "write `true_effects`"),
        ((META, "sigma ~ 0"), {"true_effects": "t"}, "`sigma ~ 0` leaves no heterogeneity"),
        (("a ~ x", "b ~ x"), {"errors": "t"}, "only effects of groups"),
    ],
)
def test_families_of_what_the_model_does_not_have_are_refused(formulas, families, message):
    with pytest.raises(SpecError, match=message):
        parse_spec(*formulas, families=families)


def test_a_file_with_families_that_are_no_table_is_refused():
    with pytest.raises(SpecError, match="a table of text"):
        spec_from_toml('formula = "y ~ x"\nfamilies = "t"')
