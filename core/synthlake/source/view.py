"""Parts of a source as a source: its tables through SELECT statements, in the same engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from synthlake.errors import SourceError
from synthlake.ports import QueryEngine, Source
from synthlake.schema.model import Schema
from synthlake.source import types
from synthlake.source.names import nearest
from synthlake.sql.bounded import at_most


class ViewEngine:
    """An engine in which some tables are views. Conforms to ``ports.QueryEngine``.

    Args:
        base: the engine that holds the data.
        relations: what to write after FROM for each such table.
    """

    def __init__(self, base: QueryEngine, relations: Mapping[str, str]) -> None:
        self.base, self._relations = base, dict(relations)
        self.dialect: str = base.dialect

    def query(self, sql: str) -> pa.Table:
        """The result of a statement. Raises: QueryError, which carries the SQL."""
        return self.base.query(sql)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of a statement as a stream."""
        return self.base.batches(sql)

    def relation(self, table: str) -> str:
        """What to write after FROM for a table, quoted."""
        return self._relations.get(table) or self.base.relation(table)

    def derive(self, sql: str) -> str:
        """Like ``view`` under a name that nothing else has."""
        return self.base.derive(sql)

    def at_most(self, seconds: float) -> AbstractContextManager[None]:
        """Statements within that take longer are refused, where the base can end them."""
        return at_most(self.base, seconds)


class ViewSource:
    """A source some of whose tables are SELECT statements. Conforms to ``ports.Source``.

    Args:
        base: the source.
        relations: for a table, a SELECT statement with all of its columns; other tables stay as
            they are in the base.

    Raises:
        SourceError: there is no such table.
        QueryError: a statement is refused.
    """

    def __init__(self, base: Source, relations: Mapping[str, str]) -> None:
        engine = base.engine()
        self._base, self._schema = base, base.schema()
        for table in relations:
            if table not in self._schema:
                raise SourceError(
                    f"the source has no table {table!r}", hint=nearest(table, self._schema.tables)
                )
        self._relations = {table: engine.derive(sql) for table, sql in relations.items()}
        self._engine = ViewEngine(engine, self._relations)

    def __repr__(self) -> str:
        return f"ViewSource({', '.join(self._schema.tables)})"

    def schema(self) -> Schema:
        """The schema of the base."""
        return self._schema

    def engine(self) -> ViewEngine:
        """The engine of the base, in which a relation is the view."""
        return self._engine

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Typed batches of a table, in the types of the base.

        Raises:
            QueryError: the statement is refused.
            SourceError: the engine cannot hold a column's type without loss.
        """
        if table not in self._relations:
            yield from self._base.batches(table, columns)
            return
        yield from types.typed_batches(
            self._engine, self._relations[table], self._schema[table], columns
        )
