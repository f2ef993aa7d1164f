"""Trees that take in further rows: what they say, and what they do not say of few entities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from synthlake.encode.axis import Axis
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.extend import Move, extend_bins, extend_categories
from synthlake.encode.numeric import NumericCodec, build_numeric
from synthlake.errors import LearnError
from synthlake.models.refit import Weights, cut_to, refitted, widened
from synthlake.models.trees import FittedTrees, Trees
from synthlake.ports import Feature, TrainingTable

K = 10
Columns = dict[str, tuple[Any, int, bool]]


def _table(columns: Columns, group: NDArray[np.int64] | None = None) -> TrainingTable:
    features = {n: Feature(np.asarray(c, np.int32), s, o) for n, (c, s, o) in columns.items()}
    rows = len(next(iter(features.values())).codes)
    return TrainingTable(features, {}, np.arange(rows) if group is None else group, K)


def _fit(columns: Columns) -> FittedTrees:
    return Trees(min_leaf=20).fit(_table(columns), 0)


def _taken(
    fitted: FittedTrees, columns: Columns, group: NDArray[np.int64] | None = None,
    weights: Weights | None = None,
) -> FittedTrees:  # fmt: skip
    return refitted(fitted, _table(columns, group), weights or Weights())[0]


def _share(fitted: FittedTrees, step: int, seen: dict[str, int], code: int) -> float:
    """How likely a code is in the leaf of given codes."""
    held = fitted.steps[step]
    node = held.node({n: np.full(1, c, np.int32) for n, c in seen.items()}, 1)
    return float(held.leaves.probability(node, np.full(1, code, np.int32))[0])


def _same(left: FittedTrees, right: FittedTrees) -> bool:
    one, other = left.to_artifact()[1], right.to_artifact()[1]
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


SIDE = np.repeat([0, 1], 500)
VALUE = np.where(np.arange(1_000) % 500 < 100, 1, 0)


@pytest.fixture(scope="module")
def learned() -> FittedTrees:
    """Two sides of 500 rows; a fifth of one side has the value 1, none of the other."""
    value = VALUE.copy()
    value[500:] = 0
    return _fit({"a": (SIDE, 2, False), "b": (value, 2, False)})


# What whoever holds both artifacts learns of the further rows


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("few", [1, 2, 5, 9])
def test_few_values_of_a_leaf_cannot_be_told_from_both_artifacts(few: int, ordered: bool) -> None:
    """Of further rows, 100 have a value on one side, and fewer than k on the other."""
    before = VALUE.copy()
    before[500:] = 0
    old = _fit({"a": (SIDE, 2, False), "b": (before, 2, ordered)})

    def drawn(count: int) -> float:
        value = VALUE.copy()
        value[500:] = 0
        value[500 : 500 + count] = 1
        new = _taken(old, {"a": (SIDE, 2, False), "b": (value, 2, ordered)})
        return _share(new, 1, {"a": 1}, 1) * 1_000

    assert drawn(few) == pytest.approx(drawn(9), abs=0.6)


@pytest.mark.parametrize("few", [1, 2, 5, 8])
def test_few_of_a_known_value_cannot_be_told_from_the_total(few: int) -> None:
    """The others' number and that of all rows say nothing of the few."""
    old = _fit({"b": (VALUE, 2, False)})

    def taken(count: int) -> FittedTrees:
        value = np.zeros(1_000, int)
        value[:count] = 1
        return _taken(old, {"b": (value, 2, False)})

    assert _same(taken(few), taken(9))
    assert not _same(taken(9), taken(50))


@pytest.mark.parametrize("few", [0, 1, 5])
def test_few_nulls_cannot_be_told(few: int) -> None:
    gone = np.where(np.arange(1_000) < 200, -1, VALUE)
    old = _fit({"b": (gone, 2, False)})

    def taken(count: int) -> FittedTrees:
        value = np.zeros(1_000, int)
        value[:count] = -1
        return _taken(old, {"b": (value, 2, False)})

    assert _same(taken(few), taken(9))


def test_values_of_few_rows_of_a_leaf_are_not_told_from_those_of_the_next(
    learned: FittedTrees,
) -> None:
    """Of nine rows on one side, it cannot be seen whether they have the value."""

    def taken(theirs: int) -> FittedTrees:
        side = np.zeros(1_000, int)
        side[:9] = 1
        value = np.zeros(1_000, int)
        value[:9] = theirs
        value[9 : 118 - 9 * theirs] = 1  # as many in all
        assert value.sum() == 109
        return _taken(learned, {"a": (side, 2, False), "b": (value, 2, False)})

    assert _same(taken(0), taken(1))


def test_rows_of_one_entity_count_as_one(learned: FittedTrees) -> None:
    value = np.zeros(1_000, int)
    value[500:800] = 1  # one person's
    group = np.arange(1_000)
    group[500:800] = 500
    new = _taken(learned, {"a": (SIDE, 2, False), "b": (value, 2, False)}, group)
    assert _share(new, 1, {"a": 1}, 1) < 0.02


def test_rows_of_fewer_than_k_entities_change_nothing(learned: FittedTrees) -> None:
    few: Columns = {"a": (np.zeros(9, int), 2, False), "b": (np.ones(9, int), 2, False)}
    new = _taken(learned, few)
    assert _share(new, 1, {"a": 0}, 1) == pytest.approx(_share(learned, 1, {"a": 0}, 1), abs=1e-6)
    assert [s.leaves.cumulative.tolist() for s in new.steps] == [
        s.leaves.cumulative.tolist() for s in learned.steps
    ]


def test_leaves_weigh_multiples_of_k(learned: FittedTrees) -> None:
    new = _taken(learned, {"a": (SIDE[3:], 2, False), "b": (VALUE[3:], 2, False)})
    for step in (*learned.steps, *new.steps):
        assert (step.leaves.rows % K == 0).all()
    assert new.steps[1].leaves.rows.sum() == pytest.approx(1_997, abs=2 * K)


# What they say


def test_counts_are_added(learned: FittedTrees) -> None:
    new = _taken(learned, {"a": (SIDE, 2, False), "b": (VALUE, 2, False)})
    assert new.steps[1].leaves.cumulative.tolist() == [0, 1_700, 2_000]
    assert _share(new, 1, {"a": 0}, 1) == pytest.approx(0.2, abs=0.01)
    assert _share(new, 1, {"a": 1}, 1) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(("decay", "share"), [(1.0, 0.5), (0.5, 2 / 3), (0.25, 0.8)])
def test_old_rows_count_less_by_decay(decay: float, share: float) -> None:
    old = _fit({"b": (np.arange(1_000) % 2, 3, False)})
    new = _taken(old, {"b": (np.full(1_000, 2), 3, False)}, None, Weights(decay, 1.0))
    # that fewer than k have the others is not said: they count as k
    assert _share(new, 0, {}, 2) == pytest.approx(share * 0.99, abs=0.001)


def test_further_rows_count_as_many_as_they_stand_for() -> None:
    old = _fit({"b": (np.arange(1_000) % 2, 3, False)})
    new = _taken(old, {"b": (np.full(100, 2), 3, False)}, None, Weights(1.0, 10.0))
    assert _share(new, 0, {}, 2) == pytest.approx(0.45, abs=0.001)


@pytest.mark.parametrize("rows", [100, 1_000, 5_000])
def test_more_rows_of_the_same_kind_make_unseen_ones_more_likely(rows: int) -> None:
    def draw(rows: int, seed: int) -> Columns:
        random = np.random.default_rng(seed)
        a = random.integers(0, 5, rows)
        b = np.clip((a * 8 + random.normal(0, 6, rows) + 20).astype(int), 0, 59)
        c = np.where(random.random(rows) < 0.1 * (a == 2), -1, (b // 10 + a) % 9)
        return {"a": (a, 5, False), "b": (b, 60, True), "c": (c, 9, False)}

    unseen = _table(draw(20_000, 3))
    seen = {n: f.codes for n, f in unseen.columns.items()}

    def likely(fitted: FittedTrees) -> float:
        found = 0.0
        for step in fitted.steps:
            share = step.leaves.probability(step.node(seen, 20_000), seen[step.column])
            found += float(np.log(np.maximum(share, 1e-6)).mean())
        return found

    # a hundred rows say little, and may be odd ones: several models, and batches for each
    gains = []
    for first in (1, 11, 12, 13):
        old = Trees(min_leaf=50).fit(_table(draw(1_000, first)), 0)
        new = _taken(old, draw(rows, 2))
        gains += [likely(new) - likely(old)]
        gains += [likely(_taken(old, draw(rows, seed))) - likely(old) for seed in (4, 5)]
    assert np.mean(gains) > 0
    old = Trees(min_leaf=50).fit(_table(draw(1_000, 1)), 0)
    new = _taken(old, draw(rows, 2))
    if rows == 5_000:  # half of what a fit of all has beyond the first rows: splits stay coarse
        both = {
            n: (np.concatenate([c, draw(rows, 2)[n][0]]), s, o)
            for n, (c, s, o) in draw(1_000, 1).items()
        }
        whole = likely(Trees(min_leaf=50).fit(_table(both), 0))
        assert likely(new) > likely(old) + 0.5 * (whole - likely(old))


def test_rare_values_do_not_fade_with_many_small_batches() -> None:
    random = np.random.default_rng(4)
    share = [0.9, 0.05, 0.03, 0.02]
    fitted = _fit({"b": (random.choice(4, 5_000, p=share), 4, False)})
    before = _share(fitted, 0, {}, 3)
    for _ in range(60):
        fitted = _taken(fitted, {"b": (random.choice(4, 60, p=share), 4, False)})
    assert _share(fitted, 0, {}, 3) == pytest.approx(before, abs=0.006)


def test_positions_of_wide_columns_stay_shares() -> None:
    random = np.random.default_rng(2)
    wide = np.clip(random.normal(1_500, 400, 8_000), 0, 2_999).astype(int)
    side = random.integers(0, 2, 8_000)
    wide[side == 1] //= 2
    old = _fit({"a": (side, 2, False), "b": (wide, 3_000, True)})
    new = _taken(old, {"a": (side, 2, False), "b": (wide, 3_000, True)})
    for where in (0, 1):
        codes = np.arange(3_000, dtype=np.int32)
        for fitted in (old, new):
            step = fitted.steps[1]
            node = np.repeat(step.node({"a": np.full(1, where, np.int32)}, 1), 3_000)
            share = step.leaves.probability(node, codes)
            assert share.sum() == pytest.approx(1.0, abs=1e-6)
            mean = (share * codes).sum()
            assert mean == pytest.approx(wide[side == where].mean(), rel=0.02)


def test_trees_without_sizes_are_refused(learned: FittedTrees) -> None:
    bare = [replace(s, leaves=replace(s.leaves, rows=np.zeros(0, np.int64))) for s in learned.steps]
    with pytest.raises(LearnError, match="how much its leaves weigh"):
        _taken(FittedTrees(tuple(bare)), {"a": (SIDE, 2, False), "b": (VALUE, 2, False)})


def test_artifacts_of_before_can_still_be_read(learned: FittedTrees) -> None:
    settings, tensors = learned.to_artifact()
    old = {n: t for n, t in tensors.items() if not n.endswith("/rows")}
    assert len(old) < len(tensors)
    made = Trees().from_artifact(settings, old)
    assert not len(made.steps[0].leaves.rows)
    assert _same(Trees().from_artifact(settings, tensors), learned)


def test_a_tree_is_cut_where_few_entities_are(learned: FittedTrees) -> None:
    step = learned.steps[1]
    node = step.node({"a": SIDE.astype(np.int32)}, 1_000)
    whole, place, owner = cut_to(step.tree, node, np.arange(1_000), K)
    assert np.array_equal(whole.feature, step.tree.feature)
    assert sorted(owner) == list(range(len(owner)))
    some = np.flatnonzero(SIDE == 0)
    cut, _, owner = cut_to(step.tree, node[some], np.arange(len(some)), K)
    assert len(cut.feature) == 1
    assert set(owner) == {0}
    assert len(place) == len(step.tree.feature)


# New codes


def test_a_model_in_more_codes_draws_as_before(learned: FittedTrees) -> None:
    move = Move(np.array([1, 2]), np.array([0, 0, 1, -2]))
    wide = widened(learned, {"b": move}, {"a": Move(np.array([0, 1]), np.array([0, 1, -2]))})
    words = np.random.default_rng(0).integers(0, 2**63, 1_000).astype(np.uint64)
    for side in (0, 1):
        codes = np.full(1_000, side, np.int32)
        old, new = (
            f.steps[1].leaves.draw(f.steps[1].node({"a": codes}, 1_000), words)
            for f in (learned, wide)
        )
        assert np.array_equal(old + 1, new)


@pytest.mark.parametrize(("people", "there"), [(9, False), (10, True)])
def test_a_new_category_has_k_entities(people: int, there: bool) -> None:
    codec = CategoricalCodec(pa.string(), pa.array(["a", "b"]))
    counts = pa.table({"value": ["a", "c"], "rows": [50, 90], "entities": [50, people]})
    found = extend_categories(codec, counts, K, 2_000)
    assert (found is not None) == there
    if found is not None:
        assert found[0].values.to_pylist() == ["a", "b", "c"]
        assert found[1].like.tolist() == [0, 1, -2]


def test_the_most_frequent_new_categories_are_taken_where_room_is_short() -> None:
    codec = CategoricalCodec(pa.string(), pa.array(["a"]))
    counts = pa.table({"value": ["b", "c"], "rows": [50, 90], "entities": [50, 90]})
    found = extend_categories(codec, counts, K, 2)
    assert found is not None
    assert found[0].values.to_pylist() == ["a", "c"]
    assert extend_categories(codec, counts, K, 1) is None


@pytest.fixture
def bins() -> NumericCodec:
    """0 to 99, each of ten entities."""
    ticks = np.repeat(np.arange(100), 10)
    values, rows = np.unique(ticks, return_counts=True)
    return build_numeric(Axis(pa.int64(), 0), values, rows, (ticks, np.arange(1_000)), K)


@pytest.mark.parametrize(("people", "there"), [(9, False), (10, True)])
def test_a_new_bin_has_k_entities(bins: NumericCodec, people: int, there: bool) -> None:
    ticks = np.concatenate([np.full(people, 1_000), np.full(5, -70), np.full(100, 50)])
    found = extend_bins(bins, ticks, np.arange(len(ticks)), K, 10)
    assert (found is not None) == there
    if found is not None:
        codec, move = found
        assert codec.high[-1] >= 1_000
        assert codec.low[0] == 0  # five are too few
        assert np.array_equal(codec.low[move.place], bins.low)
        assert (codec.low[1:] > codec.high[:-1]).all()


def test_new_bins_of_one_entity_are_none(bins: NumericCodec) -> None:
    ticks = np.full(50, 1_000)
    assert extend_bins(bins, ticks, np.zeros(50, np.int64), K, 10) is None


def test_bins_grow_at_both_ends_and_special_values_stay(bins: NumericCodec) -> None:
    codec = replace(bins, special=(0, 2))
    ticks = np.concatenate([np.arange(-200, -100), np.arange(300, 400)])
    found = extend_bins(codec, ticks, np.arange(200), K, 10)
    assert found is not None
    wide, move = found
    assert wide.low[0] <= -190
    assert wide.high[-1] >= 390
    assert move.size == wide.size
    assert move.place[-2:].tolist() == [wide.size - 2, wide.size - 1]
    assert move.like[0] == 0
    assert move.like[-3] == len(bins.low) - 1
