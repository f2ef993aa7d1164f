"""The block of parents that holds a stub, and which of them owns it."""

from __future__ import annotations

import itertools

import numpy as np

from synthlake.relational.owners import Owners
from synthlake.relational.plan import ROOT_BLOCK, SamplePlan
from synthlake.relational.shelf import Shelf


def test_one_search_finds_the_blocks_and_owners_that_searches_by_code_find() -> None:
    random = np.random.default_rng(3)
    rows = 5 * ROOT_BLOCK + 100
    codes_of, degrees = random.integers(0, 5, rows), random.integers(0, 3, rows)
    degrees[:ROOT_BLOCK] = 0  # a block without a stub
    degrees[(codes_of == 2) & (np.arange(rows) < 3 * ROOT_BLOCK)] = 0  # some without one of a code
    ends = [*range(0, rows, ROOT_BLOCK), rows]
    parts = [slice(low, high) for low, high in itertools.pairwise(ends)]
    each = [np.bincount(codes_of[p], degrees[p], 5).astype(np.int64) for p in parts]
    cumulative = np.concatenate([np.zeros((1, 5), np.int64), np.cumsum(each, 0)])
    plan = SamplePlan(1, 1.0, {"p": rows}, stubs={"a": cumulative})
    places = [np.arange(p.stop - p.start) for p in parts]
    made = Owners(
        "a", "p", plan, Shelf(), lambda n: (codes_of[parts[n]], degrees[parts[n]], places[n])
    )
    codes = np.repeat(np.arange(5, dtype=np.int32), cumulative[-1])
    stubs = np.concatenate([np.arange(n) for n in cumulative[-1]])
    some = random.permutation(len(codes))[:20_000]
    codes, stubs = codes[some], stubs[some]
    order, blocks, numbers = made.placed(codes, stubs)
    assert (np.diff(numbers) >= 0).all()
    found = np.empty(len(order), np.int64)
    found[order] = blocks
    owners = made.of(codes, stubs)
    for code in range(5):
        mine = np.flatnonzero(codes == code)
        wanted = np.searchsorted(cumulative[:, code], stubs[mine], side="right") - 1
        assert np.array_equal(found[mine], wanted)
        parents = np.flatnonzero(codes_of == code)
        assert np.array_equal(owners[mine], np.repeat(parents, degrees[parents])[stubs[mine]])
    assert not len(made.of(codes[:0], stubs[:0]))
