"""Parents as their children see them: stubs, phantoms, families without a parent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.relational.databases import Fitted, rows_of

from synthlake.relational.parents import Stubs, multiplied, null_families, ranks_of, virtual_rows
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
    plan = SamplePlan(
        1, 1.0, {"p": parents}, codes={"l": np.array([codes])}, stubs={"l": np.array([sizes])}
    )
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
    children, sizes = plan.codes[label][-1], plan.stubs[label][-1]
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
    for part in ("starts", "codes", "stubs"):
        mine, theirs = getattr(plan, part), getattr(again, part)
        assert set(mine) == set(theirs)
        assert all(np.array_equal(mine[n], theirs[n]) for n in mine)
    assert {f: getattr(again, f) for f in ("rows", "phantoms", "limits", "times", "notes")} == {
        f: getattr(plan, f) for f in ("rows", "phantoms", "limits", "times", "notes")
    }
