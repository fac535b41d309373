from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from laird.report import blocks


def test_every_kind_of_block_has_its_own_name():
    kinds = [block.kind for block in get_args(blocks.Block.__value__)]
    assert len(set(kinds)) == len(kinds) == 9


def test_blocks_are_frozen():
    with pytest.raises(FrozenInstanceError):
        blocks.Text("a").text = "b"
