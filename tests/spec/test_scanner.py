import pytest

from laird.errors import SpecError
from laird.spec.scanner import is_plain, scan

TOKENS = {
    "a+b": ["name:a", "operator:+", "name:b"],
    "a ** 2": ["name:a", "operator:^", "number:2"],
    "(x || g)": ["operator:(", "name:x", "operator:||", "name:g", "operator:)"],
    "1.5e-3x": ["number:1.5e-3", "name:x"],
    ".5 + 2.": ["number:.5", "operator:+", "number:2."],
    "`my x`~'a b'": ["column:my x", "operator:~", "string:a b"],
    "größe.1_z": ["name:größe.1_z"],
    "年齢 + अंक": ["name:年齢", "operator:+", "name:अंक"],
    "x\n\t+ z": ["name:x", "operator:+", "name:z"],
    "": [],
}

ERRORS = {
    "y ~ x & z": ("The character & has no meaning", 6),
    "y − x": ("Write - instead.", 2),
    "y ∼ x": ("Write ~ instead.", 2),
    "y ~ `x": ("This ` is never closed.", 4),
    'y ~ "x': ('This " is never closed.', 4),
    "y ~ ``": ("no name between the backticks", 4),
    "y ~ x[1]": ("Put a column name that contains it in backticks", 5),
}


@pytest.mark.parametrize("source", TOKENS)
def test_tokens(source):
    *tokens, end = scan(source)
    assert [f"{token.kind}:{token.value}" for token in tokens] == TOKENS[source]
    assert end.kind == "end"


def test_a_name_does_not_start_with_a_dot():
    with pytest.raises(SpecError, match=r"The character \. has no meaning"):
        scan("y ~ .x")


@pytest.mark.parametrize("source", ERRORS)
def test_errors_point_at_the_character(source):
    message, column = ERRORS[source]
    with pytest.raises(SpecError) as caught:
        scan(source)
    assert message in str(caught.value)
    assert f"    {source}\n    {' ' * column}^" in caught.value.where


def test_spans_cover_everything_but_white_space():
    source = "mathach ~ `a b` * log(x, 2) + (1|g)  "
    covered = {position for token in scan(source) for position in range(*token.span)}
    outside = {position for position in range(len(source)) if position not in covered}
    assert all(source[position] == " " for position in outside)


@pytest.mark.parametrize(
    ("name", "plain"), [("ses", True), ("a.b", True), ("a b", False), ("1a", False), ("", False)]
)
def test_plain_names(name, plain):
    assert is_plain(name) is plain
