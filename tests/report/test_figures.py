from __future__ import annotations

from laird.report import figures
from laird.report.blocks import Pictures
from laird.report.effects import shrinkage_tables


def alts(blocks):
    return [picture.alt for block in blocks if isinstance(block, Pictures) for picture in block.pictures]


def test_shrinkage_is_drawn_for_every_coefficient_and_in_their_plane(slopes):
    (group, table), *_ = shrinkage_tables(slopes).items()
    drawn = alts(figures.shrinkage_pictures(slopes, group, table))
    assert len(drawn) == 2 + 1 + 2
    assert sum("Plane" in alt for alt in drawn) == 1


def test_one_coefficient_has_no_plane(one_way):
    (group, table), *_ = shrinkage_tables(one_way).items()
    assert not any("Plane" in alt for alt in alts(figures.shrinkage_pictures(one_way, group, table)))


def test_estimates_are_drawn_with_priors_where_there_are_draws(slopes, plain):
    assert len(alts(figures.estimate_pictures(slopes))) == 2
    assert len(alts(figures.estimate_pictures(plain))) == 1


def test_chains_are_drawn_where_there_are_chains(slopes, boundary):
    assert len(alts(figures.chain_pictures(slopes))) == 1
    assert alts(figures.chain_pictures(boundary)) == []


def test_residuals_and_effects_of_every_coefficient_are_looked_at(slopes, plain):
    assert len(alts(figures.diagnostics_section(slopes).blocks)) == 4
    assert len(alts(figures.diagnostics_section(plain).blocks)) == 2
