"""Which columns of a Parquet file get a dictionary."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.sink.dictionaries import dictionary_columns
from synthlake.sink.formats import write_file

ROWS = 20_000
NUMBERS = np.arange(ROWS)
COLUMNS: dict[str, Any] = {
    "key": NUMBERS,
    "parent": NUMBERS // 4,
    "a.code": NUMBERS % 7,
    "day": NUMBERS // 1_000,
    "some": np.random.default_rng(0).integers(0, ROWS // 3, ROWS),
    "text": [f"text {n}" for n in range(ROWS)],
    "nothing": pa.nulls(ROWS),
    "gone": pa.nulls(ROWS, pa.int64()),
}


def encoded(path: Path) -> dict[str, bool]:
    """By column: whether the file has a dictionary of it."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    return {c.path_in_schema: "RLE_DICTIONARY" in c.encodings for c in columns}


def test_what_hardly_repeats_has_none(tmp_path: Path) -> None:
    batch = pa.record_batch(COLUMNS)
    write_file(tmp_path / "t", "t", batch.schema, [batch], "parquet")
    found = encoded(tmp_path / "t")
    assert {n for n, held in found.items() if held} == {"a.code", "day", "some", "nothing", "gone"}
    assert pq.read_table(tmp_path / "t").equals(pa.table(COLUMNS))


def test_it_does_not_depend_on_how_rows_come(tmp_path: Path) -> None:
    batch = pa.record_batch(COLUMNS)
    for name, cuts in (("a", (0, ROWS)), ("b", (0, 1, 5_000, 5_001, ROWS))):
        parts = [batch.slice(a, b - a) for a, b in pairwise(cuts)]
        write_file(tmp_path / name, "t", batch.schema, parts, "parquet")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_say_nothing(rows: int) -> None:
    assert dictionary_columns(pa.record_batch(COLUMNS).slice(0, rows)) is True


def test_nested_columns_keep_theirs() -> None:
    lists = pa.array([[n] for n in range(ROWS)])
    assert dictionary_columns(pa.record_batch({"key": NUMBERS, "list": lists})) is True


@pytest.mark.parametrize(
    "kind",
    [
        pa.float16(), pa.bool_(), pa.string_view(), pa.binary_view(), pa.binary(3), pa.date64(),
        pa.time64("ns"), pa.duration("s"), pa.decimal32(5, 2), pa.decimal64(9, 2),
        pa.decimal256(50, 2), pa.month_day_nano_interval(), pa.dictionary(pa.int8(), pa.string()),
    ],
)  # fmt: skip
def test_every_type_is_taken(kind: pa.DataType) -> None:
    column: Any = pa.nulls(10, kind)  # type: ignore[call-overload]
    assert dictionary_columns(pa.record_batch({"c": column})) is True
