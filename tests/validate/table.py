"""The results of `make validate` as Markdown, for benchmarks/VALIDATION.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version

import numpy as np
from benchmarks.harness import table
from tests.bambi_peer import CASES, discrepancies, laird_draws, summarise
from tests.peers import golden
from tests.posteriors import KNOWN
from tests.validate import sbc_picture
from tests.validate.eb_studies import CELLS as EB_CELLS
from tests.validate.eb_studies import METHODS as EB_METHODS
from tests.validate.eb_studies import SIMULATIONS as EB_SIMULATIONS
from tests.validate.eb_studies import coverage as eb_coverage
from tests.validate.meta_studies import (
    BETA,
    CELLS,
    Cell,
    coverage,
    default_tests,
    empirical_bayes,
    full_bayes,
    wald,
)
from tests.validate.posteriors import against_exact, against_graph
from tests.validate.sbc_cases import CASES as SBC_CASES
from tests.validate.studies import METHODS, SIMULATIONS, STUDIES, calibrate, reml_coverage
from tests.validate.test_bambi import OPTIONS
from tests.validate.test_calibration import SEED
from tests.validate.test_meta import SAMPLED, SAMPLED_SIMULATIONS
from tests.validate.test_meta import SIMULATIONS as META_SIMULATIONS

PACKAGES = ("numpy", "numba", "pymc", "nutpie", "bambi")


def main() -> None:
    print("# Validation\n\nMade by `python -m tests.validate.table`; `make validate` tests the same.\n")
    print(f"Versions: {', '.join(f'{name} {version(name)}' for name in PACKAGES)}. Seed: {SEED}.\n")
    _bambi()
    _posteriors()
    _calibration()
    print(sbc_picture.section())
    _coverage()
    _meta_analyses()
    _empirical_bayes()


def _meta_analyses() -> None:
    print("## Meta-analyses with few studies\n")
    print(
        f"`yi ~ x + meta_V(V)`, {META_SIMULATIONS} data sets a cell ({SAMPLED_SIMULATIONS} for nuts); share"
    )
    print(
        "of 95 % intervals of the heterogeneity that are finite and cover, and of those of both coefficients"
    )
    print(
        "(the smaller share). The cells are those of drmTMB's authors, whose shares stand next to those found"
    )
    print("here. Wald: ML on the log scale, as drmTMB has it. REML: `ld.coef_tests`, its default method.\n")
    heads = ["cell", "sigma, drmTMB", "sigma, Wald", "sigma, eb", "sigma, nuts"]
    heads += ["coefficients, Wald", "coefficients, REML"]
    print(table([*heads, "coefficients, eb"], map(_meta_row, CELLS)))


def _meta_row(cell: Cell) -> tuple[object, ...]:
    by_wald, by_default, by_eb = (
        coverage(cell, method, META_SIMULATIONS, SEED) for method in (wald, default_tests, empirical_bayes)
    )
    by_nuts = coverage(cell, full_bayes, SAMPLED_SIMULATIONS, SEED) if cell in SAMPLED else None
    sigmas = [f"{found['sigma'].covers:.3f}" if found else "" for found in (by_wald, by_eb, by_nuts)]
    coefficients = [
        f"{min(found[name].covers for name in BETA):.3f}" for found in (by_wald, by_default, by_eb)
    ]
    return cell.name, f"{cell.covers:.3f}", *sigmas, *coefficients


def _empirical_bayes() -> None:
    print("## Intervals of empirical Bayes estimates\n")
    print("Share of 95 % intervals of `ld.eb_intervals` that hold the true effect, default priors, sampling")
    print(f"variances about 1, {EB_SIMULATIONS} data sets a row (`tests/validate/eb_studies.py`).\n")
    rows = ((cell.name, eb_coverage(cell, EB_SIMULATIONS, SEED)) for cell in EB_CELLS)
    cells = ((name, *(f"{own[m]:.3f}" if m in own else "" for m in EB_METHODS)) for name, own in rows)
    print(table(["data", *EB_METHODS], cells))


def _bambi() -> None:
    print("## NUTS against Bambi, same model and priors\n")
    print(
        "Bambi's stored posterior (`tests/golden/bambi_*.json`), and laird with 4 × 4000 draws. Differences"
    )
    print("are in Monte Carlo standard errors (MCSE) of the difference; rms 1 is what chance gives.\n")
    print(table(["model", "means and sds compared", "largest", "rms"], map(_bambi_row, ("sleepstudy", "hs"))))
    for name in ("sleepstudy", "hs"):
        print(table(["parameter", "laird mean (sd)", "Bambi mean (sd)", "MCSE apart"], _parameters(name)))


def _bambi_row(name: str) -> tuple[object, ...]:
    values = np.array(list(_compared(name)[2].values()))
    return (
        f"`{CASES[name].formula}`",
        len(values),
        f"{values.max():.1f}",
        f"{np.sqrt(np.mean(values**2)):.2f}",
    )


def _parameters(name: str) -> Iterable[tuple[object, ...]]:
    ours, theirs, apart = _compared(name)
    for parameter in ours:
        if not parameter.startswith("u("):
            texts = [f"{s[parameter]['mean']:.4g} ({s[parameter]['sd']:.3g})" for s in (ours, theirs)]
            yield parameter, *texts, f"{max(apart[parameter, what] for what in ('mean', 'sd')):.1f}"


@cache
def _compared(name: str) -> tuple[dict, dict, dict]:
    fit = CASES[name].model().fit("nuts", random_seed=4, progress=False, **OPTIONS)
    ours, theirs = summarise(laird_draws(fit)), golden(f"bambi_{name}")["summary"]
    return ours, theirs, discrepancies(ours, theirs)


def _posteriors() -> None:
    print("## NUTS against the explicit graph, and against exact posteriors\n")
    print(
        "One data set of each model of `tests/validate/sbc_cases.py`: laird's NUTS, and PyMC's graph with all"
    )
    print("coefficients and group effects sampled by nutpie. Exact: `tests/posteriors.py`; eight schools by")
    print("quadrature, which agrees with posteriordb's reference means (`tests/test_posteriors.py`).\n")
    rows = [(f"{case}, explicit graph", against_graph(case)) for case in SBC_CASES]
    rows += [(f"{name}, exact", against_exact(name)) for name in KNOWN]
    heads = ["posterior", "means and sds compared", "largest, MCSE", "rms"]
    print(table(heads, (_distances(name, found) for name, found in rows)))


def _distances(name: str, found: Mapping[tuple[str, str], float]) -> tuple[object, ...]:
    values = np.array(list(found.values()))
    return name, len(values), f"{values.max():.1f}", f"{np.sqrt(np.mean(values**2)):.2f}"


def _calibration() -> None:
    print("## Simulation-based calibration\n")
    print(f"{SIMULATIONS} studies of 15 groups of 6 rows, parameters drawn from the priors. The ranks of the")
    print("true values among 99 draws are uniform when the draws follow the posterior (chi-square, 10 bins).")
    print("The last rows of empirical Bayes count the fits that warned of their own approximation.\n")
    rows: list[tuple[str, ...]] = []
    for method, draws in METHODS.items():
        for name, study in STUDIES.items():
            found = calibrate(study, draws, SEED)
            rows += [(method, name, p, f"{value:.3f}") for p, value in found.p_values().items()]
            if found.unreliable:
                rows.append((method, name, "*warned*", f"{found.unreliable:.1%}"))
    print(table(["draws", "model", "parameter", "p"], rows))


def _coverage() -> None:
    found = reml_coverage(0.9, SEED)
    print("## 90 % intervals of REML\n")
    print(f"{found.simulations} studies of 40 groups of 8 rows, `y ~ x + (1 + x | g)`, sds 1 and 0.7,")
    print("correlation 0.3, sigma 1. The binomial standard error is 0.9 %.\n")
    print(table(["parameter", "covered"], ((name, f"{share:.1%}") for name, share in found.share.items())))


if __name__ == "__main__":
    main()
