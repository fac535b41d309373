"""Empirical Bayes with 4000 joint draws of all parameters and group effects: seconds of a fit.

Every model is a process of its own; its first fit and the median of those that follow, in time of
the processor, so that a busy machine tells the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from statistics import median
from time import process_time

from harness import process, table, versions

import laird as ld

DRAWS, REPEATS = 4000, 15
ASKED = {"hsfull, random slope": 0.3}
MODELS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "hsfull, random slope": ("hsfull", ("mathach ~ ses * Sector + (1 + ses | school)",)),
    "hs, random slope": ("hs", ("mathach ~ ses * Sector + (1 + ses | school)",)),
    "hsfull, two random slopes": ("hsfull", ("mathach ~ ses + Sex + (1 + ses + Sex | school)",)),
    "meta-analysis": ("bcg_rr", ("yi ~ ablat + meta_V(vi)",)),
    "meta-analysis, three levels": ("konstantopoulos2011", ("yi ~ 1 + (1 | district) + meta_V(vi)",)),
    "location-scale meta-analysis": (
        "bangertdrowns2004",
        ("yi ~ I(ni / 100) + meta_V(vi)", "sigma ~ I(ni / 100)"),
    ),
}


def measure(name: str) -> dict[str, float | str]:
    """Seconds of the first fit and of later ones, and what the fit says of its draws."""
    data, parts = MODELS[name]
    model = ld.model(*parts, data=ld.load_data(data))
    model.fit("reml")
    seconds = []
    for seed in range(REPEATS + 1):
        start = process_time()
        fit = model.fit("eb", draws=DRAWS, random_seed=seed)
        seconds.append(process_time() - start)
    check = fit.check().set_index("check").loc["approximation"]
    return {"first": seconds[0], "later": median(seconds[1:]), "khat": check.value, "status": check.status}


def main() -> None:
    rows = []
    for name in MODELS:
        process(__file__, name)  # fills the cache of compiled functions
        r = process(__file__, name).result
        asked = f"< {ASKED[name]:g} s" if name in ASKED else ""
        cells = f"{r['first']:.3f} s", f"{r['later']:.3f} s", f"{r['khat']:.2f} ({r['status']})"
        rows.append([name, *cells, asked])
    print(table([f"eb, {DRAWS} draws", "first fit of a process", "later fits", "Pareto k", "asked"], rows))
    print(versions("laird", "numpy", "scipy", "numba"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
