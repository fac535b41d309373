from __future__ import annotations

from math import isnan, nan

import pytest

from laird.report.blocks import Facts, Table
from laird.report.estimates import (
    NONE,
    ON_BOUNDARY,
    Comparison,
    Estimate,
    cell,
    described,
    estimates_section,
    fixed_terms,
    on_boundary,
)


@pytest.fixture(scope="module")
def table(slopes, comparison) -> Table:
    return next(b for b in estimates_section(slopes, comparison, ()).blocks if isinstance(b, Table))


def test_estimates_are_those_of_the_summaries(slopes, comparison):
    for fit in slopes.fits:
        row = fit.summary().iloc[1]
        found = comparison.of(fit.method, (row.component, row.group, row.term))
        assert (found.value, found.se, found.lower, found.upper) == (
            row.estimate,
            row.se,
            row.lower,
            row.upper,
        )


def test_a_parameter_that_a_method_has_not_is_none(comparison):
    key = ("sd", "school", "Intercept")
    assert key in comparison.keys
    assert comparison.of("ols", key) is NONE


def test_there_is_a_column_for_each_method_and_a_heading_for_each_kind(table, slopes):
    assert [cell_.text for cell_ in table.head] == ["Parameter", "OLS", "REML", "EB", "NUTS"]
    headings = [row[0].text for row in table.rows if len(row) == 1]
    assert [text.split()[0] for text in headings] == ["Fixed", "Standard", "Correlations", "Residual"]
    assert all(len(row) == 1 + len(slopes.fits) for row in table.rows if len(row) > 1)


def test_fixed_effects_carry_their_symbols(table):
    intercept = next(row for row in table.rows if row[0].text == "Intercept")
    assert intercept[0].symbol.startswith("<math")


def test_every_method_names_its_interval(slopes, comparison):
    facts = next(b for b in estimates_section(slopes, comparison, ()).blocks if isinstance(b, Facts)).facts
    assert [name for name, _ in facts] == ["OLS", "REML", "EB", "NUTS"]
    assert all("95 %" in text and "interval" in text for _, text in facts)


def test_a_boundary_estimate_is_marked_and_explained(boundary):
    section = estimates_section(boundary, Comparison(boundary.fits), ())
    shown = next(b for b in section.blocks if isinstance(b, Table))
    correlation = next(row for row in shown.rows if row[0].text == "school: Intercept, ses")
    assert (correlation[2].text, correlation[2].detail) == ("1.00", ON_BOUNDARY)
    assert "no standard error" in shown.note


def test_an_sd_of_zero_is_on_the_boundary(no_variance):
    found = Comparison(no_variance.fits).of("reml", ("sd", "Batch", "Intercept"))
    assert on_boundary(found, "sd")


def test_without_boundary_there_is_no_note(table):
    assert table.note == ""


def test_cells_hold_estimate_error_and_interval():
    assert (cell(Estimate(1.8, 0.29, 1.2, 2.4), "fixed").text, cell(NONE, "fixed").text) == (
        "1.80 ± 0.29",
        "–",
    )
    assert cell(Estimate(1.8, 0.29, 1.2, 2.4), "fixed").detail == "1.20 to 2.40"


def test_what_excludes_zero():
    assert Estimate(1.0, 0.1, 0.8, 1.2).excludes_zero
    assert not Estimate(1.0, 1.0, -1.0, 3.0).excludes_zero
    assert not Estimate(1.0, nan, nan, nan).excludes_zero
    assert isnan(NONE.value)


def test_a_described_estimate_has_its_interval():
    assert described("ses", Estimate(1.805, 0.29, 1.235, 2.375)) == "`ses` 1.80 (1.24 to 2.38)"


def test_fixed_terms_are_those_of_the_model(slopes, comparison):
    assert fixed_terms(comparison) == slopes.model.design.names
