"""Fits by other packages (``golden/peers_hs.json``), with R's names turned into laird's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"

_NAMES = {
    "(Intercept)": "Intercept",
    "intrcpt": "Intercept",
    "SectorPublic": "Sector[Public]",
    "habitatforest": "habitat[forest]",
    "ses_c": "cvar(ses, school)",
    "ses_d": "dvar(ses, school)",
}


@dataclass(frozen=True)
class PeerFit:
    """One fit of another package, under laird's names.

    `sd` is keyed by (group, term), `cor` by (group, term, term); `ranef` holds per group and term
    one value per level, in the order of the sorted labels; `raw` is the entry as stored.
    """

    id: str
    data: str
    formula: str
    method: str
    singular: bool
    loglik: float
    sigma: float | None
    fixef: dict[str, float]
    se: dict[str, float]
    sd: dict[tuple[str, ...], float]
    cor: dict[tuple[str, ...], float]
    ranef: dict[str, dict[str, list[float]]]
    raw: Mapping[str, Any]


@cache
def golden(name: str) -> Any:
    """Return the content of ``golden/<name>.json``."""
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@cache
def peer_fits() -> dict[str, PeerFit]:
    """Return every stored fit by its id."""
    return {entry["id"]: _peer_fit(entry) for entry in golden("peers_hs")}


def meta(name: str) -> Mapping[str, Any]:
    """Return one meta-analysis of metafor by its id, as stored."""
    return next(entry for entry in golden("peers_meta") if entry["id"] == name)


def peer_ids(*, data: str = "", method: str = "") -> list[str]:
    """Return the ids of the fits of one data set or method, for ``pytest.mark.parametrize``."""
    return [p.id for p in peer_fits().values() if data in ("", p.data) and method in ("", p.method)]


def _peer_fit(entry: Mapping[str, Any]) -> PeerFit:
    fixef = _renamed(entry["fixef"])
    return PeerFit(
        **{key: entry[key] for key in ("id", "data", "formula", "method", "loglik")},
        singular=entry.get("singular", False),
        sigma=entry.get("sigma"),
        fixef=fixef,
        se=_renamed(_labelled(entry["se"], entry["fixef"])),
        sd={_parts(key): value for key, value in entry.get("sd", {}).items()},
        cor={_parts(key): value for key, value in dict(entry.get("cor") or {}).items()},
        ranef={group: _renamed(terms) for group, terms in entry.get("ranef", {}).items()},
        raw=entry,
    )


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_name(name): value for name, value in values.items()}


def _name(name: str) -> str:
    return ":".join(_NAMES.get(part, part) for part in name.split(":"))


def _labelled(values: Mapping[str, float] | list[float], names: Mapping[str, Any]) -> Mapping[str, float]:
    """R drops the names of a vector of length one."""
    return values if isinstance(values, Mapping) else dict(zip(names, values, strict=True))


def _parts(key: str) -> tuple[str, ...]:
    """``"cor(school,(Intercept),ses)"`` -> ``("school", "Intercept", "ses")``."""
    group, *terms = key[key.index("(") + 1 : -1].split(",")
    return (re.sub(r"\.\d+$", "", group), *map(_name, terms))
