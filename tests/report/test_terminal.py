from __future__ import annotations

from laird.report.terminal import comparison_text


def test_a_row_for_each_parameter_and_the_verdicts(boundary):
    lines = comparison_text(boundary.fits).splitlines()
    assert lines[0].split() == ["OLS", "REML", "EB"]
    assert lines[-1].split()[:3] == ["status", "ok", "boundary"]
    assert len(lines) == 2 + len(boundary.reference.summary())
    assert len({len(line) for line in lines}) == 1
    assert any(line.startswith("cor(school, Intercept, ses)") for line in lines)
