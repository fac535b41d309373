from dataclasses import replace

import numpy as np
import nutpie
import pymc as pm
import pytest
from pytensor.graph.traversal import io_toposort
from tests.graph.cases import STRUCTURES
from tests.graph.points import logp, random_point
from tests.posterior.designs import design

from laird.errors import SpecError
from laird.graph import graph
from laird.posterior import prior_table


@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_forms_are_ordinary_models(form):
    d = design()
    model = graph(d, prior_table((), d), form)
    assert isinstance(model, pm.Model)
    assert [v.name for v in model.observed_RVs] == ["score"]
    assert not model.potentials


def test_marginal_is_the_default():
    d = design()
    assert "z_school" not in graph(d, prior_table((), d)).named_vars


def test_unknown_form_names_the_nearest():
    d = design()
    with pytest.raises(SpecError, match="no graph form `marginall`") as caught:
        graph(d, prior_table((), d), "marginall")
    assert caught.value.allowed == "Nearest: `marginal`."


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_every_structure_has_both_forms(name, form):
    d = STRUCTURES[name]
    model = graph(d, prior_table((), d), form)
    assert len(model.observed_RVs) == 1
    assert ("z_g0" in model.named_vars) == (form == "explicit" and any(r.group == "g0" for r in d.random))


def test_weights_have_no_explicit_form():
    """A row that counts one and a half times is no random variable."""
    d = replace(design(q=0), weights=np.full(40, 1.5))
    assert graph(d, prior_table((), d)).observed_RVs
    with pytest.raises(SpecError, match="Weights") as caught:
        graph(d, prior_table((), d), "explicit")
    assert "marginal" in caught.value.remedy


def test_names_that_are_not_identifiers_are_written_with_underscores():
    d = design(group="batch:cask")
    names = set(graph(d, prior_table((), d)).named_vars)
    assert {"sd_batch_cask", "cor_batch_cask", "partial_batch_cask"} <= names


@pytest.mark.parametrize("sampler", ["pymc", "nutpie"])
@pytest.mark.parametrize("form", ["marginal", "explicit"])
def test_pymc_and_nutpie_sample_either_form(form, sampler):
    d = design(q=1)
    with graph(d, prior_table((), d), form):
        trace = pm.sample(
            nuts_sampler=sampler, draws=20, tune=20, chains=1, random_seed=1,
            progressbar=False, compute_convergence_checks=False, quiet=True,
        )["posterior"]  # fmt: skip
    names = {"sigma": 1, "sd_school": 1} | ({"beta": 3, "u_school": 6} if form == "explicit" else {})
    assert {name: trace[name].size // 20 for name in names} == names
    assert all(np.isfinite(trace[name]).all() for name in names)


@pytest.mark.parametrize("name", ["crossed", "known variances", "two outcomes"])
def test_nutpie_compiles_a_marginal_graph_of_any_structure(name):
    d = STRUCTURES[name]
    model = graph(d, prior_table((), d))
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=20, tune=20, chains=1, seed=1, progress_bar=False
    )["posterior"]
    assert all(np.isfinite(trace[variable.name]).all() for variable in model.free_RVs)


@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_nutpie_samples_what_has_no_compiled_density():
    """Such structures are evaluated through Python."""
    d = STRUCTURES["blocks across groups"]
    model = graph(d, prior_table((), d))
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=20, tune=20, chains=1, seed=1, progress_bar=False
    )["posterior"]
    assert np.isfinite(trace["sd_school"]).all()


def own_ops(model):
    """Ops of the log density and its gradient that are neither PyTensor's nor PyMC's."""
    outputs = [model.logp(), *model.dlogp().owner.inputs]
    ops = {node.op for node in io_toposort([], outputs)}
    return {type(op).__name__ for op in ops if not type(op).__module__.startswith(("pytensor", "pymc"))}


@pytest.mark.parametrize("name", STRUCTURES)
def test_explicit_graphs_have_no_ops_of_their_own(name):
    """What other backends (JAX, and so NumPyro) must know is what PyTensor and PyMC have."""
    d = STRUCTURES[name]
    assert own_ops(graph(d, prior_table((), d), "explicit")) == set()
    density = "LogDensity" if name == "blocks across groups" else "MarginalDensity"
    assert own_ops(graph(d, prior_table((), d))) == {density}


@pytest.mark.parametrize("name", STRUCTURES)
def test_explicit_graphs_run_under_jax(name):
    jax = pytest.importorskip("jax")
    from pymc.sampling.jax import get_jaxified_logp

    jax.config.update("jax_enable_x64", True)
    d = STRUCTURES[name]
    model = graph(d, prior_table((), d), "explicit")
    point = random_point(model)
    values = [point[variable.name] for variable in model.value_vars]
    found = float(get_jaxified_logp(model, negative_logp=False)(values))
    # the same sums by another backend
    assert abs(found) == pytest.approx(abs(float(logp(model)(point))), rel=1e-10)
