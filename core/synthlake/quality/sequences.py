"""Which tables have rows in an order, and what rows of one sequence share.

What the schema declares (``sequence``), else what the real rows show, as in learning: children of
the own parent that are counted or told apart by a time; rows whose key is a grid along a time; last
children of another parent in the order of a time. A made key that grows orders rows only where it
is declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.ports import Score
from synthlake.quality.dataset import DataSet
from synthlake.quality.expressions import is_null
from synthlake.quality.layout import Field
from synthlake.quality.metric import Comparison, Ground, Scored, Subject
from synthlake.quality.sample import order_hash
from synthlake.schema.model import Table
from synthlake.sql.keys import compared, parts

_NEARLY = 0.98  # share of rows that must be as the order says
_FEWEST = 200  # rows that follow another, below which nothing is looked for

Kind = Literal["own", "key", "match"]


@dataclass(frozen=True)
class Order:
    """The order of a table's rows.

    Attributes:
        table: its name.
        by: the column that orders the rows of a sequence.
        within: columns that rows of one sequence share.
        kind: ``own``: siblings of the own parent; ``key``: a key along a time or a counter;
            ``match``: siblings of another parent.
        label: the foreign key whose children they are; empty for a key.
        counts: whether ``by`` counts the rows of each sequence.
        declared: whether the schema says so.
        whole: whether a hold-out of root entities has whole sequences.
    """

    table: str
    by: Field
    within: tuple[str, ...]
    kind: Kind
    label: str = ""
    counts: bool = False
    declared: bool = False
    whole: bool = False


def orders(ground: Ground) -> Iterator[Order]:
    """The order of each table whose rows have one."""
    for table in ground.tables:
        order = order_of(ground, table.name)
        if order is not None:
            yield order


def order_of(ground: Ground, table: str) -> Order | None:
    """The order of a table's rows; None where there is none.

    Cost: one grouping of the real rows for each key that may hold sequences, once a table.
    """
    return ground.real.once(("order", table), lambda: _order_of(ground, ground.schema[table]))


def _order_of(ground: Ground, table: Table) -> Order | None:
    said = table.sequence
    if table.keep or (said is not None and not said.by) or not ground.real.rows(table.name):
        return None
    found = _declared(ground, table) if said is not None else _found(ground, table)
    return next(found, None)


def _declared(ground: Ground, table: Table) -> Iterator[Order]:
    assert table.sequence is not None
    by = ground.fields(table.name).get(table.sequence.by)
    own = table.own
    if by is None or by.kind not in ("number", "time"):
        return
    if own is not None:
        within, kind, label = own.columns, "own", own.label(table.name)
    else:
        within, kind, label = tuple(c for c in table.primary_key if c != by.name), "key", ""
    evidence = _evidence(ground.real, table, within, [by])
    if evidence is not None:
        counts = evidence[0].counts >= _NEARLY
        yield _made(table, by, within, (kind, label), counts, declared=True)  # type: ignore[arg-type]


def _found(ground: Ground, table: Table) -> Iterator[Order]:
    """Orders that the real rows show, the plainest first."""
    own = table.own
    if own is not None:
        yield from _among(ground, table, own.columns, ("own", own.label(table.name)))
    yield from _along(ground, table)
    for fk in table.foreign_keys:
        if fk != own:
            yield from _among(ground, table, fk.columns, ("match", fk.label(table.name)))


def _along(ground: Ground, table: Table) -> Iterator[Order]:
    """Keys of several columns of which one is a counter, or a time of a table without parents."""
    for name in table.primary_key if len(table.primary_key) > 1 else ():
        by = ground.fields(table.name).get(name)
        within = tuple(c for c in table.primary_key if c != name)
        if by is None or (by.kind == "time" and table.own is not None):
            continue
        if by.kind == "time" or _whole(by):
            yield from _judged(ground.real, table, within, [by], ("key", ""))


def _among(
    ground: Ground, table: Table, within: tuple[str, ...], of: tuple[Kind, str]
) -> Iterator[Order]:
    """Siblings in the order of a time that hardly two of them share; own ones of a counter, too."""
    fields = [f for f in ground.fields(table.name).values() if f.name not in within]
    counters = [f for f in fields if of[0] == "own" and _may_count(ground.real, f)]
    times = [f for f in fields if f.kind == "time" and not f.reason]
    yield from _judged(ground.real, table, within, [*counters, *times], of)


def _whole(field: Field) -> bool:
    return pa.types.is_integer(field.type) and not field.identity


def _may_count(real: DataSet, field: Field) -> bool:
    """Whether a whole number is 0 or 1 nearly as often as anything: what spares most a grouping."""
    if not _whole(field):
        return False
    held = real.marginal(field)
    first = held.counts[(held.values == 0) | (held.values == 1)]
    return bool(held.complete and len(first) and first.max() >= 0.9 * held.counts.max())


def _judged(
    real: DataSet, table: Table, within: tuple[str, ...], fields: Sequence[Field],
    of: tuple[Kind, str],
) -> Iterator[Order]:  # fmt: skip
    shown = _evidence(real, table, within, fields)
    for field, seen in zip(fields, shown or (), strict=shown is not None):
        if seen.later < _FEWEST:
            continue
        if field.kind != "time" and seen.counts >= _NEARLY:
            yield _made(table, field, within, of, counts=True)
        if field.kind == "time" and seen.apart >= _NEARLY:
            yield _made(table, field, within, of)


def _made(
    table: Table, by: Field, within: tuple[str, ...], of: tuple[Kind, str], counts: bool = False,
    declared: bool = False,
) -> Order:  # fmt: skip
    whole = table.own is not None and set(table.own.columns) <= set(within)
    return Order(table.name, by, within, *of, counts, declared, whole)


@dataclass(frozen=True)
class _Seen:
    """What one column shows of an order.

    Attributes:
        later: rows that follow another one of their family.
        counts: share of rows in families that the column counts from 0 or 1.
        apart: share of later rows whose value is not that of the row before.
    """

    later: int
    counts: float
    apart: float


def _evidence(
    real: DataSet, table: Table, within: tuple[str, ...], fields: Sequence[Field]
) -> list[_Seen] | None:
    """What columns show of the rows that share a key; None where it is none."""
    if not within or not fields:
        return None
    try:
        keys = compared(real.tables, parts(real.tables, table, within))
    except SchemaError:  # a key with a float
        return None
    # as doubles: the difference of two whole numbers may be too large for one
    values = [real.tables.primitives.converted(real.value(f), pa.float64()) for f in fields]
    inner = ", ".join(
        f"COUNT(DISTINCT {v}) AS d{i}, MIN({v}) AS l{i}, MAX({v}) AS h{i}"
        for i, v in enumerate(values)
    )
    outer = ", ".join(
        f"SUM(d{i}) AS d{i}, SUM(CASE WHEN d{i} = n AND h{i} - l{i} = n - 1 "
        f"AND l{i} IN (0, 1) THEN n ELSE 0 END) AS c{i}"
        for i in range(len(fields))
    )
    row = real.query(
        f"SELECT COUNT(*) AS families, SUM(n) AS n, {outer} FROM (SELECT COUNT(*) AS n, {inner} "
        f"FROM {real.tables.read(table.name)} WHERE NOT {is_null(keys)} "
        f"GROUP BY {', '.join(keys)}) AS s"
    ).to_pylist()[0]
    held, families = int(row["n"] or 0), int(row["families"] or 0)
    later = held - families
    return [
        _Seen(later, int(row[f"c{i}"] or 0) / max(held, 1),
              (int(row[f"d{i}"] or 0) - families) / max(later, 1))
        for i in range(len(fields))
    ]  # fmt: skip


def missing(comparison: Comparison, order: Order) -> str:
    """Why the sequences of a table cannot be compared; empty if they can."""
    if said := comparison.missing(order.table):
        return said
    found = comparison.candidate.found[order.table]
    if absent := [c for c in (*order.within, order.by.name) if not found.has(c)]:
        return f"no order without {', '.join(absent)}"
    if comparison.role == "ceiling" and not order.whole:
        return "the hold-out divides sequences"
    return ""


def ordered_fields(
    comparison: Comparison, order: Order, kinds: tuple[str, ...]
) -> tuple[list[Field], list[Scored]]:
    """Columns of some kinds that can be compared along the order, and why the others cannot."""
    rows, said = comparison.rows(order.table), missing(comparison, order)
    usable: list[Field] = []
    listed: list[Scored] = []
    for field in comparison.ground.fields(order.table).values():
        if field.kind not in kinds:
            continue
        reason = said or _reason(comparison, order, field)
        if reason:
            listed.append((Subject(order.table, (field.name,)), Score(None, None, rows, reason)))
        else:
            usable.append(field)
    return usable, listed


def _reason(comparison: Comparison, order: Order, field: Field) -> str:
    if field.name in order.within:
        return "the same in all rows of a sequence"
    if field.reason:
        return field.reason
    return "" if comparison.candidate.has(field) else "the column is missing"


def in_order(data: DataSet, order: Order, columns: dict[str, str], seed: int) -> tuple[str, str]:
    """A SELECT of rows that have a place, and the window that puts them in order.

    Rows of the same place come in the order of a hash.

    Args:
        data: where the rows are.
        order: of the rows.
        columns: expressions over ``t`` by their names in the result.
        seed: of the hash.
    """
    table, tables = data.schema[order.table], data.tables
    keys = compared(tables, parts(tables, table, order.within))
    by = data.value(order.by)
    key = set(table.primary_key)
    there = key and all(data.found[order.table].has(c) for c in key)
    unique = bool(there) and not data.duplicates(order.table)
    named = [f"{e} AS k{i}" for i, e in enumerate(keys)] + [f"{by} AS o"]
    window = f"PARTITION BY {', '.join(f'k{i}' for i in range(len(keys)))} ORDER BY o"
    if not (unique and {*order.within, order.by.name} >= key):
        named.append(f"{order_hash(data, order.table, seed, whole=not unique)} AS h")
        window += ", h"
    named += [f"{e} AS {n}" for n, e in columns.items()]
    null = is_null([*keys, by])
    return f"SELECT {', '.join(named)} FROM {tables.read(order.table)} WHERE NOT {null}", window
