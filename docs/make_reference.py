"""Write REFERENCE.md, the public functions by topic: `python docs/make_reference.py`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import laird as ld

HERE = Path(__file__).parent

TOPICS = {
    "Data that come in groups": (
        "load_data list_data levels between by_group table join_levels group_labels sample_groups reliability"
    ),
    "Say a model and fit it": "model Model multilevel parse_spec read_spec Spec Fit load_fit write_report",
    "Compare methods and estimators": (
        "shrinkage group_posterior estimators group_weights variance_inequality simulated_school sensitivity "
        "compare_families family_effects"
    ),
    "Test and describe": (
        "coef_tests wald lr_test hausman contextual scale_tests marginal_means cluster_robust icc r2"
    ),
    "Predict": "predictions comparisons slopes",
    "Diagnose": "residuals outlier_weights envelope leverage influence leave_one_out cumulative",
    "Criticise a model": "predictive_check prior_predictive power_scaling loo compare_loo log_likelihood",
    "Meta-analysis": (
        "heterogeneity heterogeneity_at prediction_interval true_effects eb_intervals rho_sensitivity "
        "vcov_bivariate vcov_cluster"
    ),
    "Errors": "LairdError SpecError DataError FitError LairdWarning",
}
MODULES = {"effects": "Effect sizes", "plots": "Pictures"}
MEMBERS = ("Model", "Fit")
HEAD = """# Public functions by topic

Written by `docs/make_reference.py` from the docstrings; `help(ld.name)` has the whole of each: parameters
with shapes, what is raised, sources, and an example that runs.
"""


def reference() -> str:
    """Return the text of REFERENCE.md."""
    sections = [section(topic, named(ld, names.split(), "ld.")) for topic, names in topics().items()]
    sections += [section(f"`{name}`", members(getattr(ld, name), name.lower())) for name in MEMBERS]
    for module, topic in MODULES.items():
        found = getattr(ld, module)
        sections.append(section(topic, named(found, functions(found), f"ld.{module}.")))
    return "\n".join([HEAD, *sections])


def topics() -> dict[str, str]:
    """The topics with their names; a public name that has none yet comes last."""
    placed = {name for names in TOPICS.values() for name in names.split()}
    rest = [name for name in ld.__all__ if name not in placed and name not in MODULES]
    return TOPICS | ({"More": " ".join(rest)} if rest else {})


def functions(module: ModuleType) -> list[str]:
    """The public functions of a module, as it lists or defines them."""
    own = module.__name__
    here = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == own]
    listed: list[str] = getattr(module, "__all__", here)
    return [name for name in listed if inspect.isfunction(getattr(module, name)) and name[0] != "_"]


def named(home: Any, names: list[str], prefix: str) -> Iterator[tuple[str, str]]:
    """Calls and summaries."""
    for name in names:
        value = getattr(home, name)
        function = inspect.isfunction(value)
        yield f"{prefix}{name}{arguments(value) if function else ''}", summary(value)


def members(owner: type, prefix: str) -> Iterator[tuple[str, str]]:
    """Methods and properties of a class that have a docstring."""
    for name in sorted(vars(owner)):
        value = vars(owner)[name]
        if name[0] == "_" or not (inspect.isfunction(value) or isinstance(value, property)):
            continue
        call = arguments(value) if inspect.isfunction(value) else ""
        yield f"{prefix}.{name}{call}", summary(value)


def arguments(function: Any) -> str:
    """The parameters with their defaults, without types."""
    signature = inspect.signature(function)
    given = [p.replace(annotation=p.empty) for name, p in signature.parameters.items() if name != "self"]
    return str(signature.replace(parameters=given, return_annotation=signature.empty))


def summary(value: Any) -> str:
    """The first paragraph of a docstring, on one line, without what breaks a table."""
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return text.replace("``", "`").replace(":meth:", "").replace(":attr:", "").replace("|", "\\|")


def section(topic: str, rows: Iterator[tuple[str, str]]) -> str:
    """A heading with its table."""
    table = [f"| `{call}` | {text} |" for call, text in rows]
    return "\n".join([f"## {topic}\n", "| call | what it does |", "|---|---|", *table, ""])


def main(folder: Path = HERE) -> None:
    """Write the file to `folder`."""
    (folder / "REFERENCE.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
