import numpy as np
import pandas as pd
import pytest

import laird as ld


@pytest.fixture(scope="module")
def oneway(hs):
    return ld.model("mathach ~ 1 + (1 | school)", data=hs).fit("reml")


@pytest.fixture(scope="module")
def lines(hs):
    return ld.model("mathach ~ ses * Sector + (ses | school)", data=hs).fit("reml")


def test_weights_of_the_mean_lie_between_the_two_extremes(hs, oneway):
    table = ld.group_weights(oneway)
    n = hs.groupby(hs.school.astype(str)).size()[table.group].to_numpy()
    weight = 1 / (oneway.point.G[0, 0] + oneway.sigma**2 / n)
    np.testing.assert_allclose(table.gls, weight / weight.sum())
    np.testing.assert_allclose(table.pooled, n / n.sum())
    np.testing.assert_allclose(table.equal, 1 / 40)
    np.testing.assert_array_equal(table.n, n)
    low, high = np.minimum(table.pooled, table.equal), np.maximum(table.pooled, table.equal)
    assert np.mean((table.gls >= low - 1e-3) & (table.gls <= high + 1e-3)) == 1


def test_the_mean_is_the_weighted_mean_of_blues_and_the_plain_mean_of_blups(hs, oneway):
    """Slides p. 172: the weights vary less over the BLUPs; for a mean they do not vary at all."""
    table = ld.group_weights(oneway)
    means = hs.groupby(hs.school.astype(str)).mathach.mean()[table.group].to_numpy()
    assert table.gls @ means == pytest.approx(oneway.fixef["Intercept"])
    assert oneway.coef("school").Intercept.mean() == pytest.approx(oneway.fixef["Intercept"])


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_extremes_are_reached(size, oneway):
    from dataclasses import replace

    fit = replace(oneway, point=replace(oneway.point, G=size * oneway.point.G))
    table = ld.group_weights(fit)
    np.testing.assert_allclose(table.gls, table.pooled if size < 1 else table.equal, rtol=1e-4)


def test_lines_by_sector(lines, hs):
    table = ld.group_weights(lines)
    sums = table.groupby("term")[["gls", "pooled", "equal"]].sum()
    for term, total in {"Intercept": 1, "ses": 1, "Sector[Public]": 0, "ses:Sector[Public]": 0}.items():
        np.testing.assert_allclose(sums.loc[term], total, atol=1e-12)
    public = hs.groupby(hs.school.astype(str)).Sector.first() == "Public"
    own = table[(table.term == "Sector[Public]")].set_index("group")
    np.testing.assert_allclose(own.gls[public[own.index].to_numpy()].sum(), 1)
    np.testing.assert_allclose(own.equal[public[own.index].to_numpy()], 1 / public.sum())


def test_equal_weights_are_the_two_stage_estimate(lines, hs):
    """Every school's own line, averaged by sector: the slope of a Catholic school."""
    table = ld.group_weights(lines)
    own = table[table.term == "ses"].set_index("group").equal
    slopes = ld.model("mathach ~ ses * Sector + (ses | school)", data=hs).fit("ols").group_coef("school").ses
    catholic = hs.groupby(hs.school.astype(str)).Sector.first() == "Catholic"
    assert own @ slopes[own.index] == pytest.approx(slopes[catholic[slopes.index].to_numpy()].mean())


def test_terms_common_to_all_groups_are_not_listed(hs):
    fit = ld.model("mathach ~ ses + (1 | school)", data=hs).fit()
    assert set(ld.group_weights(fit).term) == {"Intercept"}


def test_groups_of_one_row_have_weights_too():
    rng = np.random.default_rng(2)
    g = np.concatenate([np.arange(10), np.repeat(np.arange(10, 20), 5)])
    x = rng.normal(size=60)
    frame = pd.DataFrame({"g": g, "x": x, "y": x + rng.normal(0, 2, 20)[g] + rng.normal(size=60)})
    fit = ld.model("y ~ x + (x | g)", data=frame).fit()
    table = ld.group_weights(fit)
    assert len(table) == 2 * 20
    assert table.groupby("term").gls.sum().tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("method", ["ml", "reml", "eb", "nuts"])
def test_variances_are_in_order(method, hs_fit):
    table = ld.variance_inequality(hs_fit(method))
    assert table.holds.all()
    assert np.all((table.eblup <= table.g) & (table.g <= table.blue))
    assert table.groups.tolist() == [40, 40]


def test_variances_by_definition(hs, oneway):
    table = ld.variance_inequality(oneway).iloc[0]
    n = hs.groupby("school").size().to_numpy()
    g, v = oneway.point.G[0, 0], oneway.sigma**2 / n
    assert table["eblup"] == pytest.approx(np.mean(g**2 / (g + v)))
    assert (table["g"], table["blue"]) == (pytest.approx(g), pytest.approx(np.mean(g + v)))
    means = hs.groupby("school").mathach.mean()
    assert table["observed_blue"] == pytest.approx(np.mean((means - oneway.fixef["Intercept"]) ** 2))
    assert table["observed_eblup"] == pytest.approx(np.mean(oneway.ranef("school").Intercept ** 2))


def test_groups_without_a_line_of_their_own_are_left_out():
    rng = np.random.default_rng(2)
    g = np.concatenate([np.arange(10), np.repeat(np.arange(10, 20), 5)])
    x = rng.normal(size=60)
    frame = pd.DataFrame({"g": g, "x": x, "y": x + rng.normal(0, 2, 20)[g] + rng.normal(size=60)})
    table = ld.variance_inequality(ld.model("y ~ x + (x | g)", data=frame).fit())
    assert table.groups.tolist() == [10, 10]
    assert table.holds.all()


def test_a_variance_of_zero(dyestuff2):
    table = ld.variance_inequality(ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit())
    assert (table.eblup[0], table.g[0], bool(table.holds[0])) == (0, 0, True)


def test_one_factor_of_several_is_named():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": np.arange(120) // 12, "b": np.arange(120) % 6})
    frame["y"] = rng.normal(size=10)[frame.a] + rng.normal(size=6)[frame.b] + rng.normal(size=120)
    fit = ld.model("y ~ 1 + (1 | a) + (1 | b)", data=frame).fit()
    assert len(ld.group_weights(fit, "a")) == 10
    with pytest.raises(ld.FitError, match="several grouping factors"):
        ld.group_weights(fit)
    with pytest.raises(ld.FitError, match="no random coefficients by `c`"):
        ld.group_weights(fit, "c")


@pytest.mark.parametrize("function", [ld.group_weights, ld.variance_inequality])
def test_bad_input(function, hs, hs_fit):
    with pytest.raises(ld.FitError, match="random terms"):
        function(hs_fit("ols"))
    with pytest.raises(ld.FitError, match="constant sigma"):
        function(ld.model("mathach ~ 1 + (1 | school)", "sigma ~ Sex", data=hs).fit())


def test_a_slope_of_groups_without_fixed_effects_is_refused(sleepstudy):
    fit = ld.model("Reaction ~ Days + (0 + Days | Subject)", data=sleepstudy).fit()
    assert set(ld.group_weights(fit).term) == {"Days"}
    none = ld.model("Reaction ~ 1 + (0 + Days | Subject)", data=sleepstudy).fit()
    with pytest.raises(ld.FitError, match="No fixed effect describes"):
        ld.group_weights(none)
