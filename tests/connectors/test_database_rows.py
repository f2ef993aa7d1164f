"""What leaves a database as rows: the sample, and counts."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.counting import Counted

from synthlake.pipeline.learn import divide, study, understand
from synthlake.schema.personal import LOOKED_AT
from synthlake.source import open_source
from synthlake.sql.statistics import MAX_SHAPES, MAX_VALUES

ROWS, SAMPLE = 40_000, 4_000


@pytest.fixture
def large(postgres_database: str) -> Iterator[Counted]:
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
    yield Counted(source)
    source.close()  # type: ignore[attr-defined]


def test_only_the_sample_and_statistics_leave(large: Counted) -> None:
    schema = understand(large)
    parts = divide(large, schema, 0.1)
    assert max(large.answers) <= LOOKED_AT  # counts, and some values by which kinds are recognised
    looked = sum(large.answers)
    few = 7  # values of one column of text; the other has more than are looked at
    assert looked <= 2 * LOOKED_AT + 2 * few + len(large.answers)  # from both ends
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
    sizes = sorted(large.answers)
    # all else is one row a statement
    assert sum(sizes) <= sample + kept + looked + len(sizes)
    assert sizes[-1] == sample
    assert all(size <= max(MAX_VALUES, MAX_SHAPES) for size in sizes[:-1])
    assert sum(sizes) < ROWS / 4
