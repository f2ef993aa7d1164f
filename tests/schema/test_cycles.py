"""Tables in cycles, and what lies above and below them."""

from __future__ import annotations

import pyarrow as pa

from synthlake.schema.cycles import ancestors, components, descendants
from synthlake.schema.model import Column, ForeignKey, Schema, Table


def schema(**parents: str) -> Schema:
    """Tables by name, each with the letters of the tables that it refers to."""
    return Schema({
        name: Table(
            name,
            (Column("id", pa.int64()),),
            ("id",),
            tuple(ForeignKey(("id",), parent, ("id",)) for parent in held),
        )
        for name, held in parents.items()
    })  # fmt: skip


def test_cycles_are_together_and_parents_come_first() -> None:
    made = schema(e="d", d="cb", c="b", b="a", a="c", f="f", g="")
    assert components(made) == [("f",), ("g",), ("a", "b", "c"), ("d",), ("e",)]
    assert ancestors(made, ["d"]) == {"a", "b", "c", "d"}
    assert descendants(made, ["b", "g"]) == {"a", "b", "c", "d", "e", "g"}
    assert components(Schema()) == []


def test_skipped_tables_are_not_there() -> None:
    made = schema(b="a", a="")
    skipped = Table("x", (Column("id", pa.int64()),), skip=True)
    assert components(made.with_table(skipped)) == [("a",), ("b",)]
