"""Which entity each row belongs to: the root of its chain of own foreign keys, as a hash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.keys import compared, identity, key_hash, parts, reference
from synthlake.sql.tables import Tables


@dataclass(frozen=True)
class Entity:
    """An expression over the rows of a table ``t``, and what must be read for it.

    Attributes:
        value: the hash of the root, a bigint, never NULL.
        join: what to write after the table in FROM.
    """

    value: str
    join: str = ""


def entity(tables: Tables, table: Table, tops: Collection[str] = (), alias: str = "p") -> Entity:
    """The root's hash of each row.

    Of a root: the hash of its primary key, or of the whole row without one. Of a child: the hash
    of its own foreign key's value, whether that parent exists or not; where that is NULL, as if
    it were a root. Grandchildren inherit their parent's.

    Args:
        tables: where the tables are.
        table: whose rows.
        tops: tables that count as roots, whatever own foreign keys they have.
        alias: of the parents, where they must be read.

    Raises:
        SchemaError: a key has a float in it.
    """
    alone = identity(tables, table)
    own = None if table.name in tops else table.own
    if own is None:
        return Entity(alone)
    parent, orphan = tables.schema[own.references], reference_hash(tables, table, own)
    if (parent.name in tops or parent.own is None) and set(own.to) == set(parent.primary_key):
        return Entity(f"coalesce({orphan}, {alone})")
    keys = compared(tables, reference(tables, table, own))
    on = " AND ".join(f"{key} = {alias}.k{i}" for i, key in enumerate(keys))
    join = f" LEFT JOIN ({_parents(tables, parent, own, tops)}) AS {alias} ON {on}"
    return Entity(f"coalesce({alias}.e, {orphan}, {alone})", join)


def reference_hash(tables: Tables, table: Table, fk: ForeignKey, salt: str = "") -> str:
    """Hash of a foreign key's value, that of the parent's primary key if it refers to it.

    NULL where the key is NULL.

    Raises:
        SchemaError: the key has a float in it.
    """
    # in the order of the parent's key, so that both hash to the same
    by_target = dict(zip(fk.to, reference(tables, table, fk), strict=True))
    key = tables.schema[fk.references].primary_key
    order = key if set(key) == set(fk.to) else fk.to
    return key_hash(tables.primitives, [by_target[name] for name in order], salt)


def select_with_entity(
    tables: Tables, table: Table, columns: Sequence[str], tops: Collection[str] = ()
) -> str:
    """Expressions over ``t`` and, last, ``e``: the entity of each row."""
    of = entity(tables, table, tops)
    listed = ", ".join([*columns, f"{of.value} AS e"])
    return f"SELECT {listed} FROM {tables.read(table.name)}{of.join}"


def _parents(tables: Tables, parent: Table, fk: ForeignKey, tops: Collection[str]) -> str:
    # a key that parents share must not multiply the children: the least hash stands for all
    keys = compared(tables, parts(tables, parent, fk.to))
    named = [f"{key} AS k{i}" for i, key in enumerate(keys)]
    inner = select_with_entity(tables, parent, named, tops)
    names = ", ".join(f"k{i}" for i in range(len(keys)))
    return f"SELECT {names}, min(e) AS e FROM ({inner}) AS r GROUP BY {names}"
