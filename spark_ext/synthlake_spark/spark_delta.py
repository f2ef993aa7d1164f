"""Delta tables written by Spark itself: staged, then copied by one commit a table.

Copied, as Delta refuses to replace a table that has rows by a shallow clone, and as no reader but
Spark's follows a clone's files to another folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synthlake.api import errors
from synthlake_spark.marks import Mark, latest, plain_name

_ABSENT = {
    "DELTA_TABLE_ONLY_OPERATION", "DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND",
    "DELTA_PATH_DOES_NOT_EXIST", "PATH_NOT_FOUND", "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND",
}  # fmt: skip
_MANIFEST = "run_id string, digest string, manifest string"


@dataclass(frozen=True)
class Place:
    """A Delta table, by path or by name.

    Attributes:
        name: path, or quoted name in a catalog.
        path: which of them.
    """

    name: str
    path: bool

    @property
    def identifier(self) -> str:
        """As SQL names it."""
        return f"delta.{_quoted(self.name)}" if self.path else self.name

    def read(self, spark: Any) -> Any:
        """A frame over the table."""
        return spark.read.format("delta").load(self.name) if self.path else spark.table(self.name)

    def write(self, frame: Any, mode: str, mark: Mark, **options: str) -> None:
        """Write a frame in one commit that carries a mark."""
        # without optimized writes: they shuffle rows, and these come in files of a good size
        held = {"userMetadata": mark.text(), "optimizeWrite": "false", **options}
        writer = frame.write.format("delta").mode(mode).options(**held)
        writer.save(self.name) if self.path else writer.saveAsTable(self.name)


class SparkWriter:
    """Writes by Spark's ``delta`` format. Conforms to ``DeltaWriter``.

    Args:
        spark: a session with Delta's jars.
        sink: a folder or URI; or a schema of a catalog.
        run_id: of the run.

    Raises:
        SinkError: the catalog has no such schema.
    """

    def __init__(self, spark: Any, sink: str, run_id: str) -> None:
        self.spark, self.sink, self.run_id = spark, sink.rstrip("/") or "/", run_id
        self._by_path = "/" in sink or ":" in sink
        if not self._by_path and not spark.catalog.databaseExists(sink):
            raise errors.SinkError(
                f"the catalog has no schema {sink}",
                hint=f"create it first; a folder of this name is ./{sink}",
            )

    def _place(self, *parts: str) -> Place:
        if self._by_path:
            return Place("/".join([self.sink, *parts]), True)
        schema = ".".join(_quoted(part) for part in self.sink.split("."))
        return Place(f"{schema}.{_quoted('__'.join(parts))}", False)

    def _staged(self, table: str) -> Place:
        return self._place("_runs", plain_name(self.run_id), plain_name(table))

    def _published(self, table: str) -> Place:
        return self._place(plain_name(table))

    def manifest(self, run_id: str) -> tuple[Mark, str] | None:
        """Mark and manifest of a published run."""
        from pyspark.errors import AnalysisException
        from pyspark.sql import functions as f

        held = self._place("_manifest").read
        try:
            rows = held(self.spark).where(f.col("run_id") == run_id).collect()
        except AnalysisException as error:
            if _is_absent(error):
                return None
            raise
        if not rows:
            return None
        return Mark(run_id, rows[0]["digest"]), str(rows[0]["manifest"])

    def staged_mark(self, table: str) -> Mark | None:
        """Whose rows are staged; files without a commit are what a driver left that died."""
        return self._mark(self._staged(table), table, lambda: True)

    def stage(self, table: str, frame: Any, mark: Mark) -> None:
        """Stage a frame."""
        self._staged(table).write(frame, "error", mark)

    def staged(self, table: str) -> Any:
        """A frame over the staged table."""
        return self._staged(table).read(self.spark)

    def published_mark(self, table: str) -> Mark | None:
        """Whose rows are published."""
        # a run looks here before it stages: files without a commit came after that, so are its own
        return self._mark(self._published(table), table, lambda: bool(self.staged_mark(table)))

    def publish(self, table: str, mark: Mark) -> None:
        """Copy what is staged over what is published."""
        frame = self.staged(table)
        self._published(table).write(frame, "overwrite", mark, overwriteSchema="true")

    def record(self, mark: Mark, manifest: str) -> None:
        """Append the manifest."""
        rows = [(mark.run_id, mark.digest, manifest)]
        frame = self.spark.createDataFrame(rows, _MANIFEST).coalesce(1)
        self._place("_manifest").write(frame, "append", mark)

    def _mark(self, place: Place, table: str, died: Callable[[], bool]) -> Mark | None:
        """The newest mark of ours on a table; None if there is no table.

        Args:
            place: of the table.
            table: its name.
            died: tells whether files that no commit names are of this run, which died before.

        Raises:
            SinkOccupiedError: there is one, and none of its commits is ours.
        """
        from pyspark.errors import AnalysisException

        try:
            history = self.spark.sql(f"DESCRIBE HISTORY {place.identifier}")
            found = [row["userMetadata"] for row in history.select("userMetadata").collect()]
        except AnalysisException as error:
            if not _is_absent(error):
                raise
            if not (place.path and died()):
                self._check_free(place, table)
            return None
        mark = latest(found)
        if mark is None:
            raise _occupied(table, place)
        return mark

    def _check_free(self, place: Place, table: str) -> None:
        """Refuse a folder of files that are no table, or a table that is not Delta's."""
        from pyspark.errors import AnalysisException

        reader = self.spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        try:
            frame = reader.load(place.name).select("path") if place.path else place.read(self.spark)
            rows = frame.limit(1).collect() if place.path else [frame.schema]
        except AnalysisException as error:
            if _is_absent(error):
                return
            raise
        if rows:
            raise _occupied(table, place)


def _occupied(table: str, place: Place) -> errors.SinkOccupiedError:
    return errors.SinkOccupiedError(
        f"{place.name} is there, and Synthlake did not write it (table {table})",
        hint="name another sink, or move it away yourself",
    )


def _is_absent(error: Any) -> bool:
    return str(error.getCondition()) in _ABSENT


def _quoted(name: str) -> str:
    escaped = name.replace("`", "``")
    return f"`{escaped}`"
