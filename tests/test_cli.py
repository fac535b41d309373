from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from laird.cli import bundled_models, main, spec_path
from laird.errors import SpecError


def run(*arguments: str) -> int:
    return main(list(arguments))


@pytest.fixture
def spec(tmp_path) -> str:
    path = tmp_path / "batches.toml"
    path.write_text(
        'title = "Batches"\ndata = "dyestuff"\nformula = "Yield ~ 1 + (1 | Batch)"\n', encoding="utf-8"
    )
    return str(path)


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        run("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"laird {version('laird')}\n"


def test_models_lists_every_model_file_with_its_title(capsys, root):
    assert run("models") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(
        path.stem for path in (root / "models").glob("*.toml")
    )
    assert all(len(line.split()) > 1 for line in lines)


def test_fit_prints_the_fit(capsys, spec):
    assert run("fit", spec) == 0
    shown = capsys.readouterr()
    assert "restricted maximum likelihood" in shown.out
    assert re.search(r"Intercept +1,528 +19\.38", shown.out)
    assert shown.err == ""


def test_fit_with_another_probability_says_so(capsys, spec):
    assert run("fit", spec, "--method", "ml", "--prob", "0.5") == 0
    assert "50 % interval" in capsys.readouterr().out


def test_fit_takes_a_bundled_model_by_name_and_data_from_a_file(capsys, tmp_path, hs):
    path = tmp_path / "part.csv"
    hs.head(600).to_csv(path, index=False)
    assert run("fit", "hs_oneway_anova", "--data", str(path)) == 0
    assert "600 rows" in capsys.readouterr().out


def test_report_writes_a_page_and_ends_with_table_and_path(capsys, spec, tmp_path):
    output = tmp_path / "page.html"
    assert run("report", spec, "-o", str(output), "--methods", "ols,reml,eb", "--notation", "sas") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["OLS", "REML", "EB"]
    assert lines[-1] == f"Report: {output}"
    assert [line.split("  ")[0] for line in shown.err.splitlines()] == [
        "Read the model and its data",
        "Fit by ordinary least squares (OLS)",
        "Fit by restricted maximum likelihood (REML)",
        "Fit by empirical Bayes (EB)",
        "Write the report",
    ]
    page = output.read_text(encoding="utf-8")
    assert f"laird report {spec} -o {output} --methods ols,reml,eb --draws 1000" in page


def test_the_command_in_a_report_makes_the_same_page(spec, tmp_path):
    output = tmp_path / "page.html"
    assert run("report", spec, "-o", str(output), "--methods", "reml", "--quiet") == 0
    first = output.read_text(encoding="utf-8")
    command = re.search(r"<h3>Command</h3>\s*<pre[^>]*><code>laird ([^<]*)</code>", first)[1]
    assert run(*command.split(), "--quiet") == 0
    assert without_times(output.read_text(encoding="utf-8")) == without_times(first)


def without_times(page: str) -> str:
    seconds = r'(<th scope="row">REML</th>(\s*<td class="[lr]">[^<]*</td>){2})\s*<td class="r">[^<]*</td>'
    return re.sub(r"\d{4}-\d\d-\d\d[ \d:]*", "", re.sub(seconds, r"\1", page))


def test_quiet_shows_only_the_result(capsys, spec, tmp_path):
    assert run("report", spec, "-o", str(tmp_path / "p.html"), "--methods", "ols", "--quiet") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "hs_contextul"], ["no bundled model `hs_contextul`", "`hs_contextual`", "laird models"]),
        (["fit", "absent.toml"], ["no file absent.toml"]),
        (["fit", "hs_contextual", "--method", "lasso"], ["Unknown method 'lasso'", '"reml"']),
        (["fit", "hs_contextual", "--prob", "95"], ["--prob 95.0 is not a probability"]),
        (["fit", "hs_contextual", "--data", "absent.csv"], ["`absent.csv` cannot be read"]),
        (["report", "hs_contextual", "--methods", "ols,lasso"], ["Unknown method 'lasso'", "nuts"]),
        (["report", "hs_contextual", "--methods", ","], ["Unknown method ','"]),
        (["report", "hs_contextual", "-o", "absent/report.html"], ["its folder does not exist"]),
        (["report", "hs_contextual", "-o", "."], ["is a folder"]),
        (["report", "hs_contextual", "--notation", "greek"], ["no notation `greek`", "sas"]),
    ],
)
def test_bad_input_is_told_plainly_before_any_fit(capsys, arguments, words):
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    message = next(line for line in shown.err.splitlines() if line.startswith("laird: "))
    assert words[0] in message
    assert all(word in shown.err for word in words)
    assert "Traceback" not in shown.err
    assert "Fit by" not in shown.err


def test_an_error_in_a_formula_points_at_its_place(capsys, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('data = "hs"\nformula = "mathach ~ ses Sector"\n', encoding="utf-8")
    assert run("fit", str(path)) == 2
    assert "^" in capsys.readouterr().err


def test_warnings_are_notes_without_lines_of_code(capsys, tmp_path):
    path = tmp_path / "two.toml"
    path.write_text('data = "hs"\nformula = "mathach ~ ses + (1 | Sector)"\n', encoding="utf-8")
    assert run("fit", str(path)) == 0
    assert capsys.readouterr().err.startswith("Note: `Sector` has 2 groups")


def test_a_file_goes_before_a_bundled_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert spec_path("hs_contextual") == bundled_models()["hs_contextual"]
    Path("hs_contextual").touch()
    assert spec_path("hs_contextual") == Path("hs_contextual")
    with pytest.raises(SpecError, match="no bundled model"):
        spec_path("hs")


HEAVY = ("pymc", "pytensor", "nutpie", "arviz", "matplotlib", "rich", "jinja2", "xarray")
SCRIPT = f"""
import json, sys
from laird.cli import main
status = main(["fit", "hs_random_coefficients", "--method", "reml"])
loaded = [name for name in {HEAVY} if name in sys.modules]
print(json.dumps([status, loaded]), file=sys.stderr)
"""


def test_a_reml_fit_from_a_cold_process_waits_for_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr) == [0, []]


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "laird", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("laird ")
