from __future__ import annotations

import re

from laird.report import progress as module
from laird.report.progress import progress


def run(**options):
    with progress(2, **options) as step:
        for label in ("one", "two"):
            with step(label):
                pass


def test_lines_with_times_where_nobody_watches(capsys):
    run()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"one +0\.\d\d s\ntwo +0\.\d\d s\n", shown.err)


def test_quiet_is_quiet(capsys):
    run(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_a_line_for_each_step(capsys, monkeypatch):
    monkeypatch.setattr(module, "_is_interactive", lambda: True)
    run()
    shown = capsys.readouterr().err
    assert re.search(r"✓ one +0\.\d\d s", shown)
    assert re.search(r"✓ two +0\.\d\d s", shown)


def test_continuous_integration_is_no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("CI", "true")
    assert not module._is_interactive()
