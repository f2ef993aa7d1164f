"""The files of one version of a Delta table, as a scan.

The files are read by Arrow and not by delta-rs's own scan, which takes times before 1677 in Spark's
old format for times after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from deltalake import DeltaTable

from synthlake.api import Scan, errors
from synthlake_connectors.delta import features
from synthlake_connectors.delta.place import Place

_FORMAT: Final = ds.ParquetFileFormat(
    read_options=ds.ParquetReadOptions(None, "us"),  # how Spark's old times are taken
    # pages as they are needed, and not whole row groups ahead
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(
        use_buffered_stream=True, pre_buffer=False
    ),
)
_BATCH_ROWS: Final = 65_536


@dataclass(frozen=True)
class Masked:
    """Files with deleted rows; each stream reads what is left of them.

    Attributes:
        schema: of the streams.
        files: with a mask each, true where a row stays.
    """

    schema: pa.Schema
    files: tuple[tuple[Any, pa.BooleanArray], ...]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        stream: object = reader.__arrow_c_stream__(requested_schema)  # type: ignore[no-untyped-call]
        return stream

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of the rows that stay.

        Raises:
            ArrowInvalid: a mask is not of its file.
        """
        for file, mask in self.files:
            start = 0
            for batch in file.to_batches(self.schema, batch_size=_BATCH_ROWS):
                kept = mask.slice(start, batch.num_rows)
                start += batch.num_rows
                if len(kept) != batch.num_rows:
                    break
                yield batch.filter(kept)
            if start != len(mask):
                raise pa.ArrowInvalid("a deletion vector does not fit its file")


def scan(table: DeltaTable, name: str, place: Place, folder: str) -> Scan:
    """The rows of a table at its version.

    Raises:
        SourceError: it needs what cannot be read rightly, or a file is gone.
    """
    features.check(table, name)
    schema, names = features.arrow_schema(table), features.physical_names(table, name)
    inner = pa.schema([f.with_name(names.get(f.name, f.name)) for f in schema])
    masks = _masks(table, name) if features.has_vectors(table) else {}
    address, whole, cut = place.path(folder), [], []
    listed = _listed(place, folder)
    for path, values in _active(table):
        where, inside = _locate(path, place, folder)
        if inside not in listed:
            _check_there(where, inside, name)
        file = _FORMAT.make_fragment(
            inside, where, partition_expression=_given(values, schema, names)
        )
        mask = masks.pop(_full(address, path), None)
        whole += [file] if mask is None else []
        cut += [] if mask is None else [(file, mask)]
    if masks:
        raise _unmatched(name)
    found = ds.FileSystemDataset(whole, inner, _FORMAT, place.files(folder))
    return Scan(schema, [found, *([Masked(inner, tuple(cut))] if cut else [])], names)


def _active(table: DeltaTable) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and partition values of each file; the order is that of the paths."""
    actions = pa.table(table.get_add_actions())
    held = [c for c in ("path", "partition") if c in actions.column_names]
    rows = actions.select(held).to_pylist()
    for row in sorted(rows, key=lambda row: row["path"]):
        yield row["path"], row.get("partition") or {}


def _locate(path: str, place: Place, folder: str) -> tuple[fs.FileSystem, str]:
    """File system and path of a file; those of shallow clones lie elsewhere.

    Raises:
        SourceError: it is on a store that these options are not of.
    """
    absolute = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):/", path)
    if absolute is None:
        return place.files(folder), unquote(path)
    if absolute[1].lower() != "file" or not place.local:
        raise errors.SourceError(
            f"the table in {folder} is a clone whose files lie on another store",
            hint="read the table that it is a clone of",
        )
    return fs.LocalFileSystem(), "/" + unquote(path.partition(":")[2]).lstrip("/")


def _listed(place: Place, folder: str) -> frozenset[str]:
    """Files of a table on a store, by few requests; those of this machine are asked one by one.

    Raises:
        SourceError: the store cannot be asked.
    """
    if place.local:
        return frozenset()
    failed = ""
    try:
        found = place.files(folder).get_file_info(fs.FileSelector("", recursive=True))
        return frozenset(entry.path for entry in found if entry.type == fs.FileType.File)
    except (OSError, ValueError) as error:
        failed = place.safe(error)
    raise errors.SourceError(
        f"the files of {folder} cannot be listed ({failed})", hint="look at storage_options"
    )


def _check_there(where: fs.FileSystem, inside: str, name: str) -> None:
    # now, as Arrow may wait for ever for a file that a store turns out not to have
    if where.get_file_info(inside).type != fs.FileType.File:
        raise errors.SourceError(
            f"table {name} misses a file of this version",
            hint="it was vacuumed or moved away; read a newer version",
        )


def _given(values: Mapping[str, Any], schema: pa.Schema, names: Mapping[str, str]) -> Any:
    """What is known of all rows of a file: the values of its partition.

    The least and greatest values in the log are not told: writers round them.
    """
    known = None
    for column, value in values.items():
        logical = next((k for k, v in names.items() if v == column), column)
        field = ds.field(names.get(logical, logical))
        scalar = pa.scalar(value, schema.field(logical).type)
        one = field == scalar if value is not None else field.is_null()
        known = one if known is None else known & one
    return known


def _masks(table: DeltaTable, name: str) -> dict[str, pa.BooleanArray]:
    """For each file with deleted rows, by its path, which rows stay.

    Raises:
        SourceError: a deletion vector cannot be read.
    """
    failed = ""
    found: dict[str, pa.BooleanArray] = {}
    try:
        for batch in pa.RecordBatchReader.from_stream(table.deletion_vectors()):
            for path, kept in zip(batch.column(0), batch.column(1), strict=True):
                found[_full("", path.as_py())] = kept.values
        return found
    except Exception as error:  # of delta-rs, which has many kinds
        failed = type(error).__name__
    raise errors.SourceError(
        f"the deletion vectors of table {name} cannot be read ({failed})",
        hint="rewrite the table by REORG TABLE ... APPLY (PURGE), or read it by synthlake_spark",
    )


def _full(address: str, path: str) -> str:
    """A file's whole path: what the log says of it may be relative, or a URL."""
    text = unquote(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text) is None:
        text = f"{address}/{text}"
    return re.sub(r"^file:/+", "/", text)


def _unmatched(name: str) -> errors.SourceError:
    return errors.SourceError(
        f"table {name} has deletion vectors of files that it does not have",
        hint="read it by synthlake_spark",
    )
