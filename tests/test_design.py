"""Design: arrays of the models of the slides, of new data, and every bad input."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from laird.data.schema import learn
from laird.design import bind, build_new, coding
from laird.errors import DataError, LairdError, LairdWarning, SpecError
from laird.spec import parse_spec
from tests.peers import peer_fits, peer_ids

CONTEXTUAL = "mathach ~ (cvar(ses, school) + dvar(ses, school)) * Sector + (1 + dvar(ses, school) | school)"


@pytest.mark.parametrize(
    "fit_id", [one for data in ("hs", "sleepstudy", "restoration") for one in peer_ids(data=data)]
)
def test_columns_have_the_names_of_the_stored_fits(fit_id, request):
    fit = peer_fits()[fit_id]
    _, design = bind(parse_spec(fit.formula), request.getfixturevalue(fit.data))
    assert design.names == tuple(fit.fixef)
    assert {(random.group, name) for random in design.random for name in random.names} == {
        key for key in fit.sd if key[1]
    }


def test_contextual_model(hs):
    schema, design = bind(parse_spec(CONTEXTUAL), hs)
    means = hs.groupby("school", observed=True)["ses"].transform("mean")
    public = (hs["Sector"] == "Public").astype(float)
    expected = [
        np.ones(len(hs)),
        means,
        hs["ses"] - means,
        public,
        means * public,
        (hs["ses"] - means) * public,
    ]
    # pandas sums the group means in another order
    np.testing.assert_allclose(design.X, np.stack(expected, axis=1), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(design.y, hs["mathach"])
    (school,) = design.random
    assert (school.group, school.names, school.blocks) == (
        "school",
        ("Intercept", "dvar(ses, school)"),
        ((0, 1),),
    )
    np.testing.assert_array_equal(school.Z, design.X[:, [0, 2]])
    np.testing.assert_array_equal(np.array(school.levels)[school.ids], hs["school"])
    assert school.levels == schema.group("school").levels


@pytest.mark.parametrize("convert", [pl.from_pandas, lambda hs: pl.from_pandas(hs).to_arrow(), dict])
def test_frames_of_any_library_give_the_same_arrays(hs, convert):
    ours, theirs = (bind(parse_spec(CONTEXTUAL), frame)[1] for frame in (hs, convert(hs)))
    np.testing.assert_array_equal(ours.X, theirs.X)
    np.testing.assert_array_equal(ours.random[0].ids, theirs.random[0].ids)
    assert ours.names == theirs.names


def test_arrays_are_read_only_contiguous_doubles_and_no_view_of_the_frame(hs):
    frame = hs.copy()
    _, design = bind(parse_spec(CONTEXTUAL), frame)
    (school,) = design.random
    for array in (design.y, design.X, school.Z):
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
    for array in (design.y, design.X, school.Z, school.ids, design.rows):
        assert not array.flags.writeable
    before = design.y.copy()
    frame["mathach"] = 0.0
    np.testing.assert_array_equal(design.y, before)


def test_permuting_rows_permutes_the_arrays_and_nothing_else(hs):
    order = np.random.default_rng(2).permutation(len(hs))
    _, design = bind(parse_spec(CONTEXTUAL), hs)
    _, permuted = bind(parse_spec(CONTEXTUAL), hs.iloc[order])
    # group means are summed in another order
    np.testing.assert_allclose(permuted.X, design.X[order], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(permuted.random[0].ids, design.random[0].ids[order])


RNG = np.random.default_rng(1)
N = 200
BASE = pd.DataFrame({"y": RNG.normal(size=N), "x": RNG.normal(size=N), "g": np.repeat(np.arange(20), 10)})
BASE = BASE.assign(
    w=BASE["g"] * 1.0,
    a=np.array(["u", "v", "w"])[RNG.integers(0, 3, N)],
    h=np.tile(np.arange(5), 40),
)


@pytest.mark.parametrize(
    ("random", "names", "blocks"),
    [
        ("(1 | g)", ("Intercept",), ((0,),)),
        ("(x | g)", ("Intercept", "x"), ((0, 1),)),
        ("(0 + x | g)", ("x",), ((0,),)),
        ("(x || g)", ("Intercept", "x"), ((0,), (1,))),
        ("(x + a || g)", ("Intercept", "x", "a[v]", "a[w]"), ((0,), (1,), (2, 3))),
        ("(1 | g) + (0 + x + a | g)", ("Intercept", "x", "a[u]", "a[v]", "a[w]"), ((0,), (1, 2, 3, 4))),
    ],
)
def test_random_terms_of_one_factor_are_one_design_with_blocks(random, names, blocks):
    _, design = bind(parse_spec(f"y ~ x + {random}"), pd.concat([BASE] * 2))
    (one,) = design.random
    assert (one.names, one.blocks) == (names, blocks)
    assert one.Z.shape == (2 * N, len(names))


def test_nested_and_crossed_factors():
    _, design = bind(parse_spec("y ~ 1 + (1 | g/h) + (1 | h)"), BASE)
    assert [(one.group, len(one.levels)) for one in design.random] == [("g", 20), ("g:h", 100), ("h", 5)]
    labels = np.array(design.random[1].levels)[design.random[1].ids]
    assert labels.tolist() == [f"{g}:{h}" for g, h in zip(BASE["g"], BASE["h"], strict=True)]


def test_a_transformed_response():
    _, design = bind(parse_spec("log(y) ~ x"), BASE.assign(y=np.exp(BASE["y"])))
    assert design.outcome == "log(y)"
    # exp and log each round once
    np.testing.assert_allclose(design.y, BASE["y"], rtol=1e-13, atol=1e-13)


def test_coding_tells_the_columns_of_each_term():
    assert coding(learn(parse_spec("y ~ x * a + (a | g)"), BASE)) == {
        "y: Intercept": ("Intercept",),
        "y: x": ("x",),
        "y: a": ("a[v]", "a[w]"),
        "y: x:a": ("x:a[v]", "x:a[w]"),
        "g: Intercept": ("Intercept",),
        "g: a": ("a[v]", "a[w]"),
    }


def test_dropped_rows_are_left_out_and_positions_kept():
    frame = BASE.assign(x=BASE["x"].mask(BASE.index.isin([3, 5])))
    schema, design = bind(parse_spec("y ~ x + (1 | g)", missing="drop"), frame)
    assert schema.dropped == (("x", 2),)
    assert design.rows.tolist() == [k for k in range(N) if k not in (3, 5)]
    np.testing.assert_array_equal(design.y, BASE["y"].to_numpy()[design.rows])


def changed(column, rows, value):
    dtype = object if value is None else float
    values = BASE[column].astype(dtype).copy()
    values.iloc[rows] = value
    return BASE.assign(**{column: values})


MODEL = "y ~ x + (1 | g)"
# numbers: section D2 of the project's list of bad inputs
BAD = {
    "1 NaN in y": (
        MODEL,
        changed("y", [4, 17, 130, 131], np.nan),
        "column y: 4 missing values, first in rows 4, 17, 130",
    ),
    "2 NaN in x": (MODEL, changed("x", [7], np.nan), "column x: 1 missing value, in row 7"),
    "3 NaN group": (MODEL, changed("g", [7], np.nan), "column g: 1 missing value, in row 7"),
    "3 None group": (MODEL, changed("g", [7], None), "column g: 1 missing value, in row 7"),
    "4 Inf in y": (MODEL, changed("y", [7], np.inf), "column y: 1 infinite value, in row 7"),
    "5 Inf in x": (MODEL, changed("x", [7, 8], -np.inf), "column x: 2 infinite values, in rows 7, 8"),
    "6 constant y": (MODEL, BASE.assign(y=3), "The response is constant: `y` is 3 in all 200 rows"),
    "11 one group": (MODEL, BASE.assign(g=1), "`g` has one group"),
    "13 one row per group": (MODEL, BASE.assign(g=np.arange(N)), "(tau and sigma) are not separable"),
    "14 n = p": ("y ~ x + w", BASE.iloc[[0, 30, 61]], "3 fixed effects, but the data have only 3 rows"),
    "14 n < p": ("y ~ C(g) + x", BASE.iloc[::10], "21 fixed effects, but the data have only 20 rows"),
    "15 no rows": (MODEL, BASE.iloc[:0], "The data have 0 rows"),
    "16 one row": (MODEL, BASE.iloc[:1], "The data have 1 row"),
    "17 constant x": (MODEL, BASE.assign(x=2.5), "`x` is constant: it is 2.5 in all 200 rows"),
    "18 collinear": (
        "y ~ x + w + z",
        BASE.assign(z=BASE["x"] + 2 * BASE["w"] - 1),
        "`z` is a linear combination of `x`, `w` and the intercept",
    ),
    "26 text y": (MODEL, BASE.assign(y=BASE["a"]), "The response `y` holds text, not numbers"),
    "27 bool y": (MODEL, BASE.assign(y=BASE["y"] > 0), "The response `y` holds truth values, not numbers"),
    "28 factor y": (
        MODEL,
        BASE.assign(y=pd.Categorical(BASE["a"])),
        "The response `y` is a category, not numbers",
    ),
    "29 date y": (
        MODEL,
        BASE.assign(y=pd.Timestamp("2020-01-01")),
        "The response `y` holds dates, not numbers",
    ),
    "31 one level": ("y ~ a", BASE.assign(a="u"), 'Column `a` has one level, "u", in all rows'),
    "34 y matrix": (MODEL, BASE.assign(y=[[1.0, 2.0]] * N), "Column `y` holds several values in each row"),
    "37 both sides": ("y ~ x + (1 | x)", BASE, "Every group of `x` has one row"),
    "38 level-2 slope": ("y ~ w + (1 + w | g)", BASE, "`w` is constant within each group of `g`"),
    "39 too many random effects": (
        "y ~ x + (1 + x | g)",
        BASE.iloc[::5],
        "40 random effects (20 groups × 2 coefficients), but the data have only 40 rows",
    ),
    "complex": (MODEL, BASE.assign(y=BASE["y"] + 1j), "Column `y` holds complex numbers"),
    "nullable": (
        MODEL,
        BASE.assign(x=BASE["h"].astype("Int64").mask(BASE["h"] == 4)),
        "column x: 40 missing values",
    ),
    "absent column": (
        "y ~ xx + (1 | g)",
        BASE.rename(columns={"x": "xxx"}),
        "There is no column `xx` in the data",
    ),
    "not a frame": (MODEL, BASE.to_numpy(), "Data of type `ndarray` are not an eager data frame"),
    "empty cell": (
        "y ~ 0 + a:b",
        BASE.assign(b=np.where(BASE["a"] == "u", "p", np.where(BASE["x"] > 0, "p", "q"))),
        "`a[u]:b[q]` is 0 in all 200 rows: no row has this combination",
    ),
}


@pytest.mark.parametrize(("formula", "frame", "message"), BAD.values(), ids=BAD)
def test_bad_input_gives_an_error_with_a_remedy_and_never_a_number(formula, frame, message):
    with pytest.raises(DataError) as error:
        bind(parse_spec(formula), frame)
    assert message in str(error.value)
    assert error.value.remedy


ALLOWED = {
    "20 x * 1e10": (MODEL, BASE.assign(x=BASE["x"] * 1e10)),
    "21 x * 1e-12": (MODEL, BASE.assign(x=BASE["x"] * 1e-12)),
    "22 x + 1e10": (MODEL, BASE.assign(x=BASE["x"] + 1e10)),
    "35 no random term": ("y ~ x", BASE),
    "42 odd names": (
        "y ~ `a b` + é + (1 | `g 1`)",
        BASE.set_axis(["y", "a b", "g 1", "é", "a", "h"], axis=1),
    ),
    "42 names of functions": ("y ~ log + C(C) + (1 | g)", BASE.rename(columns={"x": "log", "a": "C"})),
    "no fixed effects": ("y ~ 0 + (1 | g)", BASE),
}


@pytest.mark.parametrize(("formula", "frame"), ALLOWED.values(), ids=ALLOWED)
def test_unusual_but_valid_input_passes_without_a_warning(formula, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, design = bind(parse_spec(formula), frame)
    assert len(design.y) == N
    assert np.isfinite(design.X).all()


def test_suspect_input_is_warned_of():
    with pytest.warns(LairdWarning, match="`g` has 2 groups"):
        bind(parse_spec(MODEL), BASE.assign(g=BASE["g"] % 2))
    with pytest.warns(LairdWarning, match="`z` is nearly a linear combination of `x`"):
        bind(parse_spec("y ~ x + z"), BASE.assign(z=BASE["x"] + 2e-6 * BASE["y"]))


WIDE = BASE.assign(z=RNG.normal(size=N), u=RNG.normal(size=N))


def test_several_outcomes_are_stacked_row_by_row():
    frame = WIDE.assign(z=WIDE["z"].mask(WIDE.index == 1))
    spec = parse_spec("y ~ x + (1 | g)", "z ~ 1 + (1 | g)", "sigma(z) ~ w", "rho(y, z) ~ u")
    schema, design = bind(spec, frame)
    assert design.outcomes == ("y", "z")
    assert design.names == ("y: Intercept", "y: x", "z: Intercept")
    assert design.rows[:5].tolist() == design.units[:5].tolist() == [0, 0, 1, 2, 2]
    assert design.which[:5].tolist() == [0, 1, 0, 0, 1]
    y = design.which == 0
    np.testing.assert_array_equal(design.y[~y], frame["z"].drop(index=1))
    np.testing.assert_array_equal(design.X[y], np.stack([np.ones(N), frame["x"], np.zeros(N)], axis=1))
    np.testing.assert_array_equal(design.X[~y], np.tile([0.0, 0.0, 1.0], (N - 1, 1)))
    assert schema.unobserved == (("z", 1),)


def test_outcomes_share_the_random_effects_of_a_group():
    spec = parse_spec("y ~ x + (1 + x | g) + (1 | h)", "z ~ 1 + (1 | g)")
    _, design = bind(spec, WIDE)
    g, h = design.random
    assert (g.names, g.blocks) == (("y: Intercept", "y: x", "z: Intercept"), ((0, 1, 2),))
    np.testing.assert_array_equal(g.Z[:2], [[1.0, WIDE["x"][0], 0.0], [0.0, 0.0, 1.0]])
    assert h.names == ("y: Intercept",)
    np.testing.assert_array_equal(h.Z[:, 0], design.which == 0)
    np.testing.assert_array_equal(h.ids, np.repeat(WIDE["h"], 2))


@pytest.mark.parametrize(
    ("random", "blocks"),
    [
        (("(1 || g)", "(1 || g)"), ((0,), (1,))),
        (("(1 | g)", "(1 || g)"), ((0,), (1,))),
        (("(1 | g) + (0 + x | g)", "(1 | g) + (0 + x | g)"), ((0, 1), (2, 3))),
        (("(x || g)", "(x || g)"), ((0,), (1,), (2,), (3,))),
    ],
)
def test_blocks_of_several_outcomes_follow_the_bars(random, blocks):
    _, design = bind(parse_spec(f"y ~ x + {random[0]}", f"z ~ x + {random[1]}"), WIDE)
    assert design.random[0].blocks == blocks


def test_every_outcome_has_a_sigma_and_every_pair_a_rho():
    _, design = bind(
        parse_spec("y ~ 1", "z ~ 1", "u ~ 1", "sigma(z) ~ x", "rho(z, u) ~ x", "rho(y, u) ~ 0"), WIDE
    )
    assert [(one.parameter, one.group, one.names) for one in design.scales] == [
        ("sigma", "y", ("y: Intercept",)),
        ("sigma", "z", ("z: Intercept", "z: x")),
        ("sigma", "u", ("u: Intercept",)),
    ]
    np.testing.assert_array_equal(design.scales[1].W[:3, 1], [0.0, WIDE["x"][0], 0.0])
    assert [(one.pair, one.names) for one in design.rhos] == [
        ((0, 1), ("Intercept",)),
        ((1, 2), ("Intercept", "x")),
    ]
    np.testing.assert_array_equal(design.rhos[1].W[:, 1], np.repeat(WIDE["x"], 3))


NEW = pd.DataFrame({"ses": [0.5, -1.0], "school": ["1317", "9586"], "Sector": ["Public", "Catholic"]})


def test_new_data_use_the_fitted_means_and_levels(hs):
    schema, _ = bind(parse_spec(CONTEXTUAL), hs)
    design = build_new(schema, NEW)
    means = hs.groupby("school", observed=True)["ses"].mean()[NEW["school"]].to_numpy()
    # pandas sums the group means in another order
    np.testing.assert_allclose(design.X[:, 1], means, rtol=1e-12)
    np.testing.assert_array_equal(design.X[:, 3], [1.0, 0.0])
    assert design.y.shape == (0,)
    assert [design.random[0].levels[k] for k in design.random[0].ids] == ["1317", "9586"]


def test_new_data_may_bring_their_outcome(hs):
    schema, design = bind(parse_spec(CONTEXTUAL), hs)
    again = build_new(schema, hs.iloc[::7], outcome=True)
    np.testing.assert_array_equal(again.y, design.y[::7])
    np.testing.assert_array_equal(again.X, design.X[::7])


def test_new_groups_only_when_asked_for(hs):
    schema, _ = bind(parse_spec("mathach ~ ses + (1 + ses | school)"), hs)
    new = NEW.assign(school=["1317", "elsewhere"])
    with pytest.raises(DataError, match='has groups that the fitted data did not have: "elsewhere"'):
        build_new(schema, new)
    assert build_new(schema, new, groups="new").random[0].ids.tolist() == [0, -1]
    assert build_new(schema, new.drop(columns="school"), groups="population").random[0].ids.tolist() == [
        -1,
        -1,
    ]


def test_means_of_new_groups_come_from_their_rows(hs):
    schema, _ = bind(parse_spec("mathach ~ cvar(ses, school) + dvar(ses, school) + (1 | school)"), hs)
    with pytest.warns(LairdWarning, match="Group means of the new groups"):
        design = build_new(schema, NEW.assign(school="elsewhere"), groups="new")
    assert design.X[:, 1:].tolist() == [[-0.25, 0.75], [-0.25, -0.75]]


def test_an_unseen_category_is_refused_by_name(hs):
    schema, _ = bind(parse_spec(CONTEXTUAL), hs)
    with pytest.raises(LairdError) as error:
        build_new(schema, NEW.assign(Sector=["Public", "Private"]))
    assert str(error.value) == (
        'Column `Sector` has levels that the fitted data did not have: "Private".\n'
        "    Sector: 1 of 2 rows, in row 1\n"
        'Levels: "Catholic", "Public".\n'
        "Correct the spelling, or leave these rows out."
    )


META = ("y ~ x + (1 | g) + meta_V(v)", "z ~ 1 + (1 | g)", "sigma(z) ~ u", "sd(g) ~ w", "rho(y, z) ~ u")


def test_new_data_of_several_outcomes_have_the_columns_of_all_parts():
    schema, design = bind(parse_spec(*META), WIDE.assign(v=0.1))
    new = WIDE.iloc[[3, 90], :].drop(columns=["y", "z"])
    there = build_new(schema, new)
    rows = np.flatnonzero(np.isin(design.rows, [3, 90]))
    assert there.outcomes == design.outcomes
    assert there.known is None
    for ours, theirs in zip(
        (there, *there.random, *there.rhos), (design, *design.random, *design.rhos), strict=True
    ):
        name = {"Design": "X", "RandomDesign": "Z", "RhoDesign": "W"}[type(ours).__name__]
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name)[rows])
    for ours, theirs in zip(there.scales, design.scales, strict=True):
        np.testing.assert_array_equal(ours.W, theirs.W[rows])


def test_new_data_may_bring_their_outcomes_and_sampling_variances():
    frame = WIDE.assign(v=0.1, z=WIDE["z"].mask(WIDE.index == 3))
    schema, design = bind(parse_spec(*META), frame)
    again = build_new(schema, frame.iloc[:10], outcome=True)
    np.testing.assert_array_equal(again.y, design.y[:19])
    np.testing.assert_array_equal(again.known.variances, design.known.variances[:19])
    matrix = bind(parse_spec("y ~ x + meta_V(V)"), WIDE, known={"V": np.ones(N)})[0]
    new = build_new(matrix, WIDE.iloc[:3], known={"V": [0.1, 0.2, 0.3]})
    assert new.known.variances.tolist() == [0.1, 0.2, 0.3]
    with pytest.raises(SpecError, match="`known` gives `U`, which no meta_V"):
        build_new(matrix, WIDE.iloc[:3], known={"U": [0.1, 0.2, 0.3]})


def test_no_rows_are_nothing_to_predict():
    schema, _ = bind(parse_spec("y ~ x"), BASE)
    with pytest.raises(DataError) as error:
        build_new(schema, BASE.iloc[:0])
    assert (
        str(error.value) == "The new data have 0 rows: there is nothing to predict.\nPass at least one row."
    )


def test_weights_are_needed_for_the_fit_only():
    schema, design = bind(parse_spec("y ~ x", weights="k"), BASE.assign(k=np.arange(N)))
    assert design.weights.tolist() == list(range(N))
    assert not design.weights.flags.writeable
    assert build_new(schema, BASE).weights is None


def test_coding_tells_the_columns_of_every_part():
    spec = parse_spec("y ~ x + (1 | g)", "z ~ a", "sigma(z) ~ a", "rho(y, z) ~ a", "sd(g) ~ w")
    found = coding(learn(spec, WIDE))
    assert found["z: a"] == found["sigma(z): a"] == found["rho(y, z): a"] == ("a[v]", "a[w]")
    assert found["sd(g): w"] == ("w",)
