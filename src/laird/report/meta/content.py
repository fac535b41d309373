"""Summary and sections of the report on a meta-analysis, in the order of PRISMA 2020."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laird.report.blocks import Section
from laird.report.checks import checks_section
from laird.report.description import data_section, model_section, priors_section
from laird.report.estimates import Comparison, estimates_section
from laird.report.families import Families, families_of, families_section, sentences_on_families
from laird.report.figures import chain_pictures, estimate_pictures
from laird.report.meta import figures
from laird.report.meta.coefficients import tests_blocks
from laird.report.meta.effects import effects_section, studies_table
from laird.report.meta.heterogeneity import heterogeneity_section, prediction_section
from laird.report.meta.influence import influence_section
from laird.report.meta.sensitivity import sensitivity_section
from laird.report.meta.summary import meta_summary
from laird.report.meta.synthesis import Synthesis, synthesis
from laird.report.reproduction import reproduction_section
from laird.report.study import Study
from laird.report.summary import Paragraph


def meta_content(study: Study) -> tuple[tuple[Paragraph, ...], tuple[Section, ...]]:
    """Return the paragraphs of the summary and the sections."""
    about, comparison, families = synthesis(study), Comparison(study.fits), families_of(study)
    on_families = sentences_on_families(families, study, comparison)
    return meta_summary(about, comparison, on_families), tuple(_sections(about, comparison, families))


def _sections(about: Synthesis, comparison: Comparison, families: Families | None) -> Iterator[Section]:
    study = about.study
    yield model_section(study)
    yield _studies(about)
    yield _estimates(about, comparison)
    yield heterogeneity_section(about, figures.heterogeneity_pictures(about))
    yield from filter(None, [prediction_section(about, figures.prediction_pictures(about))])
    yield effects_section(about, ())
    if families is not None:
        yield families_section(families, study)
    if about.deletions is not None:
        yield influence_section(about.deletions, figures.influence_pictures(about))
    if about.correlations is not None:
        yield sensitivity_section(about.correlations)
    yield from figures.small_study_section(about)
    if any(fit.draws for fit in study.fits):
        yield priors_section(study)
    yield checks_section(study, chain_pictures(study))
    yield reproduction_section(study)


def _studies(about: Synthesis) -> Section:
    """The data, with the forest plot and every estimate."""
    data = data_section(about.study)
    blocks = (*data.blocks, *figures.study_pictures(about), studies_table(about))
    return replace(data, title="The studies", blocks=blocks)


def _estimates(about: Synthesis, comparison: Comparison) -> Section:
    """Estimates by method, then tests by several small-sample methods."""
    section = estimates_section(about.study, comparison, estimate_pictures(about.study))
    tests = tests_blocks(about.likelihood) if about.likelihood else ()
    return replace(section, blocks=(*section.blocks, *tests))
