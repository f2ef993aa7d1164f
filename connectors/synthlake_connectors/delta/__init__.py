"""Folders of Delta tables as sources and sinks, by delta-rs: no Spark, no JVM.

    synthlake.open("delta:///lake/nyc")
    synthlake.open("delta+s3://bucket/nyc", options={"storage_options": {...}})

A table is a sub-folder with a ``_delta_log``. Names that begin with ``_`` or ``.`` are no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthlake.api import ScanSource, errors

if TYPE_CHECKING:
    from synthlake_connectors.delta.sink import DeltaSink

__all__ = ["open_sink", "open_source"]


def open_source(url: str, schema: str | None, options: Mapping[str, Any]) -> ScanSource:
    """The Delta tables of a folder, each at the version that it has now.

    Args:
        url: ``delta://folder``, ``delta:///folder``, or ``delta+s3://bucket/folder`` and other
            places that delta-rs reaches.
        schema: none; a folder has no schemas.
        options: ``versions`` (a number by table), ``timestamp`` (ISO 8601: every table as it was
            then), ``storage_options`` of delta-rs, whose values may be ``env:NAME`` or
            ``file:PATH``, and ``threads``, ``memory_limit``, ``temp_directory`` of DuckDB.

    Raises:
        SourceMissingError: there is no folder, or no table of that name or version.
        SourceError: an option is not known, or a table uses a feature that cannot be read rightly.
        MissingExtraError: deltalake is not installed.
    """
    _refuse_schema(schema, errors.SourceError)
    try:
        from synthlake_connectors.delta.source import read_folder
    except ImportError as error:
        raise _missing(error) from error
    return read_folder(url, options)


def open_sink(url: str, schema: str | None, options: Mapping[str, Any]) -> DeltaSink:
    """A folder of Delta tables to write to.

    Args:
        url: ``delta://folder`` or ``delta:///folder``, on this machine's file system.
        schema: none; a folder has no schemas.
        options: none.

    Raises:
        SinkError: the place is not a folder of this machine, or an option is not known.
        MissingExtraError: deltalake is not installed.
    """
    _refuse_schema(schema, errors.SinkError)
    try:
        from synthlake_connectors.delta.sink import write_folder
    except ImportError as error:
        raise _missing(error) from error
    return write_folder(url, options)


def _refuse_schema(
    schema: str | None, kind: type[errors.SourceError] | type[errors.SinkError]
) -> None:
    if schema:
        raise kind("a folder of Delta tables has no schemas", hint="leave schema out")


def _missing(error: ImportError) -> ImportError:
    vendor = (error.name or "").partition(".")[0]
    return errors.MissingExtraError("deltalake", "delta") if vendor == "deltalake" else error
