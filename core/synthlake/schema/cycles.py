"""References in an order: those that close a cycle are left out."""

from __future__ import annotations

from collections.abc import Callable

from synthlake.schema.model import ForeignKey, Schema


def acyclic(
    schema: Schema, rank: Callable[[str, ForeignKey], int]
) -> tuple[Schema, list[tuple[str, ForeignKey]]]:
    """The schema without the references that close a cycle.

    Args:
        schema: with all references.
        rank: of a reference of a table: 0 if it has to stay; of the others that of the highest
            rank goes first.

    Returns:
        The schema, and what was left out, with the table that held it. Cycles of rank 0
        stay: ``Schema.order`` refuses them.
    """
    edges = [(table.name, fk) for table in schema for fk in table.foreign_keys]
    parents: dict[str, set[str]] = {table.name: set() for table in schema}
    out: list[tuple[str, ForeignKey]] = []
    for name, fk in sorted(edges, key=lambda edge: rank(*edge)):
        if rank(name, fk) and name in _above(fk.references, parents):
            out.append((name, fk))
        else:
            parents[name].add(fk.references)
    for name, fk in out:
        kept = tuple(held for held in schema[name].foreign_keys if held != fk)
        schema = schema.with_table(schema[name].with_keys(foreign_keys=kept))
    return schema, out


def _above(name: str, parents: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        table = todo.pop()
        if table not in seen:
            seen.add(table)
            todo.extend(parents.get(table, ()))
    return seen
