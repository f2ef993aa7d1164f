"""What a Delta table may ask of its readers, and what we can do of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
from deltalake import DeltaTable

from synthlake.api import errors

MAPPING: Final = "columnMapping"
VECTORS: Final = "deletionVectors"
# What changes the log alone, or is done below: names by the schema, masks, casts to wider types.
_READ: Final = frozenset(
    {
        MAPPING, VECTORS, "timestampNtz", "typeWidening", "typeWidening-preview",
        "v2Checkpoint", "vacuumProtocolCheck",
    }
)  # fmt: skip
_NEWEST: Final = 3


def check(table: DeltaTable, name: str) -> None:
    """Refuse a table whose rows would come out wrong.

    Raises:
        SourceError: it needs a feature that is not read here.
    """
    protocol = table.protocol()
    unread = sorted(set(protocol.reader_features or ()) - _READ)
    if protocol.min_reader_version > _NEWEST:
        unread = [f"reader version {protocol.min_reader_version}"]
    mode = _mapping(table)
    if mode not in ("none", "name"):
        unread.append(f"{MAPPING} by {mode}")
    kinds = arrow_schema(table)
    for column in table.metadata().partition_columns:
        if pa.types.is_binary(kinds.field(column).type):  # their values are escaped in the log
            unread.append(f"the binary column {column} as its partition")
    if unread:
        raise errors.SourceError(
            f"table {name} needs {', '.join(unread)}, which is not read without Spark",
            hint="read it by synthlake_spark, or leave the table out of the folder",
        )


def has_vectors(table: DeltaTable) -> bool:
    """Whether files of the table may have rows that are deleted."""
    return VECTORS in (table.protocol().reader_features or ())


def physical_names(table: DeltaTable, name: str) -> Mapping[str, str]:
    """Names of columns in the files, by those of the table, where they differ.

    Raises:
        SourceError: names are mapped within a nested column.
    """
    if _mapping(table) == "none":
        return {}
    found = {}
    kinds = arrow_schema(table)
    for field in table.schema().fields:
        if pa.types.is_nested(kinds.field(field.name).type):
            raise errors.SourceError(
                f"{name}.{field.name} is nested in a table with {MAPPING}, which is not read"
                " without Spark",
                hint="read it by synthlake_spark, or leave the table out of the folder",
            )
        found[field.name] = str(field.metadata["delta.columnMapping.physicalName"])
    return found


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """Arrow schema of a table, without metadata."""
    schema = pa.schema(table.schema().to_arrow())
    return pa.schema([field.remove_metadata() for field in schema])


def _mapping(table: DeltaTable) -> str:
    # Without the feature in its protocol a table may carry the setting, and it means nothing.
    protocol = table.protocol()
    on = MAPPING in (protocol.reader_features or ()) or protocol.min_reader_version == 2
    configuration: Mapping[str, Any] = table.metadata().configuration
    return str(configuration.get("delta.columnMapping.mode", "none")) if on else "none"
