"""The golden file is complete and reads as laird's names."""

import pytest

from tests.peers import golden, peer_fits, peer_ids


def test_every_stored_fit_of_the_issue_is_there():
    counts = {data: len(peer_ids(data=data)) for data in ("hs", "hsfull", "sleepstudy", "restoration")}
    assert counts == {"hs": 20, "hsfull": 20, "sleepstudy": 3, "restoration": 3}
    assert {"dyestuff-reml", "dyestuff2-reml"} <= set(peer_fits())


@pytest.mark.parametrize("fit_id", peer_ids())
def test_each_fit_names_its_tool_and_labels_every_standard_error(fit_id):
    fit = peer_fits()[fit_id]
    assert fit.raw["peer"]
    assert list(fit.se) == list(fit.fixef)
    assert "Intercept" in fit.fixef


def test_names_are_translated():
    fit = peer_fits()["hs-contextual_outcomes-reml"]
    assert "cvar(ses, school):Sector[Public]" in fit.fixef
    assert set(fit.sd) == {("school", "Intercept"), ("school", "dvar(ses, school)")}
    assert set(fit.cor) == {("school", "Intercept", "dvar(ses, school)")}
    assert set(peer_fits()["sleepstudy-uncorrelated-reml"].sd) == {
        ("Subject", "Intercept"),
        ("Subject", "Days"),
    }


def test_two_sources_agree_on_the_one_way_model():
    lme4, nlme = peer_fits()["hs-oneway_anova-reml"], golden("seed_numbers")["method_5_oneway_reml"]
    # the slides print eight digits at most
    assert lme4.loglik == pytest.approx(nlme["loglik"], abs=5e-4)
    assert lme4.fixef["Intercept"] == pytest.approx(nlme["intercept"], abs=5e-6)
    assert lme4.sd["school", "Intercept"] == pytest.approx(nlme["sd_school"], abs=5e-7)
    assert lme4.sigma == pytest.approx(nlme["sigma"], abs=5e-7)


def test_random_effects_are_in_the_order_of_the_sorted_labels():
    schools = sorted(golden("seed_numbers")["counts"]["school_n"])
    lme4 = dict(zip(schools, peer_fits()["hs-oneway_anova-reml"].ranef["school"]["Intercept"], strict=True))
    nlme = golden("seed_numbers")["method_5_oneway_reml"]["ranef"]
    assert {school: lme4[school] for school in nlme} == pytest.approx(nlme, rel=1e-5)  # nlme's optimiser
