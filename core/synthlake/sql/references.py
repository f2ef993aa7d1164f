"""Statements that count foreign keys: orphans, degrees, and how alike siblings are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.columns import Stored
from synthlake.sql.dialect import bigint
from synthlake.sql.keys import SPACE, compared, key_hash, parts, reference
from synthlake.sql.membership import present
from synthlake.sql.statistics import ColumnStatistics, KeyStatistics
from synthlake.sql.tables import Tables, used

_FEW = 50  # distinct values of a column by which siblings are compared
_COLUMNS = 12  # columns at most, in the order of the table
_ROWS = 1_000_000  # siblings among about as many rows


def degrees(tables: Tables, table: Table, fk: ForeignKey) -> str:
    """Keys, by whether a parent has them (``found``) and how many children do (``degree``)."""
    child = compared(tables, reference(tables, table, fk))
    parent = compared(tables, parts(tables, tables.schema[fk.references], fk.to))
    names = ", ".join(f"k{i}" for i in range(len(child)))
    children = (
        f"SELECT {_named(child)}, count(*) AS n, 0 AS f FROM {tables.read(table.name)}"
        f" WHERE {present(child)} GROUP BY {', '.join(child)}"
    )
    parents = (
        f"SELECT DISTINCT {_named(parent)}, 0 AS n, 1 AS f FROM {tables.read(fk.references)}"
        f" WHERE {present(parent)}"
    )
    keys = (
        f"SELECT sum(n) AS d, max(f) AS f FROM ({children} UNION ALL {parents}) AS u"
        f" GROUP BY {names}"
    )
    return (
        f"SELECT f AS found, {bigint('d')} AS degree, count(*) AS n"
        f" FROM ({keys}) AS g GROUP BY f, d"
    )


def key_statistics(
    tables: Tables, table: Table, fk: ForeignKey, rows: tuple[int, int], siblings: float
) -> KeyStatistics:
    """Counts of a foreign key over all rows, of which child and parent have so many."""
    found = tables.engine.query(degrees(tables, table, fk))
    found = found.take(pc.sort_indices(found, sort_keys=[("degree", "ascending")]))
    parents, orphans = found.filter(pc.field("found") == 1), found.filter(pc.field("found") == 0)
    return KeyStatistics(
        rows=rows[0],
        nulls=rows[0] - _children(found),
        orphans=_children(orphans),
        orphan_keys=pc.sum(orphans.column("n")).as_py() or 0,
        parents=pc.sum(parents.column("n")).as_py() or 0,
        degrees=_histogram(parents, "parents"),
        orphan_degrees=_histogram(orphans, "keys"),
        siblings=siblings,
        parent_rows=rows[1],
    )


def agreements(stored: Stored, table: Table, fk: ForeignKey, columns: Sequence[int]) -> str:
    """By column (``c``): agreeing pairs of siblings by size of family, and their rows by value.

    ``part`` is 0 for the former, 1 for the latter; both are of families of two and more. Beyond a
    million rows, families are sampled by the hash of their key.
    """
    tables = stored.tables
    places = {column.name: f"c{number}" for number, column in enumerate(used(table))}
    key = [places[name] for name in fk.columns]
    names = ", ".join(f"k{i}" for i in range(len(key)))
    taken = present(key)
    if stored.rows > _ROWS:
        family = key_hash(tables.primitives, reference(tables, table, fk, key))
        taken += f" AND {family} < {SPACE * _ROWS // stored.rows}"
    values = ", ".join(f"c{number} AS v{number}" for number in columns)
    rows = f"SELECT {_named(key)}, {values} FROM {stored.name} WHERE {taken}"
    parts = [_agreement(number, names) for number in columns]
    return f"WITH s AS ({rows}) {' UNION ALL '.join(parts)}"


def _agreement(number: int, names: str) -> str:
    value = f"v{number}"
    groups = f"SELECT {names}, {value} AS v, count(*) AS c FROM s GROUP BY {names}, {value}"
    sized = f"SELECT v, c, sum(c) OVER (PARTITION BY {names}) AS n FROM ({groups}) AS g"
    return (
        f"SELECT {number} AS c, 0 AS part, {bigint('n')} AS size,"
        f" {bigint('sum(c * (c - 1))')} AS agree, {bigint('sum(c)')} AS n"
        f" FROM ({sized}) AS f WHERE n >= 2 GROUP BY n"
        f" UNION ALL SELECT {number}, 1, 0, 0, {bigint('sum(c)')}"
        f" FROM ({sized}) AS f WHERE n >= 2 GROUP BY v"
    )


def siblings(
    stored: Stored, table: Table, fk: ForeignKey, columns: Mapping[str, ColumnStatistics]
) -> float:
    """How much more alike the children of one parent are than any children, 0 to 1.

    The mean over columns of 2 to 50 distinct values (at most 12, none of the key itself; NULL is
    a value) of A - B. A: the mean over children with siblings of the share of their siblings that
    have the same value, sum over families of sum_v c_v (c_v - 1) / (n - 1) over sum of n. B: the
    same of all these children as one family, sum_v C_v (C_v - 1) / (N (N - 1)), which is what
    independent values would give whatever the sizes of the families are.

    Cost: a grouping a column, over at most a million training rows.
    """
    few = [
        number
        for number, (name, of) in enumerate(columns.items())
        if name not in fk.columns and of.counts is not None and 2 <= of.distinct <= _FEW
    ][:_COLUMNS]
    if not few:
        return 0.0
    found = stored.tables.engine.query(agreements(stored, table, fk, few)).to_pylist()
    excess = [_excess([row for row in found if row["c"] == number]) for number in few]
    return sum(excess) / len(excess)


def _excess(found: Sequence[Mapping[str, int]]) -> float:
    values = [row["n"] for row in found if row["part"] == 1]
    rows = sum(values)
    if rows < 2:
        return 0.0
    # sorted: a sum of floats depends on its order
    shares = sorted((row["size"], row["agree"]) for row in found if row["part"] == 0)
    alike = sum(agree / (size - 1) for size, agree in shares) / rows
    independent = sum(n * (n - 1) for n in values) / (rows * (rows - 1))
    return min(1.0, max(0.0, alike - independent))


def duplicates(tables: Tables, table: Table, rows: int) -> int:
    """Rows beyond the first of each primary key, and rows with a NULL in it; 0 without a key."""
    return rows - tables.number(distinct_keys(tables, table)) if table.primary_key else 0


def distinct_keys(tables: Tables, table: Table) -> str:
    """The number of distinct primary keys without a NULL."""
    key = [part.value for part in parts(tables, table, table.primary_key)]
    distinct = f"SELECT DISTINCT {_named(key)} FROM {tables.read(table.name)} WHERE {present(key)}"
    return f"SELECT count(*) AS n FROM ({distinct}) AS d"


def _named(values: Sequence[str]) -> str:
    return ", ".join(f"{value} AS k{i}" for i, value in enumerate(values))


def _children(found: pa.Table) -> int:
    return pc.sum(pc.multiply(found.column("degree"), found.column("n"))).as_py() or 0


def _histogram(found: pa.Table, name: str) -> pa.Table:
    return found.select(["degree", "n"]).rename_columns(["degree", name])
