from dataclasses import replace

import pytest
from tests.posterior.designs import design

from laird.posterior.names import GroupNames, coords, group_names, identifier, outcome_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("school", "school"),
        ("batch:cask", "batch_cask"),
        ("Sector[Public]", "Sector_Public"),
        ("cvar(ses, school)", "cvar_ses_school"),
        ("größe", "größe"),
        ("2nd", "_2nd"),
        ("!!", "_"),
    ],
)
def test_identifier_keeps_words_and_joins_them(text, name):
    assert identifier(text) == name
    assert name.isidentifier()


def test_identifier_avoids_names_that_are_taken():
    assert identifier("a:b", {"a_b", "a_b_"}) == "a_b__"


def test_groups_and_outcomes_do_not_collide_with_the_names_of_the_graph():
    d = design(group="term", outcome="sigma")
    assert group_names(d.random[0]).group == "term_"
    assert outcome_name(d) == "sigma_"
    assert outcome_name(replace(d, outcome="sd_term_")) == "sd_term__"


def test_coords_are_rows_terms_levels_and_pairs():
    d = design(q=3, group="batch:cask", blocks=((0, 2), (1,)))
    found = coords(d)
    assert found["obs"] == list(range(40))
    assert found["term"] == ["Intercept", "x1", "x2"]
    assert found["batch_cask"] == ["g0", "g1", "g2", "g3", "g4", "g5"]
    assert found["batch_cask_term"] == ["Intercept", "x1", "x2"]
    assert found["batch_cask_pair"] == ["Intercept, x2"]


def test_no_correlations_means_no_pairs():
    assert "school_pair" not in coords(design(q=1))


def test_group_names_are_different():
    assert len(GroupNames("school").all()) == 8
