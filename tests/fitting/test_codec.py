"""Records become text and arrays, and come back as they were."""

import json

import numpy as np
import pytest

import laird as ld
from laird.fitting.checks import Check
from laird.fitting.codec import decode, digest, encode
from laird.gaussian.theta import Theta
from laird.spec import parse_spec
from laird.spec.syntax import Call, Name

ODD = (float("nan"), float("inf"), -0.0, 1e-310, 0.1 + 0.2, 2**62, None, True, "größe ≥ 1", ("a", ()))


def round_trip(value, elsewhere=None):
    found = encode(value, elsewhere)
    return decode(found.text, (found.arrays | (elsewhere or {})).__getitem__)


def test_plain_values_come_back_to_the_last_bit():
    assert repr(round_trip(ODD)) == repr(ODD)


def test_numpy_numbers_become_plain_ones():
    assert round_trip((np.float64(0.5), np.int64(3), np.bool_(True))) == (0.5, 3, True)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 3, 4)])
def test_arrays_keep_type_shape_and_bits(dtype, shape):
    array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    (found,) = round_trip((np.asarray(array),))
    assert (found.dtype, found.shape) == (np.dtype(dtype), shape)
    assert found.tobytes() == array.tobytes()
    assert not found.flags.writeable


def test_arrays_keep_their_order_in_memory():
    """Sums over columns round as they did."""
    by_rows, by_columns = round_trip((np.ones((2, 3)), np.asfortranarray(np.arange(6.0).reshape(2, 3))))
    assert by_rows.flags.c_contiguous
    assert by_columns.flags.f_contiguous
    assert by_columns.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_records_keep_their_types():
    call = Call("cvar", (Name("ses"), Name("school")))
    spec = parse_spec("y ~ x + (1 | g)", priors={"x": "normal(0, 2)"}, title="A title")
    value = {"check": Check("a", "ok", 1.0, "said"), "expr": call, "spec": spec}
    assert round_trip(value) == value
    theta = round_trip(Theta(np.eye(2), np.zeros(1), (np.ones(2),)))
    assert isinstance(theta, Theta)
    assert theta.delta[0].tolist() == [1, 1]


def test_arrays_of_the_file_are_referred_to_and_not_written_again():
    there, other = np.arange(3.0), np.arange(3.0)
    found = encode((there, other, there[:2]), {"/posterior/beta": there})
    assert found.arrays["float64"].tolist() == [0, 1, 2, 0, 1]
    again = round_trip((there, other), {"/posterior/beta": there})
    assert np.shares_memory(again[0], there)
    assert not np.shares_memory(again[1], there)


def test_the_digest_is_of_text_and_numbers():
    array = np.arange(3.0)
    found = encode((array, "text"), {"here": array})
    assert digest(found.text, {"here": array}.__getitem__) == found.digest
    assert digest(found.text, {"here": array + 1e-15}.__getitem__) != found.digest
    assert digest(found.text.replace("text", "test"), {"here": array}.__getitem__) != found.digest


def test_records_of_another_version_are_refused():
    text = encode(Check("a", "ok", 1.0, "said")).text
    for other in (text.replace('"remedy"', '"advice"'), text.replace('"Check"', '"Verdict"')):
        with pytest.raises(ld.FitError, match="has other fields") as caught:
            decode(other, {}.__getitem__)
        assert "laird_version" in caught.value.remedy


def test_what_is_written_is_json_alone():
    text = encode({"theta": Theta(np.eye(1), np.zeros(1)), "origin": (("draws", "10"),)}).text
    assert json.loads(text)["mapping"]["origin"] == [["draws", "10"]]


def test_values_that_are_no_records_are_not_written():
    with pytest.raises(TypeError):
        encode(object())
