"""Conditional sampling: each type of column, declared and not, by value, set, range and NULL."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import synthlake as sl
from synthlake.errors import LearnError, SampleError

ROWS = 6_000
WHERE = dict[str, Any]


def _random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def typed() -> pa.Table:
    """A column of each type, each in part a function of ``g``."""
    random = _random(1)
    g = random.integers(0, 4, ROWS)
    near = np.clip(random.normal(40 + 12 * g, 10), 0, 99)
    day = (near * 3).astype(int)
    gone = random.random(ROWS) < 0.15
    names = np.array(["ash", "elm", "fir", "oak"])
    columns: dict[str, Any] = {
        "text": pa.array(names[(g + random.integers(0, 2, ROWS)) % 4]),
        "flag": pa.array(random.random(ROWS) < 0.2 + 0.15 * g),
        "coded": pa.array(names[g]).dictionary_encode(),
        "few": pa.array(g + random.integers(0, 3, ROWS), pa.int8()),
        "many": pa.array((near * 91).astype(int), pa.int64()),
        "money": pa.array(np.round(near * 7.31, 2)),
        "smooth": pa.array(near + random.random(ROWS)),
        "single": pa.array((near / 3 + random.random(ROWS)).astype(np.float32)),
        "fixed": pa.array([Decimal(int(v * 100)).scaleb(-2) for v in near], pa.decimal128(9, 2)),
        "day": pa.array(dt.date(2020, 1, 1).toordinal() - 719163 + day, pa.int32()).cast(
            pa.date32()
        ),
        "at": pa.array(1_600_000_000 + day * 3_601, pa.int64()).cast(pa.timestamp("s", "UTC")),
        "clock": pa.array((near * 700).astype(int), pa.int32()).cast(pa.time32("s")),
        "span": pa.array((near * 1000).astype(int), pa.int64()).cast(pa.duration("ms")),
        "part": pa.array(g * 5 + 1, mask=gone),
        "note": pa.array(names[g], mask=gone[::-1]),
    }
    return pa.table(columns)


VALUES: dict[str, WHERE] = {
    "text": {"value": "oak", "set": {"in": ["ash", "elm"]}},
    "flag": {"value": True, "set": {"in": [True, False]}},
    "coded": {"value": "fir", "set": {"in": ["ash", "oak"]}},
    "few": {"value": 3, "set": {"in": [1, 4]}, "range": {"min": 2, "max": 3}},
    "many": {"range": {"min": 3_000, "max": 5_500.5}, "open": {"max": 4_000}},
    "money": {"range": {"min": 200.01, "max": 333.3}, "open": {"min": 500}},
    "smooth": {"range": {"min": 30.5, "max": 61.25}},
    "single": {"range": {"min": 10.1, "max": 20.7}},
    "fixed": {"range": {"min": Decimal("41.10"), "max": 50}, "text": {"max": "60.05"}},
    "day": {"range": {"min": dt.date(2020, 4, 1), "max": "2020-07-01"}},
    "at": {
        "range": {"min": "2020-09-14T00:00:00Z", "max": dt.datetime(2020, 9, 20, tzinfo=dt.UTC)}
    },
    "clock": {"range": {"min": dt.time(8), "max": "14:30:00"}},
    "span": {"range": {"min": dt.timedelta(seconds=20), "max": dt.timedelta(seconds=65)}},
    "part": {"value": 6, "set": {"in": [1, None]}, "null": None, "known": {"null": False}},
    "note": {"value": "elm", "set": {"in": ["oak", None]}, "null": None, "known": {"null": False}},
}
CASES = [(column, kind) for column, kinds in VALUES.items() for kind in kinds]


def satisfied(array: pa.ChunkedArray[Any], asked: Any) -> np.ndarray[Any, Any]:
    """Which rows satisfy a condition, by Arrow alone."""
    whole: Any = array.combine_chunks()
    if pa.types.is_dictionary(whole.type):
        whole = whole.cast(whole.type.value_type)
    null = np.asarray(whole.is_null())
    if asked is None:
        return null
    if asked == {"null": False}:
        return ~null
    if isinstance(asked, dict) and "in" in asked:
        return np.logical_or.reduce([satisfied(array, value) for value in asked["in"]])
    if not isinstance(asked, dict):
        return np.asarray(pc.equal(whole, pa.scalar(asked, whole.type)).fill_null(False))
    inside = ~null
    for key, compare in (("min", pc.greater_equal), ("max", pc.less_equal)):
        if key in asked:
            inside &= np.asarray(compare(whole, bound(asked[key], whole.type)).fill_null(False))
    return inside


def bound(value: Any, dtype: pa.DataType) -> pa.Scalar[Any]:
    if pa.types.is_integer(dtype):
        return pa.scalar(float(value))
    if pa.types.is_time(dtype) and isinstance(value, str):
        return pa.scalar(dt.time.fromisoformat(value), dtype)
    if isinstance(value, str):
        return pa.scalar(value).cast(dtype)
    if pa.types.is_decimal(dtype):
        return pa.scalar(Decimal(value), dtype)
    return pa.scalar(value, dtype)


@pytest.fixture(scope="module")
def real() -> pa.Table:
    return typed()


@pytest.fixture(scope="module")
def undeclared(real: pa.Table) -> sl.Artifact:
    return sl.fit({"t": real}, seed=3)


@pytest.fixture(scope="module")
def declared(real: pa.Table) -> sl.Artifact:
    # a part of another column can be conditioned on, but not be set first
    names = ["note", "many", "text"]
    return sl.fit({"t": real}, {"t": {"conditions": names}}, seed=3)


@pytest.mark.parametrize(("column", "kind"), CASES)
def test_every_row_satisfies_its_condition(
    undeclared: sl.Artifact, real: pa.Table, column: str, kind: str
) -> None:
    asked = VALUES[column][kind]
    made = undeclared.sample(given=[{"where": {column: asked}, "rows": 700}], seed=5)[
        "t"
    ].to_arrow()
    assert made.num_rows == 700
    assert made.schema == real.schema
    assert satisfied(made[column], asked).all()
    if kind not in ("value", "null"):
        assert made[column].combine_chunks().null_count < 700
        values = made[column].cast(plain_type(made, column))
        assert pc.count_distinct(values, mode="all").as_py() > 1


def plain_type(made: pa.Table, column: str) -> Any:
    dtype: Any = made[column].type
    return dtype.value_type if pa.types.is_dictionary(dtype) else dtype


@pytest.mark.parametrize(("column", "kind"), [c for c in CASES if c[0] in ("note", "many", "text")])
def test_declared_conditions_are_set(declared: sl.Artifact, column: str, kind: str) -> None:
    asked = VALUES[column][kind]
    twin = declared.sample(given=[{"where": {column: asked}, "rows": 700}], seed=5)
    assert satisfied(twin["t"].to_arrow()[column], asked).all()


def test_the_first_declared_condition_needs_no_candidates(declared: sl.Artifact) -> None:
    twin = declared.sample(given={"t": {"where": {"note": "elm"}, "rows": 900}})
    assert twin.notes == ()
    assert set(twin["t"].to_arrow()["note"].to_pylist()) == {"elm"}


MIXED: list[WHERE] = [
    {"where": {"text": "oak", "few": {"min": 3}}, "rows": 517},
    {"where": {"many": {"min": 2_000, "max": 4_000}, "flag": True}, "rows": 4_500},
    {"where": {}, "rows": 33},
    {"where": {"part": None, "smooth": {"min": 50}}, "rows": 1},
    {"where": {"note": {"in": ["elm", None]}}, "rows": 0},
    {"where": {"day": {"min": "2020-05-01"}}, "rows": 300},
]


def test_counts_and_order_are_as_asked(undeclared: sl.Artifact) -> None:
    made = undeclared.sample(given={"t": MIXED}, seed=2)["t"].to_arrow()
    assert made.num_rows == sum(entry["rows"] for entry in MIXED)
    start = 0
    for entry in MIXED:
        part = made.slice(start, entry["rows"])
        start += entry["rows"]
        for column, asked in entry["where"].items():
            assert satisfied(part[column], asked).all(), entry


def test_rows_are_functions_of_their_number(undeclared: sl.Artifact) -> None:
    twin = undeclared.sample(given={"t": MIXED}, seed=2)
    whole = twin["t"].to_arrow()
    edges = [0, 1, 516, 518, 4_095, 4_097, 5_017, twin["t"].rows]
    for start, stop in [*pairwise(edges), (5_050, 5_051)]:
        fresh = undeclared.sample(given={"t": MIXED}, seed=2)["t"]
        part = pa.Table.from_batches(fresh.batches(start, stop), whole.schema)
        assert part.equals(whole.slice(start, stop - start))
    again = undeclared.sample(given={"t": MIXED}, seed=3)["t"].to_arrow()
    assert not again.equals(whole)


def test_stored_artifacts_and_twins_give_the_same_rows(
    undeclared: sl.Artifact, tmp_path: Path
) -> None:
    whole = undeclared.sample(given={"t": MIXED}, seed=2)["t"].to_arrow()
    loaded = sl.load(undeclared.save(tmp_path / "a"))
    assert loaded.sample(given={"t": MIXED}, seed=2)["t"].to_arrow().equals(whole)
    twin = undeclared.sample(given={"t": MIXED}, seed=2)
    twin.save(tmp_path / "twin")
    assert sl.Twin.open_file(tmp_path / "twin")["t"].to_arrow().equals(whole)


def law(rows: int = 40_000) -> pa.Table:
    """``y`` follows from ``a`` and ``b`` by a known law; ``z`` follows from ``y``."""
    random = _random(8)
    a, b = random.integers(0, 6, rows), random.integers(0, 8, rows)
    y = (a + random.binomial(3, 0.2 + 0.08 * b)) % 9
    z = np.clip(random.normal(20 + 6 * y, 5), 0, 99).astype(int)
    rare = random.random(rows) < np.where(a == 5, 0.004, 0.0004)
    names = np.array([f"v{i}" for i in range(10)])
    return pa.table(
        {"a": names[a], "b": names[b], "y": names[y], "z": z, "rare": np.where(rare, "yes", "no")}
    )


@pytest.fixture(scope="module")
def lawful() -> sl.Artifact:
    return sl.fit({"t": law(160_000)}, seed=1)


def variation(one: Any, other: Any) -> float:
    """Total variation distance of two columns; numbers in tens."""
    counts = [
        dict(zip(*np.unique(np.asarray(v).astype(str), return_counts=True), strict=True))
        for v in (one, other)
    ]
    sizes = [sum(c.values()) for c in counts]
    keys = set(counts[0]) | set(counts[1])
    return 0.5 * sum(abs(counts[0].get(k, 0) / sizes[0] - counts[1].get(k, 0) / sizes[1])
                     for k in keys)  # fmt: skip


@pytest.mark.parametrize(
    "where",
    [
        {"a": "v2"},
        {"y": "v4"},
        {"z": {"min": 40, "max": 55}},
        {"y": {"in": ["v0", "v7"]}, "b": "v3"},
        {"z": {"min": 60}, "b": {"in": ["v1", "v6"]}},
    ],
    ids=str,
)
def test_undeclared_conditions_are_near_the_filtered_rows(
    lawful: sl.Artifact, where: WHERE
) -> None:
    """Within .05 total variation of real rows that satisfy the condition, on every column."""
    real = law(400_000)  # so many that what is compared with has no noise of its own
    mask = np.logical_and.reduce([satisfied(real[c], asked) for c, asked in where.items()])
    wanted = real.filter(pa.array(mask))
    made = lawful.sample(given=[{"where": where, "rows": 20_000}], seed=4)["t"].to_arrow()
    for column in real.column_names:
        both = [np.asarray(t[column]) for t in (made, wanted)]
        if column == "z":
            both = [v // 10 for v in both]
        assert variation(*both) < 0.05, column
    pairs = [np.char.add(np.asarray(t["a"]).astype(str), np.asarray(t["y"]).astype(str))
             for t in (made, wanted)]  # fmt: skip
    assert variation(*pairs) < 0.05


def test_a_declared_rare_class_is_exact() -> None:
    """One row of a thousand; what goes with it is kept."""
    real = law()
    assert np.mean(np.asarray(real["rare"]) == "yes") == pytest.approx(0.001, abs=0.0005)
    artifact = sl.fit({"t": real}, {"t": {"conditions": ["rare"]}}, seed=1)
    assert artifact.schema["t"].conditions == ("rare",)
    twin = artifact.sample(given=[{"where": {"rare": "yes"}, "rows": 10_000}], seed=2)
    made = twin["t"].to_arrow()
    assert [n for n in twin.notes if "candidates" in n] == []
    assert "rows of the source satisfy it, so what goes with it is known coarsely" in twin.notes[0]
    assert set(made["rare"].to_pylist()) == {"yes"}
    assert made.num_rows == 10_000


def test_too_few_candidates_are_an_error(lawful: sl.Artifact) -> None:
    """All of what is asked for lies where few of the columns before it are."""
    random = _random(3)
    a = random.integers(0, 200, 60_000)
    real = pa.table({"a": a.astype(str), "b": random.integers(0, 300, 60_000).astype(str),
                     "n": a * 50 + random.integers(0, 50, 60_000)})  # fmt: skip
    artifact = sl.fit({"t": real}, seed=1)
    with pytest.raises(
        SampleError, match=r"condition 1 on n: .*% of the candidates count"
    ) as caught:
        artifact.sample(given=[{"where": {"n": {"min": 5_000, "max": 5_040}}, "rows": 10}])
    assert "declare `conditions: [n]` for t and fit again" in caught.value.hint
    asked = {"where": {"n": {"min": 5_000, "max": 5_040}}, "rows": 60, "least": 0.0005}
    made = artifact.sample(given=[asked])["t"].to_arrow()
    assert satisfied(made["n"], asked["where"]["n"]).all()
    assert np.abs(np.asarray(made["a"].cast(pa.int64())) - 100).max() < 10
    first = sl.fit({"t": real}, {"t": {"conditions": ["n"]}}, seed=1)
    made = first.sample(given=[{"where": {"n": {"min": 5_000, "max": 5_040}}, "rows": 60}])["t"]
    assert satisfied(made.to_arrow()["n"], asked["where"]["n"]).all()


def test_what_follows_from_others_is_conditioned_on_through_them() -> None:
    """A map's result, a part of a date, and a remainder."""
    random = _random(4)
    rows = 8_000
    city = random.integers(0, 40, rows)
    x = random.integers(0, 1_000, rows)
    when = random.integers(0, 700 * 86_400, rows)
    stamps = pa.array(1_500_000_000 + when, pa.int64()).cast(pa.timestamp("s"))
    real = pa.table(
        {
            "city": np.char.add("c", city.astype(str)),
            "country": np.char.add("k", (city // 4).astype(str)),
            "area": np.char.add("r", ((city * 7) % 40).astype(str)),
            "x": x,
            "y": 3 * x + random.integers(0, 40, rows),
            "at": stamps,
            "month": pc.month(stamps),
        }
    )
    artifact = sl.fit({"t": real}, {"t": {"primary_key": []}}, seed=1)
    conditions = [
        {"where": {"country": "k7"}, "rows": 400},
        {"where": {"area": {"in": ["r7", "r14"]}}, "rows": 400},
        {"where": {"month": {"in": [3, 4]}}, "rows": 400},
        {"where": {"y": {"min": 900, "max": 1_200}}, "rows": 400},
    ]
    made = artifact.sample(given=conditions, seed=3)["t"].to_arrow()
    country, area, month, y = (made.slice(400 * i, 400) for i in range(4))
    assert set(country["country"].to_pylist()) == {"k7"}
    assert set(country["city"].to_pylist()) == {"c28", "c29", "c30", "c31"}
    assert set(area["area"].to_pylist()) == {"r7", "r14"}
    assert set(area["city"].to_pylist()) == {"c1", "c2"}
    assert set(month["month"].to_pylist()) == {3, 4}
    assert pc.month(month["at"]).equals(month["month"])
    assert satisfied(y["y"], {"min": 900, "max": 1_200}).all()
    assert np.corrcoef(np.asarray(y["x"]), np.asarray(y["y"]))[0, 1] > 0.9
    with pytest.raises(LearnError, match=r"t.month follows from at"):
        sl.fit({"t": real}, {"t": {"primary_key": [], "conditions": ["month"]}})


def test_a_root_with_children() -> None:
    """Children follow their parents; their conditions are those of the root."""
    random = _random(6)
    rich = random.random(900) < 0.3
    parents = pa.table({"id": np.arange(900), "kind": np.where(rich, "rich", "poor"),
                        "age": random.integers(18, 80, 900)})  # fmt: skip
    owner = np.repeat(np.arange(900), np.where(rich, 6, 1))
    children = pa.table({"owner": owner, "paid": np.where(rich[owner], 100, 10)
                         + random.integers(0, 9, len(owner))})  # fmt: skip
    schema = {
        "people": {"primary_key": ["id"], "conditions": ["kind"]},
        "orders": {"foreign_keys": [{"columns": ["owner"], "references": "people", "mode": "own"}]},
    }
    artifact = sl.fit({"people": parents, "orders": children}, schema, seed=1)
    given = {"people": [{"where": {"kind": "rich"}, "rows": 200}]}
    made = artifact.sample(given=given, seed=1).to_arrow()
    assert set(made["people"]["kind"].to_pylist()) == {"rich"}
    assert made["people"].num_rows == 200
    assert made["orders"].num_rows == pytest.approx(1_200, rel=0.05)
    assert np.mean(np.asarray(made["orders"]["paid"]) >= 100) > 0.95
    with pytest.raises(SampleError, match="orders is made with the rows of people") as caught:
        artifact.sample(given={"orders": [{"where": {"paid": 100}, "rows": 5}]})
    assert "its root, people" in caught.value.hint
    with pytest.raises(SampleError, match="not said of which of 2 tables"):
        artifact.sample(given=[{"where": {"kind": "rich"}, "rows": 5}])
    with pytest.raises(SampleError, match="both rows and conditions"):
        artifact.sample(given=given, rows={"people": 3})
    with pytest.raises(SampleError, match=r"people.id is a key"):
        artifact.sample(given={"people": [{"where": {"id": 3}, "rows": 5}]})
    with pytest.raises(LearnError, match="orders has conditions"):
        sl.fit({"people": parents, "orders": children},
               {**schema, "orders": {**schema["orders"], "conditions": ["paid"]}})  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("synthesizer", ["independent", "trees", "copula", "mixture", "auto"])
def test_every_synthesizer(synthesizer: str) -> None:
    artifact = sl.fit({"t": law(3_000)}, seed=1, synthesizer=synthesizer)
    made = artifact.sample(given=[{"where": {"z": {"min": 30}, "y": "v3"}, "rows": 90}])["t"]
    assert set(made.to_arrow()["y"].to_pylist()) == {"v3"}
    assert min(made.to_arrow()["z"].to_pylist()) >= 30


def test_a_root_that_draws_its_parents() -> None:
    """References are drawn after what is declared, and before or after all else."""
    random = _random(7)
    groups = pa.table({"id": np.arange(400), "kind": np.where(np.arange(400) % 4, "a", "b")})
    side = np.where(random.random(3_000) < 0.2, "left", "right")
    place = random.integers(0, 100, 3_000) * 4 + np.where(
        side == "left", 0, random.integers(1, 4, 3_000)
    )
    rows = pa.table({"n": np.arange(3_000), "group": place, "side": side,
                     "size": random.integers(0, 50, 3_000) + 50 * (side == "left")})  # fmt: skip
    fk = {"columns": ["group"], "references": "groups", "to": ["id"], "mode": "match"}
    schema = {
        "groups": {"primary_key": ["id"]},
        "rows": {"primary_key": ["n"], "foreign_keys": [fk], "conditions": ["side"]},
    }
    artifact = sl.fit({"groups": groups, "rows": rows}, schema, seed=1)
    given = {"rows": [{"where": {"side": "left"}, "rows": 5_000},
                      {"where": {"size": {"min": 60, "max": 80}}, "rows": 500}]}  # fmt: skip
    made = artifact.sample(given=given, seed=1).to_arrow()
    assert made["rows"].num_rows == 5_500
    assert set(made["rows"]["side"].to_pylist()) == {"left"}
    assert satisfied(made["rows"]["size"].slice(5_000), {"min": 60, "max": 80}).all()
    kinds = dict(
        zip(made["groups"]["id"].to_pylist(), made["groups"]["kind"].to_pylist(), strict=True)
    )
    assert np.mean([kinds[g] == "b" for g in made["rows"]["group"].to_pylist()]) > 0.9
    part = pa.Table.from_batches(artifact.sample(given=given, seed=1)["rows"].batches(4_000, 5_100))
    assert part.equals(made["rows"].slice(4_000, 1_100))


def test_conditions_drawn_at_random(undeclared: sl.Artifact, real: pa.Table) -> None:
    """Around what a real row has in some columns: each is satisfied exactly, or an error."""
    random, reasons = _random(11), []
    ordered = ["few", "many", "money", "smooth", "fixed", "day", "at"]
    for seed in range(24):
        row = real.slice(int(random.integers(0, ROWS)), 1).to_pylist()[0]
        where: WHERE = {}
        for column in random.choice(real.column_names, int(random.integers(1, 4)), replace=False):
            value = row[column]
            where[column] = value
            if column in ordered:
                low, high = sorted([value, real[column][int(random.integers(0, ROWS))].as_py()])
                where[column] = {"min": low, "max": high}
            elif column in ("single", "clock", "span"):
                where[column] = {"max": value}
        asked = [{"where": where, "rows": 150, "least": 0.01}]
        try:
            made = undeclared.sample(given=asked, seed=seed)["t"].to_arrow()
        except SampleError as error:
            reasons.append(error.message)
            continue
        for column, value in where.items():
            assert satisfied(made[column], value).all(), (column, value)
    assert len(reasons) <= 8
    said = ("candidates count", "entities have", "has no such rows")
    assert all(any(text in reason for text in said) for reason in reasons)


def test_schema_files_keep_conditions(declared: sl.Artifact, tmp_path: Path) -> None:
    path = declared.schema.save(tmp_path / "schema.yml")
    assert "conditions" in path.read_text()
    again = sl.Schema.load(path)
    assert again.tables["t"].conditions == ("note", "many", "text")
    assert sl.load(declared.save(tmp_path / "a")).schema["t"].conditions == ("note", "many", "text")


class Unguided:
    """A synthesizer that knows nothing of guides."""

    def __init__(self, made: Any) -> None:
        self.sample, self.to_artifact = made.sample, made.to_artifact


def test_of_synthesizers_without_guidance_rows_that_fit_are_taken(lawful: sl.Artifact) -> None:
    from dataclasses import replace

    model = lawful._model
    table = replace(model.tables["t"], synthesizer=Unguided(model.tables["t"].synthesizer))
    plain = sl.Artifact(replace(model, tables={"t": table}))
    where = {"y": {"in": ["v2", "v3"]}, "z": {"min": 35, "max": 50}}
    made = plain.sample(given=[{"where": where, "rows": 3_000}], seed=1)["t"].to_arrow()
    usual = lawful.sample(given=[{"where": where, "rows": 3_000}], seed=1)["t"].to_arrow()
    for column, asked in where.items():
        assert satisfied(made[column], asked).all()
    assert variation(made["a"], usual["a"]) < 0.06
    assert variation(np.asarray(made["z"]) // 5, np.asarray(usual["z"]) // 5) < 0.06
    with pytest.raises(SampleError, match="draws no cells given others"):
        plain.impute(law(10))
