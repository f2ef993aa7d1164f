"""References in an order: what lies above what, and which of them close a cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

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


def closable(schema: Schema, name: str, fk: ForeignKey) -> bool:
    """Whether a reference can be written last: NULL where there is nobody, and part of no key.

    A reference to the own table needs no NULL: where there is none, the first rows refer to
    themselves.
    """
    table, mine = schema[name], set(fk.columns)
    others = [other for other in table.references if other != fk]
    held = set(table.primary_key).union(*(other.columns for other in others))
    named = {c for t in schema for other in t.references if other.references == name
             for c in other.to}  # fmt: skip
    loose = fk.references == name or any(table.column(c).nullable for c in fk.columns)
    return loose and fk.mode != "own" and not mine & held and not mine & named


def with_loops(schema: Schema, closing: Iterable[tuple[str, ForeignKey]]) -> Schema:
    """The schema with references that close a cycle among the loops of their tables."""
    for name, fk in closing:
        table = schema[name]
        schema = schema.with_table(replace(table, loops=(*table.loops, replace(fk, mode=None))))
    return schema


def components(schema: Schema) -> list[tuple[str, ...]]:
    """Tables that lie above each other in a cycle, together; every parent before its children.

    Tables that are skipped are not there. A table in no cycle is alone, and so is one that refers
    to itself.
    """
    live = [table for table in schema if not table.skip]
    parents = {table.name: {fk.references for fk in table.foreign_keys} for table in live}
    above = {name: _above(name, parents) for name in parents}
    found = {
        tuple(sorted(other for other in above[name] if name in above.get(other, ())))
        for name in parents
    }
    # what lies above a table has less above itself
    return sorted(found, key=lambda names: (len(above[names[0]]), names))


def ancestors(schema: Schema, names: Iterable[str]) -> set[str]:
    """The tables, and all that they refer to, directly or not."""
    parents = {table.name: {fk.references for fk in table.foreign_keys} for table in schema}
    return set[str]().union(*(_above(name, parents) for name in names))


def descendants(schema: Schema, names: Iterable[str]) -> set[str]:
    """The tables, and all that refer to them, directly or not."""
    children = {table.name: {t.name for t, _ in schema.children(table.name)} for table in schema}
    return set[str]().union(*(_above(name, children) for name in names))


def _above(name: str, parents: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        table = todo.pop()
        if table not in seen:
            seen.add(table)
            todo.extend(parents.get(table, ()))
    return seen
