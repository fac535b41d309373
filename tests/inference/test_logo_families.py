import numpy as np
import pytest
from scipy import stats
from tests.beyond_normal import MANY, with_families

import laird as ld
from laird.errors import FitError
from laird.fitting.standard import Standard
from laird.inference.logo_families import convolved, row_densities, unit_densities

SLEEP = "Reaction ~ Days + ({} | Subject)"


@pytest.fixture(scope="module")
def intercepts():
    return ld.model(SLEEP.format("1"), data=ld.load_data("sleepstudy")).fit("eb", draws=100, random_seed=1)


@pytest.fixture(scope="module")
def slopes():
    return ld.model(SLEEP.format("Days"), data=ld.load_data("sleepstudy")).fit("eb", draws=100, random_seed=1)


@pytest.fixture(scope="module")
def studies():
    return ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("eb", draws=100, random_seed=1)


@pytest.mark.parametrize("family", ["t", "skew_normal"])
@pytest.mark.parametrize("shape", [2.1, 5.0, 300.0])
@pytest.mark.parametrize("v", [0.01, 1.0, 100.0])
def test_a_deviation_plus_a_normal_error(family, shape, v):
    own, x = Standard(family, np.array([[shape]])), np.array([[-3.0, 0.0, 7.0]])
    found = convolved(x, np.full((1, 3), 0.8), own, np.full((1, 3), v))[0]
    r = np.sinh(np.linspace(-12, 12, 200_001))
    density = np.exp(own.logpdf(r[None] / 0.8)[0]) / 0.8
    expected = [np.log(np.trapezoid(density * stats.norm.pdf(at - r, scale=np.sqrt(v)), r)) for at in x[0]]
    # The trapezoidal rule in log g: a thousandth of a nat where ν is close to its limit.
    np.testing.assert_allclose(found, expected, atol=1e-3 if shape < 3 else 1e-6)


@pytest.mark.parametrize(
    ("name", "shapes", "families"),
    [
        ("intercepts", {"nu(Subject)": MANY}, {"Subject": "t"}),
        ("slopes", {"nu(Subject)": MANY}, {"Subject": "t"}),
        ("intercepts", {"alpha(Subject, Intercept)": 0.0}, {"Subject": "skew_normal"}),
        ("intercepts", {"nu(errors)": MANY}, {"errors": "t"}),
        ("intercepts", {"nu(errors)": MANY, "nu(Subject)": MANY}, {"errors": "t", "Subject": "t"}),
        ("studies", {"nu(true_effects)": MANY}, {"true_effects": "t"}),
    ],
)
def test_groups_have_the_normal_density_in_the_limit(name, shapes, families, request):
    fit = request.getfixturevalue(name)
    normal = (
        ld.log_likelihood(fit)
        .to_numpy()
        .reshape(-1, len(np.unique(ld.log_likelihood(fit).coords[ld.log_likelihood(fit).dims[-1]])))
    )
    found = unit_densities(with_families(fit, shapes, **families))
    # A million degrees of freedom change densities of ten rows by some 1e-5.
    np.testing.assert_allclose(found.values, normal, atol=2e-3)
    assert len(found.labels) == normal.shape[1]


def test_a_group_by_integration(intercepts):
    fit = with_families(intercepts, {"nu(Subject)": 4.0, "nu(errors)": 3.0}, Subject="t", errors="t")
    found, design, draws = unit_densities(fit), fit.problem.design, fit.draws
    beta, sigma, tau = draws.flat("beta")[0], np.exp(draws.flat("alpha")[0, 0]), draws.flat("L")[0, 0, 0]
    u = np.linspace(-400, 400, 40_001)
    rows = design.random[0].ids == 3
    left = (design.y - design.X @ beta)[rows, None] - u
    log_rows = stats.t(3, scale=sigma * np.sqrt(1 / 3)).logpdf(left).sum(axis=0)
    log_effects = stats.t(4, scale=abs(tau) * np.sqrt(1 / 2)).logpdf(u)
    expected = np.log(np.trapezoid(np.exp(log_rows + log_effects + 60), u)) - 60
    assert found.values[0, 3] == pytest.approx(expected, abs=1e-3)  # trapezoids of a quarter sd


def test_rows_given_the_effects_of_their_groups(intercepts):
    fit = with_families(intercepts, {"nu(errors)": 5.0}, errors="t")
    draws, design = fit.draws, fit.problem.design
    sigma = np.exp(draws.flat("alpha")[:1, 0])
    mean = design.X @ draws.flat("beta")[0] + draws.flat_effects()[0][0, design.random[0].ids, 0]
    expected = stats.t(5, loc=mean, scale=sigma * np.sqrt(3 / 5)).logpdf(design.y)
    np.testing.assert_allclose(row_densities(fit).values[0], expected, rtol=1e-10)
    assert ld.log_likelihood(fit, "conditional").sizes["row"] == 180


def test_what_cannot_be_integrated_out_is_refused(slopes):
    fit = with_families(slopes, {"nu(errors)": 5.0}, errors="t")
    with pytest.raises(FitError, match="several coefficients, and errors are not normal"):
        ld.loo(fit)
    assert row_densities(fit).values.shape == (100, 180)
