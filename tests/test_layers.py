"""The house keeps its order: layers, no cycles of any kind, small modules and functions."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import grimp
import pytest
from importlinter.cli import lint_imports

SOURCE = Path(__file__).parents[1] / "src" / "laird"
MODULES = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}

MODULE_LINES = 450
BODY_LINES = 60
MEDIAN_BODY_LINES = 5


def bodies(path: Path) -> dict[str, int]:
    """Lines of every function's body, without its docstring."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{path.stem}.{f.name}:{f.lineno}": body_lines(f) for f in functions}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[ast.get_docstring(function) is not None :]
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def test_contracts_of_import_linter_are_kept(monkeypatch, root, capsys):
    monkeypatch.chdir(root)
    status = lint_imports(no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


def test_no_import_cycle_counting_deferred_and_typing_imports():
    graph = grimp.build_graph("laird", exclude_type_checking_imports=False, cache_dir=None)
    order = TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    order.prepare()  # raises CycleError naming the cycle
    assert order.is_active()


@pytest.mark.parametrize("name", MODULES)
def test_module_is_one_thing(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("name", MODULES)
def test_functions_are_short(name):
    too_long = {function: lines for function, lines in bodies(MODULES[name]).items() if lines > BODY_LINES}
    assert too_long == {}


def test_the_usual_function_is_a_few_lines():
    lines = [length for path in MODULES.values() for length in bodies(path).values()]
    assert median(lines) <= MEDIAN_BODY_LINES


def test_every_test_file_mirrors_a_module():
    """``tests/<layer>/test_<module>.py`` has its module; ``tests/validate`` is about the whole."""
    tests = Path(__file__).parent
    found = (path.relative_to(tests) for path in tests.glob("*/**/test_*.py"))
    nested = [path for path in found if path.parts[0] != "validate"]
    mirrored = {path.parent / f"{path.stem.removeprefix('test_')}.py": path for path in nested}
    assert {str(test) for module, test in mirrored.items() if not (SOURCE / module).exists()} == set()
