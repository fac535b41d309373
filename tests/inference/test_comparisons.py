"""Comparisons against linear combinations of coefficients, and draw by draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld


@pytest.fixture(scope="module")
def hs():
    return ld.load_data("hs")


@pytest.fixture(scope="module")
def fits(hs):
    model = ld.model("mathach ~ ses * Sector + (1 + ses | school)", data=hs)
    return model.fit("reml"), model.fit("eb", draws=1000, random_seed=3)


COLUMNS = ["estimate", "se", "df", "lower", "upper"]


def test_of_means_are_wald_rows(fits, hs):
    fit, share = fits[0], float((hs.Sector == "Public").mean())
    found = ld.comparisons(fit, "ses", hs, groups="population")
    expected = ld.wald(fit, f"ses + {share!r}*ses:Sector[Public]").rows
    np.testing.assert_allclose(found[COLUMNS], expected[COLUMNS], rtol=1e-6)
    found = ld.comparisons(fit, "Sector", hs, groups="existing")
    expected = ld.wald(fit, f"Sector[Public] - {-float(hs.ses.mean())!r}*ses:Sector[Public]").rows
    np.testing.assert_allclose(found[COLUMNS], expected[COLUMNS], rtol=1e-6)


def test_pairs_of_values_and_small_steps(fits, hs):
    fit = fits[0]
    one, pair, slope = (
        ld.comparisons(fit, "ses", hs, groups="population", values=2.0),
        ld.comparisons(fit, "ses", hs, groups="population", values=(-1.0, 1.0)),
        ld.slopes(fit, "ses", hs, groups="population"),
    )
    np.testing.assert_allclose(one.estimate, pair.estimate, rtol=1e-10)
    np.testing.assert_allclose(one.estimate, 2 * slope.estimate, rtol=1e-8)


def test_in_the_groups_they_have_their_own_slopes(fits, hs):
    fit, eb = fits
    found = ld.comparisons(fit, "ses", hs, by="school", groups="existing", kind="conditional")
    expected = fit.group_coef("school").ses
    np.testing.assert_allclose(found.estimate, expected.loc[found.school], rtol=1e-8)
    drawn = ld.comparisons(eb, "ses", hs, by="school", groups="existing", kind="conditional")
    beta, u = eb.draws.flat("beta"), eb.draws.flat_effects()[0]
    random = eb.problem.design.random[0]
    public = eb.problem.design.X[np.unique(random.ids, return_index=True)[1], 2]
    lines = beta[:, [1]] + beta[:, [3]] * public + u[:, :, 1]
    order = [random.levels.index(school) for school in drawn.school]
    np.testing.assert_allclose(drawn.se, lines.std(axis=0, ddof=1)[order], rtol=1e-8)
    np.testing.assert_allclose(drawn.above, (lines > 0).mean(axis=0)[order])


def test_in_a_new_group_its_slope_is_unknown(fits):
    fit = fits[0]
    new = {"ses": [0.0, 1.0], "Sector": ["Catholic"] * 2, "school": ["n", "n"]}
    found = ld.comparisons(fit, "ses", new, groups="new", kind="conditional").iloc[0]
    expected = fit.se["ses"] ** 2 + fit.covariance("school").loc["ses", "ses"]
    assert found.se**2 == pytest.approx(expected, rel=1e-6)


def test_an_sd_that_moves_with_the_variable_is_refused():
    rng = np.random.default_rng(4)
    a, w = np.repeat(np.arange(20), 5), np.repeat(rng.normal(size=20), 5)
    data = {"a": a, "w": w, "y": rng.normal(size=100) + np.repeat(rng.normal(size=20), 5)}
    fit = ld.model("y ~ w + (1 | a)", "sd(a) ~ w", data=data).fit()
    new = {"a": ["x", "y"], "w": [0.0, 1.0]}
    with pytest.raises(ld.FitError, match="differ depends on `w`"):
        ld.comparisons(fit, "w", new, groups="new", kind="conditional")
    assert len(ld.comparisons(fit, "w", new, groups="new")) == 1


def test_outcomes_have_a_row_each():
    rng = np.random.default_rng(1)
    data = {"a": rng.normal(size=30), "b": rng.normal(size=30), "x": rng.normal(size=30)}
    fit = ld.model("a ~ x", "b ~ x", data=data).fit()
    found = ld.comparisons(fit, "x", data)
    assert list(found.outcome) == ["a", "b"]
    np.testing.assert_allclose(found.estimate, fit.fixef[["a: x", "b: x"]], rtol=1e-9)


def test_the_rows_of_the_fit_are_the_default(fits, hs):
    for fit in fits:
        for verb, variable in ((ld.comparisons, "Sector"), (ld.slopes, "ses")):
            how = {"by": "Sector", "groups": "existing", "kind": "conditional"}
            pd.testing.assert_frame_equal(
                verb(fit, variable, **how), verb(fit, variable, hs, **how), check_dtype=False
            )


def test_rows_dropped_by_the_fit_are_not_compared(hs):
    gaps = hs.assign(ses=hs.ses.mask(hs.index % 3 == 0))
    fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=gaps, missing="drop").fit()
    own = ld.comparisons(fit, "Sector", groups="population")
    kept = ld.comparisons(fit, "Sector", gaps.dropna(subset="ses"), groups="population")
    np.testing.assert_array_equal(own[COLUMNS], kept[COLUMNS])
    by_sector = ld.predictions(fit, by="Sector", groups="population")
    again = ld.predictions(fit, gaps.dropna(subset="ses"), by="Sector", groups="population")
    np.testing.assert_allclose(by_sector.estimate, again.estimate, rtol=1e-12)  # sums of 1300 rows
