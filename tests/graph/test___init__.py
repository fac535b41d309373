from dataclasses import replace

import pymc as pm
import pytest
from tests.posterior.designs import design

from laird.design import ScaleDesign
from laird.errors import SpecError
from laird.graph import graph
from laird.posterior import prior_table


@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_forms_are_ordinary_models(form):
    d = design()
    model = graph(d, prior_table((), d), form)
    assert isinstance(model, pm.Model)
    assert [v.name for v in model.observed_RVs] == ["score"]
    assert not model.potentials


def test_marginal_is_the_default():
    d = design()
    assert "z_school" not in graph(d, prior_table((), d)).named_vars


def test_unknown_form_names_the_nearest():
    d = design()
    with pytest.raises(SpecError, match="no graph form `marginall`") as caught:
        graph(d, prior_table((), d), "marginall")
    assert caught.value.allowed == "Nearest: `marginal`."


def test_several_grouping_factors_are_refused():
    d = design()
    two = replace(d, random=(d.random[0], replace(d.random[0], group="class")))
    with pytest.raises(SpecError, match="at most one grouping factor; this model has `school`, `class`"):
        graph(two, prior_table((), two))


def test_regressions_of_sds_are_refused():
    """A graph with a constant sigma would be another model."""
    d = design()
    scale = ScaleDesign("sigma", "", d.X[:, :1], ("Intercept",))
    with pytest.raises(SpecError, match="constant standard deviations"):
        graph(replace(d, scales=(scale,)), prior_table((), d))


def test_names_that_are_not_identifiers_are_written_with_underscores():
    d = design(group="batch:cask")
    names = set(graph(d, prior_table((), d)).named_vars)
    assert {"sd_batch_cask", "cor_batch_cask", "partial_batch_cask"} <= names
