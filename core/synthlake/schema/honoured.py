"""What no twin can honour, told from the schema and the sizes of tables."""

from __future__ import annotations

from collections.abc import Mapping

from synthlake.schema.model import Schema


def unanswered(schema: Schema, rows: Mapping[str, int]) -> list[tuple[str, str]]:
    """References to tables without rows that can neither be NULL nor be orphans.

    Args:
        schema: with NULL allowed where there is one.
        rows: of the source, by table.

    Returns:
        What is wrong and the way out, one a reference.
    """
    found = []
    for table in schema:
        if table.keep or table.skip or not rows.get(table.name, 0):
            continue
        for fk in table.foreign_keys:
            strict = [c for c in fk.columns if not table.column(c).nullable]
            if rows.get(fk.references, 0) or fk.orphans != "keep" or len(strict) < len(fk.columns):
                continue
            said = (
                f"{fk.label(table.name)}: {fk.references} is empty, and {strict[0]} is never NULL"
            )
            way = (
                f"leave the foreign key out of {table.name}, give it `orphans: drop` or `'null'`,"
                f" or fill {fk.references}"
            )
            found.append((said, way))
    return found
