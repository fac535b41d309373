from __future__ import annotations

import pytest

import laird as ld
from laird.report.meta.sensitivity import sensitivity_section


def test_a_row_for_each_correlation(juveniles):
    _, table = sensitivity_section(juveniles.correlations).blocks
    assert [cell.text for cell in table.head] == ["ρ", "Intercept", "τ", "τ of study", "log-likelihood"]
    assert [row[0].text for row in table.rows] == ["0.00", "0.20", "0.40", "0.60", "0.80", "0.95"]
    as_assumed = juveniles.study.reference
    found = [float(cell.text.replace("−", "-")) for cell in table.rows[3][1:]]
    expected = [as_assumed.fixef.iloc[0], as_assumed.sigma, as_assumed.point.sd[0], as_assumed.loglik]
    assert found == pytest.approx(expected, rel=5e-3)


def test_it_is_asked_where_studies_have_several_estimates_of_one_outcome(vaccine, gums, juveniles):
    assert vaccine.correlations is None
    assert gums.correlations is None
    assert juveniles.correlations.equals(ld.rho_sensitivity(juveniles.likelihood, "study"))
