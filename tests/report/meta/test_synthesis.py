from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.report.meta.synthesis import MOST_UNITS, deletions, is_meta_analysis, synthesis
from laird.report.study import study


def test_everything_is_there_for_every_method(restored):
    assert set(restored.heterogeneity) == {"reml", "eb", "nuts"}
    assert set(restored.varying.tables) == set(restored.predictions.tables) == {"reml", "eb", "nuts"}
    assert restored.likelihood.method == "reml"
    assert len(restored.effects) == len(restored.labels) == 80


def test_without_scale_moderators_nothing_varies(juveniles, vaccine):
    assert juveniles.varying is None
    assert vaccine.varying is None


def test_studies_are_left_out_whole(juveniles, gums, vaccine):
    assert (juveniles.deletions.what, len(juveniles.deletions.influence)) == ("study", 17)
    assert gums.deletions.influence.index[0] == "Pihlstrom et al., 1983"
    assert (gums.deletions.influence["rows"] == 2).all()
    assert vaccine.deletions.influence.index[3] == "Hart & Sutherland, 1977"


def test_left_out_is_what_a_fit_to_the_others_gives(vaccine):
    data = ld.load_data("bcg_rr")
    without = ld.model("yi ~ 1 + meta_V(vi)", data=data.drop(index=0)).fit("reml")
    row = vaccine.deletions.estimates.iloc[0]
    assert row.left_out == "Aronson, 1948"
    # One maximum, searched from two starts.
    assert row.estimate == pytest.approx(without.fixef["Intercept"], rel=1e-6)
    assert row.sd_residual == pytest.approx(without.sigma, rel=1e-5)


def test_rows_that_errors_connect_stay_together():
    data = ld.load_data("assink2016")
    spec = ld.parse_spec(
        "yi ~ 1 + meta_V(V)", known={"V": "vcov_cluster(vi, study, rho=0.6)"}, study=["study", "esid"]
    )
    model = ld.model(spec, data=data)
    found = synthesis(study(model, [model.fit("reml")], "", "sas")).deletions
    assert len(found.influence) == 17
    assert found.influence.index[0] == "study 1, esid 1"


def test_crossed_factors_leave_out_rows():
    data = ld.load_data("konstantopoulos2011").head(15)
    model = ld.model("yi ~ 1 + (1 | district) + (1 | school) + meta_V(vi)", data=data)
    found = deletions(study(model, [model.fit("reml")], "", "sas"), tuple(map(str, range(15))))
    assert len(found.influence) == 15


def test_few_and_many_studies_are_not_left_out():
    n = MOST_UNITS + 1
    rng = np.random.default_rng(1)
    many = {"yi": rng.normal(size=n), "vi": np.full(n, 0.5)}
    model = ld.model("yi ~ 1 + meta_V(vi)", data=many)
    about = study(model, [model.fit("reml")], "", "sas")
    assert deletions(about, tuple(map(str, range(n)))) is None


def test_least_squares_alone_are_no_meta_analysis(vaccine):
    model = vaccine.study.model
    assert is_meta_analysis(vaccine.study)
    assert not is_meta_analysis(study(model, [model.fit("ols")], "", "sas"))


def test_draws_alone_are_left_out_by_reml(study_of):
    about = synthesis(study_of("bcg", "eb"))
    assert about.likelihood is None
    assert about.deletions.method == "reml"
