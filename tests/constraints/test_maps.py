"""Columns that follow from other columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthlake.constraints.mapping import MapRule, find_maps, find_partial_maps, rearranged
from synthlake.ports import Feature

ROWS, K = 5_000, 10


def feature(codes: Any, size: int, ordered: bool = False) -> Feature:
    return Feature(np.asarray(codes, np.int32), size, ordered)


def _columns() -> tuple[dict[str, Feature], np.ndarray[Any, Any]]:
    random = np.random.default_rng(1)
    a, b = random.integers(0, 8, ROWS), random.integers(0, 9, ROWS)
    table = random.integers(0, 50, (8, 9))
    return {"a": feature(a, 8), "b": feature(b, 9), "c": feature(a % 4, 4),
            "d": feature(table[a, b], 50, True)}, table  # fmt: skip


def test_one_and_two_determinants() -> None:
    columns, table = _columns()
    found = {r.made: r for r in find_maps(columns, ["a", "b"], ["c", "d"], np.arange(ROWS), K)}
    assert found["c"].given == ("a",)
    assert found["d"].given == ("a", "b")
    codes = {"a": np.array([3, 7, -1], np.int32), "b": np.array([2, 8, 2], np.int32)}
    drawn = np.array([11, 12, 13], np.int32)
    assert found["d"].apply(codes, drawn).tolist() == [table[3, 2], table[7, 8], 13]


def test_determinants_are_put_first() -> None:
    """Whatever the order of the columns: what follows from others comes after them."""
    columns, _ = _columns()
    backwards = dict(reversed(columns.items()))
    rules = find_maps(backwards, ["a", "b"], ["c", "d"], np.arange(ROWS), K)
    assert {r.made: r.given for r in rules} == {"c": ("a",), "d": ("a", "b")}
    assert rearranged(list(backwards), rules) == ["b", "a", "d", "c"]
    assert find_maps(backwards, ["a", "b"], ["c", "d"], np.arange(ROWS), K, {"c", "d"}) == []


def test_no_column_follows_from_itself() -> None:
    random = np.random.default_rng(4)
    a = random.integers(0, 9, ROWS)
    columns = {n: feature((a + i) % 9, 9) for i, n in enumerate("abc")}
    rules = find_maps(columns, ["c", "a", "b"], ["a", "b", "c"], np.arange(ROWS), K)
    assert len(rules) == 2
    order = rearranged(["c", "b", "a"], rules)
    for rule in rules:
        assert all(order.index(g) < order.index(rule.made) for g in rule.given)


def test_a_rare_value_is_mapped_only_if_nothing_breaks_it() -> None:
    random = np.random.default_rng(5)
    a = random.integers(0, 50, ROWS)
    rare = (a == 7).astype(int)
    for wrong, rules in ((0, 1), (1, 0)):
        codes = rare.copy()
        codes[:wrong] = 1 - codes[:wrong]
        given = {"a": feature(a, 50), "r": feature(codes, 2)}
        assert len(find_maps(given, ["a"], ["r"], np.arange(ROWS), K)) == rules


def test_a_few_exceptions_are_errors_and_more_are_not() -> None:
    columns, _ = _columns()
    for wrong, rules in ((3, 1), (60, 0)):
        codes = columns["c"].codes.copy()
        codes[:wrong] = (codes[:wrong] + 1) % 4
        given = {"a": columns["a"], "c": feature(codes, 4)}
        assert len(find_maps(given, ["a"], ["c"], np.arange(ROWS), K)) == rules


def test_entries_have_k_entities() -> None:
    """A determinant that one entity has is in no map, however many rows it has."""
    columns, _ = _columns()
    group = np.arange(ROWS)
    group[columns["a"].codes == 7] = 0
    given = {n: columns[n] for n in ("a", "c")}
    rules = find_maps(given, ["a"], ["c"], group, K)
    assert all(7 not in r.keys for r in rules)


def test_nearly_constant_columns_follow_from_nothing() -> None:
    columns, _ = _columns()
    rare = feature(np.arange(ROWS) % 100 == 0, 2)
    assert find_maps({"a": columns["a"], "r": rare}, ["a"], ["r"], np.arange(ROWS), K) == []


def test_an_identifier_determines_nothing() -> None:
    columns, _ = _columns()
    unique = feature(np.arange(ROWS) % 1_900, 1_900)
    rules = find_maps({"u": unique, "d": columns["d"]}, ["u"], ["d"], np.arange(ROWS), K)
    assert rules == []


def test_an_empty_map_changes_nothing() -> None:
    none = MapRule(("a",), "c", 4, np.zeros(0, np.int64), np.zeros(0, np.int32))
    drawn = np.array([1, 2], np.int32)
    assert none.apply({"a": drawn}, drawn) is drawn


def test_most_keys_of_a_reference_tell_what_others_do_not() -> None:
    """Names of races follow from most circuits; some circuits have had races of several names."""
    random = np.random.default_rng(6)
    circuit = random.integers(0, 60, ROWS)
    name = circuit // 2
    several = circuit >= 48
    name[several] = random.integers(24, 30, int(several.sum()))
    columns = {"circuit": feature(circuit, 60), "name": feature(name, 30)}
    assert find_maps(columns, ["circuit"], ["name"], np.arange(ROWS), K) == []
    (rule,) = find_partial_maps(columns, ["circuit"], ["name"], np.arange(ROWS), K)
    assert rule.keys.tolist() == list(range(48))
    assert rule.values.tolist() == [n // 2 for n in range(48)]
    free = {**columns, "name": feature(random.permutation(name), 30)}
    assert find_partial_maps(free, ["circuit"], ["name"], np.arange(ROWS), K) == []
    few = np.arange(ROWS) // 2  # nearly every key has rows enough to agree by chance
    lucky = {"few": feature(few % 2_000, 2_000), "name": feature(np.minimum(name, 3) // 3, 3)}
    assert find_partial_maps(lucky, ["few"], ["name"], np.arange(ROWS), 1) == []


def test_keys_that_agree_by_luck_are_no_map() -> None:
    """Each key has a favourite, and every 25th row another value: half of the keys show none."""
    random = np.random.default_rng(7)
    key = np.repeat(np.arange(200), 15)
    made = (key * 7) % 40
    odd = random.random(len(key)) < 0.04
    made[odd] = random.integers(0, 40, int(odd.sum()))
    columns = {"key": feature(key, 200), "made": feature(made, 40)}
    assert find_partial_maps(columns, ["key"], ["made"], np.arange(len(key)), K) == []
    gone = {**columns, "made": feature(np.full(len(key), -1), 40)}
    assert find_partial_maps(gone, ["key"], ["made"], np.arange(len(key)), K) == []
