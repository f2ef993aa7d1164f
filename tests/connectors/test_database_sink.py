"""Databases as sinks: nothing half, nothing of others, nothing twice, in every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.connectors.database_places import (
    ENGINES,
    SMALL,
    Place,
    batch,
    deliver,
    duckdb_place,
    parents_and_children,
    postgres_place,
    sqlite_place,
)

from synthlake.api import Column, ForeignKey, Schema, Table
from synthlake.errors import SinkError, SinkOccupiedError
from synthlake.source import read_table

SCHEMA = parents_and_children()
HOSTILE = 'a"; drop table x; --'


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "duckdb":
        return duckdb_place(tmp_path / "warehouse.duckdb")
    if request.param == "sqlite":
        return sqlite_place(tmp_path / "twin.db")
    return postgres_place(request.getfixturevalue("postgres_database"))


def test_tables_arrive_whole_with_their_keys_and_leave_no_staging(place: Place) -> None:
    sink = deliver(place.sink(), SCHEMA, SMALL)
    assert place.rows("Parent") == sorted(SMALL["Parent"], key=repr)
    assert place.rows("child") == sorted(SMALL["child"], key=repr)
    assert place.keys("Parent") == {("primary key", ("id",))}
    assert place.keys("child") == {("primary key", ("id",)), ("foreign key", ("parent",))}
    assert place.staged() == set()
    found = sink.published()
    assert found is not None
    assert (found["run"], found["seed"], found["keys_left_out"]) == ("run", "one", [])
    assert {n: t["rows"] for n, t in found["tables"].items()} == {"Parent": 3, "child": 3}


def test_there_is_no_manifest_before_the_first_publication(place: Place) -> None:
    assert place.sink().published() is None
    if place.engine != "postgres":
        assert not Path(place.url.partition("///")[2]).exists()


def test_parts_of_several_writers_are_found_again(place: Place) -> None:
    one, two = place.sink(), place.sink()
    parent, child = SCHEMA
    one.open("run", SCHEMA, fingerprint="f")
    assert one.write_part("Parent", 0, [batch(parent, (1, "a")), batch(parent, (2, "b"))]) == 2
    two.open("run", SCHEMA, fingerprint="f")
    assert two.has_part("Parent", 0)
    assert not two.has_part("Parent", 1)
    two.write_part("Parent", 1, [batch(parent, (3, "c"))])
    two.write_part("child", 0, [])
    assert one.has_part("Parent", 1)
    one.write_part("Parent", 1, [batch(parent, (4, "d"))])  # a part written again takes its place
    assert "Parent" not in place.tables()
    two.publish({})
    assert [row[0] for row in place.rows("Parent")] == [1, 2, 4]
    assert place.rows("child") == []
    assert child.name in place.tables()


def test_a_missing_part_is_an_error_and_changes_nothing(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    sink = place.sink()
    sink.open("next", SCHEMA, fingerprint="f")
    sink.write_part("Parent", 1, [batch(SCHEMA["Parent"], (9, "z"))])
    with pytest.raises(SinkError, match="part 0 of table Parent is missing"):
        sink.publish({})
    assert place.rows("Parent") == sorted(SMALL["Parent"], key=repr)
    sink.discard("next")
    assert place.staged() == set()


def test_a_failing_writer_leaves_no_half_part(place: Place) -> None:
    def breaks() -> Any:
        yield batch(SCHEMA["Parent"], *[(n, "x") for n in range(200_000)])
        raise RuntimeError("the maker of rows stopped")

    sink = place.sink()
    sink.open("run", SCHEMA, fingerprint="f")
    with pytest.raises(RuntimeError, match="the maker of rows stopped"):
        sink.write_part("Parent", 0, breaks())
    assert not sink.has_part("Parent", 0)
    sink.write_part("Parent", 0, [batch(SCHEMA["Parent"], (1, "a"))])
    sink.write_part("child", 0, [])
    sink.publish({})
    assert place.rows("Parent") == [(1, "a")]


def test_what_is_published_is_used_again_and_other_content_is_refused(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    again = place.sink()
    again.open("run", SCHEMA, fingerprint="one")
    assert again.has_part("child", 0)
    assert not again.has_part("child", 1)
    again.publish({"seed": "not looked at"})
    assert (again.published() or {})["seed"] == "one"
    assert place.staged() == set()
    with pytest.raises(SinkError, match="the run run was published with other content"):
        place.sink().open("run", SCHEMA, fingerprint="two")


def test_a_new_run_takes_the_place_of_the_old_one(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    fewer: dict[str, Any] = {"Parent": [(7, "g")], "child": [(1, 7, 1.0), (2, 7, 2.0)]}
    sink = deliver(place.sink(), SCHEMA, fewer, "second", "two")
    assert place.rows("Parent") == [(7, "g")]
    assert len(place.rows("child")) == 2
    assert (sink.published() or {})["run"] == "second"
    assert place.keys("child") == {("primary key", ("id",)), ("foreign key", ("parent",))}
    deliver(place.sink(), SCHEMA, SMALL)  # the first run again: its rows are not there any more
    assert place.rows("Parent") == sorted(SMALL["Parent"], key=repr)


def test_what_was_staged_for_other_data_is_thrown_away(place: Place) -> None:
    sink = place.sink()
    sink.open("run", SCHEMA, fingerprint="old")
    sink.write_part("Parent", 0, [batch(SCHEMA["Parent"], (1, "a"))])
    other = place.sink()
    other.open("run", SCHEMA, fingerprint="new")
    assert not other.has_part("Parent", 0)
    with pytest.raises(SinkError, match="staging area of run run is not there"):
        sink.write_part("child", 0, [])


def test_rows_that_somebody_removed_are_written_again(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    place.run(f"DELETE FROM {place.address('child')}")
    deliver(place.sink(), SCHEMA, SMALL)
    assert len(place.rows("child")) == 3


def test_tables_of_another_run_stay(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    other = Schema({"more": Table("more", (Column("v", pa.string()),))})
    deliver(place.sink(), other, {"more": [("x",)]}, "second", "two")
    assert len(place.rows("child")) == 3
    again = place.sink()
    again.open("run", SCHEMA, fingerprint="one")
    assert again.has_part("child", 0)


def _users_table(place: Place) -> None:
    if place.schema is not None:
        place.run(f'CREATE SCHEMA "{place.schema}"')
    kind = "INT" if place.engine == "sqlite" else "bigint"
    place.run(
        f"CREATE TABLE {place.address('child')} (id bigint, parent bigint,"
        f" x double precision, note {kind} DEFAULT 5)"
    )
    place.run(f"INSERT INTO {place.address('child')} VALUES (8, 8, 8, 8)")


def test_a_users_table_is_refused(place: Place) -> None:
    _users_table(place)
    with pytest.raises(SinkOccupiedError, match="table 'child' that Synthlake did not make"):
        place.sink().open("run", SCHEMA)
    assert place.rows("child") == [(8, 8, 8, 8)]
    assert place.tables() == {"child"}


def test_a_users_table_keeps_its_shape_where_its_rows_may_be_replaced(place: Place) -> None:
    _users_table(place)
    for run in ("one", "two"):
        deliver(place.sink(into_existing=True), SCHEMA, SMALL, run, run)
        assert place.rows("child") == sorted((*row, 5) for row in SMALL["child"])
        assert place.keys("child") == set()
    with pytest.raises(SinkOccupiedError):
        place.sink().open("three", SCHEMA)


def test_what_a_users_table_computes_is_left_to_it(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL, "first", "0")  # makes the schema
    computed = "BIGINT GENERATED ALWAYS AS (id * 2)" + " STORED" * (place.engine != "duckdb")
    place.run(f'CREATE TABLE {place.address("own")} (id BIGINT PRIMARY KEY, "Twice" {computed})')
    columns = (Column("Twice", pa.int64()), Column("id", pa.int64(), nullable=False))
    schema = Schema({"own": Table("own", columns, ("id",))})
    for run, given in (("one", (7, 1)), ("two", (7, 2))):
        deliver(place.sink(into_existing=True), schema, {"own": [given]}, run, run)
        assert place.rows("own") == [(given[1], 2 * given[1])]


def test_a_view_is_never_replaced(place: Place) -> None:
    if place.schema is not None:
        place.run(f'CREATE SCHEMA "{place.schema}"')
    place.run(f"CREATE VIEW {place.address('child')} AS SELECT 1 AS id")
    with pytest.raises(SinkOccupiedError, match="a view or the like 'child'"):
        place.sink(into_existing=True).open("run", SCHEMA)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("id bigint, parent bigint", "child.x is .*no such column"),
        ("id bigint, parent bigint, x date", "child.x is .* has (?i:date)"),
        ("id bigint, parent bigint, x double precision, y bigint NOT NULL", "a value for y"),
    ],
)
def test_a_table_that_cannot_take_the_rows_is_refused(
    place: Place, columns: str, message: str
) -> None:
    if place.schema is not None:
        place.run(f'CREATE SCHEMA "{place.schema}"')
    place.run(f"CREATE TABLE {place.address('child')} ({columns})")
    with pytest.raises(SinkError, match=message):
        place.sink(into_existing=True).open("run", SCHEMA)
    assert place.staged() == set()


ORPHANS: dict[str, Any] = {
    "Parent": [(1, "a"), (2, "b")],
    "child": [(1, 1, 0.0), (1, 99, 0.0), (2, 98, 0.0)],
}


def test_keys_that_the_twin_does_not_keep_are_left_out_and_named(place: Place) -> None:
    sink = deliver(place.sink(), SCHEMA, ORPHANS)
    assert place.keys("child") == set()
    assert place.keys("Parent") == {("primary key", ("id",))}
    assert (sink.published() or {})["keys_left_out"] == [
        "primary key child(id): 1 violations",
        "foreign key child(parent) -> Parent(id): 2 orphans",
    ]


def test_keys_that_held_before_give_way_to_a_twin_that_breaks_them(place: Place) -> None:
    deliver(place.sink(), SCHEMA, SMALL)
    deliver(place.sink(), SCHEMA, ORPHANS, "second", "two")
    assert len(place.rows("child")) == 3
    assert place.keys("child") == set()
    deliver(place.sink(), SCHEMA, SMALL, "third", "three")
    assert place.keys("child") == {("primary key", ("id",)), ("foreign key", ("parent",))}


def test_required_keys_refuse_a_twin_that_breaks_them(place: Place) -> None:
    deliver(place.sink(constraints="require"), SCHEMA, SMALL)
    with pytest.raises(SinkError, match=r"breaks 2 keys of its schema.*child\(id\): 1 violations"):
        deliver(place.sink(constraints="require"), SCHEMA, ORPHANS, "second", "two")
    assert place.rows("child") == sorted(SMALL["child"], key=repr)


def test_no_keys_are_made_where_none_are_wanted(place: Place) -> None:
    deliver(place.sink(constraints="none"), SCHEMA, SMALL)
    assert place.keys("child") == place.keys("Parent") == set()


def test_references_in_a_cycle(place: Place) -> None:
    def number(*names: str) -> tuple[Column, ...]:
        return tuple(Column(name, pa.int32()) for name in names)

    up = (ForeignKey(("b",), "b", ("id",)), ForeignKey(("up",), "a", ("id",)))
    a = Table("a", number("id", "b", "up"), ("id",), up)
    b = Table("b", number("id", "a"), ("id",), (ForeignKey(("a",), "a", ("id",)),))
    schema = Schema({"a": a, "b": b})
    rows: dict[str, Any] = {"a": [(1, 2, 2), (2, 1, 1)], "b": [(1, 1), (2, 2)]}
    for run in ("one", "two"):
        sink = deliver(place.sink(), schema, rows, run, run)
        assert place.rows("a") == rows["a"]
        assert place.rows("b") == rows["b"]
    foreign = {columns for t in "ab" for kind, columns in place.keys(t) if kind == "foreign key"}
    if place.engine == "duckdb":  # it has no references that are checked later
        assert foreign == {("a",)}
        assert len((sink.published() or {})["keys_left_out"]) == 2
    else:
        assert foreign == {("a",), ("b",), ("up",)}


def test_references_to_what_is_unique_but_no_primary_key(place: Place) -> None:
    parent = Table("p", (Column("id", pa.int32()), Column("code", pa.string())), ("id",))
    child = Table("c", (Column("code", pa.string()),), (),
                  (ForeignKey(("code",), "p", ("code",)),))  # fmt: skip
    schema = Schema({"c": child, "p": parent})
    rows: dict[str, Any] = {"p": [(1, "x"), (2, "y"), (3, None)], "c": [("x",), (None,)]}
    deliver(place.sink(), schema, rows)
    assert place.keys("c") == {("foreign key", ("code",))}
    deliver(place.sink(), schema, {**rows, "p": [(1, "x"), (2, "x")]}, "second", "two")
    assert place.keys("c") == set()


def _hostile() -> Schema:
    parent = Table(
        HOSTILE,
        (Column("Kind Of", pa.string()), Column(HOSTILE, pa.int64()), Column("100%", pa.string())),
        ("Kind Of", HOSTILE),
    )
    child = Table(
        "select",
        (Column("Order", pa.int64()), Column("kind", pa.string()), Column("It's?:x", pa.int64())),
        ("Order",),
        (ForeignKey(("kind", "It's?:x"), HOSTILE, ("Kind Of", HOSTILE)),),
    )
    return Schema({HOSTILE: parent, "select": child})


def test_any_name_is_a_name_and_composite_keys_come_back(place: Place) -> None:
    rows: dict[str, Any] = {
        HOSTILE: [("a", 1, "50%"), ("a", 2, None), ("B", 1, "%s")],
        "select": [(1, "a", 2), (2, "B", 1), (3, None, 1)],
    }
    for run in ("one", "two"):
        deliver(place.sink(), _hostile(), rows, run, run)
    assert place.rows(HOSTILE) == sorted(rows[HOSTILE], key=repr)
    source = place.source()
    schema = source.schema()
    assert set(schema.tables) == {HOSTILE, "select"}
    assert schema[HOSTILE].primary_key == ("Kind Of", HOSTILE)
    (fk,) = schema["select"].foreign_keys
    assert (fk.columns, fk.references, fk.to) == (
        ("kind", "It's?:x"), HOSTILE, ("Kind Of", HOSTILE),
    )  # fmt: skip
    held = read_table(source, "select")
    assert sorted(held.to_pylist(), key=repr) == [
        dict(zip(("Order", "kind", "It's?:x"), row, strict=True)) for row in rows["select"]
    ]
    source.close()  # type: ignore[attr-defined]


def test_names_that_cannot_be_held_are_refused(place: Place) -> None:
    def named(*names: str) -> Schema:
        return Schema({n: Table(n, (Column("a", pa.int32()),)) for n in names})

    for schema in (named("_synthlake_runs"), named("nul\0"), named("")):
        with pytest.raises(SinkError, match="name"):
            place.sink().open("run", schema)
    if place.engine == "postgres":
        deliver(place.sink(), named("é" * 31, "T", "t"), {n: [(1,)] for n in ("é" * 31, "T", "t")})
        with pytest.raises(SinkError, match="of 64 bytes, which postgres cannot hold"):
            place.sink().open("next", named("é" * 32))
    else:
        with pytest.raises(SinkError, match="are one name"):
            place.sink().open("run", named("T", "t"))


def test_types_that_cannot_be_held_are_refused_by_column(place: Place) -> None:
    kind = pa.decimal256(60, 2)
    schema = Schema({"t": Table("t", (Column("a", pa.int32()), Column("wide", kind)))})
    with pytest.raises(SinkError, match=r"t\.wide is decimal256\(60, 2\), which .* cannot hold"):
        place.sink().open("run", schema)
    assert place.staged() == set()


def test_a_batch_of_other_types_is_refused(place: Place) -> None:
    sink = place.sink()
    sink.open("run", SCHEMA)
    wrong = pa.record_batch([pa.array([1]), pa.array([2])], names=["id", "n"])
    with pytest.raises(SinkError, match=r"Parent\.n as int64 instead of string"):
        sink.write_part("Parent", 0, [wrong])


def test_options_are_checked(place: Place) -> None:
    for options in ({"constraint": "auto"}, {"constraints": "some"}, {"into_existing": "yes"}):
        with pytest.raises(SinkError, match="option"):
            place.sink(**options)
