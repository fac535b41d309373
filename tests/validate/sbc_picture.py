"""Pictures and tables of stored ranks: `python -m tests.validate.sbc_picture`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.harness import ROOT, table
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.validate.sbc import METHODS, RANKED, SOUND, store
from tests.validate.sbc_cases import CASES, LOG_LIKELIHOOD
from tests.validate.uniformity import envelope, p_value

FOLDER = ROOT / "benchmarks" / "sbc"
K = RANKED + 1
PROBABILITY = 0.95

COLOURS: Mapping[str, tuple[str, str]] = {
    "sd(": ("sds of groups", "#D55E00"),
    "cor(": ("correlations", "#8A1170"),
    "sigma": ("residual sds", "#009E73"),
    "u(": ("effects of groups", "#56B4E9"),
    "log_": ("regressions of sds", "#C2185B"),
    "atanh_": ("regressions of correlations", "#6B3D0A"),
    LOG_LIKELIHOOD: ("log-likelihood", "#222222"),
    "": ("fixed effects", "#0072B2"),
}
"""Class and colour of a parameter, by how its name begins."""


def stored(method: str, folder: Path = FOLDER) -> dict[str, pd.DataFrame]:
    """The ranks of every model."""
    return {case: pd.read_csv(store(folder / method, case)) for case in CASES}


def p_values(ranks: pd.DataFrame) -> dict[str, float]:
    """Of every parameter: how often uniform ranks leave an envelope as wide as theirs."""
    return {name: p_value(own.to_numpy(), K) for name, own in ranks.drop(columns=SOUND).items()}


def tables(folder: Path = FOLDER) -> Iterator[str]:
    """Markdown by model: the p-value of every parameter, by method."""
    found = {method: stored(method, folder) for method in METHODS}
    for case in CASES:
        columns = [p_values(found[method][case]) for method in METHODS]
        rows = [(f"`{name}`", *(f"{own[name]:.3f}" for own in columns)) for name in columns[0]]
        yield table([case, *METHODS], rows)


def summary(folder: Path = FOLDER) -> str:
    """Markdown by model and method: the smallest p-value, and how many fits trust themselves."""
    heads = [
        "model",
        "draws",
        "replicates",
        "quantities",
        "smallest p",
        "times quantities",
        "fits without warning",
    ]
    rows = [
        _summary_row(case, method, ranks)
        for method in METHODS
        for case, ranks in stored(method, folder).items()
    ]
    return table(heads, rows)


def _summary_row(case: str, method: str, ranks: pd.DataFrame) -> tuple[object, ...]:
    p = list(p_values(ranks).values())
    least = min(p)
    return (
        case,
        method,
        len(ranks),
        len(p),
        f"{least:.3f}",
        f"{min(len(p) * least, 1):.2f}",
        f"{ranks[SOUND].mean():.0%}",
    )


def picture(method: str, folder: Path = FOLDER) -> Figure:
    """Differences of the empirical distributions of ranks to the uniform one, and their envelope."""
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for ax, (case, ranks) in zip(panels.flat, stored(method, folder).items(), strict=True):
        _panel(ax, ranks)
        ax.set_title(case, loc="left", fontsize="medium")
    for ax in panels[:, 0]:
        ax.set_ylabel("share of ranks below − uniform")
    for ax in panels[-1]:
        ax.set_xlabel("rank of the true value among 99 draws")
    _legend(figure, panels.flat)
    return figure


def _panel(ax: Axes, ranks: pd.DataFrame) -> None:
    at = np.arange(1, K)
    low, high = envelope(len(ranks), K, PROBABILITY)
    ax.fill_between(at, low - at / K, high - at / K, color="#e9e9e9", linewidth=0)
    ax.axhline(0.0, color="#b0b0b0", linewidth=0.8)
    for name, own in ranks.drop(columns=SOUND).items():
        label, colour = next(look for start, look in COLOURS.items() if str(name).startswith(start))
        share = np.bincount(own, minlength=K).cumsum()[:-1] / len(own)
        ax.plot(at, share - at / K, color=colour, linewidth=1.1, label=label)
    ax.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure, panels: Iterator[Axes]) -> None:
    handles = {}
    for ax in panels:
        lines, labels = ax.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False)


HEADING = """## Whole posteriors of six models

Parameters drawn from proper priors, data from the parameters, and the rank of every true value among
99 draws (`tests/validate/sbc.py`; nuts: every tenth of 2 × 495): uniform if and only if the draws
follow the posterior. Ranked are all parameters, the effects of first groups and the log-likelihood.
p: how often uniform ranks come as near to leaving their envelope, which is exact and simultaneous
(Säilynoja, Bürkner & Vehtari 2022); times the number of quantities, for the smallest of a model. Both
methods saw the same data sets, so that what chance does to one it does to the other. A fit warns by
R-hat above 1.01, which is a lot to ask of so few draws, by divergences, or by k̂; all are ranked. The
ranks are in `benchmarks/sbc/`; the pictures show envelopes of 95 % for single quantities.

The first 200 data sets of the nested model left sigma's envelope (p = 0.005). That was the data: their
sums of squares within cells, which are σ²χ² whatever laird does, have p = 0.001 by Kolmogorov and
Smirnov, the next 200 have 0.74. All 400 are counted.
"""


def section(folder: Path = FOLDER) -> str:
    """What is said of the stored ranks in benchmarks/VALIDATION.md."""
    pictures = (f"![Ranks, {method}](sbc/{method}.png)\n" for method in METHODS)
    return "\n".join([HEADING, summary(folder), *pictures, *tables(folder)])


def main(folder: Path = FOLDER) -> None:
    for method in METHODS:
        picture(method, folder).savefig(folder / f"{method}.png", dpi=110)
    print(section(folder))


if __name__ == "__main__":
    main()
