"""Many studies are drawn smaller and lighter, few as they are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from laird.plots.crowds import crowded, opacity, points

COUNTS = (1, 60, 61, 200, 2000, 100_000)


@pytest.mark.parametrize("shrinking", [crowded, opacity, lambda count: points(count)["markersize"]])
def test_never_larger_with_more_studies_and_never_nothing(shrinking):
    found = [shrinking(count) for count in COUNTS]
    assert found[0] == found[1]
    assert all(one >= other for one, other in pairwise(found))
    assert found[-1] > 0.0
