"""Latent group means integrated out: maximum likelihood, closed forms, what they are for, what is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from laird.bound import model
from laird.errors import FitError

J, N_J = 100, 4
WITHIN, BETWEEN = 0.5, 2.0
RAW, CENTRED = "y ~ x + cvar(x, g) + (1 | g)", "y ~ dvar(x, g) + cvar(x, g) + (1 | g)"
NUMBERS = ["estimate", "se", "lower", "upper"]
# the likelihood is maximised until its predicted gain is below 1e-8: estimates to about 1e-5 sds
MAXIMUM = 1e-5


def simulated(seed, groups=J, rows=N_J, error=2.0):
    """x with a reliability of the mean of 1 / (1 + error²/rows)."""
    rng = np.random.default_rng(seed)
    ids, n = np.repeat(np.arange(groups), rows), groups * rows
    m = rng.normal(size=groups)
    x = m[ids] + rng.normal(0.0, error, n)
    y = 1.0 + WITHIN * x + (BETWEEN - WITHIN) * m[ids] + rng.normal(0, 0.5, groups)[ids] + rng.normal(size=n)
    return pd.DataFrame(
        {"g": ids, "x": x, "y": y, "z": rng.normal(size=n), "w": rng.normal(size=groups)[ids]}
    )


@pytest.fixture(scope="module")
def data():
    return simulated(12)


@pytest.fixture(scope="module")
def fits(data):
    return {
        method: model(RAW, data=data).fit(method, **({"random_seed": 1} if method == "eb" else {}))
        for method in ("ml", "reml", "eb")
    }


def latent(fit, variable="x", **options):
    return fit.contextual(variable, latent=True, **options).set_index("effect")


def negative_log_likelihood(data):
    """Of x = m + r, y = a + β_W r + β_B m + u + e, in (mean of x, a, β_W, β_B, four log sds)."""
    groups = np.stack([data["x"].to_numpy().reshape(J, N_J), data["y"].to_numpy().reshape(J, N_J)], axis=2)
    one, eye = np.ones((N_J, N_J)), np.eye(N_J)

    def negative(p):
        (mean_x, a, b_w, b_b), (tau, within, u, e) = p[:4], np.exp(2 * p[4:])
        between = np.array([[tau, b_b * tau], [b_b * tau, b_b**2 * tau + u]])
        inside = np.array([[within, b_w * within], [b_w * within, b_w**2 * within + e]])
        cov = np.kron(one, between) + np.kron(eye, inside)
        mean = np.tile([mean_x, a + b_b * mean_x], N_J)
        return -multivariate_normal.logpdf(groups.reshape(J, -1), mean, cov).sum()

    return negative


def curvature(function, at, step=1e-4):
    def second(h, k):
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
        return sum(s * t * function(at + s * h + t * k) for s, t in signs) / (4 * step**2)

    steps = step * np.eye(len(at))
    return np.array([[second(h, k) for k in steps] for h in steps])


def components(data, divisor):
    """Covariance matrices of (x, y) within and between balanced groups, by analysis of variance."""
    both = data[["x", "y"]]
    means = data.groupby("g")[["x", "y"]].transform("mean")
    S = (both - means).T @ (both - means) / (J * (N_J - 1))
    centred = means - means.mean()
    T = centred.T @ centred / (N_J * divisor) - S / N_J
    return S.to_numpy(), T.to_numpy()


def test_estimates_and_standard_errors_are_those_of_maximum_likelihood(data, fits):
    negative = negative_log_likelihood(data)
    start = np.array([0.0, 1.0, 0.5, 1.5, 0.0, 0.5, -0.5, 0.0])
    at = minimize(negative, start, method="BFGS", options={"gtol": 1e-6}).x
    se = np.sqrt(np.diag(np.linalg.inv(curvature(negative, at))))
    found = latent(fits["ml"])
    # BFGS by differences ends within 1e-5; differences of the likelihood twice lose half the digits
    assert found["estimate"][["within", "between"]].to_numpy() == pytest.approx(at[2:4], rel=1e-4)
    assert found["se"][["within", "between"]].to_numpy() == pytest.approx(se[2:4], rel=1e-3)


def test_of_balanced_data_they_are_ratios_of_covariance_components(data, fits):
    S, T = components(data, divisor=J)
    found = latent(fits["ml"])["estimate"]
    assert found["within"] == pytest.approx(S[0, 1] / S[0, 0], rel=MAXIMUM)
    assert found["between"] == pytest.approx(T[0, 1] / T[0, 0], rel=MAXIMUM)
    S, T = components(data, divisor=J - 1)
    found = latent(fits["reml"])["estimate"]
    # the restricted likelihood takes β_W as known when it counts degrees of freedom of T: one in 300
    assert found["between"] == pytest.approx(T[0, 1] / T[0, 0], rel=1e-4)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_both_ways_to_write_the_model_give_the_same(data, fits, method):
    found, other = latent(fits[method]), latent(model(CENTRED, data=data).fit(method))
    pd.testing.assert_frame_equal(found, other, rtol=1e-4)


@pytest.mark.parametrize("method", ["ml", "reml", "eb"])
def test_between_is_within_plus_contextual(fits, method):
    found = latent(fits[method])["estimate"]
    assert found["between"] == pytest.approx(found["within"] + found["contextual"], rel=1e-12)


def test_flat_priors_give_the_restricted_likelihood(data, fits):
    flat = model(RAW, data=data, priors="flat").fit("eb", random_seed=1)
    expected = latent(fits["reml"])["estimate"].to_numpy()
    assert latent(flat)["estimate"].to_numpy() == pytest.approx(expected, rel=MAXIMUM)


def test_draws_are_the_same_every_time(fits):
    pd.testing.assert_frame_equal(latent(fits["eb"]), latent(fits["eb"]))


def test_the_posterior_is_near_the_likelihood_of_many_groups():
    data = simulated(5, groups=400, rows=12)
    likelihood = latent(model(RAW, data=data).fit("reml"))
    posterior = latent(model(RAW, data=data).fit("eb", random_seed=2))
    # 1,000 draws, of a weight of some 500 independent ones: ends of intervals to 0.15 sds
    off = (posterior[NUMBERS] - likelihood[NUMBERS]).div(likelihood["se"], axis=0)
    assert (off.abs() < 0.3).all(axis=None)


def test_it_undoes_the_attenuation_of_observed_means():
    """The bias of observed means is -(β_B - β_W)(1 - reliability) (Lüdtke et al. 2008)."""
    found = {False: [], True: []}
    for seed in range(25):
        fit = model(RAW, data=simulated(seed)).fit("ml")
        for kind, values in found.items():
            values.append(fit.contextual("x", latent=kind).set_index("effect").loc["contextual"])
    observed, corrected = (pd.DataFrame(found[kind])["estimate"].astype(float) for kind in (False, True))
    contextual, error = BETWEEN - WITHIN, corrected.std() / np.sqrt(len(corrected))
    assert observed.mean() == pytest.approx(contextual / 2, abs=0.05)  # reliability 1 / (1 + 4 / 4)
    assert corrected.mean() == pytest.approx(contextual, abs=3 * error)
    intervals = pd.DataFrame(found[True])
    covered = intervals["lower"].lt(contextual) & intervals["upper"].gt(contextual)
    assert covered.mean() > 0.8  # 95 % minus three standard errors of 25 data sets


def test_reliable_means_are_as_observed_ones():
    fit = model(RAW, data=simulated(3, groups=40, rows=50, error=0.02)).fit("ml")
    observed = fit.contextual("x").set_index("effect")
    # the mean of 50 rows with errors of 0.02 has a reliability of 0.99999
    assert latent(fit)["estimate"].to_numpy() == pytest.approx(observed["estimate"].to_numpy(), rel=1e-3)


def test_units_do_not_matter(data, fits):
    other = data.assign(x=1e6 + 1e-6 * data["x"], y=-50 + 1e8 * data["y"])
    found = latent(model(RAW, data=other).fit("ml"))
    np.testing.assert_allclose(found[NUMBERS] / 1e14, latent(fits["ml"])[NUMBERS], rtol=1e-3)


def test_interactions_and_random_slopes_of_the_variable(data):
    fit = model("y ~ (x + cvar(x, g)) * w + z + (1 + x | g)", data=data).fit("reml")
    found = fit.contextual("x", latent=True, at={"w": [-1.0, 1.0]})
    assert found["w"].tolist() == [-1.0] * 3 + [1.0] * 3
    between = found[found["effect"] == "between"]
    assert (between["lower"] < BETWEEN).all()
    assert (between["upper"] > BETWEEN).all()
    assert (found["method"] == "satterthwaite, latent mean").all()


def test_posterior_means_are_those_of_the_fit_by_nuts(data):
    fit = model(RAW, data=data).fit(
        "nuts", draws=200, tune=200, chains=2, cores=1, random_seed=1, progress=False
    )
    found = latent(fit)
    assert set(found["method"]) == {"posterior, latent mean"}
    assert found["lower"]["between"] < BETWEEN < found["upper"]["between"]


@pytest.mark.parametrize(
    ("formula", "variable", "message"),
    [
        ("y ~ x + cvar(x, g)", "x", "of groups that have a random term"),
        ("y ~ x + cvar(x, g, loo=True) + (1 | g)", "x", "there must be one plain group mean"),
        ("y ~ h + cvar(h, g) + (1 | g)", "h", "`h\\[v\\]` is a level of a category"),
        ("y ~ x * cvar(x, g) + I(x^2) + (1 | g)", "x", "depends on `x` in another way"),
        ("y ~ dvar(x, g) * cvar(x, g) + (1 | g)", "x", "holds the square of the group mean"),
        ("y ~ x + cvar(x, g) + (1 + dvar(x, g) | g)", "x", "a random slope holds the group mean of `x`"),
        ("y ~ x + cvar(x, g) + (1 | g) + (1 | k)", "x", "the model has several grouping factors"),
    ],
)
def test_models_without_a_latent_mean(data, formula, variable, message):
    data = data.assign(h=np.where(data["z"] > 0, "u", "v"), k=np.arange(len(data)) % 10)
    fit = model(formula, data=data).fit("reml")
    with pytest.raises(FitError, match=message):
        fit.contextual(variable, latent=True)


def test_other_requests_that_are_refused(data, fits):
    scaled = model(RAW, "sigma ~ z", data=data).fit("ml")
    with pytest.raises(FitError, match="the model has regressions of sds"):
        scaled.contextual("x", latent=True)
    with pytest.raises(FitError, match="least squares has no group effects"):
        model(RAW, data=data).fit("ols").contextual("x", latent=True)
    heavy = model(RAW, data=data, priors={"cvar(x, g)": "student_t(3, 0, 1)"}).fit("eb", random_seed=1)
    with pytest.raises(FitError, match="priors of coefficients must be normal or flat"):
        heavy.contextual("x", latent=True)
    with pytest.raises(FitError, match="`draws` is an option of sampling"):
        fits["ml"].contextual("x", latent=True, draws=100)
    with pytest.raises(FitError, match="latent = 'yes' is not possible"):
        fits["ml"].contextual("x", latent="yes")


def test_a_variable_without_a_level_of_its_own_is_refused(data):
    rng = np.random.default_rng(4)
    noise = rng.normal(size=len(data))
    same = data.assign(x=noise - pd.Series(noise).groupby(data["g"]).transform("mean") * 0.9)
    with pytest.raises(FitError, match="groups of `g` do not differ in `x` by more than chance"):
        model(RAW, data=same).fit("ml").contextual("x", latent=True)
