"""Parents as their children see them: stubs, phantoms, families without a parent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.relational.databases import Fitted, rows_of

from synthlake.relational.cumulated import Cumulated
from synthlake.relational.links import spread_if_few, with_unseen
from synthlake.relational.parents import (
    Stubs,
    drawn_of,
    fitted,
    fitting,
    multiplied,
    null_families,
    ranks_of,
    virtual_rows,
)
from synthlake.relational.plan import NULL_FAMILY, SamplePlan
from synthlake.seed import Seed


@given(st.integers(0, 500))
def test_null_families_hold_all_rows(rows: int) -> None:
    sizes = null_families(rows)
    assert sizes.sum() == rows
    assert (sizes > 0).all()
    assert (sizes <= NULL_FAMILY).all()
    plan = SamplePlan(1, 1.0, {"p": 7}, phantoms={"l": 3}, nulls={"l": rows})
    assert virtual_rows(plan, "p", "l") == 10 + len(sizes)


def test_ranks_count_within_codes() -> None:
    codes = np.array([2, 0, 2, -1, 2, 0], np.int32)
    assert ranks_of(codes, np.array([10, 20, 30])).tolist() == [30, 10, 31, 0, 32, 11]


def test_multiplied_counts_have_the_mean() -> None:
    words = Seed(1).words("t", "c", 0, 20_000)
    made = multiplied(np.full(20_000, 3), np.full(20_000, 1.25), words)
    assert set(made.tolist()) == {3, 4}
    assert made.mean() == pytest.approx(3.75, abs=0.02)
    same = multiplied(np.arange(20_000), np.ones(20_000), words)
    assert np.array_equal(same, np.arange(20_000))


def stubs(codes: list[int], sizes: list[int], parents: int, real: int) -> Stubs:
    """Stubs of a key with ``real`` codes of parents."""
    from synthlake.relational.model import Link
    from synthlake.schema.model import ForeignKey

    link = Link(ForeignKey(("a",), "p", ("a",)), "cluster", codes=real)
    counted = Cumulated.of(np.array([codes], np.uint16))
    plan = SamplePlan(1, 1.0, {"p": parents}, codes={"l": counted}, stubs={"l": np.array([sizes])})
    return Stubs(link, "l", plan, Seed(1))


@pytest.mark.parametrize("children", [50, 100, 333])
def test_every_stub_is_used_evenly(children: int) -> None:
    made = stubs([children], [100], 10, 1)
    codes = np.zeros(children, np.int32)
    used = np.bincount(made.places(codes, np.arange(children)), minlength=100)
    assert used.min() >= children // 100
    assert used.max() <= -(-children // 100)


@pytest.mark.parametrize(("sizes", "parents", "wanted"), [
    ([5, 0, 9, 4], 8, [0, 0, 2, 3]),  # the nearest code with stubs
    ([5, 9, 9, 0], 8, [0, 1, 2, 2]),  # no phantoms: real parents take their children
    ([0, 0, 0, 4], 8, [Stubs.ANY, Stubs.ANY, Stubs.ANY, 3]),  # nobody has children: any parent
    ([0, 0, 0, 4], 0, [3, 3, 3, 3]),  # no parents
    ([0, 0, 0, 0], 0, [-1, -1, -1, -1]),
])  # fmt: skip
def test_who_stands_in_for_codes_without_stubs(
    sizes: list[int], parents: int, wanted: list[int]
) -> None:
    made = stubs([1, 1, 1, 1], sizes, parents, 3)
    found = made.standing(np.array([0, 1, 2, 3, -1], np.int32))
    assert found.tolist() == [*wanted, -1]


def test_degrees_of_matched_parents_are_those_of_the_plan(played: Fitted) -> None:
    _, artifact = played
    sample: Any = artifact.sample(seed=5)
    twin, plan = sample.to_arrow(), sample.plan
    label = "games(away) -> teams"
    children, sizes = plan.codes[label].total, plan.stubs[label][-1]
    counts: dict[Any, int] = {}
    for (team,) in rows_of(twin["games"], "away"):
        counts[team] = counts.get(team, 0) + 1
    table = sample["teams"]
    block = table._generator.block("teams", 0)
    code, degree = block.drawn["p:"], block.count(label)
    for team, c, d in zip(twin["teams"]["team"].to_pylist(), code, degree, strict=True):
        assert abs(counts.get(team, 0) - d * children[c] / max(sizes[c], 1)) <= d * 0.5 + 1


def test_plan_travels_as_parts(shipped: Fitted) -> None:
    _, artifact = shipped
    plan = artifact.sample(0.5, seed=5).plan
    held, tensors = plan.to_parts()
    again = SamplePlan.from_parts(held, tensors)
    assert again.to_parts()[0] == held
    for part in ("starts", "stubs"):
        mine, theirs = getattr(plan, part), getattr(again, part)
        assert set(mine) == set(theirs)
        assert all(np.array_equal(mine[n], theirs[n]) for n in mine)
    assert set(plan.codes) == set(again.codes)
    for label, counted in plan.codes.items():
        assert np.array_equal(counted.counts, again.codes[label].counts)
        assert np.array_equal(counted.marks, again.codes[label].marks)
    assert {f: getattr(again, f) for f in ("rows", "phantoms", "limits", "times", "notes")} == {
        f: getattr(plan, f) for f in ("rows", "phantoms", "limits", "times", "notes")
    }


def test_a_code_with_fewer_children_than_stubs_has_as_many_stubs() -> None:
    stubs = np.array([[0, 0, 0, 0], [6, 4, 0, 0], [10, 8, 5, 0], [10, 8, 5, 9]])
    made = fitted(stubs, np.array([5, 9, 0, 12]), real=3)
    assert made.tolist() == [[0, 0, 0, 0], [3, 4, 0, 0], [5, 8, 5, 0], [5, 8, 5, 12]]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=60), st.integers(0, 90))
def test_fitted_degrees_leave_nobody_without_children(
    parents: list[tuple[int, int]], wanted: int
) -> None:
    codes = np.array([c for c, _ in parents], np.int64)
    degrees = np.array([d for _, d in parents], np.int64)
    totals = np.bincount(codes, degrees, 3).astype(np.int64)
    some = np.flatnonzero((codes == 1) & (degrees > 0))
    totals[1] = wanted if len(some) else 0
    made = fitting(codes, degrees, totals)
    assert np.array_equal(np.bincount(codes, made, 3), totals)
    assert (made[degrees == 0] == 0).all()
    assert np.array_equal(made[codes != 1], degrees[codes != 1])
    if wanted >= len(some):
        assert (made[some] > 0).all()


def test_parents_of_unseen_children_are_like_those_with_as_few() -> None:
    codes = np.array([4, 4, 1, 2, 3, 3], np.int32)
    sampled, true = np.array([0, 0, 1, 1, 9, 0]), np.array([1, 1, 1, 2, 9, 0])
    assert with_unseen(codes, sampled, true).tolist() == [1, 1, 1, 2, 3, 3]
    assert with_unseen(codes, np.zeros(6, int), true).tolist() == codes.tolist()


def test_children_of_too_few_parents_are_spread_evenly() -> None:
    group = np.arange(10)
    few = np.array([0, 0, 7, 0, 0, 0, 8, 0, 0, 0])
    assert spread_if_few(few, group, 3).tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]
    assert spread_if_few(few, group, 2).tolist() == few.tolist()
    assert spread_if_few(few * 0, group, 3).tolist() == [0] * 10


def test_children_of_a_column_that_parents_share_are_counted_by_rows() -> None:
    """Twenty rows of each group: the table below is not twenty times too large."""
    import pyarrow as pa

    import synthlake as sl

    random = np.random.default_rng(1)
    real = {
        "people": pa.table({"id": np.arange(400), "group": np.arange(400) // 20}),
        "visits": pa.table({"id": np.arange(600), "group": random.integers(0, 20, 600)}),
    }
    fk = {"columns": ["group"], "references": "people", "to": ["group"], "mode": "own"}
    declared = {"people": {"primary_key": ["id"]},
                "visits": {"primary_key": ["id"], "foreign_keys": [fk]}}  # fmt: skip
    twin = sl.fit(real, declared, k=3, seed=1, holdout=0.0).sample(2.0, seed=1).to_arrow()
    assert twin["visits"].num_rows == pytest.approx(1_200, rel=0.06)


def test_a_table_is_not_empty_because_few_parents_have_its_rows() -> None:
    import pyarrow as pa

    import synthlake as sl

    fk = {"columns": ["of"], "references": "people", "to": ["id"], "mode": "own"}
    declared = {"people": {"primary_key": ["id"]},
                "visits": {"primary_key": ["id"], "foreign_keys": [fk]}}  # fmt: skip
    real = {
        "people": pa.table({"id": np.arange(200)}),
        "visits": pa.table({"id": np.arange(60), "of": np.repeat([7, 90], [50, 10])}),
    }
    artifact = sl.fit(real, declared, k=1, seed=1, holdout=0.0)
    for seed in range(6):
        sample = artifact.sample(0.3, seed=seed)
        assert sample.to_arrow()["visits"].num_rows == pytest.approx(18, abs=9)
        again = SamplePlan.from_parts(*sample.plan.to_parts())
        assert again.even == sample.plan.even


def test_rare_parents_have_as_many_children_as_they_should() -> None:
    """Of forty parents that are no categories, a third have none and most others one or two."""
    from synthlake.relational.model import Link
    from synthlake.schema.model import ForeignKey

    shares = ((13, 0.0), (15, 1.0), (12, 2.0))
    link = Link(ForeignKey(("a",), "p", ("a",)), "identity", rest=True, shares=shares)
    assert link.often == 39
    rows = np.arange(39)
    found = drawn_of(link, 40, 11, rows, 39)
    assert np.bincount(np.bincount(found, minlength=40)).tolist() == [13, 15, 12]
    neighbours = found[1:] == found[:-1]
    assert not neighbours.any()  # rows of one family are neighbours
    assert len(drawn_of(link, 40, 11, rows[:0], 39)) == 0
    parts = [drawn_of(link, 40, 11, rows[some], 39) for some in (slice(17), slice(17, 39))]
    assert np.array_equal(np.concatenate(parts), found)  # from block to block
    fewer = np.bincount(drawn_of(link, 40, 11, rows[:30], 39), minlength=40)
    assert (fewer <= np.bincount(found, minlength=40)).all()
