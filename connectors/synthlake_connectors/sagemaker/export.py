"""Training channels of a twin: files, a manifest, and where they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, Unpack

import pyarrow as pa
from pyarrow import csv

from synthlake.api import errors, write_table
from synthlake_connectors.sagemaker import columns, rows
from synthlake_connectors.sagemaker.channels import FORMATS, VERSION, Channels
from synthlake_connectors.sagemaker.columns import Layout
from synthlake_connectors.sagemaker.place import place_of

Format = Literal["csv", "parquet", "jsonlines"]
ROWS_PER_FILE: Final = 250_000
HOLDOUT: Final = "holdout_real"
_ENDINGS: Final = {"csv": "csv", "parquet": "parquet", "jsonlines": "jsonl"}


@dataclass(frozen=True)
class ChannelSettings:
    """What is exported.

    Attributes:
        table: of the twin.
        label: column that is to be predicted; the first of the files.
        format: ``csv`` (numbers without header, for the built-in algorithms), ``parquet`` or
            ``jsonlines``.
        validation: share of the synthetic rows in the channel ``validation``.
        holdout: real rows that were not learned from, such as ``synthlake.holdout(real, twin)``;
            they become the channel ``holdout_real``.
        columns: besides the label; None for all that can be written.
        max_categories: most values of a text column of CSV.
        storage: of ``boto3.client("s3", ...)``; a text may be ``env:NAME`` or ``file:PATH``.
    """

    table: str
    label: str
    format: Format = "csv"
    validation: float = 0.2
    holdout: object | None = None
    columns: Sequence[str] | None = None
    max_categories: int = 1_000
    storage: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold secrets

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            SpecError: a value is out of range.
        """
        if self.format not in FORMATS:
            raise errors.SpecError(
                f"there is no format {self.format!r}", hint=f"there are {', '.join(FORMATS)}"
            )
        if not 0 <= self.validation < 1:
            raise errors.SpecError(
                "validation is no share of rows", hint="give a number from 0 to below 1"
            )


class ChannelOptions(TypedDict, total=False):
    """Fields of ``ChannelSettings`` that have defaults, as keyword arguments."""

    format: Format
    validation: float
    holdout: object | None
    columns: Sequence[str] | None
    max_categories: int
    storage: Mapping[str, Any]


def export_channels(
    twin: object, target: str | Path, *, table: str, label: str, **given: Unpack[ChannelOptions]
) -> Channels:
    """Write the channels ``train``, ``validation`` and, of real rows, ``holdout_real``.

    They go into a folder of their own below the target, named by their content, and the manifest
    comes last: a folder with ``manifest.json`` is whole. The same content is written once.

    Args:
        twin: a ``Twin``, the folder of one, or whatever ``synthlake.open`` takes.
        target: a folder, or ``s3://bucket/prefix``.
        table: of the twin.
        label: column that is to be predicted.
        given: see ``ChannelSettings``.

    Privacy: ``holdout_real`` is real data, and goes where the target is.

    Raises:
        SpecError: there is no such table, column or format, or a channel would be empty.
        SinkError: the target cannot be written to.
        MissingExtraError: boto3 is not installed, for ``s3://``.
    """
    settings = ChannelSettings(table, label, **given)
    settings.check()
    place = place_of(target, settings.storage)
    synthetic = rows.rows_of(twin, table)
    names = columns.order(synthetic.schema, label, settings.columns)
    layout = columns.as_they_are(names)
    if settings.format == "csv":
        strict = settings.columns is not None
        layout = columns.as_numbers(
            synthetic.schema, names, synthetic.read(), settings.max_categories, strict
        )
    with place.staging() as folder:
        held = _written(synthetic, layout, settings, Path(folder))
        manifest = {**_facts(settings, layout), **synthetic.facts, "channels": held}
        identity = sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
        manifest = {**manifest, "id": identity}
        place.publish(Path(folder), identity, manifest)
    return Channels(f"{place.uri}/{identity}", manifest)


def _facts(settings: ChannelSettings, layout: Layout) -> dict[str, Any]:
    return {
        "synthlake_channels": VERSION,
        "table": settings.table,
        "label": settings.label,
        "format": settings.format,
        "validation": settings.validation,
        "columns": [column.to_json() for column in layout.columns],
        "left_out": dict(layout.left_out),
    }


def _written(
    synthetic: rows.Rows, layout: Layout, settings: ChannelSettings, folder: Path
) -> dict[str, Any]:
    share = settings.validation
    readers = {"train": partial(rows.part, synthetic, share, False)}
    if share:
        readers["validation"] = partial(rows.part, synthetic, share, True)
    if settings.holdout is not None:
        real = rows.rows_of(settings.holdout, settings.table)
        _demand_same(synthetic.schema, real.schema, [c.name for c in layout.columns])
        readers[HOLDOUT] = real.read  # type: ignore[assignment]
    made = {}
    for name, read in readers.items():
        made[name] = _Channel(layout, settings.format).write(read(), folder / name)
        if not made[name]["rows"]:
            raise errors.SpecError(
                f"the channel {name} would have no rows",
                hint="make more rows, or choose another share or label",
            )
    return made


@dataclass
class _Channel:
    layout: Layout
    format: str
    no_label: int = 0
    unseen: dict[str, int] = field(default_factory=dict)

    def write(self, batches: Iterator[pa.RecordBatch], folder: Path) -> dict[str, Any]:
        """Write the files of a channel; returns what the manifest says of it."""
        files = []
        for number, table in enumerate(rows.grouped(self._encoded(batches), ROWS_PER_FILE)):
            path = _write(folder, f"part-{number:05}", table, self.format)
            with path.open("rb") as content:
                digest = file_digest(content, "sha256").hexdigest()
            held = _File(path.name, table.num_rows, path.stat().st_size, digest)
            files.append(asdict(held))
        return {
            "rows": sum(file["rows"] for file in files),
            "rows_without_label": self.no_label,
            "values_without_code": dict(self.unseen),
            "files": files,
        }

    def _encoded(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = self.layout.apply(batch)
            self.no_label += batch.num_rows - made.num_rows
            for column in self.layout.columns:
                if count := column.unseen(batch.column(column.name)):
                    self.unseen[column.name] = self.unseen.get(column.name, 0) + count
            yield made


@dataclass(frozen=True)
class _File:
    name: str
    rows: int
    bytes: int
    sha256: str


def _write(folder: Path, name: str, table: pa.Table, format: str) -> Path:
    if format != "csv":
        kind = "jsonl" if format == "jsonlines" else format
        return write_table(folder, name, table.schema, table.to_batches(), kind)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    csv.write_csv(table, path, csv.WriteOptions(include_header=False, quoting_style="none"))
    return path


def _demand_same(synthetic: pa.Schema, real: pa.Schema, names: Sequence[str]) -> None:
    for name in names:
        if name not in real.names or real.field(name).type != synthetic.field(name).type:
            raise errors.SpecError(
                f"the real rows have no column {name} of the type {synthetic.field(name).type}",
                hint="give the source that the twin was learned from",
            )
