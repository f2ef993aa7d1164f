"""A source that keeps how many rows each statement let out of its engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa


class Counting:
    """An engine; ``answers`` has the rows of each result, a batch of a stream each."""

    def __init__(self, engine: Any) -> None:
        self._engine, self.answers = engine, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def query(self, sql: str) -> pa.Table:
        found: pa.Table = self._engine.query(sql)
        self.answers.append(found.num_rows)
        return found

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        for batch in self._engine.batches(sql):
            self.answers.append(batch.num_rows)
            yield batch


class Counted:
    """The source."""

    def __init__(self, source: Any) -> None:
        self._source, self._engine = source, Counting(source.engine())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    @property
    def answers(self) -> list[int]:
        """Rows of each result, in the order of the statements."""
        return self._engine.answers

    def engine(self) -> Any:
        """The engine that counts."""
        return self._engine
