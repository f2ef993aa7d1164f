"""What no twin can honour, told from the schema and the sizes of tables."""

from __future__ import annotations

from collections.abc import Mapping

from synthlake.schema.model import Schema


def unanswered(
    schema: Schema, rows: Mapping[str, int], *, settled: bool = False
) -> list[tuple[str, str]]:
    """References to tables without rows that can neither be NULL nor be orphans.

    Args:
        schema: with NULL allowed where there is one.
        rows: of the source, by table.
        settled: whether policies have been applied to them: a table may be empty by that alone.

    Returns:
        What is wrong and the way out, one a reference.
    """
    found = []
    for table in schema:
        if table.keep or table.skip or not rows.get(table.name, 0):
            continue
        for fk in table.foreign_keys:
            strict = [c for c in fk.columns if not table.column(c).nullable]
            answered = fk.orphans != "keep" and not settled
            if rows.get(fk.references, 0) or answered or len(strict) < len(fk.columns):
                continue
            empty = "has no rows left once orphans are dropped" if settled else "is empty"
            said = f"{fk.label(table.name)}: {fk.references} {empty}, and {strict[0]} is never NULL"
            way = (
                f"leave the foreign key out of {table.name}, give it `orphans: drop` or `'null'`,"
                f" or fill {fk.references}"
            )
            if settled:
                way = f"let {fk.references} keep its orphans, or leave the foreign key out"
            found.append((said, way))
    return found
