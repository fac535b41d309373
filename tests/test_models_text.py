"""The files in models/: what they say, before any data."""

from pathlib import Path

import pytest

from laird.spec import parse_spec, read_spec, spec_from_toml, to_multilevel

FILES = sorted((Path(__file__).parents[1] / "models").glob("*.toml"))

SLIDES = {  # the table "From the simple to the complex": Y = mathach, X = ses, W = Sector
    "hs_oneway_anova": "mathach ~ 1 + (1 | school)",
    "hs_means_as_outcomes": "mathach ~ 1 + Sector + (1 | school)",
    "hs_oneway_ancova": "mathach ~ 1 + ses + (1 | school)",
    "hs_random_coefficients": "mathach ~ 1 + ses + (1 + ses | school)",
    "hs_intercepts_slopes_as_outcomes": "mathach ~ 1 + ses + Sector + ses:Sector + (1 + ses | school)",
    "hs_nonrandom_slopes": "mathach ~ 1 + ses + Sector + ses:Sector + (1 | school)",
    "hs_parallel_mean_slopes": "mathach ~ 1 + ses + Sector + (1 + ses | school)",
    "hs_contextual_cwg": (
        "mathach ~ 1 + cvar(ses, school) + dvar(ses, school) + (1 + dvar(ses, school) | school)"
    ),
    "hs_contextual_raw": "mathach ~ 1 + cvar(ses, school) + ses + (1 + dvar(ses, school) | school)",
    "hs_contextual_outcomes": (
        "mathach ~ 1 + (cvar(ses, school) + dvar(ses, school)) * Sector + (1 + dvar(ses, school) | school)"
    ),
}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_a_model_says_what_it_is(path):
    spec = read_spec(path)
    assert spec.name == path.stem
    assert spec.title
    assert spec.question.endswith("?")
    assert spec.data


def test_a_model_reads_back(path):
    spec = read_spec(path)
    assert spec_from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize("name", SLIDES)
def test_the_ten_models_of_the_slides(root, name):
    spec = read_spec(root / "models" / f"{name}.toml")
    assert spec.locations == parse_spec(SLIDES[name]).locations
    assert spec.data == "hs"


@pytest.mark.parametrize("name", SLIDES)
def test_the_models_of_the_slides_have_a_multilevel_form(root, name):
    (location,) = read_spec(root / "models" / f"{name}.toml").locations
    form = to_multilevel(location, between=["Sector"])
    assert form.to_combined() == location
    assert form.group == ("school",)


def test_the_model_of_the_report_is_the_last_of_the_slides(root):
    report = read_spec(root / "models" / "hs_contextual.toml")
    assert report.hash == read_spec(root / "models" / "hs_contextual_outcomes.toml").hash
