"""The canonical text and hash of keys and rows: the same in every engine, in any time zone.

Each part of a key is written as ``octets:text;`` in the order of the key: integers as decimal
digits, booleans as 0 and 1, dates as days, times and timestamps as microseconds (naive ones read
as UTC), decimals as the unscaled integer, uuid in lower case, binary as hex, text as it is. The
hash is the first 15 hex digits of the SHA-256 of all parts, an integer in [0, 16**15).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.schema.model import ForeignKey, Table
from synthlake.sql.dialect import Primitives, chained
from synthlake.sql.kinds import KEYS, kind, scale
from synthlake.sql.tables import Tables, typed, used

SPACE = 16**15
"""Hashes are below this."""
_WIDE = 100  # values of a row from which they are written kind by kind
_ALIKE = frozenset(("integer", "float", "text", "boolean", "date"))


@dataclass(frozen=True)
class Part:
    """One part of a key: an expression, its type, and where it comes from for messages."""

    value: str
    type: pa.DataType
    origin: str


def _checked(part: Part) -> Part:
    if kind(part.type) not in KEYS:
        raise SchemaError(
            f"{part.origin} is of type {part.type} and cannot be part of a key",
            hint="floats and nested values have no text that all engines share; "
            "use another column, or drop the key from the schema",
        )
    return part


def _written(primitives: Primitives, text: str) -> str:
    return f"{primitives.octets(text)} || ':' || {text} || ';'"


def key_text(primitives: Primitives, parts: Sequence[Part]) -> str:
    """Canonical text of a key; NULL if a part is.

    Raises:
        SchemaError: a part is a float or nested.
    """
    texts = (primitives.key_text(_checked(p).value, p.type) for p in parts)
    return chained([_written(primitives, text) for text in texts])


def key_hash(primitives: Primitives, parts: Sequence[Part], salt: str = "") -> str:
    """Hash of a key; NULL if a part is.

    Args:
        primitives: of the dialect.
        parts: of the key.
        salt: letters, digits and blanks before the text; another salt gives other hashes.

    Raises:
        SchemaError: a part is a float or nested.
    """
    text = key_text(primitives, parts)
    return primitives.hashed(f"'{salt}' || {text}" if salt else text)


def counts(part: Part) -> bool:
    """Whether a value takes part in the hash of its row; nested ones do not."""
    return kind(part.type) == "float" or kind(part.type) in KEYS


def row_hash(primitives: Primitives, parts: Sequence[Part], salt: str = "") -> str:
    """Hash of values of which some may be NULL or floats; nested values do not count.

    The values of a wide row are written in the order of their kinds, so that engines can write all
    of a kind by one expression: with thousands of expressions, each holds memory of its own.
    Without a NULL, that of other rows is the ``key_hash`` of the same parts and salt.
    """
    used = [part for part in parts if counts(part)]
    if len(used) <= _WIDE:
        texts = [_stated(primitives, part.type)(part.value) for part in used]
        return primitives.hashed(chained([f"'{salt}'", *texts]))
    kinds = list(dict.fromkeys(kind(part.type) for part in used))
    used.sort(key=lambda part: kinds.index(kind(part.type)))
    runs = [list(run) for _, run in groupby(used, key=_form)]
    texts = [primitives.every([p.value for p in run], _stated(primitives, run[0].type))
             for run in runs]  # fmt: skip
    return primitives.hashed(chained([f"'{salt}'", *texts]))


def _stated(primitives: Primitives, type: pa.DataType) -> Callable[[str], str]:
    """What writes a value that may be NULL or a float."""

    def stated(value: str) -> str:
        floating = kind(type) == "float"
        text = primitives.float_text(value) if floating else primitives.key_text(value, type)
        return f"coalesce({_written(primitives, text)}, 'n;')"

    return stated


def _form(part: Part) -> tuple[str, pa.DataType | None]:
    """What values have in common that are written alike."""
    return kind(part.type), None if kind(part.type) in _ALIKE else part.type


def parts(tables: Tables, table: Table, names: Sequence[str]) -> list[Part]:
    """Columns of a table, read as ``t``, as parts of a key."""
    return [
        Part(tables.column(name), table.column(name).type, f"{table.name}.{name}") for name in names
    ]


def identity(tables: Tables, table: Table, salt: str = "") -> str:
    """Hash of a row by its primary key, or by the whole row of a table that has none.

    Raises:
        SchemaError: a part of the primary key is a float or nested.
    """
    own = parts(tables, table, table.primary_key or [c.name for c in used(table)])
    if table.primary_key:
        own = [_checked(part) for part in own]
    return row_hash(tables.primitives, own, salt)


def reference(
    tables: Tables, table: Table, fk: ForeignKey, values: Sequence[str] | None = None
) -> list[Part]:
    """The columns of a foreign key as parts, of the types that the parent's columns have.

    Args:
        tables: where the tables are.
        table: that has the foreign key.
        fk: the foreign key.
        values: expressions of its columns; None for the columns of ``t``.

    Raises:
        SchemaError: a part is a float or nested.
    """
    own = [_checked(part) for part in parts(tables, table, fk.columns)]
    if values is not None:
        own = [replace(part, value=value) for part, value in zip(own, values, strict=True)]
    types = typed(tables.schema[fk.references], fk.to)
    return [_aligned(tables, part, type) for part, type in zip(own, types, strict=True)]


def _aligned(tables: Tables, part: Part, type: pa.DataType) -> Part:
    same = kind(part.type) == kind(type)
    if same and (kind(type) != "decimal" or scale(part.type) == scale(type)):
        return part
    return replace(part, value=tables.primitives.converted(part.value, type), type=type)


def compared(tables: Tables, parts: Sequence[Part]) -> list[str]:
    """Parts as expressions in which a child's and its parent's can be compared."""
    return [tables.primitives.comparable(_checked(p).value, p.type) for p in parts]
