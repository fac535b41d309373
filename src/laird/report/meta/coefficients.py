"""Tests of location and scale coefficients by several small-sample methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.coefficients import coef_tests
from laird.inference.reference import Df
from laird.inference.robust import cluster_robust
from laird.inference.scale_tests import Method, scale_tests
from laird.inference.wald import JointTest, wald
from laird.report.blocks import Block, Cell, Facts, Table, Text
from laird.report.study import SHORT
from laird.report.words import DASH, code, decimals, fixed, interval, listed, number, p_value, sentence

METHODS: Mapping[Df, str] = {
    "normal": "Wald, normal",
    "knapp-hartung": "Knapp–Hartung, t",
    "satterthwaite": "Satterthwaite, t",
}
ROBUST = "Cluster-robust (CR2), t"
SCALE_METHODS: Mapping[Method, str] = {
    "wald": "Wald, normal",
    "t": "Wald, t",
    "lr": "likelihood ratio, profile",
}


def tests_blocks(fit: Fit) -> tuple[Block, ...]:
    """Every coefficient by every method, and joint tests of the moderators.

    Parameters
    ----------
    fit
        By ``"ml"`` or ``"reml"``.
    """
    found = dict(_tests(fit))
    explained = Text(
        "Standard errors that take the heterogeneity as known are too small with few studies. The table "
        f"gives the {SHORT[fit.method]} estimates with the usual remedies. Knapp and Hartung's factor is not "
        "let below 1; the cluster-robust method holds whatever the heterogeneity, but wants many studies."
    )
    facts = tuple(_joint(fit))
    scale = (_scale_table(fit),) if varies(fit) else ()
    return (explained, _table(fit, found), *scale, *((Facts(facts),) if facts else ()))


def varies(fit: Fit) -> bool:
    """Whether an sd depends on moderators."""
    return any(scale.W.shape[1] > 1 for scale in fit.problem.design.scales)


def _tests(fit: Fit) -> Iterator[tuple[str, pd.DataFrame]]:
    for df, name in METHODS.items():
        yield name, coef_tests(fit, df=df)
    try:
        yield ROBUST, cluster_robust(fit).tests()
    except FitError:  # factors cross, or there is one cluster
        return


def _table(fit: Fit, found: Mapping[str, pd.DataFrame]) -> Table:
    caption = f"Coefficients by {SHORT[fit.method]}, with several small-sample methods"
    return _by_term(caption, fit.problem.design.names, found)


def _scale_table(fit: Fit) -> Table:
    found = {sentence(name): scale_tests(fit, method=m).rows for m, name in SCALE_METHODS.items()}
    records = next(iter(found.values())).to_dict("records")
    names = [f"{r['parameter']}({r['group']}): {r['term']}" if r["group"] else r["term"] for r in records]
    rows = [_times(record) for record in records]
    table = _by_term(f"Coefficients of log standard deviations by {SHORT[fit.method]}", names, found)
    note = f"As factors of the standard deviation, with Wald intervals: {listed(filter(None, rows))}."
    return replace(table, note=note if any(rows) else "")


def _times(record: Mapping[Any, Any]) -> str:
    """The factor by which an sd is larger where a moderator is one higher."""
    if record["term"] == "Intercept":
        return ""
    value, low, high = np.exp([record["estimate"], record["lower"], record["upper"]])
    return f"{code(record['term'])} {number(value)} ({number(low)} to {number(high)})"


def _by_term(caption: str, names: Sequence[str], found: Mapping[str, pd.DataFrame]) -> Table:
    head = ("Coefficient and method", "Estimate", "Standard error", "df", "Statistic", "p", "95 % interval")
    rows: list[tuple[Cell, ...]] = []
    for k, term in enumerate(names):
        rows.append((Cell(term),))
        rows += [_row(name, table.iloc[k].to_dict()) for name, table in found.items()]
    return Table(caption, "lrrrrrr", tuple(map(Cell, head)), tuple(rows))


def _row(name: str, record: Mapping[Any, Any]) -> tuple[Cell, ...]:
    places = decimals(record["se"])
    cells = (
        fixed(record["estimate"], places),
        fixed(record["se"], places),
        fixed(record["df"], 1),
        fixed(record["statistic"], 2),
        _tail(record["p_value"]),
        interval(record["lower"], record["upper"], record["se"]),
    )
    return (Cell(name), *map(Cell, cells))


def _joint(fit: Fit) -> Iterator[tuple[str, str]]:
    """Tests of all moderators of the location, and of all of the scale."""
    names = fit.problem.design.names
    moderators = [name for name in names if name.rpartition(": ")[2] != "Intercept"]
    if moderators:
        test = wald(fit, np.eye(len(names))[[names.index(name) for name in moderators]]).joint
        if test is not None:
            yield "All moderators of the mean", _joint_text(test)
    ways: tuple[Method, ...] = ("wald", "lr") if varies(fit) else ()
    for method in ways:
        joint = scale_tests(fit, method=method).joint
        if joint is not None:
            yield (
                f"All moderators of the heterogeneity, {SCALE_METHODS[method].partition(',')[0]}",
                f"χ²({joint.df}) = {number(joint.chi2)}, {p_value(joint.p_value)}",
            )


def _tail(p: float) -> str:
    """A p-value in a column of these; a dash where nothing is tested."""
    return DASH if np.isnan(p) else p_value(p).removeprefix("p ").removeprefix("= ")


def _joint_text(test: JointTest) -> str:
    return (
        f"F({test.df1}, {number(test.df2)}) = {number(test.f)}, {p_value(test.p_value)} ({test.method}); "
        f"χ²({test.df1}) = {number(test.chi2)}, {p_value(test.chi2_p_value)}"
    )
