"""The notebooks run from top to bottom, show what they end with, and hold no output and no maths."""

import ast
import json
import re
import warnings
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LINES = re.compile(r"^\s*[%!]", re.MULTILINE)
SHOWN = ("_repr_html_", "_repr_latex_", "_repr_mimebundle_")


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def code(path):
    return ["".join(cell["source"]) for cell in cells(path, "code")]


def run(source, namespace):
    """Run a cell; return the value of a last expression, which a notebook would show."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace) if last else None


def shown(value):
    """What a notebook shows of a value: HTML or LaTeX where there is some, else text."""
    for name in SHOWN:
        if (method := getattr(value, name, None)) is not None:
            return method()
    return repr(value)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_there_is_a_notebook():
    assert [path.stem for path in FILES] == ["shrinkage_high_school"]


def test_outputs_are_stripped(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_it_imports_laird_alone_and_defines_nothing(path):
    nodes = [node for source in code(path) for node in ast.walk(ast.parse(source))]
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert imported == ["laird"]
    forbidden = (ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.BinOp)
    assert [ast.unparse(node) for node in nodes if isinstance(node, forbidden)] == []
    assert not any(LINES.search(source) for source in code(path))


def test_it_begins_with_a_title(path):
    texts = ["".join(cell["source"]) for cell in cells(path, "markdown")]
    assert texts[0].startswith("# ")
    assert sum(text.startswith("# ") for text in texts) == 1


def test_it_runs_and_every_cell_shows_something(path):
    from matplotlib import pyplot as plt

    namespace = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = [run(source, namespace) for source in code(path)]
        assert all(value is not None and shown(value) for value in values)
        pictures = [plt.figure(number) for number in plt.get_fignums()]
        assert len(pictures) == sum("ld.plots." in source for source in code(path))
        for picture in pictures:
            picture.canvas.draw()
            assert any(ax.has_data() for ax in picture.axes)
        assert_its_words_are_true(namespace["reml"], namespace["slopes"])
    finally:
        plt.close("all")


def assert_its_words_are_true(reml, slopes):
    """What the text says of the numbers, in the order of the text."""
    sd = reml.summary().set_index(["component", "term"]).loc["sd", "ses"]
    assert sd["upper"] > 100 * sd["lower"]
    assert (slopes.posterior_sd > slopes.eb_sd).all()
    assert slopes.blue.std() > slopes.posterior.std()
