"""What fewer than k entities have leaves no trace in what is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synthlake.models.growth import Growth, grow
from synthlake.models.support import even_rows
from synthlake.models.trees import FittedTrees, Trees
from synthlake.ports import Feature, TrainingTable

K = 10


def _fit(
    columns: dict[str, tuple[Any, int, bool]], group: NDArray[np.int64] | None = None
) -> FittedTrees:
    features = {n: Feature(np.asarray(c, np.int32), s, o) for n, (c, s, o) in columns.items()}
    rows = len(next(iter(features.values())).codes)
    who = np.arange(rows) if group is None else group
    return Trees(min_leaf=20).fit(TrainingTable(features, {}, who, K), 0)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("few", [1, 2, 5, 9])
def test_what_a_leaf_lacks_does_not_come_from_the_total(few: int, ordered: bool) -> None:
    """Two leaves; one has 100 of a value, the other fewer than k: how many cannot be seen."""

    def drawn(count: int) -> float:
        side = np.repeat([0, 1], 500)
        value = np.zeros(1_000, int)
        value[:100] = 1
        value[500 : 500 + count] = 1
        step = _fit({"a": (side, 2, False), "b": (value, 2, ordered)}).steps[1]
        node = step.node({"a": np.ones(1, np.int32)}, 1)
        return float(step.leaves.probability(node, np.ones(1, np.int32))[0]) * 500

    assert drawn(few) == pytest.approx(drawn(9), abs=0.6)


def test_rows_of_one_entity_do_not_come_from_the_total() -> None:
    side = np.repeat([0, 1], 600)
    value = np.zeros(1_200, int)
    value[:100] = 1
    value[600:900] = 1  # one person's
    group = np.arange(1_200)
    group[600:900] = 600
    step = _fit({"a": (side, 2, False), "b": (value, 2, False)}, group).steps[1]
    node = step.node({"a": np.ones(1, np.int32)}, 1)
    assert step.leaves.probability(node, np.ones(1, np.int32))[0] < 0.1


@pytest.mark.parametrize("code", [-2, -1, 20])
def test_a_category_of_one_entity_is_not_placed_by_its_value(code: int) -> None:
    """The pay of the only person with an unknown, missing or rare city moves nothing."""
    random = np.random.default_rng(0)
    city = random.integers(0, 20, 3_000)
    pay = np.clip(city + random.integers(0, 8, 3_000), 0, 29)
    city[0] = code

    def fitted(paid: int) -> NDArray[np.int32]:
        pay[0] = paid
        step = _fit({"city": (city, 21, False), "pay": (pay, 30, True)}).steps[1]
        return step.asks[0].recode.place

    low, high = fitted(14), fitted(16)
    assert np.array_equal(low, high)


def test_many_categories_are_ordered_by_those_of_k_entities() -> None:
    random = np.random.default_rng(1)
    kind = np.repeat(np.arange(400), 20)
    other = (kind % 20 + random.integers(0, 3, len(kind))) % 20
    kind[0] = 400  # one row's own

    def order(value: int) -> NDArray[np.int32]:
        other[0] = value
        return _fit({"a": (other, 20, True), "b": (kind, 401, False)}).steps[1].leaves.code

    assert order(0)[-1] == order(19)[-1] == 400


def test_codes_without_support_have_no_count() -> None:
    value = np.zeros(1_000, int)
    value[0], value[1:4] = 1, 2
    leaves = _fit({"b": (value, 3, False)}).steps[0].leaves
    assert leaves.cumulative.tolist() == [0, 996, 996, 996]


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_leaves_count_distinct_entities(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = 600
    group = random.integers(0, 25, rows)
    features = random.integers(0, 12, (3, rows)).astype(np.int32)
    target = (features[:1] * 2.0 + features[1:2]) + random.random((1, rows))
    tree, node = grow(features, target, group, Growth(20, float(K)))
    leaves = [np.unique(group[node == n]) for n in np.unique(node)]
    assert min(map(len, leaves)) >= K
    # every entity is in most leaves: so few of them do not keep a tree from growing
    assert len(leaves) > 25 // K
    assert np.array_equal(np.unique(node), np.flatnonzero(tree.feature < 0))


def test_rows_of_one_group_count_as_those_of_the_kth_at_most() -> None:
    keys = np.array([0] * 100 + [0] * 2 + [1] * 5 + [2] * 6, np.int64)
    group = np.array([7] * 100 + [1, 2] + [1, 2, 3, 3, 3] + [1, 1, 2, 2, 3, 3], np.int64)
    assert even_rows(keys, group, 4, 3).tolist() == [3, 3, 6, 0]
    assert even_rows(keys, group, 4, 1).tolist() == [102, 5, 6, 0]
    assert even_rows(keys, group, 4, 4).tolist() == [0, 0, 0, 0]
    assert even_rows(keys[:0], group[:0], 2, 3).tolist() == [0, 0]
