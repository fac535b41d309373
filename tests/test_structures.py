"""Nested and crossed factors and regressions of log sds, through `ld.model(...)`, by ML and REML."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import laird as ld
from tests.gaussian.structures import Coordinates, of_fit
from tests.peers import GOLDEN, golden

# ---- lme4's fits ----

# lme4 stopped where the deviance is flat to about 1e-10: variance parameters are good to its root.
RELATIVE = 1e-5

FORMULAS = {
    "pastes-reml": "strength ~ 1 + (1 | batch/cask)",
    "penicillin-reml": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "insteval-reml": "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)",
}
GROUPS = {"cask:batch": "batch:cask"}
TERMS = {"(Intercept)": "Intercept", "service1": "service[1]"}


def peer(name):
    return next(entry for entry in golden("peers_crossed") if entry["id"] == name)


def peer_frame(name):
    """All columns but the outcome are labels."""
    outcome = FORMULAS[name].partition(" ")[0]
    path = GOLDEN / f"{peer(name)['data']}.csv.gz"
    return pd.read_csv(path, dtype=str).astype({outcome: float})


@pytest.fixture(scope="module")
def peer_fit():
    """``peer_fit(name)``: laird's fit of a stored case, made once."""
    made = {}

    def fit(name):
        if name not in made:
            made[name] = ld.model(FORMULAS[name], data=peer_frame(name)).fit("reml")
        return made[name]

    return fit


@pytest.mark.parametrize("name", FORMULAS)
def test_lme4_agrees(name, peer_fit):
    expected, fit = peer(name), peer_fit(name)
    assert fit.status == "ok"
    assert fit.nobs == expected["nobs"]
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-8, abs=1e-6)
    assert fit.loglik >= expected["loglik"] - 1e-6
    assert fit.sigma == pytest.approx(expected["sigma"], rel=RELATIVE)
    fixef = {TERMS[term]: value for term, value in expected["fixef"].items()}
    assert fit.fixef.to_dict() == pytest.approx(fixef, rel=RELATIVE)
    se = expected["se"].values() if isinstance(expected["se"], dict) else expected["se"]
    np.testing.assert_allclose(fit.se, list(se), rtol=RELATIVE)


@pytest.mark.parametrize("name", FORMULAS)
def test_lme4_agrees_on_the_sds(name, peer_fit):
    groups = peer_fit(name).varcorr.iloc[:-1]
    found = dict(zip(groups.group, groups.sdcor, strict=True))
    names = {key: key[3:].partition(",")[0] for key in peer(name)["sd"]}
    expected = {GROUPS.get(group, group): peer(name)["sd"][key] for key, group in names.items()}
    assert found == pytest.approx(expected, rel=RELATIVE)


def test_lme4_agrees_on_the_effects(peer_fit):
    compared = 0
    for name in FORMULAS:
        for group, terms in peer(name).get("ranef", {}).items():
            found = peer_fit(name).ranef(GROUPS.get(group, group)).Intercept
            size = np.abs(terms["(Intercept)"]).max()
            np.testing.assert_allclose(found, terms["(Intercept)"], rtol=RELATIVE, atol=RELATIVE * size)
            compared += 1
    assert compared >= 2


# ---- dense matrices ----


def make_frame():
    """Classes in schools in towns in regions; raters across all of them; rows in no order."""
    rng = np.random.default_rng(8)
    n = 150
    klass = np.sort(rng.integers(0, 36, n))
    school, town, region = klass // 3, klass // 6, klass // 12
    rater = rng.integers(0, 7, n)
    x, sex = rng.normal(2, 1, n), rng.integers(0, 2, n)
    w = rng.normal(0, 1, 12)[school]
    e = np.exp(0.1 + 0.25 * x - 0.3 * sex) * rng.normal(0, 0.6, n)
    u = np.exp(0.4 * w) * rng.normal(0, 1, 12)[school]
    y = 5 + x + u + rng.normal(0, 0.7, 12)[school] * x + e
    for ids, sd in ((klass, 0.8), (town, 1.0), (region, 1.2), (rater, 0.9)):
        y += rng.normal(0, sd, ids.max() + 1)[ids]
    columns = {"y": y, "x": x, "w": w, "sex": np.where(sex, "m", "f")}
    labels = {"klass": klass, "school": school, "town": town, "region": region, "rater": rater}
    labels = {name: [f"{name[0]}{j:02d}" for j in ids] for name, ids in labels.items()}
    return pd.DataFrame(columns | labels).sample(frac=1, random_state=1).reset_index(drop=True)


FRAME = make_frame()
MODELS = {
    "two levels nested": ("y ~ x + (1 | school/klass)",),
    "slopes in the outer factor": ("y ~ x + (1 + x | school) + (1 | school:klass)",),
    "three levels nested": ("y ~ x + (1 | town/school/klass)",),
    "crossed": ("y ~ x + (1 | school) + (1 | rater)",),
    "crossed with slopes": ("y ~ x + (1 + x | school) + (1 | rater)",),
    "sigma with crossed factors": ("y ~ x + (1 | school) + (1 | rater)", "sigma ~ x"),
    "group sd with crossed factors": ("y ~ x + (1 | school) + (1 | rater)", "sd(school) ~ w"),
    "three crossed": ("y ~ x + (1 | rater) + (1 | school) + (1 | klass)",),
    "sigma by stratum": ("y ~ x + (1 | school)", "sigma ~ sex"),
    "sigma by row": ("y ~ x + (1 + x | school)", "sigma ~ x + sex"),
    "group sd": ("y ~ x + (1 + x | school)", "sd(school) ~ w"),
    "sigma and group sd": ("y ~ x + (1 | school)", "sigma ~ sex", "sd(school) ~ w"),
    "nested, sigma by row": ("y ~ x + (1 | school/klass)", "sigma ~ x"),
    "nested, outer group sd": ("y ~ x + (1 | school/klass)", "sd(school) ~ w"),
    "no groups, sigma by row": ("y ~ x", "sigma ~ x + sex"),
}
GROUPED = {name: parts for name, parts in MODELS.items() if "|" in parts[0]}
SCALED = {name: parts for name, parts in GROUPED.items() if len(parts) > 1}
METHODS = ("ml", "reml")

_fits = {}


def fitted(name, method):
    """A fit of `FRAME`, made once."""
    if (name, method) not in _fits:
        _fits[name, method] = ld.model(*MODELS[name], data=FRAME).fit(method)
    return _fits[name, method]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture(params=GROUPED)
def name(request):
    return request.param


def test_these_models_are_not_on_the_boundary():
    assert {fitted(name, method).status for name in MODELS for method in METHODS} == {"ok"}


def test_log_likelihood_is_the_oracles(name, method):
    fit = fitted(name, method)
    oracle = of_fit(fit)
    assert fit.loglik == pytest.approx(oracle.log_likelihood(oracle.at, method == "reml"), rel=1e-9)


def test_no_other_point_is_better(name, method):
    """SciPy's optimiser on the dense likelihood, from the estimate moved by 0.3 in every coordinate."""
    fit = fitted(name, method)
    coordinates = Coordinates(of_fit(fit))
    theta = coordinates.pack(coordinates.base.at)
    found = minimize(lambda t: -coordinates.log_likelihood(t, method == "reml"), theta + 0.3, method="BFGS")
    # BFGS with differences stops where the gradient is 1e-5: likelihood to 1e-8, parameters to 1e-4.
    assert -found.fun == pytest.approx(fit.loglik, abs=1e-6)
    assert -found.fun <= fit.loglik + 1e-8 * abs(fit.loglik)
    np.testing.assert_allclose(found.x, theta, rtol=0, atol=2e-3)


def test_coefficients_and_effects_are_the_oracles(name, method):
    fit = fitted(name, method)
    oracle = of_fit(fit).solution()
    np.testing.assert_allclose(fit.fixef, oracle.beta, rtol=1e-7)
    np.testing.assert_allclose(fit.vcov, oracle.beta_cov, rtol=1e-7, atol=1e-10)
    for f, group in enumerate(fit.ngroups):
        np.testing.assert_allclose(fit.ranef(group), oracle.of(f, "u"), rtol=0, atol=1e-7)
        sd = np.sqrt(np.diagonal(oracle.of(f, "cov"), axis1=1, axis2=2))
        np.testing.assert_allclose(fit.ranef_sd(group), sd, rtol=1e-7)


def test_standard_errors_are_those_of_the_oracles_hessian(name, method):
    """Second differences of the dense likelihood with steps of 1e-3: relative errors of about 1e-5."""
    fit = fitted(name, method)
    coordinates = Coordinates(of_fit(fit))
    theta = coordinates.pack(coordinates.base.at)
    H = second_differences(lambda t: -coordinates.log_likelihood(t, method == "reml"), theta)
    A = at_average(coordinates)
    expected = np.sqrt(np.diag(A @ np.linalg.inv(H) @ A.T))
    np.testing.assert_allclose(standard_errors(fit), expected, rtol=2e-4)


def at_average(coordinates):
    """Further sds of a factor are reported where the predictors of its log sd are at their average."""
    base = coordinates.base
    theta = coordinates.pack(base.at)
    A, first = np.eye(len(theta)), len(theta) - sum(map(len, base.at.delta))
    for place, s in zip(base.places, base.s, strict=True):
        A[place.start + 1 : place.stop, first : first + s.shape[1]] = s.mean(axis=0)
        first += s.shape[1]
    return A


def second_differences(function, x, step=1e-3):
    E = step * np.eye(len(x))
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    return np.array(
        [[sum(a * b * function(x + a * h + b * k) for a, b in signs) / (4 * step**2) for h in E] for k in E]
    )


def standard_errors(fit):
    """As reported, in the order and on the scale of the coordinates."""
    table = fit.summary()
    log_sd = {
        (group, term): se / value
        for component, group, term, value, se in table.iloc[:, :5].itertuples(index=False)
        if component == "sd"
    }
    regressions = table[table.component == "log_sd"].set_index("group")
    names = [(r.group, term) for r in fit.problem.design.random for term in r.names]
    log_sd |= {(g, "Intercept"): se for g, se in regressions[regressions.term == "Intercept"].se.items()}
    slopes = regressions[regressions.term != "Intercept"].se
    correlations = table[table.component == "cor"]
    atanh = correlations.se / (1 - correlations.estimate**2)
    return np.concatenate([[log_sd[name] for name in names], atanh, fit.scale_se, slopes])


def test_sigma_without_groups_is_the_best(method):
    """Weighted least squares; SciPy maximises the dense likelihood over α."""
    from laird.gaussian import dense

    fit = fitted("no groups, sigma by row", method)
    design = fit.problem.design
    W = design.scales[0].W

    def objective(alpha):
        V = np.diag(np.exp(2 * W @ alpha))
        return -dense.log_likelihood(design.y, design.X, V, restricted=method == "reml")

    assert fit.loglik == pytest.approx(-objective(fit.scale.to_numpy()), rel=1e-10)
    found = minimize(objective, fit.scale + 0.2, method="BFGS")
    assert -found.fun == pytest.approx(fit.loglik, abs=1e-6)
    np.testing.assert_allclose(found.x, fit.scale, rtol=0, atol=1e-3)
    H = second_differences(objective, fit.scale.to_numpy())
    np.testing.assert_allclose(fit.scale_se, np.sqrt(np.diag(np.linalg.inv(H))), rtol=2e-4)


# ---- the contract for several groupings and for regressions ----

NESTED, CROSSED = "three levels nested", "crossed with slopes"


def test_groups_are_named_and_counted():
    counts = {"town": 6, "town:school": 12, "town:school:klass": FRAME.klass.nunique()}
    assert fitted(NESTED, "reml").ngroups == counts
    assert fitted(CROSSED, "reml").ngroups == {"school": 12, "rater": 7}


@pytest.mark.parametrize("name", [NESTED, CROSSED])
def test_frames_of_every_factor(name):
    fit = fitted(name, "reml")
    for random in fit.problem.design.random:
        for frame in (fit.ranef(random.group), fit.ranef_sd(random.group), fit.group_coef(random.group)):
            assert list(frame.index) == list(random.levels)
            assert list(frame.columns) == list(random.names)
            assert np.isfinite(frame.to_numpy()).all()
        shares = fit.shrinkage_factors(random.group).to_numpy()
        assert np.all((shares > 0) & (shares < 1))


def test_labels_of_nested_groups_name_the_outer_ones():
    labels = fitted(NESTED, "reml").ranef("town:school:klass").index
    towns = FRAME.drop_duplicates("klass")
    expected = sorted(f"{t}:{s}:{k}" for t, s, k in zip(towns.town, towns.school, towns.klass, strict=True))
    assert sorted(labels) == expected


def test_rows_of_variances_follow_the_factors():
    table = fitted(CROSSED, "reml").varcorr
    rows = [
        ("school", "Intercept", ""),
        ("school", "x", ""),
        ("school", "Intercept", "x"),
        ("rater", "Intercept", ""),
        ("residual", "", ""),
    ]
    assert list(table[["group", "term1", "term2"]].itertuples(index=False, name=None)) == rows
    sd = table.sdcor
    np.testing.assert_allclose(table.vcov, [*sd[:2] ** 2, sd[0] * sd[1] * sd[2], *sd[3:] ** 2], rtol=1e-12)


def test_summary_has_a_row_for_every_parameter():
    table = fitted(CROSSED, "reml").summary()
    assert list(table.component) == ["fixed"] * 2 + ["sd", "sd", "cor", "sd", "sigma"]
    assert list(table.group) == ["", "", "school", "school", "school", "rater", ""]
    assert (table.lower < table.estimate).all()
    assert (table.estimate < table.upper).all()


def test_fitted_values_add_all_factors():
    fit = fitted(CROSSED, "reml")
    school, rater = fit.ranef("school").loc[FRAME.school], fit.ranef("rater").loc[FRAME.rater]
    mean = fit.fixef["Intercept"] + fit.fixef["x"] * FRAME.x
    mean += school.Intercept.to_numpy() + school.x.to_numpy() * FRAME.x + rater.Intercept.to_numpy()
    np.testing.assert_allclose(fit.fitted(), mean, rtol=1e-12)
    np.testing.assert_allclose(fit.residuals(), FRAME.y - mean, rtol=0, atol=1e-10)


def test_checks_name_every_factor():
    table = fitted(CROSSED, "reml").check()
    assert list(table.check) == ["convergence", "boundary", "boundary", "groups", "groups"]
    assert "`school`" in table.message[1]
    assert "`rater`" in table.message[2]


def test_the_shrinkage_table_needs_the_factor():
    fit = fitted(CROSSED, "reml")
    with pytest.raises(ld.FitError, match="no single grouping factor") as raised:
        ld.shrinkage(fit)
    assert "`group=`" in raised.value.remedy
    table = ld.shrinkage(fit, group="rater")
    assert list(table.group) == list(fit.ranef("rater").index)
    np.testing.assert_allclose(table.eblup, fit.group_coef("rater").Intercept, rtol=1e-12)
    assert table.n.tolist() == FRAME.rater.value_counts().sort_index().tolist()


def test_unknown_factors_are_named():
    with pytest.raises(ld.FitError, match="no random coefficients by `schol`") as raised:
        fitted(CROSSED, "reml").ranef("schol")
    assert "school" in raised.value.allowed


@pytest.mark.parametrize("name", [NESTED, CROSSED, "sigma with crossed factors"])
def test_predictions_with_several_factors_have_the_joint_variance(name):
    """x'β + z'u of the dense oracle, all effects side by side."""
    fit = fitted(name, "reml")
    table, base = fit.predict(), of_fit(fit)
    oracle = base.solution()
    np.testing.assert_allclose(table.estimate, fit.fitted(), rtol=1e-12)
    joint = base.X @ oracle.cross.T @ base.wide.T
    variance = base.X @ oracle.beta_cov @ base.X.T + joint + joint.T + base.wide @ oracle.cov @ base.wide.T
    # The oracle inverts V, of condition 1e4, in plain NumPy.
    np.testing.assert_allclose(table.se, np.sqrt(np.diag(variance)), rtol=1e-7)


def test_predictions_for_the_population_have_standard_errors():
    fit, X = fitted(CROSSED, "reml"), np.column_stack([np.ones(5), FRAME.x[:5]])
    table = fit.predict(FRAME[["x"]][:5], groups="population")
    np.testing.assert_allclose(table.estimate, X @ fit.fixef, rtol=1e-12)
    np.testing.assert_allclose(table.se, np.sqrt(np.sum(X @ fit.vcov.to_numpy() * X, axis=1)), rtol=1e-12)


def test_a_new_group_of_one_factor_keeps_the_effects_of_the_other():
    fit, new = fitted(CROSSED, "reml"), FRAME[:1].assign(school="another")
    found = fit.predict(new, groups="new").estimate[0]
    expected = fit.fixef["Intercept"] + fit.fixef["x"] * new.x[0] + fit.ranef("rater").Intercept[new.rater[0]]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_empirical_bayes_with_flat_priors_is_reml(name):
    reml = fitted(name, "reml")
    eb = ld.model(*MODELS[name], data=FRAME, priors="flat").fit("eb", draws=100, random_seed=1)
    assert eb.loglik == pytest.approx(reml.loglik, abs=1e-6)
    np.testing.assert_allclose(eb.fixef, reml.fixef, rtol=1e-5, atol=1e-5 * np.abs(reml.fixef).max())
    np.testing.assert_allclose(eb.scale, reml.scale, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SCALED)
def test_sigma_is_a_number_or_one_for_each_row(name, method):
    fit = fitted(name, method)
    if "sigma" not in " ".join(MODELS[name][1:]):
        assert isinstance(fit.sigma, float)
        assert fit.scale["Intercept"] == pytest.approx(np.log(fit.sigma), rel=1e-12)
        return
    columns = {"Intercept": 1.0, "x": FRAME.x, "sex[m]": FRAME.sex == "m"}
    log_sigma = sum(value * columns[term] for term, value in fit.scale.items())
    np.testing.assert_allclose(fit.sigma, np.exp(log_sigma) * np.ones(len(FRAME)), rtol=1e-12)
    assert list(fit.scale.index) == list(fit.scale_se.index)
    np.testing.assert_allclose(fit.residuals(standardized=True), fit.residuals() / fit.sigma, rtol=1e-12)


def test_rows_of_regressions_take_the_place_of_the_sds():
    fit = fitted("sigma and group sd", "reml")
    table = fit.summary()
    assert list(table.component) == ["fixed"] * 2 + ["log_sigma"] * 2 + ["log_sd"] * 2
    assert list(table.term) == ["Intercept", "x", "Intercept", "sex[m]", "Intercept", "w"]
    assert table.estimate[2:4].tolist() == fit.scale.tolist()
    assert table.estimate[4:].tolist() == fit.scale_of("school").tolist()
    assert len(table) == fit.df_model
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * 6, rel=1e-12)


def test_variances_of_regressions_are_those_of_the_mean_predictor():
    """The geometric mean of the groups' sds of the first coefficient."""
    fit = fitted("group sd", "reml")
    own, w = fit.scale_of("school"), FRAME.groupby("school").w.first()
    assert np.log(fit.varcorr.sdcor[0]) == pytest.approx(own["Intercept"] + own["w"] * w.mean(), rel=1e-8)


def test_group_sds_are_logarithms_without_predictors():
    fit = fitted(CROSSED, "reml")
    np.testing.assert_allclose(fit.scale_of("school"), np.log(fit.varcorr.sdcor[:2]), rtol=1e-12)
    np.testing.assert_allclose(fit.scale_of("rater"), np.log(fit.varcorr.sdcor[3]), rtol=1e-12)


def test_predictions_use_the_sds_of_their_rows():
    fit = fitted("sigma and group sd", "reml")
    new = pd.DataFrame({"x": [1.0, 1.0], "w": [-1.0, 1.0], "sex": ["m", "f"], "school": ["s00", "new"]})
    mean, response = (fit.predict(new, groups="new", kind=kind) for kind in ("mean", "response"))
    sigma = np.exp(fit.scale["Intercept"] + fit.scale["sex[m]"] * np.array([1, 0]))
    np.testing.assert_allclose(response.se**2 - mean.se**2, sigma**2, rtol=1e-9)
    X = np.ones(2)
    own = fit.scale_of("school")
    between = np.exp(2 * (own["Intercept"] + own["w"]))
    assert mean.se[1] ** 2 == pytest.approx(X @ fit.vcov.to_numpy() @ X + between, rel=1e-9)


def test_fitted_groups_are_predicted_with_their_joint_variance():
    """Var(x'(β̂ - β) + z'(û - u)) from the dense oracle, where sds depend on predictors."""
    fit = fitted("sigma and group sd", "reml")
    table, oracle = fit.predict(FRAME[:4]), of_fit(fit).solution()
    random = fit.problem.design.random[0]
    for i, (x, j) in enumerate(zip(fit.problem.design.X[:4], random.ids, strict=False)):
        cov, cross = oracle.of(0, "cov")[j], oracle.of(0, "cross")[j]
        variance = x @ oracle.beta_cov @ x + cov[0, 0] + 2 * cross[0] @ x
        assert table.se[i] == pytest.approx(np.sqrt(variance), rel=1e-7)


def test_they_print(name):
    text = repr(fitted(name, "reml"))
    assert "Intercept" in text
    assert all(f"groups of {group}" in text for group in fitted(name, "reml").ngroups)


# ---- what must not matter ----

SAME = 1e-6
"""Relative: two paths of the optimiser to one optimum agree to about 1e-8."""


def reported(fit):
    """Everything of `fit` that a change of unit or of order must move as it should."""
    ranef = {group: fit.ranef(group) for group in fit.ngroups}
    return fit.fixef.to_numpy(), fit.se.to_numpy(), fit.varcorr.vcov.to_numpy(), ranef


@pytest.mark.parametrize("name", MODELS)
def test_order_of_rows(name, method):
    shuffled = ld.model(*MODELS[name], data=FRAME.sample(frac=1, random_state=3)).fit(method)
    assert_same(shuffled, fitted(name, method))


def assert_same(moved, base, b=1.0):
    """`moved` is the fit of b·y."""
    lost = moved.problem.design.X.shape[1] * (moved.method == "reml")
    assert moved.status == base.status
    assert moved.loglik == pytest.approx(base.loglik - (moved.nobs - lost) * np.log(b), rel=1e-9, abs=1e-6)
    (fixef, se, vcov, ranef), expected = reported(moved), reported(base)
    np.testing.assert_allclose(fixef / b, expected[0], rtol=SAME)
    np.testing.assert_allclose(se / b, expected[1], rtol=SAME)
    np.testing.assert_allclose(vcov / b**2, expected[2], rtol=10 * SAME, atol=SAME)
    for group, effects in expected[3].items():
        np.testing.assert_allclose(ranef[group].loc[effects.index] / b, effects, rtol=0, atol=10 * SAME)


@pytest.mark.parametrize("b", [1e-9, 1e9])
@pytest.mark.parametrize("name", MODELS)
def test_units_of_the_outcome(name, b):
    """log sds move by log b in their intercepts only."""
    moved, base = ld.model(*MODELS[name], data=FRAME.assign(y=b * FRAME.y)).fit("reml"), fitted(name, "reml")
    assert_same(moved, base, b)
    shift = np.log(b) * (base.scale.index == "Intercept")
    np.testing.assert_allclose(moved.scale - shift, base.scale, rtol=0, atol=10 * SAME)
    np.testing.assert_allclose(moved.scale_se, base.scale_se, rtol=10 * SAME)


@pytest.mark.parametrize("name", MODELS)
def test_origin_of_the_outcome(name):
    moved = ld.model(*MODELS[name], data=FRAME.assign(y=1e6 + FRAME.y)).fit("reml")
    base = fitted(name, "reml")
    np.testing.assert_allclose(moved.fixef - [1e6, 0], base.fixef, rtol=SAME)
    np.testing.assert_allclose(moved.varcorr.vcov, base.varcorr.vcov, rtol=10 * SAME, atol=SAME)
    np.testing.assert_allclose(moved.scale, base.scale, rtol=0, atol=10 * SAME)


@pytest.mark.parametrize(("c", "d"), [(0.0, 1e-6), (0.0, 1e6), (1e6, 1.0)])
@pytest.mark.parametrize("name", SCALED)
def test_predictors_in_other_units_and_from_another_origin(name, method, c, d):
    """x, w → c + d·x: slopes of log sds are divided by d, intercepts move by -c/d slopes.

    An origin of 10⁶ sds costs ε·10⁶ in every row, and the extrapolated intercept 10⁶ times that.
    """
    parts = tuple(part.replace("(1 + x |", "(1 |") for part in MODELS[name])
    base = ld.model(*parts, data=FRAME).fit(method)
    moved = ld.model(*parts, data=FRAME.assign(x=c + d * FRAME.x, w=c + d * FRAME.w)).fit(method)
    tolerance = {"rtol": 10 * SAME, "atol": 10 * SAME}
    np.testing.assert_allclose(moved.fixef["x"] * d, base.fixef["x"], **tolerance)
    np.testing.assert_allclose(moved.sigma, base.sigma, **tolerance)
    integrated = np.log(d) if method == "reml" else 0.0
    assert moved.loglik == pytest.approx(base.loglik - integrated, rel=1e-8)
    for found, expected in regressions_of(moved, base):
        for term in expected.index.drop("Intercept"):
            unit = d if term in ("x", "w") else 1.0
            np.testing.assert_allclose(found[term] * unit, expected[term], **tolerance)
        slopes = expected[expected.index.isin(["x", "w"])].sum()
        assert found["Intercept"] == pytest.approx(expected["Intercept"] - c / d * slopes, rel=1e-4, abs=1e-4)


def regressions_of(*fits):
    """The coefficients of every log sd that has predictors, of all fits."""
    yield tuple(fit.scale for fit in fits)
    for scale in fits[0].problem.design.scales:
        if scale.parameter == "sd":
            yield tuple(fit.scale_of(scale.group) for fit in fits)


@pytest.mark.parametrize("name", ["three levels nested", "crossed with slopes", "sigma and group sd"])
def test_labels_of_groups(name):
    """Labels in another order: each group keeps its own effects."""
    order = np.random.default_rng(2).permutation(12)
    renamed = {f"s{j:02d}": f"new {label:02d}" for j, label in enumerate(order)}
    moved = ld.model(*MODELS[name], data=FRAME.assign(school=FRAME.school.map(renamed))).fit("reml")
    base = fitted(name, "reml")
    assert moved.loglik == pytest.approx(base.loglik, rel=1e-10)
    np.testing.assert_allclose(moved.fixef, base.fixef, rtol=SAME)
    for group in base.ngroups:
        effects = base.ranef(group)
        old = [":".join(renamed.get(part, part) for part in label.split(":")) for label in effects.index]
        np.testing.assert_allclose(moved.ranef(group).loc[old], effects, rtol=0, atol=10 * SAME)


def test_order_of_factors():
    one, other = (
        ld.model(f"y ~ x + {a} + {b}", data=FRAME).fit("reml")
        for a, b in [("(1 + x | school)", "(1 | rater)"), ("(1 | rater)", "(1 + x | school)")]
    )
    assert one.loglik == pytest.approx(other.loglik, rel=1e-12)
    for group in ("school", "rater"):
        np.testing.assert_allclose(one.ranef(group), other.ranef(group), rtol=0, atol=10 * SAME)


def test_a_sigma_for_every_stratum_without_groups_is_a_fit_of_each():
    """With coefficients of their own and no groups, strata are separate least squares."""
    fit = ld.model("y ~ sex * x", "sigma ~ 0 + sex", data=FRAME).fit("reml")
    for sex in ("f", "m"):
        own = ld.model("y ~ x", data=FRAME[FRAME.sex == sex]).fit("ols")
        assert np.exp(fit.scale[f"sex[{sex}]"]) == pytest.approx(own.sigma, rel=1e-7)


def test_constant_predictors_of_sds_change_nothing():
    """`sigma ~ 1` is the model without it."""
    plain = ld.model("y ~ x + (1 | school)", data=FRAME).fit("reml")
    written = ld.model("y ~ x + (1 | school)", "sigma ~ 1", data=FRAME).fit("reml")
    assert written.loglik == pytest.approx(plain.loglik, rel=1e-12)
    np.testing.assert_allclose(written.scale, plain.scale, rtol=0, atol=SAME)
    np.testing.assert_allclose(written.scale_se, plain.scale_se, rtol=10 * SAME)


# ---- the data of the issue, n = 180 and 1977 ----


def test_sleepstudy_with_sigma_by_day(sleepstudy, method):
    fit = ld.model("Reaction ~ Days + (Days | Subject)", "sigma ~ Days", data=sleepstudy).fit(method)
    coordinates = Coordinates(of_fit(fit))
    theta = coordinates.pack(coordinates.base.at)
    found = minimize(lambda t: -coordinates.log_likelihood(t, method == "reml"), theta + 0.1, method="BFGS")
    assert -found.fun == pytest.approx(fit.loglik, abs=1e-6)
    np.testing.assert_allclose(found.x, theta, rtol=0, atol=2e-3)
    assert fit.scale["Days"] == pytest.approx(found.x[-1], abs=1e-4)


def test_high_school_with_group_sds_by_sector(hs, method):
    """Rows of one school and Sector stand in for the dense matrix: V is block-diagonal by school."""
    fit = ld.model("mathach ~ ses + (1 | school)", "sd(school) ~ Sector", data=hs).fit(method)
    design = fit.problem.design
    schools = [np.flatnonzero(design.random[0].ids == j) for j in range(40)]
    first = [rows[0] for rows in schools]
    sector = design.scales[0].W[first]

    def objective(theta):
        gamma, log_sigma = theta[:2], theta[2]
        X, y = design.X, design.y
        variance, within = np.exp(2 * sector @ gamma), np.exp(2 * log_sigma)
        XX, Xy, yy, logdet = 0.0, 0.0, 0.0, 0.0
        for rows, g in zip(schools, variance, strict=True):
            V = within * np.eye(len(rows)) + g
            solved = np.linalg.solve(V, np.column_stack([X[rows], y[rows]]))
            XX, Xy = XX + X[rows].T @ solved[:, :2], Xy + X[rows].T @ solved[:, 2]
            yy, logdet = yy + y[rows] @ solved[:, 2], logdet + np.linalg.slogdet(V)[1]
        rss = yy - Xy @ np.linalg.solve(XX, Xy)
        restricted = method == "reml"
        df = len(y) - 2 * restricted
        return 0.5 * (df * np.log(2 * np.pi) + logdet + rss + restricted * np.linalg.slogdet(XX)[1])

    theta = np.append(fit.scale_of("school"), fit.scale)
    assert fit.loglik == pytest.approx(-objective(theta), rel=1e-10)
    found = minimize(objective, theta + 0.1, method="BFGS")
    assert -found.fun == pytest.approx(fit.loglik, abs=1e-6)
    np.testing.assert_allclose(found.x, theta, rtol=0, atol=1e-3)
