"""Draw the README's picture: `python docs/make_pictures.py`."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

import laird as ld

HERE = Path(__file__).parent


def shrinkage_of_slopes() -> Figure:
    """Each school's own line and its EBLUP, on the High School data."""
    model = ld.model("mathach ~ ses * Sector + (1 + ses | school)", data=ld.load_data("hs"))
    reml = model.fit("reml")
    figure = Figure(figsize=(11.5, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    ld.plots.shrinkage_arrows(reml, "ses", ax=left)
    ld.plots.coefficient_plane(reml, ax=right)
    return figure


def main(folder: Path = HERE) -> None:
    """Write the pictures to `folder`."""
    shrinkage_of_slopes().savefig(folder / "shrinkage.png", dpi=130)


if __name__ == "__main__":
    main()
