"""The answers in words: every estimator has them, and they follow the data."""

from dataclasses import replace

import pytest

from laird.compare.answers import Situation, answers
from laird.compare.comparison import LABELS

SITUATION = Situation("ses", "school", "Sector", 1977, 40, 29, 66)


@pytest.mark.parametrize("estimator", LABELS)
def test_three_sentences_or_more_for_every_estimator(estimator):
    found = answers(estimator, SITUATION)
    assert all(answer.endswith((".", "?")) and answer[0].isupper() for answer in found)


def test_they_name_what_they_are_about():
    pooled = answers("pooled", SITUATION)
    assert "ses within and between groups of school, by Sector" in pooled.consistent
    assert "1977 rows" in pooled.honest
    assert "40 groups" in pooled.honest


@pytest.mark.parametrize("estimator", ["averaged", "common_slopes"])
def test_fixed_effects_speak_of_these_groups_only(estimator):
    assert answers(estimator, SITUATION).honest.startswith(
        "Only for new rows from these same 40 groups of school"
    )


@pytest.mark.parametrize("estimator", ["two_stage", "between", "mixed", "contextual"])
def test_others_generalise_to_the_population(estimator):
    assert "to the population of groups of school" in answers(estimator, SITUATION).honest


def test_the_mixed_model_says_what_the_data_say():
    told = replace(SITUATION, contextual="Here they differ (p < 0.001).")
    assert "are equal. Here they differ (p < 0.001). Otherwise" in answers("mixed", told).consistent
    assert answers("contextual", told) == answers("contextual", SITUATION)


@pytest.mark.parametrize("estimator", ["pooled", "mixed"])
def test_balanced_data_mix_nothing(estimator):
    balanced = replace(SITUATION, balanced=True)
    assert answers(estimator, balanced).consistent.startswith("Yes, for the effect of ses within groups")
    assert not answers(estimator, SITUATION).consistent.startswith("Yes")


def test_sizes():
    assert SITUATION.sizes == "29 to 66 rows"
    assert replace(SITUATION, largest=29).sizes == "29 rows"


def test_no_level_without_between_variable():
    alone = replace(SITUATION, between="")
    assert "between groups by Sector, each" in answers("contextual", SITUATION).consistent
    assert "between groups, each" in answers("contextual", alone).consistent
