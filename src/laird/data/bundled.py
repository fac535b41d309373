"""The data sets that come with laird, each as a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from types import MappingProxyType

import pandas as pd

from laird.data.labels import level_order
from laird.errors import DataError, nearest

type Categories = Mapping[str, tuple[str, ...]]

_SORTED: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """One bundled data set.

    Attributes
    ----------
    name, title, source, licence
        As `list_data` shows them.
    rows
        Number of rows.
    categories
        Categorical columns with their levels in order; empty means sorted.
    """

    name: str
    title: str
    rows: int
    source: str
    licence: str
    categories: Categories = field(default_factory=dict)


_PUPILS = MappingProxyType(
    {
        "school": _SORTED,
        "Sex": ("Female", "Male"),
        "Minority": ("No", "Yes"),
        "Sector": ("Catholic", "Public"),
        "HIMINTY": ("0", "1"),
    }
)
_SURVEY = (
    "High School and Beyond 1982 (US National Center for Education Statistics); Bryk and Raudenbush 1992"
)
_TUBERCULOSIS = "Colditz et al. 1994, J Am Med Assoc 271, 698-702"
_METADAT = "the R package metadat"
_TRIALS = MappingProxyType({"trial": _SORTED, "alloc": _SORTED})
_FACTS = "facts, not protected; published with the R package"

DATASETS = (
    Dataset(
        "hs",
        "Mathematics achievement of 1977 pupils in 40 US high schools",
        1977,
        f"{_SURVEY}; the sample of the R package spida2",
        f"{_FACTS} spida2",
        _PUPILS,
    ),
    Dataset(
        "hsfull",
        "Mathematics achievement of 7185 pupils in 160 US high schools",
        7185,
        f"{_SURVEY}; MathAchieve and MathAchSchool of the R package nlme",
        f"{_FACTS} nlme",
        _PUPILS,
    ),
    Dataset(
        "sleepstudy",
        "Reaction times of 18 subjects over ten days of sleep deprivation",
        180,
        "Belenky et al. 2003, J Sleep Res 12, 1-12; the R package lme4",
        f"{_FACTS} lme4",
        MappingProxyType({"Subject": _SORTED}),
    ),
    Dataset(
        "restoration",
        "Effects of ecological restoration on biodiversity in 80 studies (simulated)",
        80,
        "Regenerated from the seed in the vignette on meta-analysis of the R package drmTMB",
        "simulated numbers, not protected; recipe published with the R package drmTMB",
        MappingProxyType({"study": _SORTED, "habitat": ("grassland", "forest")}),
    ),
    Dataset(
        "dyestuff",
        "Yield of dyestuff from 6 batches, 5 preparations each",
        30,
        "Davies and Goldsmith 1972, Statistical Methods in Research and Production; the R package lme4",
        f"{_FACTS} lme4",
        MappingProxyType({"Batch": _SORTED}),
    ),
    Dataset(
        "dyestuff2",
        "Simulated yields of 6 batches whose variance between batches is estimated as exactly 0",
        30,
        "Box and Tiao 1973, Bayesian Inference in Statistical Analysis; the R package lme4",
        f"{_FACTS} lme4",
        MappingProxyType({"Batch": _SORTED}),
    ),
    Dataset(
        "bcg",
        "Tuberculosis in 13 trials of the BCG vaccine: counts of cases",
        13,
        f"{_TUBERCULOSIS}; {_METADAT} (dat.bcg)",
        f"{_FACTS} metadat",
        _TRIALS,
    ),
    Dataset(
        "bcg_rr",
        "The same 13 trials with log relative risks `yi` and their variances `vi`",
        13,
        f"{_TUBERCULOSIS}; {_METADAT} (dat.bcg), effect sizes by metafor",
        f"{_FACTS} metadat",
        _TRIALS,
    ),
    Dataset(
        "bangertdrowns2004",
        "Effects of writing to learn on achievement in 48 studies (some moderators are missing)",
        48,
        f"Bangert-Drowns, Hurley and Wilkinson 2004, Rev Educ Res 74, 29-58; {_METADAT}",
        f"{_FACTS} metadat",
        MappingProxyType({"id": _SORTED}),
    ),
    Dataset(
        "konstantopoulos2011",
        "Effects of a modified school calendar in 56 schools of 11 districts",
        56,
        f"Cooper et al. 2003 and Konstantopoulos 2011, Res Synth Methods 2, 61-76; {_METADAT}",
        f"{_FACTS} metadat",
        MappingProxyType({"district": _SORTED, "school": _SORTED, "study": _SORTED}),
    ),
    Dataset(
        "assink2016",
        "Mental health and delinquent behaviour of juveniles: 100 effect sizes of 17 studies",
        100,
        f"Assink and Wibbelink 2016, Quant Methods Psychol 12, 154-174; {_METADAT}",
        f"{_FACTS} metadat",
        MappingProxyType({"study": _SORTED, "deltype": _SORTED}),
    ),
    Dataset(
        "berkey1998",
        "Surgical and other treatment of gums in 5 trials: two correlated outcomes each",
        10,
        f"Berkey et al. 1998, Stat Med 17, 2537-2550; {_METADAT}",
        f"{_FACTS} metadat",
        MappingProxyType({"trial": _SORTED, "outcome": ("AL", "PD")}),
    ),
    Dataset(
        "berkey1998_wide",
        "The same 5 trials, one row each: outcomes, their sampling variances and covariance",
        5,
        f"Berkey et al. 1998, Stat Med 17, 2537-2550; {_METADAT} (dat.berkey1998), rearranged",
        f"{_FACTS} metadat",
        MappingProxyType({"trial": _SORTED}),
    ),
    Dataset(
        "raudenbush1985",
        "Effects of teachers' expectations on pupils' IQ in 19 studies",
        19,
        f"Raudenbush and Bryk 1985, J Educ Stat 10, 75-98; {_METADAT}",
        f"{_FACTS} metadat",
        MappingProxyType({"study": _SORTED, "setting": _SORTED, "tester": _SORTED}),
    ),
)


def list_data() -> pd.DataFrame:
    """List the bundled data sets.

    Returns
    -------
    pandas.DataFrame
        One row per data set, index `name`; columns `rows`, `title`, `source`, `licence`.

    Examples
    --------
    >>> list_data().loc["hs", "rows"]
    np.int64(1977)
    """
    rows = {one.name: (one.rows, one.title, one.source, one.licence) for one in DATASETS}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["rows", "title", "source", "licence"])
    return frame.rename_axis("name")


def load_data(name: str) -> pd.DataFrame:
    """Load a bundled data set; every call returns a fresh frame.

    Parameters
    ----------
    name
        A name that `list_data` shows.

    Raises
    ------
    DataError
        There is no such data set.

    Examples
    --------
    >>> load_data("sleepstudy").head(2)
       Reaction  Days Subject
    0  249.5600     0     308
    1  258.7047     1     308
    """
    dataset = _find(name)
    with as_file(files("laird.data") / "datasets" / f"{dataset.name}.csv") as path:
        frame = pd.read_csv(path, dtype=dict.fromkeys(dataset.categories, str))
    return frame.assign(
        **{column: _categorical(frame[column], levels) for column, levels in dataset.categories.items()}
    )


def _find(name: str) -> Dataset:
    for dataset in DATASETS:
        if dataset.name == name:
            return dataset
    raise DataError(
        f"There is no bundled data set {name!r}.",
        allowed=nearest(str(name), [dataset.name for dataset in DATASETS]),
        remedy="list_data() shows all; read your own data with pandas or polars.",
    )


def _categorical(values: pd.Series, levels: tuple[str, ...]) -> pd.Categorical:
    found = list(values.unique())
    return pd.Categorical(values, levels or [found[position] for position in level_order(found)])
