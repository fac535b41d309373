"""The page as a browser shows it: complete, silent, within the screen, and on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.browser import Browser

from laird.report import render, write_report
from laird.report.page import prose
from laird.report.study import Study

SECTIONS = ["model", "data", "priors", "estimates", "checks", "shrinkage", "diagnostics", "reproduce"]
PHONE, DESKTOP = 390, 1280
PICTURES = 12  # estimates, priors, chains, 2 + 1 + 2 of shrinkage, 4 of diagnostics; see test_figures.py


def html(about: Study) -> str:
    return render(about.model, about.fits, command=about.command)


@pytest.fixture(scope="session")
def page(slopes) -> str:
    return html(slopes)


@pytest.fixture(scope="session")
def written(slopes, tmp_path_factory) -> Path:
    return write_report(slopes.model, slopes.fits, tmp_path_factory.mktemp("report") / "report.html")


def test_the_sections_come_in_the_order_of_a_results_section(page):
    assert re.findall(r'<section id="(\w+)">', page) == ["summary", *SECTIONS]


def test_nothing_is_loaded_and_nothing_runs(page):
    assert not re.search(r"<script|<link rel=.stylesheet|\son\w+=", page)
    addresses = set(re.findall(r'(?:src|href)="([^"]{,5})', page))
    assert addresses <= {"data:", *(f"#{name}"[:5] for name in SECTIONS)}


def test_every_picture_says_what_it_shows(page):
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) == PICTURES
    assert all(re.search(r'alt="[^"]{15,}"', picture) for picture in pictures)


def test_every_column_and_row_of_a_table_is_headed(page):
    assert page.count("<table") == page.count("<thead>")
    assert not re.search(r"<th(?! scope=)[ >]", page)


def test_what_users_wrote_is_text_not_markup(plain):
    spec = replace(plain.model.spec, title="<b>a</b> & b", question="<script>alert(1)</script>")
    shown = html(replace(plain, model=replace(plain.model, spec=spec)))
    assert "<title>&lt;b&gt;a&lt;/b&gt; &amp; b</title>" in shown
    assert "<script" not in shown


@pytest.mark.parametrize("name", ["boundary", "one_way", "no_variance", "plain", "independent"])
def test_every_kind_of_model_has_a_page(name, request):
    shown = html(request.getfixturevalue(name))
    assert shown.startswith("<!doctype html>")
    assert not re.search(
        r"\bnan\b|\bNone\b|\binf\b", re.sub(r"<style>.*?</style>|<img [^>]*>", "", shown, flags=re.DOTALL)
    )


def test_prose_marks_names_and_keeps_percent_signs_with_their_number():
    assert prose("`a<b` 95 % & c") == "<code>a&lt;b</code> 95\N{NO-BREAK SPACE}% &amp; c"


def test_a_report_is_written_where_asked(written, page):
    text = written.read_text(encoding="utf-8")
    assert text.count("<section") == page.count("<section")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_browser_shows_all_of_it(chromium: Browser, written, width):
    chromium.open(written, width)
    assert chromium.complaints() == []
    assert chromium.requests() == [written.resolve().as_uri()]
    drawn = chromium.evaluate("[...document.images].filter(i => i.complete && i.naturalWidth > 0).length")
    assert drawn == PICTURES
    page = "document.scrollingElement"
    assert chromium.evaluate(f"{page}.scrollWidth <= {page}.clientWidth")


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_sticks_out_but_what_scrolls(chromium: Browser, written, width):
    chromium.open(written, width)
    script = """[...document.querySelectorAll('body *')]
        .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
    assert chromium.evaluate(script) == []


def test_equations_are_laid_out_as_mathematics(chromium: Browser, written):
    chromium.open(written, DESKTOP)
    height = "document.querySelector('#model math').getBoundingClientRect().height"
    assert chromium.evaluate("document.querySelectorAll('#model math').length") >= 4
    assert chromium.evaluate(height) > 10


def test_it_prints(chromium: Browser, written):
    chromium.open(written, DESKTOP)
    pdf = chromium.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 3
