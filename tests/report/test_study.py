from __future__ import annotations

import pytest

from laird.bound import model
from laird.errors import FitError
from laird.report.study import study


def test_fits_stand_from_the_simplest_to_the_fullest(slopes):
    shuffled = study(slopes.model, reversed(slopes.fits), "", "sas")
    assert [fit.method for fit in shuffled.fits] == ["ols", "reml", "eb", "nuts"]
    assert shuffled.reference.method == "nuts"
    assert [fit.method for fit in shuffled.grouped] == ["reml", "eb", "nuts"]


def test_nothing_to_report_is_refused(plain):
    with pytest.raises(FitError, match="no fits"):
        study(plain.model, [], "", "sas")


def test_two_fits_by_one_method_are_refused(plain):
    with pytest.raises(FitError, match="same method"):
        study(plain.model, [plain.fits[0], plain.fits[0]], "", "sas")


def test_a_fit_of_other_data_is_refused(plain, hs):
    other = model(plain.model.spec, data=hs.head(500))
    with pytest.raises(FitError, match="not of this model"):
        study(plain.model, [other.fit("ols")], "", "sas")
