import numpy as np
import pymc as pm
import pytest
from tests.graph.cases import STRUCTURES
from tests.graph.points import dlogp, logp, random_point
from tests.posterior.designs import design

from laird.graph import explicit, marginal
from laird.posterior import prior_table
from laird.spec.terms import Prior


def laplace(model, point, names):
    """Log integral of the density over the value variables `names`: exact when it is Gaussian in them."""
    shapes = [np.shape(point[name]) for name in names]
    sizes = [int(np.prod(shape)) for shape in shapes]
    order = [value.name for value in model.continuous_value_vars]
    places = np.concatenate([np.full(np.size(point[name]), name in names) for name in order])
    density, gradient = logp(model), dlogp(model)

    def moved(x):
        parts = np.split(x, np.cumsum(sizes)[:-1])
        return point | {n: part.reshape(s) for n, part, s in zip(names, parts, shapes, strict=True)}

    def slope(x):
        return gradient(moved(x))[places]

    d = sum(sizes)
    g = slope(np.zeros(d))
    H = np.array([g - slope(e) for e in np.eye(d)])
    top = density(moved(np.zeros(d))) + 0.5 * g @ np.linalg.solve(H, g)
    return top + 0.5 * d * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(H)[1]


CASES = {
    "q1": ({"q": 1}, ()),
    "q2": ({"q": 2}, ()),
    "q3 in blocks": ({"q": 3, "blocks": ((0, 2), (1,))}, ()),
    "flat": ({"q": 2}, (Prior("*", "flat"),)),
    "no intercept": ({"q": 2, "intercept": False}, ()),
    "sampled slope": ({"q": 1}, (Prior("x2", "student_t", (4.0, 0.0, 1.0)),)),
    "sampled intercept": ({"q": 2}, (Prior("Intercept", "cauchy", (10.0, 3.0)),)),
    "no random effects": ({"q": 0}, ()),
}


@pytest.mark.parametrize(
    ("case", "centred"),
    [*((case, False) for case in CASES), ("q1", True), ("q2", True), ("q3 in blocks", True)],
)
def test_integral_over_effects_equals_the_marginal_graph(case, centred):
    arguments, priors = CASES[case]
    d = design(**arguments)
    table = prior_table(priors, d)
    full, reduced = explicit(d, table, centred=centred), marginal(d, table)
    theta = random_point(reduced, seed=4)
    point = random_point(full, seed=5)
    # A sampled coefficient is the only variable whose name differs.
    shared = {n: v for n, v in theta.items() if not n.startswith("beta_sampled")}
    for k, row in enumerate(row for row in table.coefficients if row.family not in ("normal", "flat")):
        shared |= {f"beta_centred_{row.parameter}": np.ravel(theta["beta_sampled"])[k]}
    point |= shared
    integrated = [value.name for value in full.continuous_value_vars if value.name not in shared]
    # Gaussian in these variables, so exact up to the rounding of two solves.
    assert laplace(full, point, integrated) == pytest.approx(float(logp(reduced)(theta)), rel=1e-8)


@pytest.mark.parametrize("name", STRUCTURES)
def test_integral_of_any_structure_equals_the_marginal_graph(name):
    d = STRUCTURES[name]
    table = prior_table((), d)
    full, reduced = explicit(d, table), marginal(d, table)
    theta = random_point(reduced, seed=4, scale=0.4)
    point = random_point(full, seed=5) | theta
    integrated = [value.name for value in full.continuous_value_vars if value.name not in theta]
    # Gaussian in these variables, so exact up to the rounding of two solves.
    assert laplace(full, point, integrated) == pytest.approx(float(logp(reduced)(theta)), rel=1e-8)


@pytest.mark.parametrize("name", ["blocks within groups", "two outcomes"])
def test_draws_of_correlated_rows(name):
    d = STRUCTURES[name]
    draws = pm.draw(
        explicit(d, prior_table((), d))["score" if name[0] == "b" else "a"], draws=3, mode="FAST_COMPILE"
    )
    assert draws.shape == (3, len(d.y))
    assert np.isfinite(draws).all()
    assert np.ptp(draws, axis=0).all()


def test_variables_dims_and_coords():
    d = design()
    model = explicit(d, prior_table((), d))
    free = ["sigma", "sd_school", "partial_school", "beta_centred", "z_school"]
    assert [v.name for v in model.free_RVs] == free
    dims = model.named_vars_to_dims
    assert dims["beta"] == dims["beta_centred"] == ("term",)
    assert dims["u_school"] == dims["z_school"] == ("school", "school_term")
    assert dims["score"] == ("obs",)
    assert model.coords["school_pair"] == ("Intercept, x1",)


def test_centred_form_has_group_effects_as_variables():
    d = design()
    model = explicit(d, prior_table((), d), centred=True)
    assert [v.name for v in model.free_RVs][-2:] == ["u_school_Intercept", "u_school_x1"]
    assert model.named_vars_to_dims["u_school"] == ("school", "school_term")


def test_both_forms_share_names_and_dims():
    d = design(q=3, blocks=((0, 2), (1,)))
    table = prior_table((), d)
    full, reduced = explicit(d, table), marginal(d, table)
    for name in ("sigma", "sd_school", "partial_school", "cor_school", "score"):
        assert full.named_vars_to_dims.get(name) == reduced.named_vars_to_dims.get(name)
    assert dict(full.coords) == dict(reduced.coords)


def test_beta_is_on_the_original_columns():
    d = design(q=0)
    model = explicit(d, prior_table((), d))
    gamma = np.array([1.0, 2.0, -3.0])
    beta = model["beta"].eval({model["beta_centred"]: gamma}, mode="FAST_COMPILE")
    expected = [1.0 - d.X[:, 1:].mean(axis=0) @ gamma[1:], 2.0, -3.0]
    np.testing.assert_allclose(beta, expected, rtol=1e-12)  # rounding only


def test_without_intercept_beta_is_free_itself():
    d = design(q=0, intercept=False)
    assert [v.name for v in explicit(d, prior_table((), d)).free_RVs] == ["sigma", "beta"]
