"""Delta tables as a sink: one commit a table, nothing of others, nothing twice, nothing half."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

import synthlake
from synthlake.errors import SinkBusyError, SinkError, SinkOccupiedError, Terminal
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import formats, open_sink
from synthlake.source import read_table

T, U = "t", 'u."x"; ü/_'
NUMBERS = (Column("a", pa.int32()), Column("b", pa.string()))
SCHEMA = Schema({name: Table(name, NUMBERS) for name in (T, U)})


def batch(start: int, count: int = 10) -> pa.RecordBatch:
    numbers = range(start, start + count)
    arrays = [pa.array(numbers, pa.int32()), pa.array([f"v{n}" for n in numbers])]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA[T].arrow)


def publish(folder: Path, run: str, start: int, fingerprint: str = "", parts: int = 2) -> None:
    sink = open_sink(f"delta://{folder}")
    sink.open(run, SCHEMA, fingerprint=fingerprint)
    for table in (T, U):
        for part in range(parts):
            if not sink.has_part(table, part):
                assert sink.write_part(table, part, [batch(start + 10 * part)]) == 10
    sink.publish({"seed": start})


def state(folder: Path) -> dict[str, tuple[int, list[int]]]:
    """Version and numbers of each table as a reader sees them now."""
    source = synthlake.open(f"delta://{folder}")
    found = {}
    for name in source.schema().tables:
        numbers = sorted(read_table(source, name)["a"].to_pylist())
        found[name] = (DeltaTable(place(folder, name)).version(), numbers)
    return found


def place(folder: Path, table: str) -> Path:
    return folder / {T: "t", U: "u+2E+22x+22+3B+20+C3+BC+2F_"}[table]


def both(version: int, start: int, count: int = 20) -> dict[str, tuple[int, list[int]]]:
    return dict.fromkeys((T, U), (version, list(range(start, start + count))))


def test_a_run_is_one_commit_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "lake"
    publish(folder, "r1", 0, "f1")
    assert state(folder) == both(0, 0)
    assert {p.name for p in folder.iterdir()} == {*(place(folder, t).name for t in (T, U)),
                                                  "_synthlake.json"}  # fmt: skip
    publish(folder, "r2", 100, "f2")
    assert state(folder) == both(1, 100)
    manifest = open_sink(f"delta://{folder}").published()
    assert manifest is not None
    assert manifest["seed"] == 100
    assert {t: e["rows"] for t, e in manifest["tables"].items()} == {T: 20, U: 20}
    before = synthlake.open(f"delta://{folder}", options={"versions": {T: 0, U: 0}})
    assert sorted(read_table(before, T)["a"].to_pylist()) == list(range(20))


def test_a_repeated_run_makes_no_new_version(tmp_path: Path) -> None:
    for _ in range(3):
        publish(tmp_path, "r1", 0, "f1")
        assert state(tmp_path) == both(0, 0)
    sink = open_sink(f"delta://{tmp_path}")
    sink.open("r1", SCHEMA, fingerprint="f1")
    assert sink.has_part(T, 1)
    assert not sink.has_part(T, 2)
    sink.publish({"seed": 0})
    sink.publish({"seed": 0})
    assert state(tmp_path) == both(0, 0)
    publish(tmp_path, "r2", 5, "f2")
    publish(tmp_path, "r1", 0, "f1")  # it is no longer what is there
    assert state(tmp_path) == both(2, 0)


def test_a_run_without_fingerprint_is_known_by_its_rows(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0)
    publish(tmp_path, "r1", 0)
    assert state(tmp_path) == both(0, 0)
    with pytest.raises(SinkError, match="with other rows"):
        publish(tmp_path, "r1", 1)
    assert state(tmp_path) == both(0, 0)


def test_a_run_id_with_other_rows_is_terminal_however_late(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    for number in range(3):
        publish(tmp_path, f"s{number}", number, f"g{number}", parts=1)
    for table in (T, U):  # the log forgets commits before a checkpoint
        DeltaTable(place(tmp_path, table)).create_checkpoint()
        for version in range(3):
            (place(tmp_path, table) / "_delta_log" / f"{version:020}.json").unlink()
    with pytest.raises(SinkError, match="run r1 was published") as caught:
        publish(tmp_path, "r1", 0, "f2")
    assert isinstance(caught.value, Terminal)
    assert state(tmp_path) == both(3, 2, 10)


def test_what_was_staged_under_another_fingerprint_is_thrown_away(tmp_path: Path) -> None:
    sink = open_sink(f"delta://{tmp_path}")
    sink.open("r1", SCHEMA, fingerprint="f1")
    sink.write_part(T, 0, [batch(0)])
    again = open_sink(f"delta://{tmp_path}")
    again.open("r1", SCHEMA, fingerprint="f1")
    assert again.has_part(T, 0)
    again.open("r1", SCHEMA, fingerprint="f2")
    assert not again.has_part(T, 0)
    with pytest.raises(SinkError, match="part 0 of table t is missing"):
        again.publish({})
    again.discard("r1")
    assert list(tmp_path.iterdir()) == []
    assert again.published() is None


def test_tables_of_others_stay(tmp_path: Path) -> None:
    theirs = pa.table({"z": [1, 2]})
    write_deltalake(place(tmp_path, U), theirs)
    with pytest.raises(SinkOccupiedError, match="a Delta table that Synthlake did not write"):
        publish(tmp_path, "r1", 0, "f1")
    assert not (tmp_path / "t").exists()
    assert pa.table(DeltaTable(place(tmp_path, U)).scan()).num_rows == 2
    (tmp_path / "files" / "t").mkdir(parents=True)
    (tmp_path / "files" / "t" / "x.csv").write_text("a\n")
    with pytest.raises(SinkOccupiedError, match="files that Synthlake did not write"):
        publish(tmp_path / "files", "r1", 0, "f1")


def test_our_tables_that_others_wrote_to_stay(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    rows = pa.Table.from_batches([batch(77, 1)])
    write_deltalake(place(tmp_path, T), rows, mode="append")
    with pytest.raises(SinkOccupiedError):
        publish(tmp_path, "r2", 50, "f2")
    assert state(tmp_path) == {T: (1, [*range(20), 77]), U: both(0, 0)[U]}


def test_maintenance_of_our_tables_is_no_change(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    table = DeltaTable(place(tmp_path, T))
    table.optimize.compact()
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert table.version() > 0
    publish(tmp_path, "r1", 0, "f1")
    assert state(tmp_path)[T] == (table.version(), list(range(20)))
    publish(tmp_path, "r2", 50, "f2")
    assert state(tmp_path)[T] == (table.version() + 1, list(range(50, 70)))


def test_another_writer_between_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthlake_connectors.delta import commits

    publish(tmp_path, "r1", 0, "f1")
    real = commits._write

    def late(path: Path, *rest: Any) -> None:
        write_deltalake(path, pa.Table.from_batches([batch(77, 1)]), mode="append")
        real(path, *rest)

    monkeypatch.setattr(commits, "_write", late)
    with pytest.raises(SinkBusyError, match="cannot be committed"):
        publish(tmp_path, "r2", 50, "f2")
    monkeypatch.undo()
    assert state(tmp_path)[T] == (1, [*range(20), 77])


@pytest.mark.parametrize("existing", [True, False])
def test_a_table_that_changed_since_it_was_found_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
) -> None:
    from synthlake_connectors.delta import commits

    if existing:
        publish(tmp_path, "r1", 0, "f1")
    rows = pa.Table.from_batches([batch(77, 1)])
    real = commits.commit

    def late(path: Path, *rest: Any) -> Any:
        write_deltalake(path, rows, mode="append")
        return real(path, *rest)

    monkeypatch.setattr(commits, "commit", late)
    with pytest.raises(SinkBusyError, match="somebody else wrote to it"):
        publish(tmp_path, "r2", 50, "f2")
    expected = (1, [*range(20), 77]) if existing else (0, [77])
    assert state(tmp_path)[T] == expected


def test_two_runs_at_once_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthlake_connectors.delta import commits

    publish(tmp_path, "r1", 0, "f1")
    real, calls = commits.commit, list[Path]()

    def late(path: Path, *rest: Any) -> Any:
        calls.append(path)
        if len(calls) == 2:  # one table is committed, the other not
            with pytest.raises(SinkBusyError, match="another run is being published"):
                publish(tmp_path, "r3", 100, "f3")
        return real(path, *rest)

    monkeypatch.setattr(commits, "commit", late)
    publish(tmp_path, "r2", 50, "f2")
    assert state(tmp_path) == both(1, 50)
    publish(tmp_path, "r3", 100, "f3")
    assert state(tmp_path) == both(2, 100)


def test_what_a_commit_refers_to_is_never_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthlake_connectors.delta.sink._write", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, "r1", 0, "f1")
    monkeypatch.undo()
    before = {p: p.read_bytes() for p in place(tmp_path, T).glob("*.parquet")}
    shutil.rmtree(tmp_path / "_runs")
    monkeypatch.setitem(formats._WRITERS, "parquet", (".parquet", _plain_parquet))
    publish(tmp_path, "r1", 0, "f1")  # the same rows, in other octets
    assert {p: p.read_bytes() for p in place(tmp_path, T).glob("*.parquet")} == before
    assert state(tmp_path) == both(0, 0)


def _plain_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    pq.write_table(pa.Table.from_batches(list(batches), schema), path, compression="none")


@pytest.mark.parametrize("left", [None, f"{0:020}.json#1", "_commit_1.json.tmp"])
def test_a_first_commit_that_was_cut_off_is_made_again(tmp_path: Path, left: str | None) -> None:
    log = place(tmp_path, U) / "_delta_log"
    log.mkdir(parents=True)
    if left is not None:
        (log / left).write_text('{"half')
    publish(tmp_path, "r1", 0, "f1")
    assert state(tmp_path) == both(0, 0)


def test_settings_of_a_table_outlive_a_change_of_its_columns(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    table = DeltaTable(place(tmp_path, T))
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    sink = open_sink(f"delta://{tmp_path}")
    other = Schema({T: Table(T, (Column("c", pa.string()),))})
    sink.open("r2", other, fingerprint="f2")
    sink.write_part(T, 0, pa.table({"c": ["x"]}).to_batches())
    sink.publish({})
    metadata = DeltaTable(place(tmp_path, T)).metadata()
    assert metadata.id == table.metadata().id
    assert metadata.configuration == {"delta.logRetentionDuration": "interval 90 days"}
    assert read_table(synthlake.open(f"delta://{tmp_path}"), T).to_pylist() == [{"c": "x"}]


def test_a_refusal_that_will_not_pass_is_terminal(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    DeltaTable(place(tmp_path, T)).alter.set_table_properties({"delta.appendOnly": "true"})
    with pytest.raises(SinkError, match="append-only") as caught:
        publish(tmp_path, "r2", 50, "f2")
    assert isinstance(caught.value, Terminal)
    assert not isinstance(caught.value, SinkBusyError)


def test_the_versions_of_the_manifest_are_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, "r1", 0, "f1")
    monkeypatch.setattr("synthlake_connectors.delta.sink._write", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, "r2", 100, "f2")
    held = json.loads((tmp_path / "_synthlake.json").read_bytes())["tables"]
    versions = {name: entry["version"] for name, entry in held.items()}
    source = synthlake.open(f"delta://{tmp_path}", options={"versions": versions})
    assert [sum(read_table(source, name)["a"].to_pylist()) for name in (T, U)] == [190, 190]
    assert {version for version, _ in state(tmp_path).values()} == {1}


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_columns_may_change_from_run_to_run(tmp_path: Path) -> None:
    publish(tmp_path, "r1", 0, "f1")
    sink = open_sink(f"delta://{tmp_path}")
    other = Schema({T: Table(T, (Column("when", pa.timestamp("us")),))})
    sink.open("r2", other, fingerprint="f2")
    moment = dt.datetime(2013, 1, 1, 5, 30)  # noqa: DTZ001
    sink.write_part(T, 0, pa.table({"when": [moment]}, schema=other[T].arrow).to_batches())
    sink.publish({})
    source = synthlake.open(f"delta://{tmp_path}")
    assert read_table(source, T).to_pylist() == [{"when": moment}]
    assert source.schema()[T].arrow == other[T].arrow
    publish(tmp_path, "r3", 0, "f3")
    assert state(tmp_path)[T] == (2, list(range(20)))


KILLED = """
import os, runpy, signal
from pathlib import Path
from synthlake_connectors.delta import commits, sink
publish = runpy.run_path({here!r})["publish"]
real, left = {module}.{name}, [{calls}]
def dying(*given, **named):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
{module}.{name} = dying
publish(Path({folder!r}), "r2", 100, "f2")
"""


@pytest.mark.parametrize(
    ("module", "name", "calls", "versions"),
    [
        ("sink", "_link", 3, {0}),
        ("commits", "_write", 0, {0}),
        ("commits", "_write", 1, {0, 1}),
        ("sink", "_write", 0, {1}),
    ],
)
def test_a_killed_publication_is_completed(
    tmp_path: Path, module: str, name: str, calls: int, versions: set[int]
) -> None:
    publish(tmp_path, "r1", 0, "f1")
    held = {
        "here": __file__,
        "module": module,
        "name": name,
        "calls": calls,
        "folder": str(tmp_path),
    }
    code = KILLED.format(**held)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    cut_off = state(tmp_path)
    assert {version for version, _ in cut_off.values()} == versions
    for version, numbers in cut_off.values():  # a table is never half
        assert numbers == list(range(100 * version, 100 * version + 20))
    publish(tmp_path, "r2", 100, "f2")
    assert state(tmp_path) == both(1, 100)
    assert json.loads((tmp_path / "_synthlake.json").read_bytes())["seed"] == 100
    assert not (tmp_path / "_runs").exists()


def test_tables_without_rows_are_tables(tmp_path: Path) -> None:
    sink = open_sink(f"delta://{tmp_path}")
    sink.open("r", SCHEMA, fingerprint="f")
    for table in (T, U):
        sink.write_part(table, 0, [])
    sink.publish({})
    assert state(tmp_path) == dict.fromkeys((T, U), (0, []))


@pytest.mark.parametrize(
    ("url", "options", "match"),
    [
        ("delta:///tmp/a%41b", {}, "% with two digits"),
        ("delta+s3://bucket/x", {}, "folders of this machine"),
        ("delta://", {}, "names no folder"),
        ("delta:///tmp/x", {"mode": "append"}, "no option 'mode'"),
    ],
)
def test_what_is_no_sink_is_refused(url: str, options: dict[str, Any], match: str) -> None:
    with pytest.raises(SinkError, match=match):
        open_sink(url, options=options)


@pytest.fixture
def spec(nycflights13: Path, tmp_path: Path) -> Path:
    """A spec from Delta to Delta, of three days of flights."""
    days = "month = 1 AND day <= 3"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        flights = str(nycflights13 / "flights.parquet")
        kept = {
            "airlines": "TRUE",
            "planes": f"tailnum IN (SELECT tailnum FROM '{flights}' WHERE {days})",
            "flights": days,
        }
        for name, rows in kept.items():
            path = nycflights13 / f"{name}.parquet"
            picked = connection.sql(f"SELECT * FROM '{path}' WHERE {rows}").to_arrow_table()
            write_deltalake(tmp_path / "lake" / name, picked)
    keys = [{"columns": ["tailnum"], "references": "planes", "orphans": "keep"}]
    keys += [{"columns": ["carrier"], "references": "airlines"}]
    path = tmp_path / "spec.json"
    path.write_text(
        json.dumps(
            {
                "source": f"delta://{tmp_path}/lake",
                "sink": f"delta://{tmp_path}/twin",
                "runs": f"{tmp_path}/runs",
                "tables": {"airlines": {"keep": True}, "flights": {"foreign_keys": keys}},
                "fit": {"max_rows": 1500},
                "evaluate": {"tier": "quick"},
                "gates": [{"metric": "primary_key", "at_most": 0, "otherwise": "fail"}],
                "seed": 7,
            }
        )
    )
    return path


@pytest.mark.slow
def test_a_run_from_delta_to_delta(spec: Path, tmp_path: Path) -> None:
    kept = {"airlines", "planes", "flights"}
    command = [sys.executable, "-m", "synthlake.cli", "run", str(spec), "--run-id", "night"]
    for _ in range(2):  # the second finds the first
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        folders = [p for p in (tmp_path / "twin").iterdir() if p.is_dir()]
        assert {p.name for p in folders} == kept
        assert {DeltaTable(p).version() for p in folders} == {0}
    twin = synthlake.open(f"delta://{tmp_path}/twin")
    orphans = twin.engine().query(
        "SELECT count(*) AS n FROM flights ANTI JOIN airlines USING (carrier)"
    )
    assert orphans["n"].to_pylist() == [0]
    real = synthlake.open(f"delta://{tmp_path}/lake")
    for table in real.schema():
        assert twin.schema()[table.name].arrow == table.arrow
    held = json.loads((tmp_path / "twin" / "_synthlake.json").read_bytes())
    assert (tmp_path / "runs" / "night" / "manifest.json").is_file()
    assert {n: e["rows"] for n, e in held["tables"].items()} == {
        name: read_table(twin, name).num_rows for name in kept
    }
