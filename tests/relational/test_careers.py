"""Parents that are handed to their children in the order of time."""

from __future__ import annotations

import numpy as np
import pytest

from synthlake.relational.careers import Career, Children, Due, evened, handed_on, in_time
from synthlake.relational.sets import Rest, steadied


def due(random: np.random.Generator, parents: int, families: int) -> Due:
    """Parents with some children each, within a part of the time."""
    count = random.integers(0, 30, parents)
    begin = random.uniform(0, families, parents)
    begin, end = in_time(begin, begin + random.uniform(5, 80, parents), count, families)
    return Due(count, begin, end, random.integers(0, 3, parents))


def children(random: np.random.Generator, rows: int, families: int, shared: bool) -> Children:
    """Rows of families; what they share is there once in each."""
    family = np.sort(random.integers(0, families, rows))
    first = np.searchsorted(family, family)
    slot = np.arange(rows) - first + 1
    return Children(family, random.integers(0, 3, rows), slot if shared else None)


@pytest.mark.parametrize("shared", [False, True])
def test_everybody_is_in_a_family_once_and_as_often_as_is_due(shared: bool) -> None:
    random = np.random.default_rng(1)
    parents = due(random, 120, 400)
    rows = children(random, int(parents.count.sum()), 400, shared)
    found = handed_on(rows, parents)
    assert (found >= 0).all()
    pairs = np.unique(np.stack([rows.family, found]), axis=1)
    assert pairs.shape[1] > 0.99 * len(found)
    got = np.bincount(found, minlength=120)
    assert not got[parents.count == 0].any()
    assert np.abs(got - parents.count).sum() < 0.05 * len(found)


def test_children_lie_within_the_time_of_their_parent() -> None:
    random = np.random.default_rng(2)
    parents = due(random, 200, 600)
    rows = children(random, int(parents.count.sum()), 600, False)
    found = handed_on(rows, parents)
    far = np.maximum(parents.begin[found] - rows.family, rows.family - parents.end[found])
    assert np.mean(far <= 40) > 0.85
    any_time = np.abs(rows.family - rows.family.mean())
    assert np.median(np.maximum(far, 0)) < 0.05 * np.median(any_time)


def test_parents_stay_with_what_they_share() -> None:
    families, seats = 300, 8
    random = np.random.default_rng(3)
    begin = np.repeat(np.arange(0, families, 30.0), seats)
    parents = Due(np.full(len(begin), 30), begin, begin + 30, np.zeros(len(begin), np.int64))
    family = np.repeat(np.arange(families), seats)
    shared = np.concatenate([random.permutation(seats) + 1 for _ in range(families)])
    found = handed_on(Children(family, np.zeros(len(family), np.int64), shared), parents)
    alike = [np.bincount(shared[found == p]).max() / (found == p).sum() for p in set(found)]
    assert np.mean(alike) > 0.9
    free = handed_on(Children(family, np.zeros(len(family), np.int64)), parents)
    loose = [np.bincount(shared[free == p]).max() / (free == p).sum() for p in set(free)]
    assert np.mean(loose) < 0.4


def test_who_has_no_row_left_is_there_again_where_nobody_else_is() -> None:
    one = Due(np.array([2]), np.array([0.0]), np.array([2.0]), np.array([0]))
    rows = Children(np.array([0, 1, 4, 4]), np.zeros(4, np.int64))
    assert handed_on(rows, one).tolist() == [0, 0, 0, -1]  # nobody twice in a family
    nobody = Due(np.array([0]), np.array([0.0]), np.array([1.0]), np.array([0]))
    assert handed_on(rows, nobody).tolist() == [-1] * 4


def test_times_are_as_long_as_there_are_children() -> None:
    begin, end = in_time(np.array([5.0, 90.0, -3.0, 40.0]), np.array([6.0, 99.0, 2.0, 40.0]),
                         np.array([10, 20, 4, 0]), 100)  # fmt: skip
    assert begin.tolist() == [5.0, 80.0, 0.0, 40.0]
    assert end[:3].tolist() == [15.0, 100.0, 5.0]
    assert (end > begin).all()


def test_draws_are_chosen_so_that_as_many_are_due_as_there_are_rows() -> None:
    random = np.random.default_rng(4)
    sizes = np.full(640, 5)
    count = np.minimum(random.pareto(1.2, 200) * 6 + 1, 300).astype(np.int64)
    count = count * sizes.sum() // count.sum() + 1
    begin = random.uniform(0, 600, (8, 200))
    begin, end = in_time(begin, begin + 2 * count, count, 640)
    chosen = evened(count, begin, end, sizes)
    assert set(chosen.tolist()) <= set(range(8))
    missed = []
    for draw in (np.zeros(200, np.int64), chosen):
        b, e = begin[draw, np.arange(200)], end[draw, np.arange(200)]
        at = np.linspace(0, 640, 65)
        done = (count * np.clip((at[:, None] - b) / (e - b), 0, 1)).sum(1)
        missed.append(np.abs(np.diff(done) - 50).mean())
    assert missed[1] < 0.4 * missed[0]


def test_codes_are_there_as_often_as_they_are_expected() -> None:
    random = np.random.default_rng(5)
    share = np.array([0.5, 0.3] + [0.2 / 60] * 60)
    drawn = random.choice(62, (25, 900), p=share)
    free = np.bincount(drawn[0], minlength=62)
    made = steadied(drawn[0], drawn, 62)
    told = np.bincount(drawn.ravel(), minlength=62) / 25
    assert np.abs(np.bincount(made, minlength=62) - told).max() < 1.6
    assert np.abs(free - told).max() > 4
    moved = made != drawn[0]
    assert (drawn[:, moved] == made[moved]).any(0).all()  # rows have what they might have had
    assert moved.mean() < 0.1
    known = steadied(drawn[0], drawn, 62, rest=Rest(61, 9.0))
    assert abs(int((known == 61).sum()) - 9) <= 1


def test_groups_have_no_code_twice_though_it_is_expected_more_often() -> None:
    random = np.random.default_rng(6)
    group = np.repeat(np.arange(100), 4)
    drawn = np.stack([np.concatenate([random.permutation(12)[:4] for _ in range(100)])
                      for _ in range(25)])  # fmt: skip
    drawn[1:, ::3] = 0
    made = steadied(drawn[0], drawn, 12, group)
    pairs = set(zip(group.tolist(), made.tolist(), strict=True))
    assert len(pairs) == len(group)
    assert (made == 0).sum() > (drawn[0] == 0).sum()


def test_nobody_is_taken_who_has_the_family_by_another_reference() -> None:
    random = np.random.default_rng(7)
    parents = due(random, 60, 200)
    rows = children(random, int(parents.count.sum()), 200, False)
    other = handed_on(rows, parents)
    free = handed_on(rows, parents)
    apart = handed_on(Children(rows.family, rows.code, None, other[:, None]), parents)
    held = set(zip(rows.family.tolist(), other.tolist(), strict=True))
    met = [sum(pair in held for pair in zip(rows.family.tolist(), found.tolist(), strict=True))
           for found in (free, apart)]  # fmt: skip
    assert met[0] == len(other)
    assert met[1] == 0


def test_parents_near_a_time_are_those_of_that_time() -> None:
    first = np.append(np.arange(100.0), np.inf)
    career = Career(np.zeros(1, np.int32), np.zeros(101, np.int32), first, first + 2)
    words = np.random.default_rng(8).integers(0, 2**64, 300, np.uint64)
    when = np.repeat([0.0, 50.0, 99.0], 100)
    found = career.near(when, words, 5)
    assert np.abs(first[found] - when).max() <= 11
    assert len(set(found[100:200].tolist())) == 10
