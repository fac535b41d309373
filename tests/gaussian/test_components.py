import numpy as np
import pytest
from tests.gaussian.crossed_cases import expand

from laird.errors import FitError
from laird.gaussian import components
from laird.gaussian.components import Component, connected, single

N = 60


def rows(*ids, sizes):
    rng = np.random.default_rng(3)
    Z = [rng.normal(size=(N, q)) for q in sizes]
    return rng.normal(size=(N, 3)), Z, ids, [int(own.max()) + 1 for own in ids]


ROW = np.random.default_rng(1).permutation(N)
INNER, OUTER = ROW // 5, ROW // 20
UNEVEN = np.minimum(ROW // 4, 9)

CASES = {
    "nested": rows(INNER, OUTER, sizes=(1, 2)),
    "nested, listed outermost first": rows(OUTER, INNER, sizes=(2, 1)),
    "unequal numbers of inner groups": rows(np.minimum(ROW // 3, 12), np.minimum(ROW // 15, 2), sizes=(2, 1)),
    "crossed": rows(ROW % 6, UNEVEN, sizes=(1, 2)),
    "crossed in two halves": rows((ROW // 30) * 3 + ROW % 3, (ROW // 30) * 2 + ROW % 2, sizes=(1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_parts_hold_all_of_the_cross_products(name):
    """Quadratic forms of Z'Z and Z'X over the parts are those of the wide matrix."""
    X, Z, ids, counts = CASES[name]
    wide = np.hstack([expand(z, i, J) for z, i, J in zip(Z, ids, counts, strict=True)])
    whole = wide.T @ wide
    parts = list(connected(X, Z, ids, counts))
    assert sum(part.ZZ.shape[0] * part.ZZ.shape[1] for part in parts) == len(whole)
    total = sum(np.sum(part.ZZ**2) for part in parts)
    assert total == pytest.approx(np.sum(whole**2), rel=1e-12)  # sums in another order
    products = sum(np.einsum("srp,srk->pk", part.ZX, part.ZX) for part in parts)
    np.testing.assert_allclose(products, X.T @ wide @ wide.T @ X, rtol=1e-12)
    eigenvalues = np.concatenate([np.linalg.eigvalsh(own) for part in parts for own in part.ZZ])
    np.testing.assert_allclose(np.sort(eigenvalues), np.linalg.eigvalsh(whole), atol=1e-9)


def test_nested_factors_fall_apart_by_the_outermost():
    (part,) = connected(*CASES["nested"])
    assert part.groups == (4, 1)
    assert part.ZZ.shape == (3, 6, 6)


def test_parts_of_unequal_make_up_are_in_stacks_of_their_own():
    found = {part.groups: len(part.ZZ) for part in connected(*CASES["unequal numbers of inner groups"])}
    assert found == {(5, 1): 2, (3, 1): 1}


def test_crossed_factors_stay_together_where_rows_connect_them():
    assert [part.groups for part in connected(*CASES["crossed"])] == [(6, 10)]
    assert [(len(part.ZZ), part.groups) for part in connected(*CASES["crossed in two halves"])] == [
        (2, (3, 2))
    ]


def test_effects_are_ordered_by_factor_then_group():
    one = np.ones((4, 1))
    x = np.arange(1.0, 5.0)[:, None]
    (part,) = connected(one, [np.hstack([one, x]), one], [np.array([0, 0, 1, 1]), np.zeros(4, int)], [2, 1])
    expected = [2.0, 5.0, 2.0, 25.0, 4.0]
    np.testing.assert_array_equal(np.diag(part.ZZ[0]), expected)
    np.testing.assert_array_equal(part.ZX[0, :, 0], [2.0, 3.0, 2.0, 7.0, 4.0])
    spread = part.spread([np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[9.0]])])
    np.testing.assert_array_equal(np.diag(spread), [1.0, 4.0, 1.0, 4.0, 9.0])
    assert spread[0, 1] == 2.0
    assert spread[0, 2:].tolist() == [0.0, 0.0, 0.0]


def test_one_factor_comes_in_stacks_of_bounded_length(monkeypatch):
    monkeypatch.setattr(components, "AT_ONCE", 4)
    ZZ, ZX = np.ones((10, 2, 2)), np.ones((10, 2, 3))
    assert [len(part.ZZ) for part in single(ZZ, ZX)] == [4, 4, 2]
    assert all(isinstance(part, Component) and part.groups == (1,) for part in single(ZZ, ZX))


def test_a_part_too_large_for_a_dense_matrix_is_refused(monkeypatch):
    monkeypatch.setattr(components, "LARGEST", 10)
    with pytest.raises(FitError, match=r"22 group effects[\s\S]*satterthwaite"):
        list(connected(*rows(ROW % 6, UNEVEN, sizes=(2, 1))))
