"""Subsets of any schema and data are what the oracle says, from DuckDB and from SQLite."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.databases import into_sqlite
from tests.sql.subset_oracle import Database, Oracle

from synthlake.ports import Source
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.source import open_source
from synthlake.sql.subset import HASH, Wanted, choose
from synthlake.sql.tally import tally

NAMES = ("a", "b", "c", "d", "e")
KEYS = ((), ("id",), ("g", "id"))
small = st.integers(0, 9)


@st.composite
def databases(draw: st.DrawFn) -> tuple[Schema, Database]:
    """One to five tables with any keys to each other and to themselves, and dirty values."""
    names = NAMES[: draw(st.integers(1, 5))]
    primary = {name: draw(st.sampled_from(KEYS)) for name in names}
    schema, data = {}, {}
    for name in names:
        keys = []
        for number in range(draw(st.integers(0, 3))):
            parent = draw(st.sampled_from(names))
            # a primary key, in its order or another, or a column that is not unique
            to = draw(st.sampled_from([primary[parent] or ("g",), ("id", "g"), ("g",)]))
            columns = tuple(f"f{number}{part}" for part in to)
            keys.append(ForeignKey(columns, parent, to))
        text = draw(st.booleans())
        schema[name] = _table(name, primary[name], tuple(keys), text)
        data[name] = draw(_rows(schema[name]))
    return Schema(schema), data


def _table(name: str, primary: tuple[str, ...], keys: tuple[ForeignKey, ...], text: bool) -> Table:
    columns = [Column("id", pa.int64()), Column("g", pa.int32()), Column("w", pa.string())]
    columns += [Column(c, pa.int32() if text else pa.int64()) for fk in keys for c in fk.columns]
    return Table(name, tuple(columns), primary, keys)


@st.composite
def _rows(draw: st.DrawFn, table: Table) -> list[dict[str, Any]]:
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    values = {
        c.name: st.none() | small if c.name in referring
        else st.sampled_from(["", "x", "n;", "ü", None]) if c.name == "w"
        else small
        for c in table.columns
    }  # fmt: skip
    names, cells = list(values), st.tuples(*values.values())
    rows = [dict(zip(names, row, strict=True)) for row in draw(st.lists(cells, max_size=8))]
    if not table.primary_key:
        return rows
    seen = {tuple(r[name] for name in table.primary_key): r for r in rows}
    return list(seen.values())


@st.composite
def requests(draw: st.DrawFn, names: tuple[str, ...]) -> Wanted:
    roots = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    rows = draw(st.none() | st.integers(1, 4))
    return Wanted(
        tuple(roots),
        fraction=draw(st.integers(1, 10)) / 10 if rows is None else None,
        rows=rows,
        seed=draw(st.integers(0, 3)),
        others=draw(st.sampled_from(["fraction", "all", "none"])),
        max_children=draw(st.none() | st.integers(1, 2)),
    )


def tables(schema: Schema, data: Database) -> dict[str, pa.Table]:
    return {
        t.name: pa.table({c.name: pa.array([row[c.name] for row in data[t.name]], c.type)
                          for c in t.columns})
        for t in schema
    }  # fmt: skip


def taken(source: Source, schema: Schema, wanted: Wanted) -> dict[str, list[dict[str, Any]]]:
    """The rows by table in their order; no reference that the source closes may be open."""
    chosen = choose(source, schema, wanted)
    counts, references = tally(source, schema, chosen)
    found = {
        table.name: [
            {name: value for name, value in row.items() if name != HASH}
            for row in chosen.engine.query(
                f"SELECT * FROM {chosen.engine.relation(table.name)} ORDER BY {HASH}"
            ).to_pylist()
        ]
        for table in schema
    }
    assert [(count.name, count.rows) for count in counts] == [(n, len(r)) for n, r in found.items()]
    assert not any(key.created for key in references)
    chosen.close()
    return found


def in_order(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {name: sorted(map(repr, held)) for name, held in rows.items()}


def check(schema: Schema, rows: Database, wanted: Wanted) -> None:
    """Whether memory, the same rows turned, and SQLite all give what the oracle says."""
    given_tables = tables(schema, rows)
    expected = Oracle(schema, rows, wanted).rows()
    ours = taken(open_source(given_tables), schema, wanted)
    assert in_order(ours) == in_order(expected)
    turned = tables(schema, {name: held[::-1] for name, held in rows.items()})
    assert taken(open_source(turned), schema, wanted) == ours
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(into_sqlite(Path(folder) / "data.sqlite", turned))
        try:
            assert taken(source, schema, wanted) == ours
        finally:
            source.close()  # type: ignore[attr-defined]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_subset_is_what_the_oracle_says(data: st.DataObject) -> None:
    schema, rows = data.draw(databases())
    check(schema, rows, data.draw(requests(tuple(schema.tables))))


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_many_subsets_are_what_the_oracle_says(data: st.DataObject) -> None:
    schema, rows = data.draw(databases())
    check(schema, rows, data.draw(requests(tuple(schema.tables))))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_all_below_a_taken_root_is_there_and_no_reference_opens(data: st.DataObject) -> None:
    schema, rows = data.draw(databases())
    wanted = replace(data.draw(requests(tuple(schema.tables))), max_children=None)
    oracle = Oracle(schema, rows, wanted)
    found = taken(open_source(tables(schema, rows)), schema, wanted)
    held = {name: list(map(repr, held)) for name, held in found.items()}
    oracle.rows()
    roots = {p for p in oracle.first if p[0] in wanted.roots}
    for name, number in oracle.close(roots, oracle.parents):
        assert repr(rows[name][number]) in held[name]
    for table in schema:
        for fk in table.foreign_keys:
            kept = {oracle.key(row, fk.to) for row in found[fk.references]}
            real = {oracle.key(row, fk.to) for row in rows[fk.references]}
            own = {oracle.key(row, fk.columns) for row in found[table.name]}
            assert {key for key in own if None not in key} & real <= kept
