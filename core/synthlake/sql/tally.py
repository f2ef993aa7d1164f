"""What a subset holds of each table, and whether its references are closed, counted by SQL."""

from __future__ import annotations

from dataclasses import dataclass

from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.keys import compared, parts, reference
from synthlake.sql.membership import among, distinct, present
from synthlake.sql.subset import Chosen, Part
from synthlake.sql.tables import Tables


@dataclass(frozen=True)
class TableTally:
    """Rows of a table.

    Attributes:
        name: of the table.
        part: what it is to the roots.
        source: rows that it has.
        rows: of the subset.
    """

    name: str
    part: Part
    source: int
    rows: int


@dataclass(frozen=True)
class KeyTally:
    """References of the rows of a subset.

    Attributes:
        label: such as ``flights(tailnum) -> planes``.
        orphans: rows whose parent is not in the subset.
        created: those of them whose parent is in the source; 0 where the key is closed.
    """

    label: str
    orphans: int
    created: int


def tally(
    source: Source, schema: Schema, chosen: Chosen
) -> tuple[list[TableTally], list[KeyTally]]:
    """Counts of a subset, by table and by foreign key.

    Cost: two counts a table, and an anti-join a foreign key over the rows of the subset.
    """
    whole, held = Tables(source.engine(), schema), Tables(chosen.engine, schema)
    names = list(chosen.schema.tables)
    tables = [TableTally(n, chosen.part[n], whole.rows(n), held.rows(n)) for n in names]
    keys = [
        _key(whole, held, schema[name], fk) for name in names for fk in schema[name].foreign_keys
    ]
    return tables, keys


def orphans(whole: Tables, held: Tables, table: Table, fk: ForeignKey) -> str:
    """Rows of a subset without a parent in it (``n``), and with one in the source (``created``)."""
    own = compared(held, reference(held, table, fk))
    found = [
        among(name, own, distinct(compared(at, parts(at, at.schema[fk.references], fk.to)),
                                  at.read(fk.references)))
        for name, at in (("f", held), ("w", whole))
    ]  # fmt: skip
    inside, outside = found
    return (
        f"SELECT count(*) AS n, count(w.k0) AS created"
        f" FROM {held.read(table.name)}{inside.join}{outside.join}"
        f" WHERE {present(own)} AND NOT ({inside.found})"
    )


def _key(whole: Tables, held: Tables, table: Table, fk: ForeignKey) -> KeyTally:
    row = held.engine.query(orphans(whole, held, table, fk)).to_pylist()[0]
    return KeyTally(fk.label(table.name), row["n"], row["created"])
