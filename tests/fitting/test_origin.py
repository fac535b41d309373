from dataclasses import replace

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.design import KnownBlock, KnownDesign, RhoDesign
from laird.fitting.origin import data_hash, origin, versions

FORMULA = "y ~ x + (1 | g)"


def hash_of(data, formula=FORMULA):
    return data_hash(ld.model(formula, data=data).design)


@pytest.fixture
def frame():
    return grouped_frame()


def test_the_hash_is_that_of_the_used_data(frame):
    assert hash_of(frame) == hash_of(frame.assign(unused=1.0)) == hash_of(frame[["g", "x", "y"]])


@pytest.mark.parametrize("column", ["y", "x"])
def test_any_changed_value_changes_the_hash(frame, column):
    changed = frame.copy()
    changed.loc[3, column] = np.nextafter(changed.loc[3, column], 100)
    assert hash_of(changed) != hash_of(frame)


def test_labels_and_order_change_the_hash(frame):
    assert hash_of(frame.assign(g=frame.g.str.upper())) != hash_of(frame)
    assert hash_of(frame.iloc[::-1]) != hash_of(frame)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": np.ones(3)},
        {"known": KnownDesign("v", proportional=False, variances=np.ones(3))},
        {"known": KnownDesign("v", False, np.ones(3), (KnownBlock(np.arange(2), np.eye(2)),))},
        {"which": np.zeros(3, dtype=np.int64)},
        {"rhos": (RhoDesign((0, 1), np.ones((3, 1)), ("Intercept",)),)},
    ],
    ids=["weights", "variances", "blocks", "outcomes", "correlations"],
)
def test_every_array_counts(frame, change):
    design = ld.model(FORMULA, data=frame).design
    assert data_hash(replace(design, **change)) != data_hash(design)


def test_the_shape_of_an_array_counts(frame):
    design = ld.model(FORMULA, data=frame).design
    assert data_hash(replace(design, X=design.X.reshape(-1, 1))) != data_hash(design)


def test_it_records_seed_options_and_versions(frame):
    model = ld.model(FORMULA, data=frame)
    record = origin(model.spec, model.design, 0.5, seed=7, options={"draws": 100})
    attributes = record.attributes()
    assert (attributes["seed"], attributes["draws"], attributes["seconds"]) == (7, "100", 0.5)
    assert attributes["spec_hash"] == model.spec.hash
    assert attributes["numpy_version"] == np.__version__
    assert record.created.endswith("+00:00")


def test_no_seed_is_marked(frame):
    model = ld.model(FORMULA, data=frame)
    assert origin(model.spec, model.design, 0.0).attributes()["seed"] == -1


def test_versions_name_what_numbers_depend_on():
    assert {"python", "laird", "numpy", "numba", "pymc"} <= set(versions())
