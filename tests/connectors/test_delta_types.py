"""Types and shapes of tables that the Delta sink holds, widens or refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import synthlake
from synthlake.errors import SinkError
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import open_sink
from synthlake.source import read_table

WIDENED = {
    pa.int8(): ([-128, None], [-128, None], pa.int16()),
    pa.uint8(): ([255, None], [255, None], pa.int16()),
    pa.uint32(): ([2**32 - 1], [2**32 - 1], pa.int64()),
    pa.uint64(): ([2**64 - 1], [Decimal(2**64 - 1)], pa.decimal128(20, 0)),
    pa.float16(): ([0.5], [0.5], pa.float32()),
    pa.large_string(): (["x"], ["x"], pa.string()),
    pa.dictionary(pa.int8(), pa.string()): (["x", None], ["x", None], pa.string()),
    pa.null(): ([None], [None], pa.string()),
    pa.duration("s"): ([dt.timedelta(seconds=5)], [5], pa.int64()),
    pa.time32("s"): ([dt.time(5, 6, 7)], ["05:06:07.000000"], pa.string()),
    pa.date64(): ([dt.date(2013, 1, 2)], [dt.date(2013, 1, 2)], pa.date32()),
    pa.timestamp("ms"): (
        [dt.datetime(2013, 1, 2)], [dt.datetime(2013, 1, 2)], pa.timestamp("us"),  # noqa: DTZ001
    ),
    pa.timestamp("ns", "America/New_York"): (
        [dt.datetime(2013, 1, 2, tzinfo=dt.UTC)],
        [dt.datetime(2013, 1, 2, tzinfo=dt.UTC)],
        pa.timestamp("us", "UTC"),
    ),
    pa.binary(2): ([b"xy"], [b"xy"], pa.binary()),
    pa.decimal128(9, 2): ([Decimal("1.25")], [Decimal("1.25")], pa.decimal128(9, 2)),
}  # fmt: skip


@pytest.mark.parametrize("kind", WIDENED, ids=str)
def test_types_that_delta_lacks_are_widened(tmp_path: Path, kind: pa.DataType) -> None:
    given, wanted, wider = WIDENED[kind]
    schema = Schema({"t": Table("t", (Column("c", kind),))})
    sink = open_sink(f"delta://{tmp_path}")
    sink.open("r", schema, fingerprint="f")
    sink.write_part("t", 0, pa.table({"c": pa.array(given, kind)}).to_batches())
    sink.publish({})
    source = synthlake.open(f"delta://{tmp_path}")
    found = read_table(source, "t")
    assert found.schema.field("c").type == wider
    assert found["c"].to_pylist() == wanted


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("c", pa.list_(pa.int8()), "t.c is list"),
        ("c", pa.decimal256(50, 2), "t.c is decimal256"),
        ("c", pa.uuid(), "t.c is extension"),
        ("a b", pa.int32(), "t.a b has a sign"),
    ],
)
def test_what_delta_cannot_hold_is_refused(
    tmp_path: Path, name: str, kind: pa.DataType, match: str
) -> None:
    sink = open_sink(f"delta://{tmp_path}")
    with pytest.raises(SinkError, match=match):
        sink.open("r", Schema({"t": Table("t", (Column(name, kind),))}))


def test_a_fraction_of_a_microsecond_is_refused(tmp_path: Path) -> None:
    schema = Schema({"t": Table("t", (Column("c", pa.timestamp("ns")),))})
    sink = open_sink(f"delta://{tmp_path}")
    sink.open("r", schema)
    late = pa.table({"c": pa.array([1_234_567_891], pa.timestamp("ns"))}).to_batches()
    with pytest.raises(SinkError, match=r"t\.c is timestamp\[ns\]") as caught:
        sink.write_part("t", 0, late)
    assert "1234567891" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ((), "table t has no columns"),
        ((Column("a", pa.int32()), Column("A", pa.int32())), "columns a and A, which are one"),
    ],
)
def test_tables_that_delta_cannot_hold_are_refused(
    tmp_path: Path, columns: tuple[Column, ...], match: str
) -> None:
    sink = open_sink(f"delta://{tmp_path}")
    with pytest.raises(SinkError, match=match):
        sink.open("r", Schema({"t": Table("t", columns)}))
