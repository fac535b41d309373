"""The text of a forest plot says what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plots.meta_fits import bcg

import laird as ld
from laird.errors import FitError
from laird.plots.forest_rows import forest_rows, overall
from laird.plots.forest_text import left_columns, right_columns
from laird.plots.studies import studies

BCG = ld.load_data("bcg_rr")


@pytest.fixture
def parts():
    own = studies(bcg(), BCG["author"])
    total = overall(own, None, None, 0.95)
    return own, forest_rows(own, [], total, "data", prediction=True, prob=0.95), total


def cells(parts, digits=2, *, exponentiate=False):
    own, rows, total = parts
    columns = right_columns(own, rows, total, digits, 0.95, exponentiate=exponentiate)
    assert {len(column.cells) for column in columns} == {len(rows)}
    return [column.cells for column in columns]


def test_a_study(parts):
    weight, estimate, lower, upper = cells(parts)
    assert (weight[0], estimate[0], upper[0]) == ("Weight %", "Effect", "95 % interval")
    assert (weight[1], estimate[1], lower[1], upper[1]) == ("5.1", "−0.89", "[−2.01,", "0.23]")


def test_the_mean_and_its_prediction_interval(parts):
    weight, estimate, lower, upper = cells(parts, 3)
    row = ld.prediction_interval(bcg()).iloc[0]
    assert (weight[15], estimate[15]) == ("", f"{row['estimate']:.3f}".replace("-", "−"))
    assert lower[16] == f"[{row['pi_lower']:.3f},".replace("-", "−")
    assert (estimate[16], upper[16]) == ("", f"{row['pi_upper']:.3f}]")
    assert estimate[17] == lower[17] == upper[17] == ""


def test_exponentiated(parts):
    _, estimate, lower, _ = cells(parts, exponentiate=True)
    assert estimate[1] == f"{np.exp(BCG['yi'][0]):.2f}"
    assert lower[15] == f"[{np.exp(ld.prediction_interval(bcg())['lower'][0]):.2f},"


def test_nothing_is_minus_zero(parts):
    _, estimate, _, _ = cells(parts, 0)
    assert "−0" not in estimate


def test_names_and_further_columns(parts):
    own, rows, _ = parts
    names, years = left_columns(own, rows, {"Year": BCG["year"]})
    assert list(names.cells[:3]) == ["Study", "Aronson", "Ferguson & Simes"]
    assert names.align == "left"
    assert list(years.cells[:3]) == ["Year", "1948", "1949"]
    assert set(years.cells[14:]) == {""}


def test_a_column_of_the_wrong_length(parts):
    own, rows, _ = parts
    with pytest.raises(FitError, match="2 entries"):
        left_columns(own, rows, {"Year": [1, 2]})
