import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.variances import drawn_shares, mean_square, refuse_unavailable, shares, shares_at


def test_mean_variances_of_the_rows(hs_fit):
    fit = hs_fit("reml")
    design = fit.problem.design
    own = shares(fit)
    Z = design.random[0].Z
    assert own.groups[0, 0] == pytest.approx(np.mean(np.einsum("ia,ab,ib->i", Z, fit.point.G, Z)))
    assert own.fixed[0] == pytest.approx(np.var(design.X @ fit.point.beta, ddof=1))
    assert own.residual[0] == pytest.approx(fit.sigma**2)
    assert own.total[0] == pytest.approx(own.groups[0, 0] + fit.sigma**2)
    np.testing.assert_allclose(mean_square(design.random[0]), Z.T @ Z / len(Z))


def test_one_row_per_factor():
    frame = pd.DataFrame({"y": np.random.default_rng(0).normal(size=60), "g": np.arange(60) // 10})
    frame["h"] = np.arange(60) % 5
    fit = ld.model("y ~ 1 + (1 | g) + (1 | h)", data=frame).fit()
    assert shares(fit).groups.shape == (2, 1)
    np.testing.assert_allclose(shares(fit).groups[:, 0], np.diag(fit.point.G))


def test_every_draw_has_its_own(hs_fit):
    fit = hs_fit("eb")
    found = drawn_shares(fit)
    k = 7
    L, sigma = fit.draws.flat("L")[k], fit.draws.flat("sigma")[k]
    at = shares_at(fit, fit.draws.flat("beta")[[k]], (L @ L.T)[None], np.array([sigma**2]))
    assert found.groups[0, k] == pytest.approx(at.groups[0, 0])
    assert found.fixed[k] == pytest.approx(at.fixed[0])


def test_predictors_of_sigma_are_averaged(hs):
    fit = ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sex", data=hs).fit()
    assert shares(fit).residual[0] == pytest.approx(np.mean(fit.sigma**2))


def test_fits_without_such_variances_are_refused(hs, hs_fit):
    with pytest.raises(ld.FitError, match="random terms"):
        refuse_unavailable(hs_fit("ols"))
    with pytest.raises(ld.FitError, match="random terms"):
        shares(ld.model("mathach ~ ses", data=hs).fit())
    with pytest.raises(ld.FitError, match="not one number"):
        shares(ld.model("mathach ~ 1 + (1 | school)", "sd(school) ~ Sector", data=hs).fit("ml"))
    with pytest.raises(ld.FitError, match="no draws"):
        drawn_shares(hs_fit("reml"))
