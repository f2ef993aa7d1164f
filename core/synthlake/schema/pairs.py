"""Pairs of a type column and an id column that refer to several tables, by evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from synthlake.ports import QueryEngine, Source
from synthlake.schema.document import SchemaDocument, parse_tables
from synthlake.schema.file import dump_tables
from synthlake.schema.keys import family
from synthlake.schema.model import Schema, Table
from synthlake.schema.probe import MIN_SHARED
from synthlake.schema.words import names_table, words

_MOST_TYPES = 50
_LEAST_TARGETS = 2  # fewer are a plain reference


@dataclass(frozen=True)
class Pair:
    """A column whose values name the tables that another one refers to.

    Attributes:
        table: that has both.
        by: the type column.
        column: the id column.
        of: by type, the table that it names and its key.
    """

    table: str
    by: str
    column: str
    of: Mapping[str, tuple[str, str]]

    @property
    def path(self) -> str:
        """Where its evidence stands."""
        return f"{self.table}.foreign_keys[{self.column}]"

    def declaration(self) -> dict[str, Any]:
        """As a spec has it."""
        of = {kind: {"references": table, "to": [to]} for kind, (table, to) in self.of.items()}
        return {"columns": [self.column], "references": {"by": self.by, "of": of}}


def named_pairs(source: Source, schema: Schema) -> list[Pair]:
    """Columns ``X_type`` and ``X_id`` of which every type that ten rows have names a table.

    Whether ids lie in these tables is not asked.

    Args:
        source: the rows, as they are written.
        schema: with primary keys.

    Privacy: a type is a pair's only if it is the name of a table, but for case and number.
    Cost: one grouping for each pair of names.
    """
    found = []
    for table in schema:
        if table.skip or table.keep or table.polymorphic:
            continue
        for by, column in _candidates(table):
            of = _targets(source.engine(), schema, table, (by, column))
            if len(of) >= _LEAST_TARGETS:
                found.append(Pair(table.name, by, column, of))
    return found


def declaring(schema: Schema, pairs: list[Pair]) -> SchemaDocument:
    """A document that declares pairs, beside the other references of their tables."""
    said: dict[str, dict[str, Any]] = {}
    tables = dump_tables(schema)
    for pair in pairs:
        taken = {pair.column, pair.by}
        entry = said.setdefault(
            pair.table, {"foreign_keys": list(tables[pair.table]["foreign_keys"])}
        )
        entry["foreign_keys"] = [
            fk for fk in entry["foreign_keys"] if not taken & {*fk["columns"]}
        ]  # fmt: skip
        entry["foreign_keys"].append(pair.declaration())
    return parse_tables(said)


def _candidates(table: Table) -> Iterator[tuple[str, str]]:
    """Columns of one name that end in type and id."""
    free = [c for c in table.columns if c.action == "learn" and c.name not in table.primary_key]
    by_stem = {words(c.name)[:-1]: c for c in free if words(c.name)[-1:] == ("id",)}
    for column in free:
        stem, end = words(column.name)[:-1], words(column.name)[-1:]
        if stem and end == ("type",) and family(column.type) == "text" and stem in by_stem:
            yield column.name, by_stem[stem].name


def _targets(
    engine: QueryEngine, schema: Schema, table: Table, pair: tuple[str, str]
) -> dict[str, tuple[str, str]]:
    """The table that each type names; nothing where one of ten rows or more names none."""
    by, column = pair
    name = exp.column(by, quoted=True).sql(engine.dialect)
    counted = engine.query(
        f"SELECT {name} AS k, COUNT(*) AS n FROM {engine.relation(table.name)} "
        f"WHERE {name} IS NOT NULL GROUP BY {name} HAVING COUNT(*) >= {MIN_SHARED} "
        f"ORDER BY n DESC, k LIMIT {_MOST_TYPES + 1}"
    )
    kinds = [str(kind) for kind in counted["k"].to_pylist()]
    out: dict[str, tuple[str, str]] = {}
    for kind in kinds if len(kinds) <= _MOST_TYPES else ():
        named = [
            (t.name, t.primary_key[0])
            for t in schema
            if names_table(kind, t.name) and len(t.primary_key) == 1 and not t.skip
            and family(t.column(t.primary_key[0]).type) == family(table.column(column).type)
        ]  # fmt: skip
        if len(named) != 1:
            return {}
        out[kind] = named[0]
    return out
