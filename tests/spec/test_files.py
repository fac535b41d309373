import pytest

from laird.errors import SpecError
from laird.spec.files import read_spec, spec_from_toml
from laird.spec.spec import parse_spec

MULTILEVEL = """
name = "hs"
parts = ["sigma ~ Sector"]

[multilevel]
level1 = "mathach ~ ses"
within = "school"
level2 = ["Intercept ~ Sector", "ses ~ Sector"]
random = ["Intercept"]
"""

ERRORS = {
    "": ("A spec has a `formula` or a table `[multilevel]`; this one has neither.", ""),
    'formula = "y ~ x"\n[multilevel]\nlevel1 = "y ~ x"': ("this one has both", ""),
    'formulla = "y ~ x"': ("A spec has no key `formulla`.", "Nearest: `formula`."),
    "formula = 3": ("The value of `formula` must be text.", "    formula = 3"),
    'formula = "y ~ x"\nparts = "sigma ~ x"': ("The value of `parts` must be a list of text.", ""),
    'formula = "y ~ x"\nparts = [1]': ("The value of `parts` must be a list of text.", ""),
    'formula = "y ~ x"\nstudy = "a"': ("The value of `study` must be a list of text.", ""),
    'formula = "y ~ x"\nknown = "a"': ("The value of `known` must be a table of text.", ""),
    'formula = "y ~ x"\npriors = 3': ('The value of `priors` must be "flat", "informative", or', ""),
    'formula = "y ~ x"\n[priors]\nb = 3': ('The value of `priors` must be "flat", "informative", or', ""),
    'formula = "y ~ x"\n[levels]\nx = "a"': ("The value of `levels` must be a table of lists of text.", ""),
    'formula = "y ~ x"\nlevels = ["a"]': ("The value of `levels` must be a table of lists of text.", ""),
    'formula = "y ~ x z"': ("An operator is missing between `x` and `z`.", "    y ~ x z\n          ^"),
    'formula = "y ~ x"\n[priors]\nb = "norml(0, 1)"': (
        "There is no prior family `norml`.",
        "Nearest: `normal`",
    ),
    'formula = "y ~ x"\nmissing = "ignore"': ("`missing` cannot be 'ignore'.", "Available: `error`, `drop`."),
    "multilevel = 3": ("The value of `multilevel` must be a table.", ""),
    '[multilevel]\nwithin = "g"': ("[multilevel] lacks the key `level1`.", "Write level1 ="),
    '[multilevel]\nlevel1 = "y ~ x"': ("[multilevel] lacks the key `within`.", "Write level1 ="),
    '[multilevel]\nlevel1 = "y ~ x"\nlevel3 = "x"': ("[multilevel] has no key `level3`.", "Nearest: `level"),
    '[multilevel]\nlevel1 = 3\nwithin = "g"': ("The value of `level1` must be text.", ""),
    '[multilevel]\nlevel1 = "y ~ x"\nwithin = "g"\ncorrelated = 1': ("must be true or false", ""),
    'formula = "y ~ x"\ntitle "x"': ("This is not TOML: ", '    title "x"\n          ^'),
    'formula = "y ~ x"\nformula = "y ~ z"': ("This is not TOML: Cannot overwrite a value", ""),
    'formula = "y ~ x': ("This is not TOML: ", ""),
}


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    what, rest = ERRORS[source]
    with pytest.raises(SpecError) as caught:
        spec_from_toml(source)
    assert what in caught.value.what
    assert rest in str(caught.value)


def test_the_multilevel_form():
    spec = parse_spec("mathach ~ ses * Sector + (1 | school)", "sigma ~ Sector", name="hs")
    assert spec_from_toml(MULTILEVEL) == spec


def test_broken_toml_names_line_and_column():
    with pytest.raises(SpecError, match=r"at line 2, column 7"):
        spec_from_toml('formula = "y ~ x"\ntitle "x"')


def test_reads_a_file(tmp_path):
    path = tmp_path / "größe.toml"
    path.write_text('formula = "größe ~ 1"\n', encoding="utf-8")
    assert read_spec(path) == read_spec(str(path)) == parse_spec("größe ~ 1")


def test_a_file_that_is_not_there_has_neighbours(tmp_path):
    (tmp_path / "hs_contextual.toml").write_text('formula = "y ~ x"', encoding="utf-8")
    with pytest.raises(SpecError, match=r"There is no file .*\nNearest: `hs_contextual.toml`."):
        read_spec(tmp_path / "hs_contextul.toml")


def test_a_folder_is_no_spec(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        read_spec(tmp_path)


def test_a_file_of_other_bytes_is_no_spec(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="is not UTF-8 text"):
        read_spec(path)
