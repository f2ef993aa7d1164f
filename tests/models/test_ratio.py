"""What tells real rows from made ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthlake.models import ratio as module
from synthlake.models.ratio import Ratio, learn_ratio
from synthlake.ports import Codes, Feature

ROWS = 20_000
EVERYONE = np.arange(ROWS)


def ring(seed: int, rows: int = ROWS) -> dict[str, Feature]:
    """Two columns of which each is uniform and both lie near a diagonal, and one of chance."""
    random = np.random.default_rng(seed)
    a = random.integers(0, 100, rows)
    b = (a + random.integers(0, 30, rows)) % 100
    c = random.integers(-1, 4, rows)
    return {
        "a": Feature(a.astype(np.int32), 100, True),
        "b": Feature(b.astype(np.int32), 100, True),
        "c": Feature(c.astype(np.int32), 4, False),
    }


def shuffled(real: dict[str, Feature], seed: int = 5) -> dict[str, Codes]:
    """The same columns without what ties them."""
    random = np.random.default_rng(seed)
    return {n: random.permutation(f.codes) for n, f in real.items()}


def codes(of: dict[str, Feature]) -> dict[str, Codes]:
    return {n: f.codes for n, f in of.items()}


def learned(k: int = 10) -> Ratio:
    real = ring(1)
    found = learn_ratio(real, shuffled(real), EVERYONE, k, 0)
    assert found is not None
    return found


def test_rows_count_as_much_as_they_are_likelier_among_real_ones() -> None:
    """Real rows have 30 of 100 values of b given a, so they are 10/3 as likely there."""
    weight = learned().weights(codes(ring(2))).astype(float)
    off = learned().weights(shuffled(ring(2))).astype(float)
    gap = (shuffled(ring(2))["b"] - shuffled(ring(2))["a"]) % 100
    beyond = off[(gap > 35) & (gap < 95)]
    assert np.median(weight) > 5 * np.median(beyond)
    # importance sampling by the weights gives the real share of rows within the band
    band = (gap >= 0) & (gap < 30)
    share = off[band].sum() / off.sum()
    assert share > 0.7  # bins are a sixteenth of the columns wide, and effects shrunken
    assert band.mean() == pytest.approx(0.3, abs=0.02)


def test_rows_of_one_law_are_not_told_apart() -> None:
    assert learn_ratio(ring(1), codes(ring(2)), EVERYONE, 10, 0) is None


def test_nothing_to_learn_from() -> None:
    assert learn_ratio({}, {}, np.zeros(0, np.int64), 10, 0) is None
    real = ring(1)
    assert learn_ratio(real, shuffled(real), np.zeros(ROWS, np.int64), 10, 0) is None
    few = {n: replace(f, codes=f.codes[:1]) for n, f in real.items()}
    assert learn_ratio(few, codes(few), np.zeros(1, np.int64), 10, 0) is None


def test_it_is_what_the_artifact_holds() -> None:
    found = learned()
    held, tensors = found.to_artifact()
    again = Ratio.from_artifact(held, tensors)
    rows = codes(ring(3))
    assert np.array_equal(found.weights(rows), again.weights(rows))
    assert all(t.dtype.itemsize <= 2 for t in tensors.values())


def test_unknown_and_new_codes_have_a_weight() -> None:
    rows = codes(ring(3))
    rows["a"] = np.full_like(rows["a"], -2)
    rows["c"] = np.full_like(rows["c"], 99)
    weight = learned().weights(rows)
    assert weight.min() > 0
    assert weight.dtype == np.int64


def test_other_codes() -> None:
    found = learned()
    like = np.repeat(np.arange(100), 2)
    moved = found.moved({"a": like})
    rows = codes(ring(3))
    assert np.array_equal(moved.weights({**rows, "a": rows["a"] * 2 + 1}), found.weights(rows))


def test_what_fewer_than_k_entities_have_says_only_that() -> None:
    """Whether none, one or nine entities have a value changes nothing but shares of the others."""
    random = np.random.default_rng(0)
    base = random.integers(0, 5, ROWS).astype(np.int32)
    made = {"x": random.integers(0, 6, ROWS).astype(np.int32)}
    effects = []
    for few in (0, 1, 9):
        real = base.copy()
        real[:few] = 5
        judged = {"x": Feature(real, 6, False)}
        found = learn_ratio(judged, made, EVERYONE, 12, 0)
        assert found is not None
        effects.append(int(found.main[0, 5 + 2]))
    assert max(effects) - min(effects) <= 2
    assert effects[0] < -1_000
    many = base.copy()
    many[: ROWS // 3] = 5
    told = learn_ratio({"x": Feature(many, 6, False)}, made, EVERYONE, 12, 0)
    assert told is not None
    assert int(told.main[0, 5 + 2]) > 0


def test_one_entity_with_many_rows_is_no_support() -> None:
    random = np.random.default_rng(0)
    real = random.integers(0, 5, ROWS).astype(np.int32)
    real[:2_000] = 5
    group = EVERYONE.copy()
    group[:2_000] = 0
    made = {"x": random.integers(0, 6, ROWS).astype(np.int32)}
    found = learn_ratio({"x": Feature(real, 6, False)}, made, group, 10, 2)  # it does not judge
    assert found is not None
    assert found.main[0, 5 + 2] < -500


def test_many_columns_are_paired_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAIRS", 5)
    real = ring(1)
    found = learn_ratio(real, shuffled(real), EVERYONE, 10, 0)
    assert found is not None
    assert len(found.pair) == 3
    monkeypatch.setattr(module, "_PAIRED", 2)
    found = learn_ratio(real, shuffled(real), EVERYONE, 10, 0)
    assert found is not None
    assert len(found.pair) == 1
