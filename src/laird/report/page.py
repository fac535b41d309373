"""Model and fits -> one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from laird.bound import Model
from laird.fitting.origin import versions
from laird.fitting.result import Fit
from laird.report.blocks import Page, Section
from laird.report.checks import STATUS, checks_section
from laird.report.description import data_section, model_section, priors_section
from laird.report.effects import shrinkage_section, shrinkage_tables
from laird.report.estimates import Comparison, estimates_section
from laird.report.families import families_of, families_section, sentences_on_families
from laird.report.figures import chain_pictures, diagnostics_section, estimate_pictures, shrinkage_pictures
from laird.report.meta.content import meta_content
from laird.report.meta.synthesis import is_meta_analysis
from laird.report.reproduction import reproduction_section
from laird.report.study import Study, study
from laird.report.summary import Paragraph, summary


def write_report(
    model: Model,
    fits: Iterable[Fit],
    path: str | Path,
    *,
    command: str = "",
    notation: str = "bryk-raudenbush",
) -> Path:
    """Write the report on a model and its fits as one HTML file, and return its path.

    Equations are MathML, pictures are inside the page; there are no scripts, and nothing
    is loaded from anywhere.

    Parameters
    ----------
    model
        The model.
    fits
        Fits of it, each by another method.
    path
        Where to write; an existing file is replaced.
    command
        The command to print under "How to reproduce this".
    notation
        Notation of the equations, see `Model.equations`.

    Raises
    ------
    FitError
        No fits, two by one method, or a fit of another model.

    Examples
    --------
    >>> import laird as ld
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    >>> with TemporaryDirectory() as folder:
    ...     path = ld.write_report(model, [model.fit("reml")], Path(folder, "bcg.html"))
    ...     path.read_text(encoding="utf-8").startswith("<!doctype html>")
    True
    """
    path = Path(path)
    path.write_text(render(model, fits, command=command, notation=notation), encoding="utf-8")
    return path


def render(model: Model, fits: Iterable[Fit], *, command: str = "", notation: str = "bryk-raudenbush") -> str:
    """Return the report on a model and its fits as HTML, as `write_report` writes it."""
    return html(page(study(model, fits, command, notation)))


def page(about: Study) -> Page:
    """Put the sections together."""
    spec = about.model.spec
    paragraphs, sections = (meta_content if is_meta_analysis(about) else _content)(about)
    return Page(
        title=spec.title or spec.name or f"A model of {about.model.design.outcome}",
        question=spec.question,
        summary=paragraphs,
        sections=sections,
        footer=f"laird {versions()['laird']}, {about.reference.origin.created[:10]}",
    )


def _content(about: Study) -> tuple[tuple[Paragraph, ...], tuple[Section, ...]]:
    """Summary and sections of a model of groups."""
    comparison, tables, families = Comparison(about.fits), shrinkage_tables(about), families_of(about)
    sections = [
        model_section(about),
        data_section(about),
        priors_section(about),
        estimates_section(about, comparison, estimate_pictures(about)),
        checks_section(about, chain_pictures(about)),
    ]
    if tables:
        pictures = {group: shrinkage_pictures(about, group, table) for group, table in tables.items()}
        sections.append(shrinkage_section(tables, pictures))
    sections += [families_section(families, about)] if families else []
    sections += [diagnostics_section(about), reproduction_section(about)]
    on_families = sentences_on_families(families, about, comparison)
    return summary(about, comparison, tables, on_families), tuple(sections)


def html(content: Page) -> str:
    """Return a page as HTML."""
    environment = Environment(
        loader=PackageLoader("laird.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment.get_template("report.html").render(page=content, statuses=STATUS)


def prose(text: str) -> Markup:
    """Return text as HTML: words in backticks as code, no line break before a percent sign.

    Examples
    --------
    >>> prose("`a<b` & c")
    Markup('<code>a&lt;b</code> &amp; c')
    """
    unbroken = re.sub(r"(\d) %", "\\1\N{NO-BREAK SPACE}%", str(escape(text)))
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", unbroken))
