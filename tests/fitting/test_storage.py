import numpy as np
import pytest

import laird as ld
from laird.fitting.storage import GROUP, STATE, fit_tree


@pytest.fixture(scope="module")
def model(dyestuff):
    return ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff)


def test_a_group_holds_what_the_others_do_not(model):
    fit = model.fit("eb", draws=400, random_seed=1)
    tree = fit_tree(fit._parts())
    assert list(tree.children) == ["posterior", "sample_stats", "observed_data", "constant_data", GROUP]
    text = tree[GROUP][STATE].item()
    for path in ("/posterior/beta", "/posterior/u_Batch", "/observed_data/Yield", "/constant_data/X"):
        assert f'"{path}"' in text
    # L and alpha of 400 draws, and estimates; not the draws of six groups
    assert tree[GROUP]["float64"].size < 400 * 6
    assert tree[GROUP].attrs["method"] == "eb"


def test_fits_without_draws_have_their_data(model):
    tree = fit_tree(model.fit("reml")._parts())
    assert list(tree.children) == ["observed_data", "constant_data", GROUP]
    assert np.isfinite(tree.attrs["check_convergence"])


def test_where_nothing_can_be_written_is_said(model, tmp_path):
    fit = model.fit("reml")
    with pytest.raises(ld.FitError, match="cannot be written: No such file or directory"):
        fit.save(tmp_path / "nowhere" / "fit.nc")
    with pytest.raises(ld.FitError, match="3 is no path"):
        fit.save(3)
