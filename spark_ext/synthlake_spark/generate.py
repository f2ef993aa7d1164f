"""Lazy DataFrames of a twin: each partition makes its own range of rows, and nothing moves.

The twin travels as one file, never in the closure: Spark Connect refuses large messages.
"""

from __future__ import annotations

import atexit
import hashlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthlake.api import Twin, errors
from synthlake_spark import worker
from synthlake_spark.output_types import OutputTypes

ROWS_PER_PARTITION = 250_000
_TYPED = re.compile(r"synthlake\.errors\.(\w+): (.*?)\n(?:Hint: (.*?)\n)?", re.DOTALL)


@dataclass(frozen=True)
class Shipped:
    """A twin that Spark's workers can open.

    Attributes:
        twin: as it is here.
        place: of its file for workers, see ``worker.located``.
        artifact: its id.
        fingerprint: digest of artifact and plan, from which all rows follow.
        partitions: of each table's frame; None for one a quarter of a million rows.
    """

    twin: Twin
    place: str
    artifact: str
    fingerprint: str
    partitions: int | None = None

    def cuts(self, table: str) -> tuple[int, int]:
        """How many parts to ask for, and how many there are."""
        made = self.twin[table]
        asked = self.partitions or -(-made.rows // ROWS_PER_PARTITION)
        return asked, len(made.cuts(asked))


class Frames(dict[str, Any]):
    """DataFrames by table, with what they are made of.

    Args:
        frames: by table.
        shipped: the twin whose rows they are.
    """

    def __init__(self, frames: Mapping[str, Any], shipped: Shipped) -> None:
        super().__init__(frames)
        self.shipped = shipped
        self._made = dict(frames)

    @property
    def unchanged(self) -> bool:
        """Whether the frames are still those that were generated, and all of them."""
        same = all(self.get(name) is frame for name, frame in self._made.items())
        return same and len(self) == len(self._made)


def ship(spark: Any, twin: Twin, shared: str | Path | None, partitions: int | None) -> Shipped:
    """Bring a twin to where workers find it.

    Args:
        spark: a session, classic or Connect.
        twin: its artifact and plan travel as one file.
        shared: a folder that driver and workers see under one path; None to send the file along
            with the session.
        partitions: of each frame.

    Raises:
        SinkError: the shared folder cannot be written to.
    """
    folder = Path(shared) if shared is not None else _scratch()
    try:
        draft = folder / f"{uuid.uuid4().hex}.draft"  # drivers may share the folder
        saved = twin.save(draft)
        name = hashlib.sha256("\0".join([saved.fingerprint, *twin]).encode()).hexdigest()
        file = draft.rename(folder / f"{name[:32]}.twin")
    except OSError as error:
        raise errors.SinkError(
            f"{folder} cannot be written to: {error.strerror}", hint="name another folder"
        ) from error
    place = str(file.absolute())
    if shared is None:
        spark.addArtifacts(place, file=True)
        place = f"file:{file.name}"
    return Shipped(twin, place, saved.artifact, saved.fingerprint, partitions)


@lru_cache(maxsize=1)
def _scratch() -> Path:
    """Files that workers may still fetch; they go when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="synthlake-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def check_workers(spark: Any) -> None:
    """Compare versions of a worker with those here, by a job of one row.

    Raises:
        SampleError: they differ.
        MissingExtraError: workers have no Synthlake.
    """
    expected = worker.versions()
    names = list(expected)

    def probe(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from importlib import metadata

        def version(name: str) -> str | None:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                return None

        for _ in batches:
            found = [version(name) for name in names]
            yield pa.RecordBatch.from_pydict({"name": names, "version": found})

    rows = spark.range(0, 1, 1, 1).mapInArrow(probe, "name string, version string").collect()
    found = {row["name"]: row["version"] for row in rows if row["version"] is not None}
    if "synthlake" not in found:
        raise errors.MissingExtraError("synthlake, on Spark's workers,", "spark")
    worker.check_versions(found, expected)


def frames_of(spark: Any, shipped: Shipped) -> Frames:
    """A lazy frame for each table.

    Raises:
        SchemaError: Spark cannot hold a column.
    """
    return Frames({name: frame_of(spark, shipped, name) for name in shipped.twin}, shipped)


def frame_of(spark: Any, shipped: Shipped, table: str) -> Any:
    """The rows of one table; its plan is a range and a map, with no shuffle."""
    asked, parts = shipped.cuts(table)
    types = OutputTypes.of(table, shipped.twin[table].schema)
    make = _maker(shipped.place, table, asked, worker.versions())
    made = spark.range(0, parts, 1, parts).mapInArrow(make, types.spark)
    return made.select(*types.columns)


def _maker(place: str, table: str, parts: int, expected: dict[str, str]) -> Any:
    """The function that workers run; it holds names and numbers only."""

    def make(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from synthlake_spark.worker import cut_rows

        return cut_rows(numbers, place, table, parts, expected)

    return make


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raise errors of ours that happened in a worker as what they are, not as Spark's."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        found = _TYPED.search(f"{error}\n")
        kind = getattr(errors, found[1], None) if found else None
        if found is None or kind is None or issubclass(kind, errors.MissingExtraError):
            raise
        raise kind(found[2], hint=found[3] or "") from error
