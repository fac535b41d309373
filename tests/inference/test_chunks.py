"""Slices of draws."""

from laird.inference.chunks import CELLS, chunks


def test_every_draw_is_in_one_slice():
    assert [i for part in chunks(11, CELLS // 3) for i in range(11)[part]] == list(range(11))
    assert list(chunks(3, 10 * CELLS)) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert list(chunks(0, 5)) == []
