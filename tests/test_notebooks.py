"""The notebooks run from top to bottom, every cell shows something, and what they say is true."""

import ast
import json
import re
import warnings
from pathlib import Path

import pytest

import laird as ld

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINES = re.compile(r"^\s*[%!]", re.MULTILINE)
LINKS = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
SHOWN = ("_repr_html_", "_repr_latex_", "_repr_mimebundle_")
FORBIDDEN = (ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.BinOp)


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def sources(path, kind):
    return ["".join(cell["source"]) for cell in cells(path, kind)]


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


def first_model(found):
    fit, people = found["fit"], found["fit"].ranef("Subject").Days
    assert fit.fixef["Days"] == pytest.approx(10, abs=0.5)
    assert people.std() == pytest.approx(6, abs=1)
    assert ld.coef_tests(fit).df.tolist() == pytest.approx([17, 17], abs=1e-6)
    assert "0.5 chi2(1) + 0.5 chi2(2)" in str(ld.lr_test(found["parallel"], fit))
    new = fit.predict({"Days": [10, 10], "Subject": ["308", "x"]}, groups="new", kind="response")
    assert new.se[1] > new.se[0]


def shrinkage(found):
    reml, slopes = found["reml"], found["slopes"]
    sd = reml.summary().set_index(["component", "term"]).loc["sd", "ses"]
    assert sd["upper"] > 100 * sd["lower"]
    assert (slopes.posterior_sd > slopes.eb_sd).all()
    assert slopes.blue.std() > slopes.posterior.std()
    assert ld.variance_inequality(reml).holds.all()
    zero, eb, _ = found["at_zero"]
    batches = found["batches"]
    assert zero.status == eb.status == "boundary"
    assert batches.eblup.std() == pytest.approx(0, abs=1e-9)
    assert batches.eb.std() == pytest.approx(0, abs=1e-6)
    assert batches.posterior.std() > 0.2
    assert (batches.posterior_sd > batches.eb_sd).all()
    upper = eb.summary().set_index("component").loc["sd", "upper"]
    assert upper > 1


TRUTHS = {
    "01_first_model": first_model,
    "03_shrinkage": shrinkage,
}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def beside_models(tmp_path, monkeypatch):
    """Notebooks run in their folder, and may write there."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(folder)


def test_every_notebook_is_checked():
    assert {path.stem for path in FILES} == set(TRUTHS)


def test_outputs_are_stripped(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_it_imports_laird_alone_and_defines_nothing(path):
    code = sources(path, "code")
    nodes = [node for source in code for node in ast.walk(ast.parse(source))]
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert imported == ["laird"]
    assert [ast.unparse(node) for node in nodes if isinstance(node, FORBIDDEN)] == []
    assert not any(LINES.search(source) for source in code)


def test_it_begins_with_a_title(path):
    texts = sources(path, "markdown")
    assert texts[0].startswith("# ")
    assert sum(text.startswith("# ") for text in texts) == 1


def test_its_links_lead_somewhere(path):
    links = [link for text in sources(path, "markdown") for link in LINKS.findall(text)]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.usefixtures("beside_models")
def test_it_runs_and_every_cell_shows_something_true(path):
    from matplotlib import pyplot as plt

    namespace, code = {}, sources(path, "code")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = [run(source, namespace) for source in code]
        assert all(value is not None and shown(value) for value in values)
        pictures = [plt.figure(number) for number in plt.get_fignums()]
        assert len(pictures) == sum("ld.plots." in source for source in code)
        for picture in pictures:
            picture.canvas.draw()
            assert any(ax.has_data() for ax in picture.axes)
        TRUTHS[path.stem](namespace)
    finally:
        plt.close("all")
