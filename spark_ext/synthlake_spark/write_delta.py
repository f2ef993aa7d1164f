"""Delta tables of a twin: staged, audited, published back to back, then the manifest.

SINK/_runs/RUN/TABLE   staged by the run; nothing refers to it once the run is published
SINK/TABLE             a plain Delta table, replaced by one commit
SINK/_manifest         a Delta table with a row a published run
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from synthlake.api import errors, nearest
from synthlake_spark.audit import audit
from synthlake_spark.generate import Frames, Shipped
from synthlake_spark.marks import Mark
from synthlake_spark.output_types import OutputTypes

_AT_A_TIME = 4
_FORBIDDEN = frozenset(" ,;{}()\n\t=")  # of Delta without column mapping

Gate = Callable[[Mapping[str, Any]], None]
"""Called with frames over the staged tables; what it raises stops the run before publishing."""


class DeltaWriter(Protocol):
    """One way to write Delta tables. Conforms: ``SparkWriter``, ``ArrowWriter``."""

    def manifest(self, run_id: str) -> tuple[Mark, str] | None:
        """Mark and manifest (JSON) of a published run; None if it is not published."""

    def staged_mark(self, table: str) -> Mark | None:
        """Whose complete rows are staged; None if there are none."""

    def stage(self, table: str, frame: Any, mark: Mark) -> None:
        """Stage all rows of a table, in one commit."""

    def staged(self, table: str) -> Any:
        """A frame over the staged table."""

    def published_mark(self, table: str) -> Mark | None:
        """Whose rows are published. Raises: SinkOccupiedError, those of somebody else."""

    def publish(self, table: str, mark: Mark) -> None:
        """Put the staged rows in the place of what is published, in one commit."""

    def record(self, mark: Mark, manifest: str) -> None:
        """Keep the manifest of a run."""


@dataclass(frozen=True)
class DeltaTarget:
    """Where tables go to, and how.

    Attributes:
        spark: a session.
        sink: a folder, a URI, or a schema of a catalog.
        kind: of writer: ``spark`` or ``arrow``.
    """

    spark: Any
    sink: str
    kind: str = "spark"

    def writer(self, run_id: str, shipped: Shipped) -> DeltaWriter:
        """The writer of a run.

        Raises:
            SinkError: there is no such writer, or it cannot write there.
            MissingExtraError: deltalake is not installed.
        """
        from synthlake_spark.add_actions import ArrowWriter
        from synthlake_spark.spark_delta import SparkWriter

        if self.kind == "spark":
            return SparkWriter(self.spark, self.sink, run_id)
        if self.kind == "arrow":
            return ArrowWriter(self.spark, self.sink, run_id, shipped)
        raise errors.SinkError(
            f"there is no writer {self.kind!r}", hint=nearest(self.kind, ("spark", "arrow"))
        )


def write_tables(
    target: DeltaTarget, frames: Frames, run_id: str | None, gates: Sequence[Gate] = ()
) -> Mapping[str, Any]:
    """Write frames; every step that a run before has done is found and left alone.

    Raises:
        SinkError: the run id stands for other content, the audit failed, frames were changed, or
            Delta refuses the name of a column.
        SinkOccupiedError: a table is there that Synthlake did not write.
    """
    if not isinstance(frames, Frames) or not frames.unchanged:
        raise errors.SinkError(
            "these frames are not those that generate() returned",
            hint="for some tables, generate(tables=[...]); write changed frames by Spark's own"
            " writer: what is written here is known by the artifact and the plan that it follows"
            " from",
        )
    shipped = frames.shipped
    _check_names(shipped)
    mark = Mark(run_id or shipped.fingerprint[:16], _digest(frames))
    writer = target.writer(mark.run_id, shipped)
    published = writer.manifest(mark.run_id)
    if published is not None:
        mark.check(published[0], "it is published")
        found: dict[str, Any] = json.loads(published[1])
        return found
    before = _each(frames, writer.published_mark)
    for found_mark in filter(None, before.values()):
        mark.check(found_mark, "it is published in part")
    counted = _stage(writer, frames, mark, gates)
    _each([n for n in frames if before[n] != mark], lambda name: writer.publish(name, mark))
    manifest = _manifest(mark, shipped, counted)
    writer.record(mark, json.dumps(manifest, sort_keys=True))
    return manifest


def _stage(
    writer: DeltaWriter, frames: Frames, mark: Mark, gates: Sequence[Gate]
) -> dict[str, int]:
    """Stage what is not staged yet, and judge it."""

    def stage(name: str) -> None:
        found = writer.staged_mark(name)
        if found is None:
            writer.stage(name, frames[name], mark)
        else:
            mark.check_own(found, "it is staged")

    _each(frames, stage)
    staged = {name: writer.staged(name) for name in frames}
    counted = audit(frames.shipped.twin, staged, f"_runs of {mark.run_id}")
    for gate in gates:
        gate(staged)
    return counted


def _check_names(shipped: Shipped) -> None:
    """Refuse names of columns that Delta refuses, before anything is written."""
    for name, table in shipped.twin.items():
        for column in table.schema.names:
            if _FORBIDDEN & set(column):
                raise errors.SinkError(
                    f"{name}.{column} has a sign in its name that Delta refuses, one of"
                    " ' ,;{}()=', a tab or a line end",
                    hint="rename the column",
                )


def _each(tables: Iterable[str], work: Callable[[str], Any]) -> dict[str, Any]:
    """Do the same for some tables at a time: most of it is waiting."""
    names = list(tables)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return dict(zip(names, pool.map(work, names), strict=True))


def _digest(frames: Frames) -> str:
    """Digest of artifact, plan and schema."""
    shipped = frames.shipped
    types = {
        name: OutputTypes.of(name, table.schema).spark.jsonValue()
        for name, table in shipped.twin.items()
    }
    told = json.dumps([shipped.fingerprint, types], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _manifest(mark: Mark, shipped: Shipped, counted: Mapping[str, int]) -> dict[str, Any]:
    twin, wanted = shipped.twin, shipped.twin.wanted
    return {
        "run_id": mark.run_id,
        "digest": mark.digest,
        "artifact": shipped.artifact,
        "fingerprint": shipped.fingerprint,
        "seed": wanted.seed,
        "scale": wanted.scale,
        "rows_asked": dict(wanted.rows),
        "tables": {name: {"rows": table.rows} for name, table in twin.items()},
        "audit": dict(counted),
        "notes": list(twin.notes),
    }
