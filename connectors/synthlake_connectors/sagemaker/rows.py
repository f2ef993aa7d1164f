"""Rows of the channels: synthetic ones split by their number, real ones as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from synthlake.api import Artifact, Source, Twin, errors, nearest, open, read_manifest

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Rows of a table that can be read again and again.

    Attributes:
        schema: of the batches.
        read: begins anew.
        facts: of a twin that Synthlake made: its artifact and seed.
    """

    schema: pa.Schema
    read: Callable[[], Iterator[pa.RecordBatch]]
    facts: dict[str, Any]


def rows_of(given: object, table: str) -> Rows:
    """Rows of a table of a twin, a folder or any other source.

    Raises:
        SpecError: there is no such table.
        SourceError: it cannot be read.
    """
    if isinstance(given, Twin):
        _demand(table, list(given))
        twin = given[table]
        facts = {"artifact": Artifact(given.model).id, "seed": given.wanted.seed}
        return Rows(twin.schema, twin.batches, facts)
    source: Source = open(given)
    _demand(table, list(source.schema().tables))
    manifest = _manifest(given)
    facts = {key: manifest[key] for key in ("artifact", "seed") if key in manifest}
    return Rows(source.schema()[table].arrow, lambda: source.batches(table), facts)


def part(rows: Rows, share: float, validation: bool) -> Iterator[pa.RecordBatch]:
    """The rows of one side of the split, which follows from the numbers of the rows alone."""
    start = 0
    for batch in rows.read():
        chosen = in_validation(start, batch.num_rows, share)
        start += batch.num_rows
        yield batch.filter(pa.array(chosen if validation else ~chosen))


def in_validation(start: int, count: int, share: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """For rows ``start .. start + count``, whether they are for validation.

    Source: splitmix64 (Steele, Lea, Flood, 2014), of the row's number.
    """
    with np.errstate(over="ignore"):
        word = (np.arange(start, start + count, dtype=np.uint64) + np.uint64(1)) * _GOLDEN
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word = word ^ (word >> np.uint64(31))
    chosen: np.ndarray[Any, np.dtype[np.bool_]] = (word >> np.uint64(11)) < share * 2.0**53
    return chosen


def grouped(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Batches as tables of so many rows, the last of fewer."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        while batch.num_rows:
            taken = batch.slice(0, rows - count)
            batch = batch.slice(taken.num_rows)
            held.append(taken)
            count += taken.num_rows
            if count == rows:
                yield pa.Table.from_batches(held)
                held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _demand(table: str, known: list[str]) -> None:
    if table not in known:
        raise errors.SpecError(f"there is no table {table!r}", hint=nearest(table, known))


def _manifest(given: object) -> dict[str, Any]:
    if not isinstance(given, str | Path):
        return {}
    path = Path(str(given).rpartition("://")[2]).expanduser()
    return (read_manifest(path) or {}) if path.is_dir() else {}
