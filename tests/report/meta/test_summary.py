from __future__ import annotations

from dataclasses import replace

import laird as ld
from laird.report.estimates import Comparison
from laird.report.meta.summary import meta_summary


def told(about):
    return dict(meta_summary(about, Comparison(about.study.fits)))


def test_the_paragraphs_and_their_numbers(vaccine):
    paragraphs = told(vaccine)
    assert list(paragraphs) == [
        *("Data and methods", "Mean effects", "Heterogeneity", "Prediction", "True effects"),
        *("Single studies", "Checks"),
    ]
    assert paragraphs["Data and methods"].startswith("13 estimates of `yi`, with known sampling variances")
    assert "more than sampling errors make them (Q(12) = 152, p < 0.001)" in paragraphs["Heterogeneity"]
    assert "0.560 (0.35 to 1.05, I² 92 %) in total" in paragraphs["Heterogeneity"]
    found = ld.prediction_interval(vaccine.study.reference).iloc[0]
    expected = f"between {found.pi_lower:.2f} and {found.pi_upper:.2f}".replace("-", "−")
    assert expected in paragraphs["Prediction"]


def test_moderators_of_the_scale_are_told(restored):
    paragraphs = told(restored)
    assert "It depends on moderators: " in paragraphs["Heterogeneity"]
    assert "with habitat forest" in paragraphs["Heterogeneity"]
    assert "with habitat grassland, duration 0.00" in paragraphs["Prediction"]
    assert "REML, EB and NUTS agree" in paragraphs["Agreement"]


def test_outcomes_and_groups_are_told(gums, juveniles):
    assert (
        "10 estimates from 5 studies of `AL` and `PD`, with known sampling covariances"
        in (told(gums)["Data and methods"])
    )
    assert "for `PD` with year 1983" in told(gums)["Prediction"]
    assert "100 estimates in 17 groups of `study`" in told(juveniles)["Data and methods"]
    assert "between groups of `study`" in told(juveniles)["Heterogeneity"]


def test_no_heterogeneity_is_told(teachers):
    paragraphs = told(teachers)
    assert "no more than sampling errors make them" in paragraphs["Heterogeneity"]
    assert "estimated as zero" in paragraphs["Checks"]


def test_what_there_is_not_is_left_out(vaccine):
    paragraphs = told(replace(vaccine, predictions=None, deletions=None))
    assert not {"Prediction", "Single studies"} & set(paragraphs)
