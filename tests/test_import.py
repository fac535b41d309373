"""``import laird`` is light: whoever wants a REML fit does not wait for PyMC."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("pymc", "pytensor", "arviz", "nutpie", "matplotlib", "scipy", "numba", "formulaic", "xarray")

SCRIPT = """
import json, sys, time
start = time.perf_counter()
import pandas
pandas_loaded = time.perf_counter()
import laird
laird_loaded = time.perf_counter()
print(json.dumps({
    "modules": sorted(sys.modules),
    "pandas": pandas_loaded - start,
    "laird": laird_loaded - pandas_loaded,
}))
"""


def test_import_loads_nothing_heavy(capsys):
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    loaded = json.loads(run.stdout)
    with capsys.disabled():
        print(f"\nimport pandas {loaded['pandas']:.2f} s, import laird {loaded['laird']:.2f} s more")
    assert set(HEAVY) & set(loaded["modules"]) == set()
