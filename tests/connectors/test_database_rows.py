"""What leaves a database as rows: the sample, and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from synthlake.pipeline.learn import divide, study, understand
from synthlake.schema.model import Schema
from synthlake.source import open_source
from synthlake.sql.statistics import MAX_SHAPES, MAX_VALUES

ROWS, SAMPLE = 40_000, 4_000


@dataclass
class Counting:
    """A source and its engine in one; keeps how many rows each statement let out."""

    source: Any
    left: list[tuple[int, str]] = field(default_factory=list)
    streamed: int = 0
    dialect: str = "postgres"

    def schema(self) -> Schema:
        found: Schema = self.source.schema()
        return found

    def engine(self) -> Counting:
        return self

    def query(self, sql: str) -> pa.Table:
        found: pa.Table = self.source.engine().query(sql)
        self.left.append((found.num_rows, sql))
        return found

    def batches(self, *asked: Any) -> Iterator[pa.RecordBatch]:
        for batch in self.source.engine().batches(*asked):
            self.streamed += batch.num_rows
            yield batch

    def relation(self, table: str) -> str:
        return str(self.source.engine().relation(table))

    def derive(self, sql: str) -> str:
        return str(self.source.engine().derive(sql))


@pytest.fixture
def large(postgres_database: str) -> Iterator[Counting]:
    """A table ten times the sample, with columns of few, many and only distinct values."""
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE TABLE large (id int PRIMARY KEY, few text, many float8, word text)"
        )
        connection.execute(
            "INSERT INTO large SELECT i, 'k' || i % 7, (i * 7919 % 30011) / 8.0, 'N' || i"
            f" FROM generate_series(1, {ROWS}) AS i"
        )
    source = open_source(postgres_database)
    yield Counting(source)
    source.close()  # type: ignore[attr-defined]


def test_only_the_sample_and_statistics_leave(large: Counting) -> None:
    schema = understand(large)
    parts = divide(large, schema, 0.1)
    asked_before = sum(rows for rows, _ in large.left)
    assert asked_before == len([rows for rows, _ in large.left if rows])  # a row of counts each
    lesson = study(parts, schema, SAMPLE, None)
    sample = lesson.samples["large"].num_rows
    assert 0.9 * SAMPLE < sample <= SAMPLE
    statistics = lesson.statistics["large"]
    assert statistics.rows == ROWS
    kept = sum(
        table.num_rows
        for column in statistics.columns.values()
        for table in (column.counts, column.cuts, column.shapes)
        if table is not None
    )
    sizes = sorted(rows for rows, _ in large.left)
    assert large.streamed == 0
    # all else is one row a statement
    assert sum(sizes) <= sample + kept + len(sizes)
    assert sizes[-1] == sample
    assert all(size <= max(MAX_VALUES, MAX_SHAPES) for size in sizes[:-1])
    assert sum(sizes) < ROWS / 4
