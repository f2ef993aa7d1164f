"""A twin of any size as Spark DataFrames and Delta tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthlake.api import Artifact
from synthlake_spark.generate import Frames, check_workers, frames_of, ship, typed_errors
from synthlake_spark.write_delta import DeltaTarget, Gate, write_tables

__all__ = ["SparkTwin"]


class SparkTwin:
    """What was learned, on a Spark session; classic or Connect.

    Args:
        spark: the session.
        artifact: what was learned.
        shared: a folder that driver and workers see under one path, by which twins travel to
            workers; None to send them along with the session.
    """

    def __init__(self, spark: Any, artifact: Artifact, *, shared: str | Path | None = None) -> None:
        self.spark, self.artifact, self.shared = spark, artifact, shared
        self._checked = False

    def __repr__(self) -> str:
        return f"SparkTwin({', '.join(self.artifact.schema.tables)})"

    def generate(
        self,
        scale: float = 1.0,
        seed: int = 0,
        rows: Mapping[str, int] | None = None,
        tables: Sequence[str] | None = None,
        partitions: int | None = None,
    ) -> Frames:
        """Lazy DataFrames by table: the cells of ``artifact.sample`` with the same arguments.

        Args:
            scale: of the source's roots.
            seed: equal seeds give equal rows, however they are partitioned.
            rows: by root table; wins over ``scale``.
            tables: that are made; None for all.
            partitions: of each frame; None for one a quarter of a million rows.

        Raises:
            SampleError: so many rows cannot be made, or workers have other versions.
            SchemaError: Spark cannot hold a column.

        Cost:
            a counting pass and a file of artifact and plan here; rows are made when frames are
            read, again at each action.
        """
        with typed_errors():
            if not self._checked:
                check_workers(self.spark)
                self._checked = True
            twin = self.artifact.sample(scale, rows=rows, tables=tables, seed=seed)
            return frames_of(self.spark, ship(self.spark, twin, self.shared, partitions))

    def write_delta(
        self,
        frames: Frames,
        sink: str | Path,
        *,
        run_id: str | None = None,
        writer: str = "spark",
        gates: Sequence[Gate] = (),
    ) -> Mapping[str, Any]:
        """Write frames as Delta tables: staged, audited, published back to back.

        Args:
            frames: as ``generate`` gave them.
            sink: a folder or URI, in which each table gets a folder; or a catalog's schema, such
                as ``main.twins`` (``writer="spark"`` only).
            run_id: equal runs change nothing; None for a digest of artifact and plan.
            writer: ``spark``: Spark's own ``delta`` format; ``arrow``: workers write Parquet and
                this process makes one commit a table, without jars.
            gates: called with the staged tables by name; what they raise stops the run before
                anything is published.

        Returns:
            The manifest of the run.

        Raises:
            SinkError: the run id was used for other content, the audit failed, or the writer is
                unknown or cannot write there.
            SinkOccupiedError: a table is there that Synthlake did not write.
            MissingExtraError: deltalake is not installed.
        """
        with typed_errors():
            target = DeltaTarget(self.spark, _address(sink), writer)
            return write_tables(target, frames, run_id, gates)


def _address(sink: str | Path) -> str:
    """A sink as every node names it: paths of this machine whole, since nodes stand elsewhere."""
    if isinstance(sink, str) and (":" in sink or "/" not in sink):
        return sink
    return str(Path(sink).expanduser().absolute())
