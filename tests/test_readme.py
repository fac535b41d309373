"""The README tells the truth: its Python runs, its numbers are computed, what it names exists."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
from dataclasses import dataclass
from typing import Any

import pytest

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
SAME = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@dataclass(frozen=True)
class Example:
    """A Python block and the text block right after it, if there is one."""

    code: str
    expected: str | None


def examples(text: str) -> list[Example]:
    blocks = FENCE.findall(text)
    following = [*blocks[1:], ("", "")]
    return [
        Example(code, output if kind == "text" else None)
        for (language, code), (kind, output) in zip(blocks, following, strict=True)
        if language == "python"
    ]


def run(code: str, namespace: dict[str, Any]) -> str:
    """Run a block as a notebook does: what it prints, then the value of a last expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "README.md", "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), "README.md", "eval"), namespace) if last else None
        if value is not None:
            print(value)
    return printed.getvalue()


@pytest.fixture
def readme(root, monkeypatch):
    monkeypatch.chdir(root)
    return COMMENT.sub("", (root / "README.md").read_text(encoding="utf-8"))


def test_examples_run_and_print_what_the_readme_shows(readme):
    namespace: dict[str, Any] = {}
    found = examples(readme)
    assert found, "the README has no Python example"
    for example in found:
        printed = run(example.code, namespace)
        if example.expected is not None:
            assert doctest.OutputChecker().check_output(example.expected, printed, SAME), printed


def test_links_and_pictures_exist(readme, root):
    assert [link for link in LINK.findall(readme) if not (root / link.split("#")[0]).exists()] == []


def test_make_targets_exist(readme, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\n #])", readme))
    assert named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_layout_names_every_part_of_the_package(readme, root):
    block = next(
        code for language, code in FENCE.findall(readme) if language == "text" and "src/laird/" in code
    )
    named = set(re.findall(r"^  ([a-z]\w*)(?:/|\.py)", block, re.MULTILINE))
    package = root / "src" / "laird"
    parts = {
        path.stem for path in package.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"
    }
    assert named == {part for part in parts if not part.startswith("_")}


def test_a_block_is_run_like_a_notebook_cell():
    namespace: dict[str, Any] = {}
    assert run("x = 2\nx + 1", namespace) == "3\n"
    assert run("print(x)\nNone", namespace) == "2\n"


def test_text_block_belongs_to_the_python_block_before_it():
    text = "```python\n1\n```\n```text\n1\n```\n```python\n2\n```\n```sh\nls\n```\n"
    assert examples(text) == [Example("1\n", "1\n"), Example("2\n", None)]
