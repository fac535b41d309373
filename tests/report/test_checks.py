from __future__ import annotations

from laird.report.blocks import Table, Verdicts
from laird.report.checks import checks_section


def test_every_fit_gives_its_verdicts(slopes):
    shown = [block for block in checks_section(slopes, ()).blocks if isinstance(block, Verdicts)]
    assert [block.title for block in shown] == ["OLS", "REML", "EB", "NUTS"]
    for block, fit in zip(shown[1:], slopes.fits[1:], strict=True):
        assert [verdict.message for verdict in block.verdicts] == list(fit.check()["message"])


def test_a_boundary_comes_with_its_remedy(boundary):
    shown = [block for block in checks_section(boundary, ()).blocks if isinstance(block, Verdicts)]
    remedies = {verdict.status: verdict.remedy for verdict in shown[1].verdicts}
    assert shown[1].status == "boundary"
    assert "simpler" in remedies["boundary"]


def test_chains_have_a_table_of_diagnostics(slopes):
    (table,) = (block for block in checks_section(slopes, ()).blocks if isinstance(block, Table))
    assert table.caption == "Diagnostics of 2 chains of 200 draws"
    summary = slopes.reference.summary()
    assert [row[1].text for row in table.rows] == [f"{value:.3f}" for value in summary["rhat"]]


def test_without_chains_there_is_no_such_table(boundary):
    assert not any(isinstance(block, Table) for block in checks_section(boundary, ()).blocks)
