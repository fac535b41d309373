"""The table of true effects against metafor's blup()."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld


@pytest.fixture(scope="module")
def model():
    return ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_eblups_as_metafor_gives_them(model, method):
    peer = peers.meta(f"bcg-{method}")
    found = ld.true_effects(model, methods=method)
    np.testing.assert_allclose(found.eblup, peer["blup"], rtol=1e-5)
    np.testing.assert_allclose(found.eblup_sd, peer["blup_se"], rtol=1e-5)


def test_the_factor_depends_on_moderators_twice():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    found = ld.true_effects(fit, data.study)
    np.testing.assert_allclose(found.eblup_factor, data.vi / (data.vi.to_numpy() + fit.sigma**2), rtol=1e-10)
    pulled = found.blue + found.eblup_factor * (found["mean"] - found.blue)
    np.testing.assert_allclose(found.eblup, pulled, rtol=1e-9)
    np.testing.assert_allclose(found.blue_sd, np.sqrt(data.vi), rtol=1e-12)
    assert found.index.tolist() == data.study.tolist()


def test_outcomes_are_named():
    data = {"a": [1.0, 2.0, 4.0, 3.0, 2.5, 1.0], "b": [2.0, 1.0, 3.0, 5.0, 2.0, np.nan], "v": [0.1] * 6}
    fit = ld.model("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)", data=data).fit("reml")
    found = ld.true_effects(fit)
    assert found.outcome.tolist() == ["a", "b"] * 5 + ["a"]


def test_fits_that_cannot_be_compared_are_refused(model):
    with pytest.raises(ld.FitError, match="two fits give `eblup`"):
        ld.true_effects(model, methods=["ml", "reml"])
    other = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr"))
    with pytest.raises(ld.FitError, match="different models"):
        ld.true_effects([model.fit("ml"), other.fit("reml")])
    with pytest.raises(ld.FitError, match="no fits"):
        ld.true_effects([])
