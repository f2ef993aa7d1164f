"""Publishing: nothing half, nothing of others, nothing twice."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from synthlake.errors import SinkError, SinkOccupiedError
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import FORMATS, FolderSink, ParquetSink, open_sink
from synthlake.sink.exchange import exchange, replace
from synthlake.source import open_source, read_table

SCHEMA = Schema({"t": Table("t", (Column("a", pa.int32()), Column("b", pa.string())))})
ODD = 'select "x"; drop/../..'


def rows(start: int, count: int) -> pa.RecordBatch:
    numbers = range(start, start + count)
    arrays = [pa.array(numbers, pa.int32()), pa.array([f"v{n}" for n in numbers])]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA["t"].arrow)


def publish(folder: Path, run: str, start: int, parts: int = 1) -> ParquetSink:
    sink = ParquetSink(folder)
    sink.open(run, SCHEMA)
    for part in range(parts):
        sink.write_part("t", part, [rows(start + 10 * part, 10)])
    sink.publish({"seed": start})
    return sink


def whole(folder: Path) -> int:
    """The seed of what is published, once every file is as its manifest says."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    files = [f for t in manifest["tables"].values() for f in t["files"]]
    for file in files:
        content = (folder / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["bytes"]
    here = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert here == {"manifest.json", *(f["path"] for f in files)}
    return int(manifest["seed"])


def test_one_part_is_a_file_and_several_are_a_folder(tmp_path: Path) -> None:
    publish(tmp_path / "one", "r", 0)
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"t.parquet", "manifest.json"}
    publish(tmp_path / "many", "r", 0, parts=3)
    names = sorted(p.name for p in (tmp_path / "many" / "t").iterdir())
    assert names == [f"part-0000{n}.parquet" for n in range(3)]
    source = open_source(tmp_path / "many")
    assert read_table(source, "t")["a"].to_pylist() == list(range(30))
    assert not list(tmp_path.glob(".*"))


def test_a_new_run_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    publish(tmp_path / "twin", "one", 1, parts=2)
    publish(tmp_path / "twin", "two", 2)
    assert whole(tmp_path / "twin") == 2
    assert not list(tmp_path.glob(".*"))


def test_publishing_the_same_again_touches_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "twin", "r", 1)
    before = (tmp_path / "twin" / "t.parquet").stat()
    publish(tmp_path / "twin", "r", 1)
    after = (tmp_path / "twin" / "t.parquet").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    publish(tmp_path / "twin", "r", 5)
    assert whole(tmp_path / "twin") == 5


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "twin").mkdir()
    publish(tmp_path / "twin", "r", 1)
    (tmp_path / "twin" / "thesis.txt").write_text("mine")
    with pytest.raises(SinkOccupiedError, match=r"thesis\.txt"):
        ParquetSink(tmp_path / "twin").open("s", SCHEMA)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text('{"tables": {}}')
    with pytest.raises(SinkOccupiedError, match="no manifest of Synthlake"):
        ParquetSink(tmp_path / "other").open("s", SCHEMA)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        ParquetSink(tmp_path / "file").open("s", SCHEMA)


def test_something_that_comes_before_publishing_is_not_replaced(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", SCHEMA)
    sink.write_part("t", 0, [rows(0, 3)])
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "thesis.txt").write_text("mine")
    with pytest.raises(SinkOccupiedError):
        sink.publish({"seed": 1})
    assert (tmp_path / "twin" / "thesis.txt").read_text() == "mine"


def test_staged_parts_are_found_again(tmp_path: Path) -> None:
    first = ParquetSink(tmp_path / "twin")
    first.open("r", SCHEMA, fingerprint="f")
    assert first.write_part("t", 0, [rows(0, 3)]) == 3
    again = ParquetSink(tmp_path / "twin")
    again.open("r", SCHEMA, fingerprint="f")
    assert again.has_part("t", 0)
    assert not again.has_part("t", 1)
    other = ParquetSink(tmp_path / "twin")
    other.open("other", SCHEMA, fingerprint="f")
    assert not other.has_part("t", 0)
    other.discard("other")
    again.publish({"seed": 3})
    assert whole(tmp_path / "twin") == 3


def test_parts_of_other_settings_are_not_used(tmp_path: Path) -> None:
    for fingerprint in ("f", "g"):
        sink = ParquetSink(tmp_path / "twin")
        sink.open("r", SCHEMA, fingerprint=fingerprint)
        assert not sink.has_part("t", 0)
        sink.write_part("t", 0, [rows(0, 3)])
    sink.publish({"seed": 3})
    same, different = ParquetSink(tmp_path / "twin"), ParquetSink(tmp_path / "twin")
    different.open("r", SCHEMA, fingerprint="h")
    assert not different.has_part("t", 0)
    same.open("r", SCHEMA, fingerprint="g")
    assert same.has_part("t", 0)
    same.publish({"seed": 3})
    assert whole(tmp_path / "twin") == 3
    assert not list(tmp_path.glob(".*"))


def test_a_cut_part_is_written_again(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", SCHEMA)
    sink.write_part("t", 0, [rows(0, 3)])
    (part,) = tmp_path.rglob("part-00000.parquet")
    part.write_bytes(part.read_bytes()[:-1])
    assert not sink.has_part("t", 0)


def test_missing_parts_and_tables_are_not_published(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", SCHEMA)
    with pytest.raises(SinkError, match="part 0 of table t is missing"):
        sink.publish({})
    sink.write_part("t", 1, [rows(0, 3)])
    with pytest.raises(SinkError, match="part 0 of table t is missing"):
        sink.publish({})
    assert not (tmp_path / "twin").exists()


def test_wrong_columns_types_and_nulls_are_refused_without_values(tmp_path: Path) -> None:
    columns = (Column("a", pa.int32(), nullable=False),)
    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", Schema({"t": Table("t", columns)}))
    for array, message in [
        (pa.array([987654], pa.int64()), r"t\.a as int64 instead of int32"),
        (pa.array([987654, None], pa.int32()), r"1 NULLs in t\.a"),
    ]:
        with pytest.raises(SinkError, match=message) as caught:
            sink.write_part("t", 0, [pa.record_batch([array], names=["a"])])
        assert "987654" not in str(caught.value)
    with pytest.raises(SinkError, match="has the columns b"):
        sink.write_part("t", 0, [pa.record_batch([pa.array([1], pa.int32())], names=["b"])])
    assert not sink.has_part("t", 0)


def test_a_part_whose_rows_fail_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield rows(0, 200_000)
        raise RuntimeError("the model failed")

    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", SCHEMA)
    with pytest.raises(RuntimeError, match="the model failed"):
        sink.write_part("t", 0, broken())  # type: ignore[arg-type]
    assert not sink.has_part("t", 0)
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    "name", [ODD, "..", ".", "manifest", "t.parquet", "a" * 300, "ü/\n", "%41"]
)
def test_any_name_of_a_table_and_of_a_run(tmp_path: Path, name: str) -> None:
    columns = (Column(ODD, pa.int64()),)
    schema = Schema({n: Table(n, columns) for n in (name, "plain")})
    sink = ParquetSink(tmp_path / "twin")
    sink.open(name, schema)
    for table in schema:
        sink.write_part(table.name, 0, [pa.record_batch([pa.array([1, 2])], names=[ODD])])
    sink.publish({})
    assert [p.name for p in tmp_path.iterdir()] == ["twin"]
    source = open_source(tmp_path / "twin")
    assert list(source.schema().tables) == [name, "plain"]
    assert read_table(source, name)[ODD].to_pylist() == [1, 2]
    found = source.engine().query(f"SELECT * FROM {source.engine().relation(name)}")
    assert found[ODD].to_pylist() == [1, 2]
    if len(name) < 100:
        (tmp_path / "twin" / "manifest.json").unlink()
        assert set(open_source(tmp_path / "twin").schema().tables) == {name, "plain"}


def test_skipped_tables_are_not_expected(tmp_path: Path) -> None:
    schema = SCHEMA.with_table(Table("log", (Column("a", pa.int32()),), skip=True))
    sink = ParquetSink(tmp_path / "twin")
    sink.open("r", schema)
    sink.write_part("t", 0, [])
    sink.publish({})
    assert open_source(tmp_path / "twin").schema()["t"].arrow == SCHEMA["t"].arrow


def test_without_exchange_the_old_folder_comes_back(tmp_path: Path) -> None:
    new, target, old = (tmp_path / n for n in ("new", "target", "old"))
    for folder in (new, target):
        folder.mkdir()
        (folder / "f").write_text(folder.name)
    replace(new, target, old, atomic=False)
    assert (target / "f").read_text() == "new"
    assert (old / "f").read_text() == "target"


def test_exchange_swaps(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "f").write_text("")
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "f").exists()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_urls_and_formats(tmp_path: Path) -> None:
    for kind in FORMATS:
        sink = open_sink(f"{kind}://{tmp_path / kind}")
        assert (sink.format, sink.folder) == (kind, tmp_path / kind)
    assert open_sink(tmp_path).format == "parquet"
    with pytest.raises(SinkError, match="no sink is known for oracle"):
        open_sink("oracle://x")
    with pytest.raises(SinkError, match="there is no format"):
        FolderSink(tmp_path, format="xls")


def test_an_unwritable_place_is_a_sink_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot be written to"):
        ParquetSink(tmp_path / "file" / "twin").open("r", SCHEMA)


# Forks before Arrow has threads: each child publishes until it is killed, 100 % in the middle of
# something, and starting a process a kill would take a second each.
SUPERVISOR = """
import importlib.util, itertools, os, select, signal, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("folder_test", sys.argv[1])
test = importlib.util.module_from_spec(spec)
spec.loader.exec_module(test)
test.rows(0, 1)
for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        for turn in itertools.count():
            test.publish(Path(sys.argv[2]), "ab"[turn % 2], turn % 5, parts=1 + turn % 3)
            os.write(writing, b".")
    os.read(reading, 1)
    select.select([], [], [], float(line))
    os.kill(child, signal.SIGKILL)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_kill_leaves_the_old_run_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "twin"
    moments = random.Random(5)
    seeds = set()
    arguments = [sys.executable, "-c", SUPERVISOR, __file__, str(target)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(arguments, text=True, **pipes) as supervisor:
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        for _ in range(20):
            print(moments.uniform(0, 0.06), file=supervisor.stdin, flush=True)
            assert supervisor.stdout.readline() == f"{signal.SIGKILL.value}\n"
            seeds.add(whole(target))
    for run in ("a", "b"):  # what was left is taken up or cleared, and never gets in the way
        publish(target, run, 7, parts=2)
        assert whole(target) == 7
    assert not list(tmp_path.glob(".*"))
    assert len(seeds) > 1
