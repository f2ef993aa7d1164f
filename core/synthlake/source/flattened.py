"""A source whose polymorphic ids are read as one column a target, in its own engine."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from synthlake.ports import Source
from synthlake.schema.flattening import flat_table
from synthlake.schema.model import Schema, Table
from synthlake.source.view import ViewSource
from synthlake.sql.kinds import kind
from synthlake.sql.polymorphic import flat_select, spelling, written_select

_TYPES = ("text", "integer")  # of a column that says which table is meant


class _ReadAs(ViewSource):
    """A source some of whose tables are read with other columns. Conforms to ``ports.Source``.

    Args:
        base: the source.
        relations: for a table, a SELECT statement.
        schema: with the columns of these.

    Raises:
        QueryError: a statement is refused.
    """

    def __init__(self, base: Source, relations: Mapping[str, str], schema: Schema) -> None:
        super().__init__(base, relations)
        self._schema = schema


def flattened(source: Source, schema: Schema) -> Source:
    """A source as a schema with polymorphic references reads it; itself where there are none.

    Tables that are read so already stay, and so do those that lack the columns: of another data
    set, whoever compares says it.

    Args:
        source: real or synthetic rows, as they are written.
        schema: of the real data, with flat columns.
    """
    given = source.schema()
    tables = {
        table.name: _flat(given[table.name], table)
        for table in schema
        if table.polymorphic and not table.skip and table.name in given
        and _applies(given[table.name], table)
    }  # fmt: skip
    if not tables:
        return source
    engine, read = source.engine(), given
    for flat in tables.values():
        read = read.with_table(flat)
    spelled = spelling(engine.dialect)
    relations = {
        name: flat_select(spelled, given[name], flat, engine.relation(name))
        for name, flat in tables.items()
    }
    return _ReadAs(source, relations, read)


def rejoined(source: Source) -> Source:
    """A source with polymorphic ids as they are written; itself where there are none."""
    engine, given = source.engine(), source.schema()
    spelled = spelling(engine.dialect)
    tables = {
        table.name: written_select(spelled, table, engine.relation(table.name))
        for table in given
        if table.polymorphic
    }
    return _ReadAs(source, tables, given.written) if tables else source


def _applies(given: Table, table: Table) -> bool:
    return all(
        given.has(p.column) and given.has(p.by) and kind(given.column(p.by).type) in _TYPES
        for p in table.polymorphic
    )


def _flat(given: Table, table: Table) -> Table:
    """A table of a source with flat columns; of the types that the schema gives them."""
    types: dict[str, pa.DataType] = {}
    for held in table.polymorphic:
        for part in held.parts:
            wanted = table.column(part).type
            types[part] = given.column(held.column).type if wanted == held.type else wanted
    return flat_table(given, table.polymorphic, types)
