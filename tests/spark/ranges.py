"""Row ranges of a twin's table by Spark's workers, wherever they are cut; see ``kills``."""

from __future__ import annotations

from typing import Any


def rows_of(spark: Any, frames: Any, table: str, ends: list[int]) -> Any:
    """The rows between each two ends, every range made alone by a task of its own."""
    from synthlake_spark import worker
    from synthlake_spark.output_types import OutputTypes

    place, known = frames.shipped.place, worker.versions()
    kind = OutputTypes.of(table, frames.shipped.twin[table].schema)

    def make(batches: Any) -> Any:
        from synthlake_spark.worker import table_rows

        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from table_rows(place, table, iter([(ends[number], ends[number + 1])]), known)

    parts = len(ends) - 1
    return spark.range(0, parts, 1, parts).mapInArrow(make, kind.spark).select(*kind.columns)
