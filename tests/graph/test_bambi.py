"""What Bambi is told, without Bambi; and with it (`make validate` installs it) the same log density."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.graph.points import logp

import laird as ld
from laird.graph.bambi import translation
from laird.posterior.families import logpdf

RNG = np.random.default_rng(4)
N = 60


def frame():
    g = np.arange(N) % 6
    sector = np.array(["public", "private"])[(g % 2)]
    data = {"y": RNG.normal(size=N), "x": RNG.normal(1, 2, N), "w": RNG.uniform(0.5, 2, N), "sector": sector}
    data["half"] = np.where(np.arange(N) < N // 2, "a", "b")
    return pd.DataFrame(data | {"g": g + 2001, "h k": [f"h{k % 5}" for k in range(N)]})


DATA = frame()
ODD = {
    "priors": {"x": "student_t(4, 0, 1)", "Intercept": "flat", "sigma": "gamma(2, 1)", "sd": "half_cauchy(1)"}
}
CASES = {
    "slopes": (("y ~ cvar(x, g) + dvar(x, g) * sector + (x || g)",), {}),
    "factors": (("log(w) ~ x + (1 | g/half) + (1 | `h k`)",), {}),
    "sigma ~ x": (("y ~ x + (0 + x | g)", "sigma ~ x + sector"), {}),
    "priors": (("y ~ x + sector + (1 | g)",), ODD),
    "sigma ~ x, priors": (("y ~ x + (1 | g)", "sigma ~ x"), ODD),
    "weights": (("y ~ 0 + x + sector",), {"weights": "w"}),
}


def model(case):
    parts, options = CASES[case]
    return ld.model(*parts, data=DATA, **options)


def translated(case):
    own = model(case)
    return translation(own.schema, own.design, own.table, own.priors)


def test_functions_become_columns():
    found = translated("slopes")
    assert found.formulas == ("y ~ 1 + cvar_x_g + dvar_x_g + sector + dvar_x_g:sector + (1 + x | g)",)
    means = DATA.groupby("g").x.transform("mean")
    np.testing.assert_allclose(found.data.cvar_x_g, means, rtol=1e-12)
    np.testing.assert_allclose(found.data.cvar_x_g + found.data.dvar_x_g, DATA.x, rtol=1e-12)
    assert list(found.data.sector.cat.categories) == ["private", "public"]
    assert found.data.g.tolist() == [str(k) for k in DATA.g]


def test_priors_are_those_of_the_table_by_term():
    found, table = translated("slopes"), model("slopes").priors
    rows = {row.parameter: row for row in table}
    assert found.priors["dvar_x_g:sector"].rows == (rows["dvar(x, g):sector[public]"],)
    assert found.priors["x|g"] == ((rows["sd(g, x)"],), "sd")
    assert found.priors["sigma"].rows == (table.sigma,)
    assert len(found.priors) == len(rows)


def test_factors_and_odd_names_become_identifiers():
    found = translated("factors")
    assert found.formulas == ("log_w ~ 1 + x + (1 | g) + (1 | g_half) + (1 | h_k)",)
    assert found.data.g_half[0] == "2001:a"
    np.testing.assert_allclose(found.data.log_w, np.log(DATA.w), rtol=1e-15)


def test_regressions_of_sigma_have_priors_of_their_own():
    found = translated("sigma ~ x")
    assert found.formulas == ("y ~ 1 + x + (0 + x | g)", "sigma ~ 1 + x + sector")
    assert {name: own.role for name, own in found.priors["sigma"].items()} == {
        "Intercept": "log",
        "x": "coefficient",
        "sector": "coefficient",
    }


def test_weights_stand_with_the_outcome():
    found = translated("weights")
    assert found.formulas == ("weighted(y, w) ~ 0 + x + sector",)
    np.testing.assert_array_equal(found.data.w, DATA.w)


@pytest.mark.parametrize(
    ("parts", "options", "what"),
    [
        (("y ~ x + (x | g)",), {}, "correlated group effects"),
        (("y ~ x + meta_V(w)",), {}, "known sampling variances"),
        (("y ~ x", "w ~ x"), {}, "several outcomes"),
        (("y ~ x + (1 | g)", "sd(g) ~ sector"), {}, "regressions of sd"),
        (("y ~ x + (x | g) + meta_V(w)",), {}, "known sampling variances, correlated group effects"),
        (("y ~ x", "sigma ~ 0 + sector"), {}, "a log sigma without an intercept"),
    ],
)
def test_what_bambi_has_no_words_for_is_named(parts, options, what):
    with pytest.raises(ld.SpecError) as caught:
        ld.model(*parts, data=DATA, **options).to_bambi()
    assert caught.value.what == f"Bambi cannot express {what}."
    assert "explicit" in caught.value.remedy


def test_without_bambi_the_remedy_is_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bambi", None)
    with pytest.raises(ld.FitError, match="Bambi is not installed") as caught:
        model("slopes").to_bambi()
    assert "pip install" in caught.value.remedy


@pytest.mark.validate
def test_priors_that_bambi_cannot_say_are_named():
    pytest.importorskip("bambi")
    own = ld.model("y ~ x", data=DATA, priors={"sigma": "log_student_t(4, 0, 1)"})
    with pytest.raises(ld.SpecError, match="sigma ~ log_student_t"):
        own.to_bambi()


@pytest.mark.validate
@pytest.mark.parametrize("case", [case for case in CASES if case != "weights"])
@pytest.mark.filterwarnings("default")  # what Bambi warns of is its own
def test_the_log_density_is_that_of_the_explicit_graph(case):
    """At random points of the free variables, which are the same ones; flat priors are the same constant."""
    pytest.importorskip("bambi")
    own = model(case)
    theirs = own.to_bambi()
    theirs.build()
    theirs, ours = theirs.backend.model, own.graph("explicit")
    at_theirs, at_ours = logp(theirs), logp(ours)
    differences = []
    for seed in range(3):
        point = _point(ours, seed)
        differences.append(at_theirs(_renamed(point, theirs, own)) - at_ours(point))
    # sums of the same 60 terms in another order, which are up to thousands
    np.testing.assert_allclose(differences, 0.0, atol=1e-6)


@pytest.mark.validate
@pytest.mark.filterwarnings("default")
def test_weights_multiply_log_likelihoods():
    pytest.importorskip("bambi")
    own = model("weights")
    theirs = own.to_bambi()
    theirs.build()
    b, log_sigma = np.array([0.3, -0.2, 0.1]), 0.4
    found = logp(theirs.backend.model)({"sigma_log__": log_sigma, "x": b[0], "sector": b[1:]})
    rows = norm.logpdf(own.design.y, own.design.X @ b, np.exp(log_sigma))
    values = zip([*b, np.exp(log_sigma)], [*own.priors.coefficients, own.priors.sigma], strict=True)
    priors = sum(float(logpdf(row.family, value, *row.values)) for value, row in values)
    # PyMC's half families carry log 2 in single precision
    assert found == pytest.approx(DATA.w @ rows + priors + log_sigma, rel=1e-7)


def _point(graph, seed):
    rng = np.random.default_rng(seed)
    return {
        name: 0.5 * rng.normal(size=np.shape(v)) for name, v in graph.initial_point(random_seed=0).items()
    }


def _renamed(point, theirs, own):
    """The same point for Bambi's model."""
    design, values = own.design, {}
    rest = [name for name in point if not name.startswith(("sigma", "log_sigma", "sd_", "z_"))]
    gamma = np.concatenate([np.ravel(point[name]) for name in rest])
    slopes = np.ravel(point.get("log_sigma", []))
    sds = np.concatenate([np.ravel(point[name]) for name in point if name.startswith("sd_")] or [[]])
    z = [
        np.reshape(point[name], (len(r.levels), -1))
        for r, name in zip(design.random, [name for name in point if name.startswith("z_")], strict=True)
    ]
    columns = [c for own in z for c in own.T]
    initial = theirs.initial_point(random_seed=0)
    fixed = iter(gamma)
    scale = iter([*np.ravel(point["sigma_log__"]), *slopes])
    effects, deviations = iter(sds), iter(columns)
    for name, start in initial.items():
        if name.endswith("_offset"):
            values[name] = next(deviations)
        elif "|" in name:
            values[name] = np.reshape(next(effects), np.shape(start))
        else:
            source = scale if name.startswith("sigma") else fixed
            values[name] = np.reshape([next(source) for _ in range(np.size(start))], np.shape(start))
    return values
