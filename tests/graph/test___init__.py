from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from tests.graph.cases import STRUCTURES
from tests.posterior.designs import design

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


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_every_structure_has_both_forms(name, form):
    d = STRUCTURES[name]
    model = graph(d, prior_table((), d), form)
    assert len(model.observed_RVs) == 1
    assert ("z_g0" in model.named_vars) == (form == "explicit" and any(r.group == "g0" for r in d.random))


def test_weights_have_no_explicit_form():
    """A row that counts one and a half times is no random variable."""
    d = replace(design(q=0), weights=np.full(40, 1.5))
    assert graph(d, prior_table((), d)).observed_RVs
    with pytest.raises(SpecError, match="Weights") as caught:
        graph(d, prior_table((), d), "explicit")
    assert "marginal" in caught.value.remedy


def test_names_that_are_not_identifiers_are_written_with_underscores():
    d = design(group="batch:cask")
    names = set(graph(d, prior_table((), d)).named_vars)
    assert {"sd_batch_cask", "cor_batch_cask", "partial_batch_cask"} <= names
