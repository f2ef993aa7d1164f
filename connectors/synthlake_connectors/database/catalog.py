"""PostgreSQL's catalog of keys: names as they are, whatever characters are in them."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    "ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY AS at(number, place)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = {table} AND a.attnum = at.number"
    " ORDER BY at.place)"
)

OWN: Final = _NAMES.format(numbers="k.conkey", table="k.conrelid")
"""Names of the columns of a constraint ``k``, in the order of the key."""

THEIRS: Final = _NAMES.format(numbers="k.confkey", table="k.confrelid")
"""Names of the columns that a foreign key ``k`` refers to, in the order of the key."""

# SQLAlchemy parses what the server prints of a key, and splits it at the commas of its names
REFERENCES: Final = (
    f"SELECT {OWN}, p.nspname, f.relname, {THEIRS}"
    " FROM pg_catalog.pg_constraint k"
    " JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_class f ON f.oid = k.confrelid"
    " JOIN pg_catalog.pg_namespace p ON p.oid = f.relnamespace"
    " WHERE k.contype = 'f' AND n.nspname = %(schema)s AND c.relname = %(name)s"
    " ORDER BY k.conname"
)
"""The foreign keys of a table: columns, schema and table that they refer to, and its columns."""
