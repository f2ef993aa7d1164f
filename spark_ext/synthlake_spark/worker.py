"""What runs in Spark's Python workers: rows of a twin that came as one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any

import pyarrow as pa

from synthlake.api import Twin, errors
from synthlake_spark.output_types import OutputTypes

CHECKED = ("synthlake", "numpy", "pyarrow")  # packages that the values of cells may depend on
ROWS_PER_BATCH = 16_384


def versions() -> dict[str, str]:
    """Versions of the packages that make rows, in this process."""
    return {name: metadata.version(name) for name in CHECKED}


def check_versions(found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Refuse workers that might make other rows than the driver.

    Raises:
        SampleError: a version differs.
    """
    other = [name for name in expected if found.get(name) != expected[name]]
    if other:
        said = ", ".join(f"{n} {found.get(n, 'missing')} instead of {expected[n]}" for n in other)
        raise errors.SampleError(
            f"the workers' versions are not the driver's: {said}",
            hint="install the same versions of synthlake and its requirements on every node",
        )


def table_rows(
    place: str, table: str, ranges: Iterator[tuple[int, int]], expected: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Rows of ranges of a table, in Spark's types.

    Args:
        place: of the twin's file, see ``located``.
        table: its name.
        ranges: first row, and row after the last.
        expected: versions on the driver.

    Raises:
        SampleError: versions differ, or a value does not fit Spark.
        ArtifactError: the twin cannot be read.
    """
    check_versions(versions(), expected)
    made = opened(located(place))[table]
    types = OutputTypes.of(table, made.schema)
    for start, stop in ranges:
        for batch in made.batches(start, stop):
            for first in range(0, batch.num_rows, ROWS_PER_BATCH):
                yield types.batch(batch.slice(first, ROWS_PER_BATCH))


def cut_rows(
    numbers: Iterator[pa.RecordBatch],
    place: str,
    table: str,
    parts: int,
    expected: Mapping[str, str],
) -> Iterator[pa.RecordBatch]:
    """Rows of the parts whose numbers come in batches of one column."""
    return table_rows(place, table, cuts_of(numbers, place, table, parts), expected)


def cuts_of(
    numbers: Iterator[pa.RecordBatch], place: str, table: str, parts: int
) -> Iterator[tuple[int, int]]:
    """Row ranges of the parts whose numbers come in batches of one column."""
    cuts = opened(located(place))[table].cuts(parts)
    for batch in numbers:
        for number in batch.column(0).to_numpy():
            yield cuts[int(number)]


def located(place: str) -> str:
    """Path of a twin's file on this node: ``file:NAME`` came with the session, others are paths."""
    if not place.startswith("file:"):
        return place
    from pyspark import SparkFiles

    found: Any = SparkFiles.get(place.removeprefix("file:"))
    return str(found)


@lru_cache(maxsize=2)
def opened(path: str) -> Twin:
    """A twin, opened once a process."""
    return Twin.open_file(path)
