"""Which families of each tree of tables are drawn: those with the least hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthlake.schema.model import Schema, Table
from synthlake.sql.entities import entity
from synthlake.sql.tables import Tables

LARGE = 10_000
"""Rows from which on a table is drawn rather than taken whole."""

FAMILIES = 500
"""Families from which on a table is drawn by the parents that its rows refer to."""


@dataclass(frozen=True)
class Cut:
    """The families of a table that are drawn.

    Attributes:
        tops: tables that count as roots, so that the hash is that of a family.
        bound: the greatest hash that is drawn.
    """

    tops: frozenset[str]
    bound: int


def cuts_of(tables: Tables, max_rows: int) -> dict[str, Cut | None]:
    """For every table that is not skipped, the families to draw; None for all rows.

    A tree is a table without own parent and all below it; one of at most ``max_rows`` rows is
    taken whole. Else each chain is drawn from its highest table of 10,000 rows on, and what lies
    above is whole; without such a table, or if more than half of ``max_rows`` lie above, from the
    root. That table is drawn by the value of its own foreign key, so that siblings stay
    together, or by its own key where there are fewer than 500 such values or the first family
    alone is too large; all below it inherits the hash. At least one family is drawn.

    Cost: a count a table, and a grouping by hash of the tables that are drawn.
    """
    schema = tables.schema
    cuts: dict[str, Cut | None] = {table.name: None for table in schema.order()}
    rows = {name: tables.rows(name) for name in cuts if not schema[name].keep}
    trees: dict[str, list[str]] = {}
    for name in rows:
        trees.setdefault(line(schema, name)[-1], []).append(name)
    for members in trees.values():
        if sum(rows[name] for name in members) > max_rows:
            cuts |= _tree(tables, {name: rows[name] for name in members}, max_rows)
    return cuts


def line(schema: Schema, name: str) -> list[str]:
    """The table and its own ancestors, up to the last that is not kept as it is."""
    names = []
    for ancestor in schema.chain(name):
        if schema[ancestor].keep:
            break
        names.append(ancestor)
    return names


def _tree(tables: Tables, rows: Mapping[str, int], max_rows: int) -> dict[str, Cut | None]:
    heads = _heads(tables.schema, rows, max_rows // 2)
    above = sum(n for name, n in rows.items() if name not in heads)
    total = sum(rows[name] for name in heads)
    cuts: dict[str, Cut | None] = {}
    for head in dict.fromkeys(heads.values()):
        members = [name for name, of in heads.items() if of == head]
        limit = (max_rows - above) * sum(rows[name] for name in members) // total
        cut = _cut(tables, tables.schema[head], members, limit)
        cuts |= dict.fromkeys(members, cut)
    return cuts


def _heads(schema: Schema, rows: Mapping[str, int], room: int) -> dict[str, str]:
    """By drawn table, the table that its chain is drawn from.

    The root where no table is large, or where what lies above has more than ``room`` rows.
    """
    heads = {}
    for name in rows:
        from_root = reversed(line(schema, name))
        head = next((n for n in from_root if rows[n] >= LARGE), None)
        if head is not None:
            heads[name] = head
    if not heads or sum(n for name, n in rows.items() if name not in heads) > room:
        return {name: line(schema, name)[-1] for name in rows}
    return heads


def _cut(tables: Tables, head: Table, members: Sequence[str], limit: int) -> Cut:
    alone = frozenset({head.name})
    if head.own is not None:
        together = frozenset({head.own.references})
        if tables.number(families(tables, head, together)) >= FAMILIES:
            bound = _bound(tables, members, together, limit)[0]
            if bound is not None:
                return Cut(together, bound)
    bound, least = _bound(tables, members, alone, limit)
    return Cut(alone, least if bound is None else bound)


def _bound(
    tables: Tables, members: Sequence[str], tops: frozenset[str], limit: int
) -> tuple[int | None, int]:
    row = tables.engine.query(threshold(tables, members, tops, limit)).to_pylist()[0]
    return row["bound"], row["least"]


def families(tables: Tables, table: Table, tops: frozenset[str]) -> str:
    """The number of families that a table's rows form."""
    of = entity(tables, table, tops)
    return f"SELECT count(DISTINCT {of.value}) AS n FROM {tables.read(table.name)}{of.join}"


def threshold(tables: Tables, members: Sequence[str], tops: frozenset[str], limit: int) -> str:
    """The greatest hash up to which all families together have at most ``limit`` rows.

    ``bound`` is NULL if the first family has more; ``least`` is the first family's hash.
    """
    counted = []
    for name in members:
        of = entity(tables, tables.schema[name], tops)
        read = f"FROM {tables.read(name)}{of.join}"
        counted.append(f"SELECT {of.value} AS u, count(*) AS n {read} GROUP BY {of.value}")
    sizes = f"SELECT u, sum(n) AS n FROM ({' UNION ALL '.join(counted)}) AS c GROUP BY u"
    running = f"SELECT u, sum(n) OVER (ORDER BY u) AS total FROM ({sizes}) AS s"
    return (
        f"SELECT max(CASE WHEN total <= {limit} THEN u END) AS bound, min(u) AS least"
        f" FROM ({running}) AS o"
    )
