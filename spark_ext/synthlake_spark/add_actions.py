"""Delta tables without Spark's jars: workers write Parquet, one commit a table publishes it.

Workers put files into the folder of the published table, where no reader of Delta looks at them
until a commit names them. What was written is staged as a small Delta table of add actions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from synthlake.api import errors
from synthlake_spark import worker
from synthlake_spark.generate import Shipped
from synthlake_spark.marks import Mark, latest, plain_name
from synthlake_spark.output_types import OutputTypes
from synthlake_spark.part_files import only_parts

_KIND = "arrow"
_ADDED = "path string, size long, rows long"
_MANIFEST = pa.schema([("run_id", pa.string()), ("digest", pa.string()), ("manifest", pa.string())])


class ArrowWriter:
    """Writes by add actions. Conforms to ``DeltaWriter``.

    Args:
        spark: a session; it needs no jars.
        sink: a folder, or a URI that workers and this process can write to.
        run_id: of the run.
        shipped: the twin.

    Raises:
        SinkError: the sink is a schema of a catalog.
        MissingExtraError: deltalake is not installed.
    """

    def __init__(self, spark: Any, sink: str, run_id: str, shipped: Shipped) -> None:
        try:
            import deltalake
        except ImportError as error:
            raise errors.MissingExtraError("deltalake", "delta") from error
        if "/" not in sink:
            raise errors.SinkError(
                f"{sink} is no folder or URI", hint='write to a schema with writer="spark"'
            )
        self._delta, self.spark, self.shipped, self.run_id = deltalake, spark, shipped, run_id
        self.sink = _address(sink)

    def _staged(self, table: str) -> str:
        return f"{self.sink}/_runs/{plain_name(self.run_id)}/{plain_name(table)}"

    def _published(self, table: str) -> str:
        return f"{self.sink}/{plain_name(table)}"

    def manifest(self, run_id: str) -> tuple[Mark, str] | None:
        """Mark and manifest of a published run."""
        found = self._table(f"{self.sink}/_manifest")
        if found is None:
            return None
        rows = found.to_pyarrow_table(filters=[("run_id", "=", run_id)]).to_pylist()
        return (Mark(run_id, rows[0]["digest"]), str(rows[0]["manifest"])) if rows else None

    def staged_mark(self, table: str) -> Mark | None:
        """Whose files are complete."""
        found = self._table(self._staged(table))
        mark = None if found is None else self._mark(found)
        if mark is None:
            return None
        kind, _, digest = mark.digest.partition(" ")
        return Mark(mark.run_id, digest if kind == _KIND else f"other {digest}")

    def stage(self, table: str, frame: Any, mark: Mark) -> None:
        """Let workers write the rows; ``frame`` stays unread, as its rows would come twice here."""
        asked, parts = self.shipped.cuts(table)
        # with the number of parts: tasks of a driver that died may still write those of another
        prefix = f"{plain_name(mark.run_id)}-{parts}-{mark.digest[:12]}"
        prefix = f"{self._published(table)}/{prefix}"
        write = _part_writer(self.shipped.place, table, asked, prefix)
        rows = self.spark.range(0, parts, 1, parts).mapInArrow(write, _ADDED).collect()
        added = sorted((row["path"], row["size"], row["rows"]) for row in rows)
        names, sizes, counts = zip(*added, strict=True)
        self._delta.write_deltalake(
            self._staged(table),
            pa.table({"path": list(names), "size": list(sizes), "rows": list(counts)}),
            mode="error",
            # not a mark that Spark's writer takes for its own: it stages rows, not add actions
            commit_properties=self._properties(Mark(mark.run_id, f"{_KIND} {mark.digest}")),
        )

    def staged(self, table: str) -> Any:
        """A frame over the files that were written."""
        types = OutputTypes.of(table, self.shipped.twin[table].schema)
        paths = [f"{self._published(table)}/{added['path']}" for added in self._added(table)]
        return self.spark.read.schema(types.spark).parquet(*map(_for_spark, paths))

    def published_mark(self, table: str) -> Mark | None:
        """Whose rows are published."""
        address = self._published(table)
        found = self._table(address)
        if found is None and only_parts(address):
            return None
        mark = None if found is None else self._mark(found)
        if mark is None:
            raise errors.SinkOccupiedError(
                f"{address} is there, and Synthlake did not write it",
                hint="name another sink, or move it away yourself",
            )
        return mark

    def publish(self, table: str, mark: Mark) -> None:
        """Commit the files."""
        from deltalake.transaction import AddAction, create_table_with_add_actions

        types = OutputTypes.of(table, self.shipped.twin[table].schema)
        schema = self._delta.Schema.from_arrow(types.arrow)
        now = int(time.time() * 1000)
        actions = [
            AddAction(a["path"], a["size"], {}, now, True, json.dumps({"numRecords": a["rows"]}))
            for a in self._added(table)
        ]
        told = {"partition_by": [], "commit_properties": self._properties(mark)}
        address = self._published(table)
        found = self._table(address)
        if found is not None and found.schema() == schema:
            found.create_write_transaction(actions, "overwrite", schema, **told)
            return
        mode = "error" if found is None else "overwrite"
        create_table_with_add_actions(address, schema, actions, mode=mode, **told)

    def record(self, mark: Mark, manifest: str) -> None:
        """Append the manifest."""
        values = [[mark.run_id], [mark.digest], [manifest]]
        rows = pa.table([pa.array(v, pa.string()) for v in values], schema=_MANIFEST)
        told = self._properties(mark)
        self._delta.write_deltalake(
            f"{self.sink}/_manifest", rows, mode="append", commit_properties=told
        )

    def _added(self, table: str) -> list[dict[str, Any]]:
        found = self._delta.DeltaTable(self._staged(table)).to_pyarrow_table().to_pylist()
        return sorted(found, key=lambda added: str(added["path"]))

    def _table(self, address: str) -> Any:
        """A Delta table, or None."""
        from deltalake.exceptions import TableNotFoundError

        try:
            return self._delta.DeltaTable(address)
        except TableNotFoundError:
            return None

    def _mark(self, found: Any) -> Mark | None:
        return latest(entry.get("userMetadata") for entry in found.history())

    def _properties(self, mark: Mark) -> Any:
        return self._delta.CommitProperties(custom_metadata={"userMetadata": mark.text()})


def _part_writer(place: str, table: str, parts: int, prefix: str) -> Any:
    """The function that workers run; it holds names and numbers only."""
    expected = worker.versions()

    def write(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from synthlake_spark.part_files import write_part

        for batch in numbers:
            for number in batch.column(0).to_numpy():
                yield write_part(place, table, (parts, int(number)), prefix, expected)

    return write


def _address(sink: str) -> str:
    """A sink as delta-rs names it: Hadoop's names of stores are not its own."""
    for hadoop, plain in (("s3a://", "s3://"), ("s3n://", "s3://"), ("file://", "")):
        if sink.startswith(hadoop):
            sink = plain + sink.removeprefix(hadoop)
    return (sink.removeprefix("file:") if sink.startswith("file:/") else sink).rstrip("/")


def _for_spark(path: str) -> str:
    """A path as Spark names it."""
    return "s3a://" + path.removeprefix("s3://") if path.startswith("s3://") else path
