"""``spark.read.format("synthlake")``: a table of a twin as a data source, batch and streaming.

spark.read.format("synthlake").option("artifact", path).option("table", "flights").load()
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
)
from pyspark.sql.streaming.datasource import (
    ReadAllAvailable,
    ReadLimit,
    ReadMaxRows,
    SupportsTriggerAvailableNow,
)

from synthlake.api import Twin, errors, load, nearest
from synthlake_spark.output_types import OutputTypes
from synthlake_spark.worker import ROWS_PER_BATCH, check_versions, versions

ROWS_PER_PARTITION = 250_000
_NUMBERS = {"scale": float, "seed": int, "rows": int, "partitions": int, "rowsPerBatch": int}
_ARTIFACT = "artifact"
OPTIONS = ("artifact", "table", *_NUMBERS)


@dataclass(frozen=True)
class Asked:
    """What options ask for.

    Attributes:
        artifact: a folder, or a file that ``Twin.save`` wrote; driver and workers see it there.
        table: its name.
        scale: of the source's roots.
        seed: equal seeds give equal rows.
        rows: of the table, which then must be a root.
        partitions: how many; None for one a quarter of a million rows.
        rows_per_batch: of a stream; None for all at once.
    """

    artifact: str
    table: str
    scale: float = 1.0
    seed: int = 0
    rows: int | None = None
    partitions: int | None = None
    rows_per_batch: int | None = None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Asked:
        """What options say; Spark gives their names in lower case.

        Raises:
            SpecError: an option is unknown, missing, or no number.
        """
        known = {name.lower(): name for name in OPTIONS}
        given = {str(name).lower(): str(value) for name, value in options.items()}
        for name in given:
            if name not in known:
                raise errors.SpecError(
                    f"the data source synthlake has no option {name!r}",
                    hint=nearest(name, OPTIONS),
                )
        for name in ("artifact", "table"):
            if not given.get(name):
                raise errors.SpecError(
                    f"the data source synthlake needs the option {name!r}",
                    hint='.option("artifact", FOLDER).option("table", NAME)',
                )
        numbers = {known[n]: _number(known[n], v) for n, v in given.items() if known[n] in _NUMBERS}
        per_batch = numbers.pop("rowsPerBatch", None)
        return cls(given["artifact"], given["table"], **numbers, rows_per_batch=per_batch)

    def cuts(self) -> list[tuple[int, int]]:
        """Row ranges of the partitions."""
        made = twin_of(self)[self.table]
        return made.cuts(self.partitions or -(-made.rows // ROWS_PER_PARTITION))


def _number(name: str, text: str) -> Any:
    least = 0 if name in ("scale", "seed", "rows") else 1
    try:
        value = _NUMBERS[name](text)
    except ValueError:
        value = None
    if value is None or not value >= least:
        raise errors.SpecError(
            f"option {name!r} of the data source synthlake is no number from {least}",
            hint=f"give {'a number' if name == 'scale' else 'a whole number'}",
        )
    return value


def twin_of(asked: Asked) -> Twin:
    """The twin that is asked for, made once a process for what lies there now.

    Raises:
        ArtifactError: there is none, or it cannot be read.
        SchemaError: there is no such table.
        SpecError: a saved twin is asked for another size or seed.
        SampleError: so many rows cannot be made.

    Cost:
        a counting pass for an artifact's folder; none for a file that ``Twin.save`` wrote.
    """
    return _twin(asked, _stamp(_held(asked)))


def _path(asked: Asked) -> Path:
    return Path(asked.artifact.removeprefix("file://"))


def _held(asked: Asked) -> Path:
    """The file by which an artifact or a saved twin is known."""
    path = _path(asked)
    return path if path.is_file() else path / "manifest.json"


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Changes when another file takes the place of this one; workers outlive what they read."""
    try:
        held = file.stat()
    except OSError:
        return None
    return held.st_ino, held.st_mtime_ns, held.st_size


@lru_cache(maxsize=4)
def _twin(asked: Asked, stamp: tuple[int, ...] | None) -> Twin:
    path = _path(asked)
    if not path.is_file():
        rows = None if asked.rows is None else {asked.table: asked.rows}
        return load(path).sample(asked.scale, rows=rows, seed=asked.seed)
    twin = Twin.open_file(path)
    if (asked.scale, asked.seed, asked.rows) != (1.0, 0, None):
        raise errors.SpecError(
            "a saved twin has its size and seed",
            hint="leave out scale, seed and rows, or name the folder of an artifact",
        )
    if asked.table not in twin:
        raise errors.SchemaError(
            f"the twin has no table {asked.table!r}", hint=nearest(asked.table, list(twin))
        )
    return twin


def types_of(asked: Asked) -> OutputTypes:
    """The types of the table that is asked for."""
    twin = twin_of(asked)
    if asked.table not in twin:
        raise errors.SchemaError(
            f"the artifact makes no table {asked.table!r}", hint=nearest(asked.table, list(twin))
        )
    return OutputTypes.of(asked.table, twin[asked.table].schema)


class Rows(InputPartition):
    """Rows ``start .. stop``, made by one task."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__((start, stop))
        self.start, self.stop = start, stop


def known_by(asked: Asked) -> dict[str, str]:
    """What rows follow from beside the options: versions, and what lies there now."""
    file = _held(asked)
    artifact = (
        file.stat().st_size
        if _path(asked).is_file()
        else hashlib.sha256(file.read_bytes()).hexdigest()
    )
    return {**versions(), _ARTIFACT: str(artifact)}


def read_rows(
    asked: Asked, expected: Mapping[str, str], partition: Any
) -> Iterator[pa.RecordBatch]:
    """The rows of a partition, in a worker.

    Raises:
        SampleError: the worker has other versions.
        ArtifactError: another artifact lies there than when the read began.
    """
    check_versions(versions(), {n: v for n, v in expected.items() if n != _ARTIFACT})
    if known_by(asked)[_ARTIFACT] != expected[_ARTIFACT]:
        raise errors.ArtifactError(
            f"{asked.artifact} is not what it was when the read began",
            hint="read again, and let all nodes have the same artifact",
        )
    types, made = types_of(asked), twin_of(asked)[asked.table]
    for batch in made.batches(partition.start, partition.stop):
        for first in range(0, batch.num_rows, ROWS_PER_BATCH):
            yield types.batch(batch.slice(first, ROWS_PER_BATCH))


class TwinReader(DataSourceReader):
    """A batch of all rows.

    Args:
        asked: by options.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked, self.expected = asked, known_by(asked)

    def partitions(self) -> Sequence[InputPartition]:
        """One a range of rows that begins where a block does."""
        return [Rows(*cut) for cut in self.asked.cuts()]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Rows of a range."""
        return read_rows(self.asked, self.expected, partition)


class TwinStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """The same rows as a stream that ends with the last; offsets are row numbers.

    Args:
        asked: by options.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked, self.expected = asked, known_by(asked)

    def initialOffset(self) -> dict[str, int]:  # noqa: N802
        """Before the first row."""
        return {"row": 0}

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802
        """Rows of a batch, if an option says so."""
        most = self.asked.rows_per_batch
        return ReadAllAvailable() if most is None else ReadMaxRows(most)

    def latestOffset(self, start: dict[str, int], limit: ReadLimit) -> dict[str, int]:  # noqa: N802
        """Behind the last row of the next batch."""
        total = twin_of(self.asked)[self.asked.table].rows
        if isinstance(limit, ReadMaxRows):
            return {"row": min(start["row"] + limit.max_rows, total)}
        return {"row": total}

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802
        """Nothing comes to a twin, so there is nothing to note."""

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> Sequence[InputPartition]:
        """The ranges that lie between two offsets."""
        cuts = [(max(a, start["row"]), min(b, end["row"])) for a, b in self.asked.cuts()]
        return [Rows(*cut) for cut in cuts if cut[0] < cut[1]]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Rows of a range."""
        return read_rows(self.asked, self.expected, partition)


class SynthlakeDataSource(DataSource):
    """Registered by ``spark.dataSource.register(SynthlakeDataSource)``.

    A session whose server has this package finds it by itself.
    """

    @classmethod
    def name(cls) -> str:
        """What ``format`` takes."""
        return "synthlake"

    def schema(self) -> Any:
        """Spark's schema of the table.

        Raises:
            SpecError: an option is wrong.
            SchemaError: there is no such table.
        """
        return types_of(Asked.of(self.options)).spark

    def reader(self, schema: Any) -> DataSourceReader:
        """A batch reader."""
        return TwinReader(Asked.of(self.options))

    def streamReader(self, schema: Any) -> DataSourceStreamReader:  # noqa: N802
        """A stream reader."""
        return TwinStreamReader(Asked.of(self.options))
