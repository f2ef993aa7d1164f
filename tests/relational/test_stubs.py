"""The block of parents that holds a stub."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from synthlake.relational.parents import Stubs
from synthlake.seed import Seed


def test_one_search_finds_the_blocks_that_searches_by_code_find() -> None:
    random = np.random.default_rng(3)
    sizes = random.integers(0, 4, (6, 5))  # blocks without a stub of some codes among them
    cumulative = np.concatenate([np.zeros((1, 5), np.int64), np.cumsum(sizes, 0)])
    plan: Any = SimpleNamespace(stubs={"a": cumulative})
    link: Any = None
    stubs = Stubs(link, "a", plan, Seed(1))
    codes = np.array([c for c in range(5) for _ in range(cumulative[-1, c])] + [-1], np.int32)
    numbers = np.array([n for c in range(5) for n in range(cumulative[-1, c])] + [0])
    found = stubs.blocks(codes, numbers)
    for code, number, block in zip(codes, numbers, found, strict=True):
        wanted = -1
        if code >= 0:
            wanted = int(np.searchsorted(cumulative[:, code], number, side="right")) - 1
        assert block == wanted
