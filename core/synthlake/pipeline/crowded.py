"""Tables whose key is made of references, and that are to have more rows than these tell apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from synthlake.schema.model import ForeignKey, Schema, Table


def crowded(
    schema: Schema, rows: Mapping[str, int], wanted: Mapping[str, int],
    met: Callable[[Table, ForeignKey], int],
) -> list[str]:  # fmt: skip
    """Tables that cannot hold the rows that are wanted: bridges, and children one a parent.

    Args:
        schema: with the modes of foreign keys chosen.
        rows: of the source, by table.
        wanted: rows to make, by table.
        met: distinct parents that the rows of a table refer to, orphans' included.

    Returns:
        One sentence a table, with its parents and the way out.
    """
    found = []
    for table in schema:
        covering = [] if table.keep or table.skip else _covering(table)
        if not covering or not rows[table.name]:
            continue
        sizes = [_parents(table, fk, rows, wanted, met) for fk in covering]
        if wanted[table.name] <= prod(sizes):
            continue
        parents = " and ".join(dict.fromkeys(fk.references for fk in covering))
        what = "one for each row" if len(covering) == 1 else "one for each pair of rows"
        roots = dict.fromkeys(schema.chain(fk.references)[-1] for fk in covering)
        found.append(
            f"{table.name}({', '.join(table.primary_key)}) has room for {prod(sizes):,} rows, "
            f"{what} of {parents}, and {wanted[table.name]:,} are wanted: ask for more `rows:` of "
            f"{' or '.join(n for n in roots if n != schema.chain(table.name)[-1]) or parents}, or "
            f"fewer of {schema.chain(table.name)[-1]}"
        )
    return found


def _covering(table: Table) -> list[ForeignKey]:
    """References that together are the primary key; none where it has a part of its own."""
    left = set(table.primary_key)
    chosen = []
    for fk in sorted(table.foreign_keys, key=lambda fk: (fk.mode != "own", -len(fk.columns))):
        if left and set(fk.columns) <= left:
            chosen.append(fk)
            left -= set(fk.columns)
    return chosen if not left else []


def _parents(
    table: Table, fk: ForeignKey, rows: Mapping[str, int], wanted: Mapping[str, int],
    met: Callable[[Table, ForeignKey], int],
) -> int:  # fmt: skip
    """Parents that rows can refer to: those to be made, and as many missing ones as now."""
    now = max(rows[fk.references], 1)
    return round(max(now, met(table, fk)) * wanted[fk.references] / now)
