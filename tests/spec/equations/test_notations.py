"""The rows against the dictionary "Notational Babel" of the slides."""

from __future__ import annotations

import pytest

from laird.errors import SpecError
from laird.spec.equations.notations import NOTATIONS, bold, notation_named

DICTIONARY = {
    # fixed effects, cluster effect, centred cluster effect, their variance, within-cluster variance
    "bryk-raudenbush": (r"\gamma", r"\beta", "u", r"\mathbf{T}", r"\boldsymbol{\Sigma}"),
    "sas": (r"\beta", "b", r"\gamma", r"\mathbf{G}", r"\mathbf{R}"),
    "pinheiro-bates": (r"\beta", r"\phi", "b", r"\boldsymbol{\Psi}", r"\boldsymbol{\Lambda}"),
    "laird-ware": (r"\gamma", r"\beta", "u", r"\mathbf{G}", r"\mathbf{R}"),
}


@pytest.mark.parametrize("name", DICTIONARY)
def test_symbols_are_those_of_the_dictionary(name):
    row = notation_named(name)
    symbols = (row.fixed, row.coefficient, row.effects[0], row.covariance, row.residual_covariance)
    assert symbols == DICTIONARY[name]


def test_every_notation_is_in_the_dictionary():
    assert set(NOTATIONS) == set(DICTIONARY)


@pytest.mark.parametrize("name", NOTATIONS)
def test_no_symbol_has_two_meanings(name):
    row = notation_named(name)
    symbols = [row.fixed, row.coefficient, *row.effects, row.covariance_element, row.residual]
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize(("name", "index"), [("bryk-raudenbush", "ijk"), ("pinheiro-bates", "jki")])
def test_row_index_has_the_order_of_the_notation(name, index):
    assert notation_named(name).row_index(groups="jk", own="i") == index


def test_unknown_notation_names_the_nearest_and_all():
    with pytest.raises(SpecError, match=r"no notation `pinhero-bates`") as caught:
        notation_named("pinhero-bates")
    message = str(caught.value)
    assert "Nearest: `pinheiro-bates`" in message
    assert all(f'"{name}"' in message for name in NOTATIONS)


def test_greek_vectors_are_bold_symbols():
    assert (bold("r"), bold(r"\epsilon")) == (r"\mathbf{r}", r"\boldsymbol{\epsilon}")
