from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from tests.report.conftest import beyond_normal

import laird as ld
from laird.report import render
from laird.report.blocks import Text
from laird.report.meta.content import meta_content

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


def rows_of_everything():
    rng = np.random.default_rng(0)
    g, x, v = np.repeat(np.arange(12), 3), rng.normal(size=36), rng.uniform(0.02, 0.2, 36)
    y, z = (0.2 + 0.3 * x + rng.normal(0, 0.4, 12)[g] + rng.normal(0, np.sqrt(v + 0.04)) for _ in range(2))
    habitat, w = np.where(g % 2, "forest", "grassland"), rng.integers(1, 4, 36)
    return pd.DataFrame({"g": g, "x": x, "v": v, "y": y, "z": z, "habitat": habitat, "w": w})


KINDS = {
    "common effect": ("y ~ x + meta_V(v)", "sigma ~ 0"),
    "proportional": ('y ~ x + meta_V(v, scale="proportional")', "sigma ~ 0"),
    "group sd": ("y ~ x + (1 | g) + meta_V(v)", "sd(g) ~ habitat"),
    "slopes": ("y ~ x + (1 + x | g) + meta_V(v)",),
    "contextual": ("y ~ cvar(x, g) + dvar(x, g) + (1 | g) + meta_V(v)",),
    "two outcomes": ("y ~ x + (1 | g) + meta_V(v)", "z ~ x + (1 | g) + meta_V(v)"),
    "rho": ("y ~ x + meta_V(v)", "z ~ x + meta_V(v)", "rho(y, z) ~ x", "sigma(y) ~ habitat"),
    "weights": ("y ~ x + meta_V(v)",),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_meta_analysis_has_a_report(kind):
    more = {"weights": "w"} if kind == "weights" else {}
    model = ld.model(*KINDS[kind], data=rows_of_everything(), **more)
    methods = ("reml", "eb") if kind in ("common effect", "rho") else ("reml",)
    shown = render(model, [model.fit(method) for method in methods])
    assert {"heterogeneity", "effects", "small"} <= set(anchors(shown))
    assert ("influence" in anchors(shown)) == (kind != "weights")


def test_families_keep_what_holds_of_any_distribution(root):
    about = beyond_normal(ld.model(ld.read_spec(root / "models" / "bcg_robust.toml")))
    paragraphs, sections = meta_content(about)
    anchors = [section.anchor for section in sections]
    assert {"families", "heterogeneity", "prediction", "effects", "small", "checks"} <= set(anchors)
    assert "influence" not in anchors
    told = dict(paragraphs)
    assert "Q(12) = 152" in told["Heterogeneity"]
    assert told["Families"].startswith("True effects have a Student t distribution.")
    text = next(block.text for block in sections[anchors.index("families")].blocks if isinstance(block, Text))
    assert "leave-one-out diagnostics, and R²" in text
