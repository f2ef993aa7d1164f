"""Columns that follow from other columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthlake.constraints.mapping import MapRule, find_maps
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


def test_determinants_come_first() -> None:
    columns, _ = _columns()
    backwards = dict(reversed(columns.items()))
    assert find_maps(backwards, ["a", "b"], ["c", "d"], np.arange(ROWS), K) == []


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
