"""Constraints across tables that samples suggest: along references that children are made by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from synthlake.constraints.discovery.across import Edge
    from synthlake.constraints.discovery.proposal import Proposal
    from synthlake.schema.model import ForeignKey, Schema, Table

_ROLES = ("text", "personal", "key")  # of which no rule is looked for


def across(table: Table, schema: Schema, samples: Mapping[str, pa.Table]) -> list[Proposal]:
    """What a table's rows suggest about their parents and children.

    Args:
        table: which table.
        schema: with all modes decided.
        samples: rows by table, intact in their own references.

    Privacy: a declaration has names, never cells.
    Cost: a pass over the sample for each pair of columns of like types.
    """
    from synthlake.constraints.discovery.across import above_rules, totals

    out: list[Proposal] = []
    own = table.own
    if own is not None and own.references in samples and not schema[own.references].keep:
        edge = _edge(table, own, schema, samples)
        late = {f"{own.references}.{p.declaration['aggregate']}" for p in totals(edge)}
        out += [p for p in above_rules(edge) if not late & set(p.declaration.get("inequality", ()))]
    for child, fk in schema.children(table.name):
        if fk.mode == "own" and child.name in samples and child.name != table.name:
            out += totals(_edge(child, fk, schema, samples))
    return [p for p in out if p.score > 0]


def _edge(child: Table, fk: ForeignKey, schema: Schema, samples: Mapping[str, pa.Table]) -> Edge:
    from synthlake.constraints.discovery.across import Edge
    from synthlake.relational.joins import resolve

    below, above = samples[child.name], samples[fk.references]
    join = resolve(below, above, fk, child.foreign_keys.index(fk))
    parent = schema[fk.references]
    return Edge(
        parent.name, child.name, above.select(list(_learned(parent))),
        below.select(list(_learned(child))), join.parent,
    )  # fmt: skip


def _learned(table: Table) -> Iterator[str]:
    """Columns that rules may speak of: no keys, and nothing that is not learned."""
    keys = {*table.primary_key, *(c for fk in table.references for c in fk.columns)}
    for column in table.columns:
        if column.name not in keys and column.action == "learn" and column.role not in _ROLES:
            yield column.name
