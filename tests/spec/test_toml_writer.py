import tomllib

from hypothesis import given
from hypothesis import strategies as st

from laird.spec.toml_writer import toml

strings = st.text(st.characters(exclude_categories=["Cs"]))  # TOML is Unicode without surrogates
values = strings | st.lists(strings).map(tuple)
tables = st.dictionaries(strings, values | st.dictionaries(strings, values))


def _lists(value):
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


@given(tables)
def test_reads_back(table):
    assert tomllib.loads(toml(table)) == _lists(table)


def test_layout():
    table = {"levels": {"Sex": ("M", "F")}, "title": 'a "b"\n', "priors": {"sd(g, x)": "flat"}}
    assert toml(table) == (
        'title = "a \\"b\\"\\n"\n\n[levels]\nSex = ["M", "F"]\n\n[priors]\n"sd(g, x)" = "flat"\n'
    )
