from __future__ import annotations

import pytest

from laird.report import effects
from laird.report.blocks import Details, Table


@pytest.fixture(scope="module")
def tables(slopes):
    return effects.shrinkage_tables(slopes)


def test_every_grouping_factor_has_its_table(tables):
    assert list(tables) == ["school"]
    assert effects.estimators(tables["school"]) == ("blue", "eblup", "eb", "posterior")


def test_of_many_groups_the_largest_shifts_are_shown_and_the_rest_on_demand(tables):
    blocks = effects.shrinkage_section(tables, {}).blocks
    shown = [block for block in blocks if isinstance(block, Table)]
    hidden = [block for block in blocks if isinstance(block, Details)]
    assert [len(table.rows) for table in shown] == [effects.SHIFTS] * 2
    assert [len(details.blocks[0].rows) for details in hidden] == [40, 40]


def test_the_group_that_shrinks_most_comes_first(tables):
    rows = tables["school"].query("term == 'Intercept'")
    first = next(b for b in effects.shrinkage_section(tables, {}).blocks if isinstance(b, Table)).rows[0]
    assert first[0].text == rows.loc[(rows.posterior - rows.blue).abs().idxmax(), "group"]


def test_few_groups_are_all_shown(one_way):
    blocks = effects.shrinkage_section(effects.shrinkage_tables(one_way), {}).blocks
    assert [len(b.rows) for b in blocks if isinstance(b, Table)] == [6]
    assert not any(isinstance(b, Details) for b in blocks)


def test_very_many_groups_are_cut_and_the_cut_is_told(tables, monkeypatch):
    monkeypatch.setattr(effects, "MOST", 15)
    details = next(b for b in effects.shrinkage_section(tables, {}).blocks if isinstance(b, Details))
    assert details.title == "Intercept by school: the first 15 of 40 groups"
    assert len(details.blocks[0].rows) == 15


def test_reml_stands_for_ml_where_both_are_given(one_way):
    assert [fit.method for fit in effects.one_of_each_kind(one_way.fits)] == ["ols", "reml"]


def test_without_groups_or_without_pooling_there_is_no_table(plain, one_way):
    from laird.report.study import Study

    only_ols = Study(one_way.model, one_way.fits[:1], "", one_way.notation)
    assert effects.shrinkage_tables(plain) == effects.shrinkage_tables(only_ols) == {}


def test_median_weights_are_shares(tables):
    for median, low, high in effects.median_weights(tables["school"]).values():
        assert 0 <= low <= median <= high <= 1


def test_a_group_without_own_estimate_says_so(tables):
    table = tables["school"].head(2).assign(blue=float("nan"), blue_sd=float("nan"))
    block = next(b for b in effects.shrinkage_section({"school": table}, {}).blocks if isinstance(b, Table))
    assert block.rows[0][3].detail == "not estimable"
