"""Conditions and filling where rules are found, on sums and on NULLs, and many categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.relational.test_filling import holed, kept
from tests.relational.test_given import satisfied, variation

import synthlake as sl
from synthlake.errors import LearnError, SampleError

ROWS = 8_000


def orders(rows: int = ROWS) -> pa.Table:
    """``sent`` and ``way`` are NULL together, ``back`` at least where they are; a sum of three."""
    random = np.random.default_rng(5)
    kind = random.integers(0, 4, rows)
    waits = random.random(rows) < 0.15 + 0.15 * kind
    net, tax = random.integers(100, 4_000, rows) + 900 * kind, random.integers(0, 300, rows)
    post = random.integers(3, 60, rows)
    way = np.array(["air", "land", "sea"])[(kind + random.integers(0, 2, rows)) % 3]
    return pa.table(
        {
            "kind": np.array(["a", "b", "c", "d"])[kind],
            "sent": pa.array(random.integers(0, 30, rows) + 8 * kind, mask=waits),
            "way": pa.array(way, mask=waits),
            "back": pa.array(random.integers(0, 9, rows), mask=waits | (random.random(rows) < 0.6)),
            "net": net,
            "tax": tax,
            "post": post,
            "total": net + tax + post,
        }
    )


@pytest.fixture(scope="module")
def artifact() -> sl.Artifact:
    made = sl.fit({"t": orders()}, {"t": {"primary_key": []}}, seed=1)
    model = made._model.tables["t"]
    assert {"sent", "way"} in [set(rule.columns) for rule in model.masks]
    assert [rule.makes for rule in model.rules] == [("total",)]
    return made


def consistent(made: pa.Table) -> None:
    """Whether every row is as the rules want it."""
    null = {n: np.asarray(made[n].is_null()) for n in ("sent", "way", "back")}
    assert np.array_equal(null["sent"], null["way"])
    assert not (null["sent"] & ~null["back"]).any()
    net, tax, post, total = (np.asarray(made[n]) for n in ("net", "tax", "post", "total"))
    assert np.array_equal(net + tax + post, total)


@pytest.mark.parametrize(
    "where",
    [
        {"way": "sea"},
        {"way": None},
        {"way": {"null": False}, "kind": "d"},
        {"way": {"in": ["air", None]}, "kind": {"in": ["a", "d"]}},
        {"sent": {"min": 9, "max": 20}},
        {"sent": None, "kind": "b"},
        {"back": {"in": [3, 4]}},
        {"back": None, "way": "land"},
        {"back": None},
        {"total": {"min": 2_000, "max": 3_000}},
        {"net": {"min": 3_000}, "back": {"null": False}},
    ],
    ids=str,
)
def test_conditions_where_rules_are_found(artifact: sl.Artifact, where: dict[str, Any]) -> None:
    made = artifact.sample(given=[{"where": where, "rows": 4_000}], seed=2)["t"].to_arrow()
    for column, asked in where.items():
        assert satisfied(made[column], asked).all(), column
    consistent(made)
    real = orders(100_000)
    mask = np.logical_and.reduce([satisfied(real[c], asked) for c, asked in where.items()])
    wanted = real.filter(pa.array(mask))
    for column in ("kind", "way"):
        assert variation(wanted[column], made[column]) < 0.06, column
    null = [np.asarray(t["back"].is_null()).mean() for t in (wanted, made)]
    assert null[0] == pytest.approx(null[1], abs=0.04)


def test_declared_conditions_where_rules_are_found() -> None:
    declared = {"t": {"primary_key": [], "conditions": ["back", "way"]}}
    artifact = sl.fit({"t": orders()}, declared, seed=1)
    for where in ({"way": "sea"}, {"back": None, "way": "air"}, {"back": {"null": False}}):
        made = artifact.sample(given=[{"where": where, "rows": 900}], seed=2)["t"].to_arrow()
        for column, asked in where.items():
            assert satisfied(made[column], asked).all(), column
        consistent(made)
    with pytest.raises(LearnError, match=r"t\.total follows from net, tax, post"):
        sl.fit({"t": orders()}, {"t": {"primary_key": [], "conditions": ["total"]}})


def test_what_contradicts_the_rules_has_no_rows(artifact: sl.Artifact) -> None:
    for where in ({"sent": None, "way": "sea"}, {"back": 3, "way": None}):
        with pytest.raises(SampleError, match="the model has no such rows"):
            artifact.sample(given=[{"where": where, "rows": 10}])


def test_replaced_cells_are_null_as_the_others_want_it(artifact: sl.Artifact) -> None:
    real = orders(3_000)
    for columns in (["way"], ["sent"], ["back"], ["sent", "way"], ["sent", "way", "back"]):
        made = artifact.replace(real, columns, seed=1, tries=8)
        consistent(made)
        assert made.drop(columns).equals(real.drop(columns))
        assert not made.select(columns).equals(real.select(columns))


def test_missing_cells_are_filled_whatever_else_is_null(artifact: sl.Artifact) -> None:
    real = orders(1_000)
    filled = artifact.impute(real, columns=["way"], seed=1, tries=8)
    assert filled["way"].null_count == 0
    assert filled["sent"].equals(real["sent"])
    assert sum(c.null_count for c in artifact.impute(real, seed=1, tries=8).columns) == 0


@pytest.mark.parametrize(
    "columns", [["total"], ["net"], ["tax"], ["post"], ["net", "post"], ["net", "total"]], ids=str
)
def test_filled_cells_add_up(artifact: sl.Artifact, columns: list[str]) -> None:
    real = orders(2_000)
    given = holed(real, 0.5, 3, columns)
    filled = artifact.impute(given, seed=1, columns=columns)
    assert kept(given, filled)
    assert sum(filled[c].null_count for c in columns) == 0
    added = pc.add(pc.add(filled["net"], filled["tax"]), filled["post"])
    assert pc.mean(pc.equal(added, filled["total"]).cast(pa.int8())).as_py() > 0.99


def test_one_side_of_a_sum_alone_is_not_replaced(artifact: sl.Artifact) -> None:
    real = orders(200)
    for columns in (["total"], ["net"]):
        with pytest.raises(SampleError, match="total follows from net, tax, post, and"):
            artifact.replace(real, columns)
    consistent(artifact.replace(real, ["net", "tax", "post", "total"], tries=4))


def shops(rows: int = 60_000) -> pa.Table:
    """1,000 shops; those of a region lie far from each other in every order but its own."""
    random = np.random.default_rng(7)
    shop = random.integers(0, 1_000, rows)
    region = shop * 37 % 5
    return pa.table(
        {
            "kind": np.char.add("k", ((region + random.integers(0, 2, rows)) % 5).astype(str)),
            "shop": np.char.add("s", shop.astype(str)),
            "paid": np.clip(random.normal(20 + 15 * region, 6), 0, 120).round(1),
        }
    )


@pytest.mark.parametrize("declared", [[], ["shop"], ["kind", "shop"]], ids=str)
def test_a_thousand_categories(declared: list[str]) -> None:
    """So many that a leaf counts ranges of them, in an order in which neighbours are alike."""
    artifact = sl.fit({"t": shops()}, {"t": {"primary_key": [], "conditions": declared}}, seed=1)
    steps = artifact._model.tables["t"].synthesizer.guided.steps  # type: ignore[union-attr]
    renumbered = [len(s.leaves.code) for s in steps if s.column.endswith("shop")]
    assert renumbered == [0 if declared == ["shop"] else 1_000]  # what comes first has one leaf
    twin = artifact.sample(5.0, seed=2)["t"].to_arrow()  # what the model says, unasked
    wide = [f"s{i}" for i in range(1_000) if i * 37 % 5 == 2][:120]
    for where in ({"shop": {"in": wide}}, {"shop": {"in": wide}, "kind": "k3"}, {"shop": "s77"}):
        asked = [{"where": where, "rows": 4_000, "least": 0.001}]
        made = artifact.sample(given=asked, seed=1)["t"].to_arrow()
        mask = np.logical_and.reduce([satisfied(twin[c], v) for c, v in where.items()])
        wanted = twin.filter(pa.array(mask))
        for column, value in where.items():
            assert satisfied(made[column], value).all()
        if where == {"shop": "s77"}:  # of which some 54 rows were learned
            assert np.isin(np.asarray(made["kind"]), ["k4", "k0"]).mean() > 0.9
            continue
        assert variation(made["kind"], wanted["kind"]) < 0.03
        tens = [np.asarray(t["paid"]) // 10 for t in (made, wanted)]
        assert variation(*tens) < 0.06
        assert variation(made["shop"], wanted["shop"]) < 0.12
