"""Counts of every table: the only look at all rows that learning takes."""

from __future__ import annotations

from collections.abc import Sequence

from synthlake.ports import Event, OnEvent, Source
from synthlake.schema.model import Schema, Table
from synthlake.sql.columns import Stored, columns_of
from synthlake.sql.entities import select_with_entity
from synthlake.sql.references import duplicates, key_statistics, siblings
from synthlake.sql.statistics import TableStatistics
from synthlake.sql.tables import Tables, learned_columns, used

_LONGEST = 201  # characters of free text; shapes of more than 200 are not kept


def measure(
    train: Source, whole: Source, schema: Schema, on_event: OnEvent | None = None
) -> dict[str, TableStatistics]:
    """Statistics of every table that is not skipped, by name.

    Args:
        train: the rows to learn from; columns, entities and the likeness of siblings are theirs.
        whole: all rows, hold-out included; foreign keys and duplicates are theirs.
        schema: with the modes of foreign keys chosen.
        on_event: told about each table.

    Raises:
        SchemaError: a key has a float in it, or the references form a cycle.
        QueryError: the engine refused a statement.

    Privacy: nothing leaves the engine but counts, values with their counts, and quantiles.
    Cost: each table is copied once inside the engine; then a grouping a column.
    """
    learned, all_rows = Tables(train.engine(), schema), Tables(whole.engine(), schema)
    order = schema.order()
    found: dict[str, TableStatistics] = {}
    for done, table in enumerate(order):
        if on_event is not None:
            on_event(Event("measure", table.name, done, len(order)))
        above = [found[fk.references].rows for fk in table.foreign_keys]
        found[table.name] = _table(learned, all_rows, table, above)
    return {table.name: found[table.name] for table in schema if table.name in found}


def stored_rows(tables: Tables, table: Table) -> str:
    """The statement whose result is measured: columns ``c0, c1, ...`` and the entity ``e``."""
    return select_with_entity(tables, table, learned_columns(tables, table, _LONGEST))


def _table(
    learned: Tables, all_rows: Tables, table: Table, above: Sequence[int]
) -> TableStatistics:
    """Statistics of one table, whose foreign keys refer to tables of so many rows."""
    rows = all_rows.rows(table.name)
    with learned.materialised("__synthlake_measured", stored_rows(learned, table)) as name:
        size = learned.engine.query(
            f"SELECT count(*) AS n, count(DISTINCT e) AS entities FROM {name}"
        ).to_pylist()[0]
        stored = Stored(learned, name, size["n"], size["entities"])
        columns = columns_of(stored, used(table))
        likeness = [siblings(stored, table, fk, columns) for fk in table.foreign_keys]
    return TableStatistics(
        rows=rows,
        train_rows=stored.rows,
        entities=stored.entities,
        columns=columns,
        keys=tuple(
            key_statistics(all_rows, table, fk, (rows, parents), alike)
            for fk, parents, alike in zip(table.foreign_keys, above, likeness, strict=True)
        ),
        primary_duplicates=duplicates(all_rows, table, rows),
    )
