"""The hold-out: root entities by hash, with all rows that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from synthlake.errors import SpecError
from synthlake.ports import Source
from synthlake.schema.model import Schema, Table
from synthlake.source.view import ViewSource
from synthlake.sql.entities import entity
from synthlake.sql.keys import SPACE
from synthlake.sql.tables import Tables
from synthlake.sql.trees import line


@dataclass(frozen=True)
class Split:
    """A source in two parts that share no root entity.

    Attributes:
        train: what may be learned from.
        holdout: what was set aside; None where no table has enough roots.
        whole: both.
        share: of root entities that are set aside.
        tables: names of the tables that are split; the others are whole in both parts.
    """

    train: Source
    holdout: Source | None
    whole: Source
    share: float
    tables: tuple[str, ...] = ()


def split(source: Source, schema: Schema, share: float, min_roots: int = 500) -> Split:
    """Set aside a share of the root entities, chosen by the hash of their key.

    Tables that are kept or skipped are not split, nor is a tree of tables with fewer than
    ``min_roots`` distinct roots.

    Raises:
        SpecError: the share is not in [0, 1).
        SchemaError: a key has a float in it, or the references form a cycle.
    """
    if not 0 <= share < 1:
        raise SpecError(f"a hold-out of {share} of the roots", hint="give a share from 0 to 0.5")
    tables = Tables(source.engine(), schema)
    chosen = _chosen(tables, min_roots) if share else ()
    if not chosen:
        return Split(source, None, source, share)
    # a fraction of the decimal that was written, so that every machine cuts at the same hash
    bound = int(Fraction(str(share)) * SPACE)
    return Split(
        train=ViewSource(
            source, {name: part(tables, schema[name], bound, ">=") for name in chosen}
        ),
        holdout=ViewSource(
            source, {name: part(tables, schema[name], bound, "<") for name in chosen}
        ),
        whole=source,
        share=share,
        tables=tuple(chosen),
    )


def part(tables: Tables, table: Table, bound: int, side: str) -> str:
    """All columns of the rows whose root's hash lies on one side (``<`` or ``>=``) of a bound."""
    of = entity(tables, table)
    columns = ", ".join(tables.column(c.name) for c in table.columns)
    return (
        f"SELECT {columns} FROM {tables.read(table.name)}{of.join} WHERE {of.value} {side} {bound}"
    )


def roots(tables: Tables, table: Table) -> str:
    """The number of distinct roots of a table's rows."""
    of = entity(tables, table)
    return f"SELECT count(DISTINCT {of.value}) AS n FROM {tables.read(table.name)}{of.join}"


def _chosen(tables: Tables, min_roots: int) -> list[str]:
    enough: dict[str, bool] = {}
    chosen = []
    for table in tables.schema.order():
        if table.keep:
            continue
        top = line(tables.schema, table.name)[-1]
        if top not in enough:
            enough[top] = tables.number(roots(tables, tables.schema[top])) >= min_roots
        if enough[top]:
            chosen.append(table.name)
    return chosen
