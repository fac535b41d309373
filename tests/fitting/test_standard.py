import numpy as np
import pytest
from scipy import stats

from laird.fitting.standard import Standard

S, COUNT = 4, 50_000
SHAPES = {"normal": 0.0, "t": 5.0, "skew_normal": 3.0}


def standard(family):
    return Standard(family, np.full((S, 1), SHAPES[family]))


@pytest.mark.parametrize("family", SHAPES)
def test_draws_have_mean_zero_and_sd_one(family):
    z = standard(family).draw(COUNT, np.random.default_rng(1))
    assert z.shape == (S, COUNT)
    # 200,000 draws: five standard errors of the mean, and of the variance of a t with kurtosis 9.
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(8 / z.size)


@pytest.mark.parametrize("family", SHAPES)
def test_densities_have_mass_one_mean_zero_and_variance_one(family):
    grid = np.linspace(-200, 200, 400_001)
    density = np.exp(standard(family).logpdf(np.broadcast_to(grid, (S, len(grid)))))[0]
    moments = [np.trapezoid(grid**k * density, grid) for k in (0, 1, 2)]
    # The second moment of t_5 beyond 200 is about 1e-6.
    assert moments == pytest.approx([1.0, 0.0, 1.0], abs=1e-5)


def test_densities_are_those_of_scipy():
    z = np.array([[-2.0, 0.3, 4.0]] * S)
    t = stats.t(5, scale=np.sqrt(3 / 5)).logpdf(z)
    skew = stats.skewnorm(3.0)
    skewed = stats.skewnorm(3.0, loc=-skew.mean() / skew.std(), scale=1 / skew.std()).logpdf(z)
    np.testing.assert_allclose(standard("t").logpdf(z), t, rtol=1e-12)  # the same formulas
    np.testing.assert_allclose(standard("skew_normal").logpdf(z), skewed, rtol=1e-10)


def test_columns_of_a_block_share_their_weight_and_are_uncorrelated():
    z = standard("t").vectors(COUNT, (0, 1), np.random.default_rng(2))
    first, second = z[..., 0].ravel(), z[..., 1].ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03  # heavy tails: ten standard errors
    assert np.corrcoef(first**2, second**2)[0, 1] > 0.1
    assert second.std() == pytest.approx(1.0, abs=0.05)
