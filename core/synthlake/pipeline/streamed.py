"""A table that is read batch by batch, from wherever its rows come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synthlake.errors import MissingExtraError


@dataclass(frozen=True)
class StreamedTable(ABC):
    """What DuckDB, polars, pandas and loops read; subclasses say where batches come from.

    Attributes:
        name: of the table.
        rows: that it has.
        schema: Arrow schema of the batches.
    """

    name: str
    rows: int
    schema: pa.Schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches()

    def __len__(self) -> int:
        return self.rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        # the Arrow PyCapsule interface: DuckDB, polars and pandas read the table by it
        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        stream: object = reader.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]
        return stream

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, a batch at a time."""

    def to_arrow(self) -> pa.Table:
        """All rows in memory."""
        return pa.Table.from_batches(self.batches(), self.schema)

    def to_pandas(self) -> Any:
        """All rows as a pandas DataFrame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            return self.to_arrow().to_pandas()
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas") from error
