from __future__ import annotations

import re

import pytest

from laird.report import render

SECTIONS = [
    *("model", "data", "estimates", "heterogeneity", "prediction", "effects", "influence"),
    *("small", "priors", "checks", "reproduce"),
]


@pytest.fixture(scope="session")
def page_of():
    made = {}

    def page(about):
        study = about.study
        if id(study) not in made:
            made[id(study)] = render(study.model, study.fits, command=study.command)
        return made[id(study)]

    return page


def anchors(shown):
    return re.findall(r'<section id="(\w+)">', shown)


def test_the_sections_of_a_meta_analysis(restored, page_of):
    found = [name for name in anchors(page_of(restored)) if name != "summary"]
    assert found == SECTIONS


def test_assumed_correlations_are_varied_where_there_are_some(juveniles, page_of):
    assert "sensitivity" in anchors(page_of(juveniles))


def test_priors_are_stated_where_they_are_used(vaccine, gums, page_of):
    assert "priors" not in anchors(page_of(vaccine))
    assert "priors" in anchors(page_of(gums))


@pytest.mark.parametrize("name", ["restored", "gums", "juveniles", "teachers", "vaccine"])
def test_the_page_is_whole(request, name, page_of):
    about = request.getfixturevalue(name)
    shown = page_of(about)
    text = re.sub(r"<style>.*?</style>|<img [^>]*>", "", shown, flags=re.DOTALL)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)
    assert about.labels[0].replace("&", "&amp;") in shown


def test_every_estimate_has_its_row(gums, page_of):
    shown = page_of(gums)
    for words in ("Correlation of the true effects", "sigma(AL)", "sigma(PD)", "V = vcov_bivariate"):
        assert words in shown


@pytest.mark.parametrize("width", [390, 1280])
def test_the_browser_shows_all_of_it(chromium, restored, page_of, tmp_path, width):
    path = tmp_path / "restoration.html"
    path.write_text(page_of(restored), encoding="utf-8")
    chromium.open(path, width)
    assert chromium.complaints() == []
    assert chromium.requests() == [path.resolve().as_uri()]
    pictures = "[...document.images]"
    assert chromium.evaluate(f"{pictures}.every(i => i.complete && i.naturalWidth > 0)")
    assert chromium.evaluate(f"{pictures}.length") > 8
    outside = """[...document.querySelectorAll('body *')]
        .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1).length"""
    assert chromium.evaluate(outside) == 0
