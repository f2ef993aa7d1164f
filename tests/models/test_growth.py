"""Trees are what counting every row of every node would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.models import growth
from synthlake.models.growth import Growth, grow

LIMITS = Growth(min_rows=7, min_entities=4.0, max_depth=5)


def _table(seed: int, rows: int, entities: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Features of several widths, two outputs that depend on them, and a group where asked."""
    rng = np.random.default_rng(seed)
    features = np.stack(
        [rng.integers(0, w, rows) for w in (2, 9, 40)]
        + [np.minimum(rng.geometric(0.4, rows), 30), np.zeros(rows)]
    ).astype(np.int32)
    means = np.stack([features[1] > 4, features[0] * features[2]]).astype(float)
    group = rng.integers(0, entities, rows) if entities else None
    return features, means + rng.normal(0, 2, (2, rows)), group


def _gain(left: np.ndarray, target: np.ndarray) -> float:
    """What a split explains: squared sums of the sides by their rows, less that of all."""
    sides = (target[:, left], target[:, ~left], target)
    there, other, whole = (float((t.sum(1) ** 2).sum() / t.shape[1]) for t in sides)
    return there + other - whole


def _allowed(left: np.ndarray, group: np.ndarray | None) -> bool:
    """Whether both sides have the rows and the entities of a leaf."""
    least = max(LIMITS.min_rows, int(LIMITS.min_entities))
    entities = np.arange(len(left)) if group is None else group
    return all(
        side.sum() >= least and len(np.unique(entities[side])) >= LIMITS.min_entities
        for side in (left, ~left)
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 700), st.sampled_from([0, 60, 200]))
def test_each_split_is_the_best_that_the_rows_of_its_node_allow(
    seed: int, rows: int, entities: int
) -> None:
    features, target, group = _table(seed, rows, entities)
    tree, leaf = grow(features, target, group, LIMITS)
    floor = LIMITS.min_gain * float(target.var(1).sum()) * rows

    within = {int(n): leaf == n for n in np.unique(leaf)}
    for node in range(len(tree.feature) - 1, -1, -1):  # children come after parents
        if tree.feature[node] >= 0:
            first = int(tree.left[node])
            within[node] = within[first] | within[first + 1]
    for node, inside in within.items():
        here, own = target[:, inside], None if group is None else group[inside]
        gains = {
            (f, t): _gain(left, here)
            for f in range(len(features))
            for t in range(int(features[f].max()))
            if _allowed(left := features[f, inside] <= t, own)
        }
        best = max(gains.values(), default=0.0)
        if tree.feature[node] < 0:
            assert best <= floor + 1e-9 or tree.depths[node] == LIMITS.max_depth
            continue
        asked = int(tree.feature[node]), int(tree.threshold[node])
        assert gains[asked] == pytest.approx(best, rel=1e-9)
        assert np.array_equal(
            within[int(tree.left[node])], inside & (features[asked[0]] <= asked[1])
        )


@pytest.mark.parametrize("entities", [0, 300])
def test_a_tree_is_the_same_where_no_level_hands_down_its_sums(
    entities: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, target, group = _table(3, 6_000, entities)
    held = grow(features, target, group, LIMITS)
    monkeypatch.setattr(growth, "_MOST_HELD", 0)
    counted = grow(features, target, group, LIMITS)
    for name in ("feature", "threshold", "left", "parent"):
        assert np.array_equal(getattr(held[0], name), getattr(counted[0], name))
    assert np.array_equal(held[1], counted[1])
    assert len(held[0].feature) > 15
