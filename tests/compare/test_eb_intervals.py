"""Naive, corrected and full posterior intervals side by side."""

import numpy as np
import pytest
from scipy import stats
from tests.fitting.problems import balanced_frame, grouped_frame

import laird as ld
from laird.compare import eb_intervals as module

SCHOOLS = {"y": [28.0, 8, -3, 7, -1, 1, 18, 12], "v": [225.0, 100, 256, 121, 81, 121, 100, 324]}


@pytest.fixture(scope="module")
def schools():
    return ld.model("y ~ 1 + meta_V(v)", data=SCHOOLS).fit("eb", draws=4000, random_seed=1)


def exact_effects(model, y, v):
    """Posterior means and sds of the true effects by a grid over tau; mu integrated exactly."""
    rows = {row.parameter: row.values for row in model.priors}
    (m, s), scale = rows["Intercept"], rows["sigma"][-1]
    tau = np.linspace(0, 15 * scale, 6001)[1:, None]
    w = 1 / (v + tau**2)
    precision = w.sum(axis=1, keepdims=True) + s**-2
    mu = (w @ y[:, None] + m * s**-2) / precision
    log_p = (
        0.5 * np.log(w).sum(axis=1) - 0.5 * np.log(precision[:, 0]) + stats.t(3, 0, scale).logpdf(tau[:, 0])
    )
    log_p -= 0.5 * (w @ y**2 - precision[:, 0] * mu[:, 0] ** 2)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    B = v * w
    mean = y - B * (y - mu)
    variance = v * (1 - B) + B**2 / precision
    total = p @ mean
    return total, np.sqrt(p @ (variance + mean**2) - total**2)


def test_corrections_come_near_the_exact_posterior(schools):
    y, v = (np.array(SCHOOLS[name]) for name in "yv")
    mean, sd = exact_effects(ld.model("y ~ 1 + meta_V(v)", data=SCHOOLS), y, v)
    table = ld.eb_intervals(schools)
    # REML and the mode are at zero: naive sds are those of the mean alone, the same for all schools.
    assert np.ptp(table.naive_sd) < 1e-9
    assert np.all(table.naive_sd < 0.72 * sd)
    # A first-order approximation of eight schools: within a tenth of the sds, and of them.
    np.testing.assert_allclose(table.corrected, mean, atol=0.12 * sd.min())
    np.testing.assert_allclose(table.corrected_sd, sd, rtol=0.12)
    error = sd / np.sqrt(min(schools.draws.effective, 4000))
    assert np.all(np.abs(table.posterior - mean) < 4 * error)
    np.testing.assert_allclose(table.posterior_sd, sd, rtol=0.08)
    assert np.all(table.morris_sd > table.naive_sd)


def test_naive_is_what_the_fit_reports(schools):
    table, own = ld.eb_intervals(schools, prob=0.8), ld.true_effects(schools, prob=0.8)
    np.testing.assert_allclose(table.naive, own.eb, rtol=1e-12)
    z = stats.norm.ppf(0.9)
    np.testing.assert_allclose(table.naive_upper - table.naive_lower, 2 * z * table.naive_sd, rtol=1e-12)
    fit = ld.model("y ~ x + (1 + x | g)", data=grouped_frame(J=10)).fit("eb", draws=500, random_seed=1)
    table = ld.eb_intervals(fit)
    np.testing.assert_allclose(table.naive, fit.group_coef("g").to_numpy().ravel(), rtol=1e-12)
    np.testing.assert_allclose(table.naive_sd, fit.group_coef_sd("g").to_numpy().ravel(), rtol=1e-12)
    assert list(table.columns[:3]) == ["group", "term", "n"]
    assert table.term.tolist()[:2] == ["Intercept", "x"]


def test_corrected_sds_of_groups_come_near_those_of_the_posterior():
    """Eight groups: closer than the naive ones, which are too small."""
    fit = ld.model("y ~ 1 + (1 | g)", data=grouped_frame(J=8, seed=3, sd=(0.5, 0.0))).fit(
        "eb", draws=8000, random_seed=1
    )
    table = ld.eb_intervals(fit)
    ratio = table[["naive_sd", "corrected_sd"]].div(table.posterior_sd, axis=0).mean()
    assert ratio.naive_sd < 0.95
    assert abs(ratio.corrected_sd - 1) < 0.7 * (1 - ratio.naive_sd)


@pytest.mark.parametrize(
    ("formula", "group"), [("y ~ x + (1 | h/g)", "h:g"), ("y ~ x + (1 | h) + (1 | k)", "k")]
)
def test_several_factors(formula, group):
    frame = grouped_frame(J=12)
    frame = frame.assign(h=frame.g.str[2].astype(int) % 6, k=np.arange(len(frame)) % 7)
    fit = ld.model(formula, data=frame).fit("eb", draws=500, random_seed=1)
    table = ld.eb_intervals(fit, group)
    assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    # The correction is positive at the same θ; the mode on the log scale may lie lower.
    assert table.corrected_sd.mean() > 0.95 * table.naive_sd.mean()
    with pytest.raises(ld.FitError, match="no single grouping factor"):
        ld.eb_intervals(fit)


def test_nuts_stands_beside_it():
    model = ld.model("y ~ 1 + (1 | g)", data=grouped_frame(J=8, sd=(1.0, 0.0)))
    eb = model.fit("eb", draws=4000, random_seed=1)
    nuts = model.fit("nuts", draws=500, tune=300, chains=2, cores=1, random_seed=1, progress=False)
    table = ld.eb_intervals([eb, nuts])
    np.testing.assert_allclose(table.nuts_sd, table.posterior_sd, rtol=0.15)  # some 700 effective draws
    np.testing.assert_allclose(table.nuts, nuts.group_coef("g").to_numpy().ravel(), rtol=1e-9)


def test_summaries_give_normal_intervals():
    model = ld.model("y ~ x + (1 + x | g)", data=grouped_frame(J=10))
    kept, summed = (model.fit("eb", draws=2000, random_seed=1, keep=keep) for keep in ("draws", "summary"))
    one, other = ld.eb_intervals(kept), ld.eb_intervals(summed)
    np.testing.assert_allclose(other.posterior, one.posterior, rtol=1e-9)
    np.testing.assert_allclose(other.posterior_sd, one.posterior_sd, rtol=1e-6)


def test_true_effects_have_their_labels_and_morris_where_he_has_one():
    bcg = ld.load_data("bcg_rr")
    table = ld.eb_intervals(
        ld.model("yi ~ ablat + meta_V(vi)", data=bcg).fit("eb", draws=500), labels=bcg.author
    )
    assert table.label.tolist() == bcg.author.tolist()
    assert "morris_sd" in table
    scaled = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ ablat", data=bcg).fit("eb", draws=500, random_seed=1)
    table = ld.eb_intervals(scaled)
    assert "morris" not in table
    assert np.isfinite(table.corrected_sd).all()


def test_groups_beside_known_variances_are_asked_for_by_name():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=30), "v": rng.uniform(0.1, 0.3, 30), "study": np.repeat(np.arange(10), 3)}
    fit = ld.model("y ~ 1 + (1 | study) + meta_V(v)", data=data).fit("eb", draws=500, random_seed=1)
    assert len(ld.eb_intervals(fit)) == 30
    assert len(ld.eb_intervals(fit, "study")) == 10


def test_a_posterior_without_a_mode_has_no_correction(monkeypatch):
    frame = balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05])
    fit = ld.model("y ~ 1 + (1 | g)", data=frame).fit("eb", draws=500, random_seed=1)
    monkeypatch.setattr(module, "peak", lambda *_: None)
    table = ld.eb_intervals(fit)
    assert table.corrected_sd.isna().all()
    assert table.posterior_sd.notna().all()


@pytest.mark.parametrize("given", ["reml", "nothing", "twice"])
def test_other_fits_are_refused(given, schools):
    fits = {"reml": [schools, ld.model("y ~ 1 + meta_V(v)", data=SCHOOLS).fit("reml")], "nothing": []}
    with pytest.raises(ld.FitError, match='one fit by "eb"'):
        ld.eb_intervals(fits.get(given, [schools, schools]))


def test_fits_of_other_data_and_unknown_groups_are_refused():
    model = ld.model("y ~ 1 + (1 | g)", data=grouped_frame(J=8))
    eb = model.fit("eb", draws=500)
    with pytest.raises(ld.FitError, match="no random coefficients by `school`"):
        ld.eb_intervals(eb, "school")
    with pytest.raises(ld.FitError, match="prob = 2"):
        ld.eb_intervals(eb, prob=2)
    other = ld.model("y ~ 1 + (1 | g)", data=grouped_frame(J=8, seed=5))
    nuts = other.fit("nuts", draws=100, tune=100, chains=1, cores=1, progress=False)
    with pytest.raises(ld.FitError, match="different models or data"):
        ld.eb_intervals([eb, nuts])
