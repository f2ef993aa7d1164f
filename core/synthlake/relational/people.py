"""Who counts as an entity where nothing in the data says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from synthlake.schema.model import Schema
from synthlake.sql.draw import ENTITY
from synthlake.sql.statistics import ColumnStatistics, TableStatistics


def rows_as_entities(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> tuple[dict[str, pa.Table], dict[str, TableStatistics]]:
    """Samples and statistics in which each row of a table without key and parent is an entity.

    The hash of such a row is that of its content, by which it is drawn and held out; equal rows
    are nevertheless different people, or a table of few categories could not be learned at all.
    """
    drawn, counted = dict(samples), dict(statistics)
    for table in schema.order():
        if table.primary_key or table.own is not None or table.keep or table.name not in drawn:
            continue
        sample, known = drawn[table.name], counted[table.name]
        if ENTITY in sample.column_names:
            drawn[table.name] = sample.drop_columns([ENTITY])
        columns = {name: _by_rows(of) for name, of in known.columns.items()}
        counted[table.name] = replace(known, entities=known.train_rows, columns=columns)
    return drawn, counted


def _by_rows(of: ColumnStatistics) -> ColumnStatistics:
    """Counts in which entities are rows."""
    return replace(
        of, counts=_same(of.counts), cuts=_same(of.cuts), shapes=_same(of.shapes)
    )  # fmt: skip


def _same(counts: pa.Table | None) -> pa.Table | None:
    if counts is None:
        return None
    place = counts.column_names.index("entities")
    return counts.set_column(place, "entities", counts["rows"])
