import re

import numpy as np
import pandas as pd
import pytest

from laird.errors import FitError, SpecError
from laird.inference.hypotheses import read_hypothesis

NAMES = [
    "Intercept",
    "ses",
    "Sector[Public]",
    "ses:Sector[Public]",
    "cvar(ses, school)",
    "I(ses - 1)",
    "y1: Intercept",
    "size[very large]",
]


def row(**weights):
    return [weights.get(name, 0.0) for name in NAMES]


def form(text):
    found = read_hypothesis(text, NAMES)
    (K,) = found.K
    return {NAMES[k]: K[k] for k in np.flatnonzero(K)}, float(found.rhs[0])


READ = {
    "ses": ({"ses": 1}, 0),
    "ses = 2": ({"ses": 1}, 2),
    "2 = ses": ({"ses": -1}, -2),
    "ses = Intercept": ({"ses": 1, "Intercept": -1}, 0),
    "ses:Sector[Public] = 0": ({"ses:Sector[Public]": 1}, 0),
    "ses + ses:Sector[Public] = 2": ({"ses": 1, "ses:Sector[Public]": 1}, 2),
    "2*ses - Sector[Public]/4 = 1 + 1": ({"ses": 2, "Sector[Public]": -0.25}, 2),
    "(ses + Intercept)/2": ({"ses": 0.5, "Intercept": 0.5}, 0),
    "-ses*3 + (1 - 2)*Intercept = -1e1": ({"ses": -3, "Intercept": -1}, -10),
    "cvar(ses, school) - ses = .5": ({"cvar(ses, school)": 1, "ses": -1}, 0.5),
    "cvar(ses,school)": ({"cvar(ses, school)": 1}, 0),
    "I(ses - 1) - ses": ({"I(ses - 1)": 1, "ses": -1}, 0),
    "y1: Intercept = Intercept": ({"y1: Intercept": 1, "Intercept": -1}, 0),
    "size[very large]": ({"size[very large]": 1}, 0),
    "ses + 1 = ses + Intercept": ({"Intercept": -1}, -1),
}


@pytest.mark.parametrize("text", READ)
def test_equations_are_read(text):
    weights, rhs = READ[text]
    assert form(text) == (pytest.approx(weights), pytest.approx(rhs))


def test_a_list_has_one_row_each_and_its_texts_as_labels():
    found = read_hypothesis(["ses = 1", " Intercept"], NAMES)
    assert found.labels == ("ses = 1", "Intercept")
    np.testing.assert_array_equal(found.K, [row(ses=1.0), row(Intercept=1.0)])
    assert found.rhs.tolist() == [1.0, 0.0]


def test_a_mapping_labels_its_rows():
    assert read_hypothesis({"slope": "ses = 1"}, NAMES).labels == ("slope",)


def test_a_pattern_selects_terms():
    found = read_hypothesis(re.compile("Sector"), NAMES)
    assert found.labels == ("Sector[Public]", "ses:Sector[Public]")
    np.testing.assert_array_equal(found.K, np.eye(len(NAMES))[[2, 3]])


def test_a_matrix_is_described_in_words():
    K = np.zeros((2, len(NAMES)))
    K[0, [0, 1]], K[1, [1, 3]] = [1, -2], [-1, 0.5]
    found = read_hypothesis(K, NAMES)
    assert found.labels == ("Intercept - 2*ses", "-ses + 0.5*ses:Sector[Public]")
    np.testing.assert_array_equal(found.K, K)


def test_one_row_may_be_a_vector_or_a_series():
    vector = read_hypothesis([0, 1, 0, 0, 0, 0, 0, 0], NAMES)
    series = read_hypothesis(pd.Series({"ses": 1.0}, name="slope"), NAMES)
    np.testing.assert_array_equal(vector.K, series.K)
    assert series.labels == ("slope",)


def test_a_frame_names_its_columns():
    frame = pd.DataFrame({"ses": [1, 0], "Intercept": [0, 2]}, index=["a", "b"])
    found = read_hypothesis(frame, NAMES)
    np.testing.assert_array_equal(found.K, [row(ses=1.0), row(Intercept=2.0)])
    assert found.labels == ("a", "b")


UNREADABLE = {
    "sess = 0": (r"no fixed effect `sess`", r"Nearest: `ses`"),
    "Sector = 0": (r"no fixed effect `Sector`", r'pattern="Sector"'),
    "ses:Sector[Private] = 0": (
        r"no fixed effect `ses:Sector\[Private\]`",
        r"Nearest: `ses:Sector\[Public\]`",
    ),
    "cvar(sex, school)": (r"no fixed effect `cvar\(sex, school\)`", r"Nearest: `cvar\(ses, school\)`"),
    "ses Intercept": ("goes on where it should end", "operator missing"),
    "ses = 0 = 1": ("goes on where it should end", "two hypotheses in a list"),
    "ses*Intercept": ("linear", r"\^"),
    "ses/0": ("number other than zero", r"\^"),
    "1/ses": ("number other than zero", r"\^"),
    "(ses": ("not closed", r"\^"),
    "ses = ": ("missing here", r"\^"),
    "ses + ": ("missing here", r"\^"),
    "": ("missing here", ""),
    "ses & Intercept": ("goes on where it should end", r"\^"),
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_text_that_cannot_be_read_is_refused_where_it_fails(text):
    what, more = UNREADABLE[text]
    with pytest.raises(SpecError, match=f"{what}[\\s\\S]*{more}"):
        read_hypothesis(text, NAMES)


def test_the_caret_stands_under_the_unknown_term():
    with pytest.raises(SpecError) as error:
        read_hypothesis("Intercept + sess = 0", NAMES)
    assert error.value.where == "    Intercept + sess = 0\n                ^^^^"


REFUSED = [
    ("1 = 2", "about no coefficient"),
    ("ses - ses", "about no coefficient"),
    (["ses", "2*ses = 4"], r"Row 2 of the hypothesis, `2\*ses = 4`, follows"),
    (["ses", "Intercept", "ses + Intercept"], "Row 3"),
    (np.eye(3), r"shape \(3, 3\)[\s\S]*needs 8 columns: `Intercept`"),
    (np.zeros((2, 2, 8)), "shape"),
    ([], r"shape \(1, 0\)"),
    ({}, "no rows"),
    ([float("nan")] * 8, "not finite"),
    ([["a"]], "text, a pattern, or a matrix"),
    (["ses", 3], "which is not text"),
    (object(), "text, a pattern, or a matrix"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[str(pair[1]) for pair in REFUSED])
def test_hypotheses_that_make_no_sense_are_refused(given, message):
    with pytest.raises(FitError, match=message):
        read_hypothesis(given, NAMES)


def test_unknown_columns_and_patterns_are_refused():
    with pytest.raises(SpecError, match=r"column `sess`[\s\S]*`ses`"):
        read_hypothesis(pd.DataFrame({"sess": [1]}), NAMES)
    with pytest.raises(SpecError, match="No term contains"):
        read_hypothesis(re.compile("minority"), NAMES)
