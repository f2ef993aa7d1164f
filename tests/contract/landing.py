"""Places that twins are written to and read from again, one an engine. Add to ``LANDINGS``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthlake.errors import SchemaError, SinkError
from synthlake.ports import Source
from synthlake.schema.model import Schema, Table
from synthlake.sink import open_sink
from synthlake.source import open_source


@dataclass(frozen=True)
class Landing:
    """One place.

    Attributes:
        engine: by which ``types.toml`` calls it.
        url: of its sink and its source.
    """

    engine: str
    url: str
    written: list[str] = field(default_factory=list)

    def write(self, run: str, schema: Schema, rows: Mapping[str, pa.RecordBatch]) -> None:
        """Publish some tables beside those that are there."""
        sink = open_sink(self.url)
        sink.open(run, schema, fingerprint="f")
        for table in schema:
            sink.write_part(table.name, 0, [rows[table.name]])
        sink.publish({})
        self.written.extend(schema.tables)

    def takes(self, table: Table) -> bool:
        """Whether a table of such columns can be written; nothing is."""
        sink = open_sink(self.url)
        try:
            sink.open("probe", Schema({table.name: table}), fingerprint=table.name)
        except SinkError:
            return False
        sink.discard("probe")
        return True

    def open(self) -> Source:
        """What was written, as a source."""
        return open_source(self.url, options={"tables": {name: {} for name in self.written}})

    def close(self, source: Source) -> None:
        """Let go of the source."""
        source.close()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class FolderLanding(Landing):
    """A folder of files, which a run replaces as a whole."""

    def open(self) -> Source:
        """The files as a source."""
        return open_source(self.url)

    def close(self, source: Source) -> None:
        """Files are closed as soon as they are read."""


@dataclass(frozen=True)
class SparkLanding(Landing):
    """Frames of a session, in the types that twins have there."""

    spark: Any = None
    frames: dict[str, Any] = field(default_factory=dict)

    def write(self, run: str, schema: Schema, rows: Mapping[str, pa.RecordBatch]) -> None:
        """Make a frame of each table."""
        from synthlake_spark.output_types import OutputTypes

        for table in schema:
            types = OutputTypes.of(table.name, table.arrow)
            held = pa.Table.from_batches([types.batch(rows[table.name])])
            self.frames[table.name] = self.spark.createDataFrame(held, types.spark)

    def takes(self, table: Table) -> bool:
        """Whether twins can have such columns there."""
        from synthlake_spark.output_types import OutputTypes

        try:
            OutputTypes.of(table.name, table.arrow)
        except SchemaError:
            return False
        # a twin may have maps there, but a source may not: Spark cannot group them
        return not any(pa.types.is_map(kind) for kind in table.arrow.types)

    def open(self) -> Source:
        """The frames as a source."""
        from synthlake_spark import SparkSource

        return SparkSource(self.frames)


@contextmanager
def _parquet(request: pytest.FixtureRequest, folder: Path) -> Iterator[Landing]:
    yield FolderLanding("parquet", f"parquet://{folder}/types")


@contextmanager
def _duckdb(request: pytest.FixtureRequest, folder: Path) -> Iterator[Landing]:
    yield Landing("duckdb", f"duckdb:///{folder}/types.duckdb")


@contextmanager
def _postgres(request: pytest.FixtureRequest, folder: Path) -> Iterator[Landing]:
    yield Landing("postgres", request.getfixturevalue("postgres_database"))


@contextmanager
def _sqlite(request: pytest.FixtureRequest, folder: Path) -> Iterator[Landing]:
    yield Landing("sqlite", f"sqlite:///{folder}/types.sqlite")


@contextmanager
def _spark(request: pytest.FixtureRequest, folder: Path) -> Iterator[Landing]:
    yield SparkLanding("spark", "", spark=request.getfixturevalue("spark"))


Landed = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Landing]]
LANDINGS: dict[str, Landed] = {
    "parquet": _parquet, "duckdb": _duckdb, "postgres": _postgres, "sqlite": _sqlite,
    "spark": _spark,
}  # fmt: skip
