"""Arrow types as Delta has them.

| Arrow | Delta |
|---|---|
| int8, int16, uint8 | short |
| int32, uint16 | integer |
| int64, uint32, duration (in its unit) | long |
| uint64 | decimal(20, 0) |
| float16, float32 | float |
| float64 | double |
| bool | boolean |
| decimal of up to 38 digits | decimal |
| string, dictionary of strings, null | string |
| time (as ``HH:MM:SS.ffffff``) | string |
| binary, also of fixed size | binary |
| date | date |
| timestamp with a zone | timestamp (microseconds, UTC) |
| timestamp without | timestamp_ntz (microseconds) |

What has no row, such as nested types, is refused, and so is a time of a fraction of a microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from synthlake.api import Table, carried, carry, errors

_FORBIDDEN: Final = frozenset(" ,;{}()\n\t=")  # of Delta without column mapping


def held(table: Table) -> pa.Schema:
    """Arrow schema in which a table is written.

    Raises:
        SinkError: Delta has no such type, or no such name.
    """
    if not table.columns:
        raise errors.SinkError(
            f"table {table.name} has no columns, which Delta cannot hold",
            hint="leave it out by skip: true",
        )
    _check_apart(table)
    fields = []
    for column in table.columns:
        where = f"{table.name}.{column.name}"
        if _FORBIDDEN & set(column.name):
            raise errors.SinkError(
                f"{where} has a sign in its name that Delta refuses, one of ' ,;{{}}()=' or a tab",
                hint="rename the column",
            )
        # never NOT NULL: beside timestamp_ntz delta-rs commits it in a protocol that Spark refuses
        fields.append(pa.field(column.name, _kind(column.type, where)))
    return pa.schema(fields)


def _check_apart(table: Table) -> None:
    seen = dict[str, str]()
    for column in table.columns:
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise errors.SinkError(
                f"{table.name} has the columns {other} and {column.name}, which are one in Delta",
                hint="rename one of them",
            )


def convert(
    table: Table, kinds: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Batches of a table in the types that Delta has.

    Raises:
        SinkError: a batch has other columns, or a value would be changed.
    """
    for batch in batches:
        if batch.schema.names != kinds.names:
            raise errors.SinkError(
                f"a batch of table {table.name} has other columns than the table",
                hint="give the columns of the schema, in its order",
            )
        columns = [
            _carry(values, field.type, f"{table.name}.{field.name}")
            for values, field in zip(batch.columns, kinds, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=kinds)


def _kind(kind: pa.DataType, where: str) -> pa.DataType:
    found = carried(kind)
    if found is None or found == pa.uuid():
        raise errors.SinkError(
            f"{where} is {kind}, which Delta cannot hold",
            hint="cast the column in the source, or leave it out by action: skip",
        )
    return pa.string() if pa.types.is_time(found) else found


def _carry(values: Any, kind: pa.DataType, where: str) -> Any:
    if pa.types.is_time(values.type):
        values = carry(values, pa.time64("us"), where)
    return carry(values, kind, where)
