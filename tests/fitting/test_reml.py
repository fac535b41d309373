"""What holds between REML, ML and their parts (peers: tests/test_peer_fits.py)."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.gaussian import dense

FORMULA = "y ~ x * w + (1 + x | g)"


@pytest.fixture(scope="module")
def model():
    return ld.model(FORMULA, data=grouped_frame(J=14, sizes=(4, 9), seed=2))


@pytest.fixture(scope="module", params=["ml", "reml"])
def fit(request, model):
    return model.fit(request.param)


def covariance(fit):
    """Σ at the estimate."""
    random = fit.problem.design.random[0]
    R = np.full(fit.nobs, fit.sigma**2)
    return dense.marginal_covariance(random.Z, random.ids, fit.point.G, R)


def test_log_likelihood_is_the_oracles(fit):
    design = fit.problem.design
    expected = dense.log_likelihood(design.y, design.X, covariance(fit), restricted=fit.method == "reml")
    assert fit.loglik == pytest.approx(expected, rel=1e-10)


def test_estimates_are_the_oracles_at_the_same_covariance(fit):
    design, random = fit.problem.design, fit.problem.design.random[0]
    R = np.full(fit.nobs, fit.sigma**2)
    J, q = len(random.levels), 2
    beta, u, u_cov, _ = dense.blup(design.y, design.X, random.Z, random.ids, J, fit.point.G, R)
    np.testing.assert_allclose(fit.fixef, beta, rtol=1e-8)
    np.testing.assert_allclose(
        fit.vcov, dense.gls(design.y, design.X, covariance(fit))[1], rtol=1e-7, atol=1e-12
    )
    np.testing.assert_allclose(fit.ranef("g"), u, rtol=0, atol=1e-9)
    sd = np.sqrt(np.diag(u_cov)).reshape(J, q)
    np.testing.assert_allclose(fit.ranef_sd("g"), sd, rtol=1e-8)


def test_residuals_are_orthogonal_where_theory_says(fit):
    """X'Σ⁻¹(y - Xβ̂) = 0, and Σ⁻¹(y - Xβ̂) = (y - Xβ̂ - Zû)/σ²."""
    marginal = np.linalg.solve(covariance(fit), fit.residuals(level="population"))
    np.testing.assert_allclose(fit.problem.design.X.T @ marginal, 0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit.residuals() / fit.sigma**2, marginal, rtol=0, atol=1e-9)


def test_random_effects_sum_to_zero(fit):
    """The intercept and x are fixed effects too, so X'Z-weighted sums vanish: Σ_j û_j = 0."""
    np.testing.assert_allclose(fit.ranef("g").sum(), 0, rtol=0, atol=1e-9)


def test_ml_variances_are_smaller(model):
    ml, reml = model.fit("ml").varcorr, model.fit("reml").varcorr
    sds = ml.term2 == ""
    assert (ml.sdcor[sds] < reml.sdcor[sds] * (1 + 1e-9)).all()


def test_a_saturated_random_part_is_nearly_the_groups_own_lines():
    """With little noise the EBLUPs are the groups' own estimates."""
    fit = ld.model("y ~ x + (1 + x | g)", data=grouped_frame(sigma=1e-4)).fit("reml")
    assert fit.sigma == pytest.approx(1e-4, rel=0.3)
    table = ld.shrinkage(fit)
    np.testing.assert_allclose(table.eblup, table.blue, rtol=0, atol=1e-5)


def test_adding_a_random_slope_cannot_lower_the_likelihood():
    frame = grouped_frame(J=14, sizes=(4, 9), seed=2)
    for method in ("ml", "reml"):
        chain = [f"y ~ x * w + {term}" for term in ("(1 | g)", "(1 + x || g)", "(1 + x | g)")]
        values = [ld.model(formula, data=frame).fit(method).loglik for formula in chain]
        assert values[0] <= values[1] + 1e-8
        assert values[1] <= values[2] + 1e-8


def test_checks_are_convergence_boundary_and_groups(fit):
    assert list(fit.check().check) == ["convergence", "boundary", "groups"]


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_a_contextual_effect_is_estimated_where_groups_do_not_differ_otherwise(method):
    """Never zero because a variance is (statsmodels#10239); at τ = 0 it is least squares."""
    frame = grouped_frame(J=14, sizes=(4, 9), seed=2)
    noise = np.random.default_rng(0).normal(size=len(frame))
    noise -= pd.Series(noise).groupby(frame.g).transform("mean")
    frame = frame.assign(y=frame.x + 1.5 * frame.w + noise)
    found, pooled = (ld.model("y ~ x + w + (1 | g)", data=frame).fit(m) for m in (method, "ols"))
    assert found.status == "boundary"
    assert found.varcorr.sdcor[0] == 0.0
    np.testing.assert_allclose(found.fixef, pooled.fixef, rtol=1e-9)
    np.testing.assert_array_less(0.0, found.se)
    assert abs(found.fixef["w"]) > 1.0


LARGE = """
import re
from pathlib import Path
import numpy as np
import laird as ld

rng, n, J = np.random.default_rng(0), 183_000, 30_000
g, x = rng.permutation(np.arange(n) % J), rng.normal(size=n)
y = 1 + x + rng.normal(size=J)[g] + rng.normal(size=J)[g] * x + rng.normal(size=n)
fit = ld.model("y ~ x + (1 + x | g)", data={"y": y, "x": x, "g": g}).fit("reml")
kibibytes = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(fit.status, fit.ngroups["g"], kibibytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_thirty_thousand_groups_need_less_than_a_gibibyte_in_all():
    """A dense matrix of 183,000 rows × 30,000 groups would have 41 GiB.

    Not `getrusage`: its peak includes that of the process which started this one.
    """
    run = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    status, J, peak = run.stdout.split()
    assert (status, J) == ("ok", "30000")
    assert int(peak) < 2**20
