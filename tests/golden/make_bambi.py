"""Write bambi_<model>.json: Bambi's posterior of the models that laird is compared with.

Run from the repository's root as ``python -m tests.golden.make_bambi`` (`make validate` installs Bambi).
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from tests.bambi_peer import CASES, bambi_draws, fit_bambi, summarise

OPTIONS = {"draws": 4000, "tune": 1000, "chains": 4, "random_seed": 20261121}
PACKAGES = ("bambi", "nutpie", "pymc", "pytensor", "numpy")
DIGITS = 6


def main() -> None:
    for name in ("sleepstudy", "hs"):
        case = CASES[name]
        summary = summarise(bambi_draws(fit_bambi(case, **OPTIONS), case))
        content = {
            "peer": "bambi with nutpie",
            "data": case.data,
            "formula": case.formula,
            "priors": [f"{row.parameter} ~ {row.prior}" for row in case.model().priors],
            "options": OPTIONS,
            "versions": {package: version(package) for package in PACKAGES},
            "summary": {
                parameter: {key: float(f"{value:.{DIGITS}g}") for key, value in row.items()}
                for parameter, row in summary.items()
            },
        }
        path = Path(__file__).with_name(f"bambi_{name}.json")
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
