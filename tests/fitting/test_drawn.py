"""Sds of rows by draw, against the regressions of one draw at a time."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting.drawn import drawn_scales
from laird.fitting.regressions import estimates, row_sigma
from laird.gaussian.theta import Theta

DRAWS = 300


@pytest.fixture(scope="module")
def fit():
    frame = grouped_frame(J=15, seed=1).assign(v=lambda d: 0.1 + 0.2 * (d.x > 0))
    parts = ('y ~ x + (1 | g) + meta_V(v, scale="proportional")', "sigma ~ x", "sd(g) ~ w")
    return ld.model(*parts, data=frame).fit("eb", draws=DRAWS, random_seed=1)


def one(theta: Theta, s: int) -> Theta:
    delta = tuple(own[0, s] for own in theta.delta)
    return Theta(theta.L[0, s], theta.alpha[0, s], delta, theta.log_phi[0, s], theta.zeta[0, s])


def test_rows_have_the_sds_of_each_draw(fit):
    problem, design = fit.problem, fit.problem.design
    scales, part = drawn_scales(problem, design, fit.draws), slice(3, 30)
    sigma, phi, stretch = scales.sigma(part), scales.phi(), scales.stretch("g", part)
    W = next(s.W for s in design.scales if s.parameter == "sd")
    for s in (0, 7, 200):
        at = estimates(problem.codings, one(fit.draws.theta, s))
        np.testing.assert_allclose(sigma[s], row_sigma(design, at)[part], rtol=1e-12)
        assert phi[s] == pytest.approx(
            np.exp(problem.codings.of("phi").coefficients(one(fit.draws.theta, s)))[0]
        )
        own = next(r for r in at if r.parameter == "sd")
        expected = np.exp(W[part] @ own.estimate) / fit.draws.sd[0, s, 0]
        np.testing.assert_allclose(stretch[s], expected, rtol=1e-10)


def test_constant_sds_are_one_number():
    fit = ld.model("y ~ x + (1 | g)", data=grouped_frame()).fit("eb", draws=100, random_seed=1)
    scales = drawn_scales(fit.problem, fit.problem.design, fit.draws)
    np.testing.assert_allclose(scales.sigma(slice(0, 4)), fit.draws.flat("sigma")[:, None] * np.ones(4))
    assert scales.stretch("g", slice(0, 4)).item() == 1.0
    assert (scales.phi() == 1.0).all()


@pytest.mark.parametrize("kind", ["mean", "response"])
def test_predictions_with_regressions_agree_with_the_formulas(kind):
    """A hundred groups: draws and REML's normal intervals must agree."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(100), 8)
    x, w = rng.normal(size=800), rng.normal(size=100)[g]
    y = 1 + x + (np.exp(0.3 * w) * rng.normal(size=100)[g]) + np.exp(0.4 * x - 0.5) * rng.normal(size=800)
    frame = pd.DataFrame({"y": y, "x": x, "w": w, "g": g.astype(str)})
    model = ld.model("y ~ x + (1 | g)", "sigma ~ x", "sd(g) ~ w", data=frame)
    new = {"x": [-1.0, 1.0], "w": [1.0, -1.0], "g": ["new", "new"]}
    tables = [
        model.fit(method, **options).predict(new, groups="new", kind=kind)
        for method, options in (("reml", {}), ("eb", {"draws": 4000, "random_seed": 1}))
    ]
    np.testing.assert_allclose(tables[1].estimate, tables[0].estimate, rtol=0, atol=0.05)
    np.testing.assert_allclose(tables[1].se, tables[0].se, rtol=0.08)


def test_several_factors_have_predictions_by_draws():
    frame = grouped_frame(J=12).assign(h=lambda d: [f"h{k % 5}" for k in range(len(d))])
    fit = ld.model("y ~ x + (1 | g) + (1 | h)", data=frame).fit("eb", draws=2000, random_seed=1)
    table = fit.predict(frame[:6])
    u, v = (own[:, :, 0] for own in fit.draws.flat_effects())
    levels = [list(r.levels) for r in fit.problem.design.random]
    beta = fit.draws.flat("beta")
    for i in range(6):
        values = beta[:, 0] + beta[:, 1] * frame.x[i]
        values = values + u[:, levels[0].index(frame.g[i])] + v[:, levels[1].index(frame.h[i])]
        assert table.se[i] == pytest.approx(values.std(ddof=1), rel=1e-9)
