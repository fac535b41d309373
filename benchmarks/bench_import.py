"""Time to import laird, and to a REML fit of 7185 rows from the command line; PyMC stays out of both."""

import tempfile
from pathlib import Path

from harness import processes, seconds, table, versions

RUNS = 7
HEAVY = ("pymc", "pytensor", "nutpie", "arviz", "matplotlib")
SPEC = 'name = "bench"\ndata = "hsfull"\nformula = "mathach ~ ses * Sector + (1 + ses | school)"\n'
FIT = "import sys; from laird.cli import main; status = main(['fit', sys.argv[1], '--method', 'reml'])"
LOADED = f"; print([name for name in {HEAVY} if name in sys.modules]); sys.exit(status)"


def main() -> None:
    pandas = seconds(processes(RUNS, "-c", "import pandas"))
    laird = seconds(processes(RUNS, "-c", "import pandas, laird"))
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "bench.toml")
        spec.write_text(SPEC, encoding="utf-8")
        fits = processes(RUNS, "-c", FIT + LOADED, str(spec))
    loaded = fits[0].output.splitlines()[-1]
    rows = [
        ("`import pandas`", f"{pandas:.2f} s", ""),
        ("`import pandas, laird`", f"{laird:.2f} s", ""),
        ("the difference", f"{laird - pandas:.2f} s", "0.3 s"),
        ("`laird fit --method reml`, 7185 rows, 160 schools, random slope", f"{seconds(fits):.2f} s", "2 s"),
        (f"of {', '.join(HEAVY)}, that process imported", f"{loaded}", "[]"),
    ]
    print(table([f"whole process, median of {RUNS}", "time", "target"], rows))
    print(versions("laird", "numpy", "pandas", "numba"))


if __name__ == "__main__":
    main()
