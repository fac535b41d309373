"""Values of interacting variables: defaults, choices, and wrong ones."""

import pytest

from laird.bound import model
from laird.errors import FitError

FORMULA = "mathach ~ (ses + cvar(ses, school)) * (Sector + PRACAD) + (1 | school)"


@pytest.fixture(scope="module")
def own(hs):
    return model(FORMULA, data=hs).fit()


def test_categories_are_at_each_level_and_numbers_at_their_mean(own, hs):
    table = own.contextual("ses")
    assert table["Sector"].unique().tolist() == ["Catholic", "Public"]
    assert table["PRACAD"].to_numpy() == pytest.approx(hs["PRACAD"].mean())


def test_values_can_be_chosen(own):
    table = own.contextual("ses", at={"Sector": "Public", "PRACAD": [0.2, 0.8]})
    assert table["Sector"].tolist() == ["Public"] * 6
    assert table["PRACAD"].tolist() == [0.2] * 3 + [0.8] * 3
    difference = table["estimate"].iloc[3] - table["estimate"].iloc[0]
    assert difference == pytest.approx(0.6 * own.fixef["ses:PRACAD"], rel=1e-10)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            {"Sektor": "Public"},
            "`at` names `Sektor`, which does not interact with the variable.\nNearest: `Sector`.",
        ),
        ({"Sector": "Private"}, "`Sector` has no level 'Private'."),
        ({"PRACAD": "high"}, "the value of `PRACAD` must be a finite number, not 'high'"),
        ({"PRACAD": float("nan")}, "must be a finite number, not nan"),
    ],
)
def test_wrong_values_are_refused(own, at, message):
    with pytest.raises(FitError) as caught:
        own.contextual("ses", at=at)
    assert message in str(caught.value)
