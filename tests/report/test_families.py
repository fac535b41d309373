"""What a report tells of families, and what it leaves out."""

from __future__ import annotations

from laird.report.blocks import Pictures, Table, Text
from laird.report.estimates import Comparison
from laird.report.families import families_of, families_section, sentences_on_families
from laird.report.figures import diagnostics_section


def blocks_of(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


def pictures_of(section):
    return [picture.alt for block in blocks_of(section, Pictures) for picture in block.pictures]


def test_normal_models_have_no_such_section(one_way):
    assert families_of(one_way) is None
    assert list(sentences_on_families(None, one_way, Comparison(one_way.fits))) == []


def test_the_normal_model_stands_beside_with_as_many_draws(robust, families):
    normal, own = families.fits.values()
    assert own is robust.reference
    assert normal.draws.shape == own.draws.shape
    assert not normal.spec.families


def test_sentences_say_the_numbers_of_the_tables(robust, families):
    text = " ".join(sentences_on_families(families, robust, Comparison(robust.fits)))
    assert text.startswith(
        "Effects of `Subject` have a skew-normal distribution and residuals have a Student t"
    )
    assert "`nu(errors)`" in text
    assert "The log density of left-out rows is higher by" in text
    assert "with this model than with the normal one" in text
    assert "Outliers, which count less than half of a typical one by their weights: row 56 (" in text
    assert (families.weights.weight < 0.5).all()
    assert families.weights.label.str.startswith("row ").all()


def test_parameters_and_predictions_stand_side_by_side(robust, families):
    section = families_section(families, robust)
    parameters, predictions = blocks_of(section, Table)
    names = [row[0].text for row in parameters.rows]
    assert names == [name for name in names if name]
    assert {"Days", "sigma", "nu(errors)", "alpha(Subject, Days)"} <= set(names)
    assert parameters.rows[names.index("nu(errors)")][1].text == "–"
    assert predictions.caption == "Predictions of left-out rows"
    assert len(pictures_of(section)) == 2 + 1, "the effects of two coefficients, and the predictive check"


def test_what_is_left_out_is_said_and_left_out(robust, families):
    (text,) = blocks_of(families_section(families, robust), Text)
    assert "is left out here: OLS, REML and empirical Bayes, and normal quantile plots" in text.text
    assert pictures_of(diagnostics_section(robust)) == ["Residuals against fitted values."]
