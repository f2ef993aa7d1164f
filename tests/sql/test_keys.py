"""The canonical text and hash of keys, against the same rules written in Python."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.errors import SchemaError
from synthlake.source import open_source
from synthlake.sql.dialect import primitives
from synthlake.sql.keys import SPACE, Part, key_hash, key_text, row_hash
from synthlake.sql.tables import Tables

UTC = dt.UTC
MOMENT = dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

CASES: list[tuple[pa.DataType, Any, str]] = [
    (pa.int8(), -7, "-7"),
    (pa.uint64(), 2**64 - 1, "18446744073709551615"),
    (pa.bool_(), True, "1"),
    (pa.bool_(), False, "0"),
    (pa.date32(), dt.date(1969, 12, 31), "-1"),
    (pa.date64(), dt.date(2013, 7, 1), "15887"),
    (pa.timestamp("s"), dt.datetime(2013, 1, 1, tzinfo=UTC), "1356998400000000"),
    (pa.timestamp("ms"), dt.datetime(2013, 1, 1, tzinfo=UTC), "1356998400000000"),
    (pa.timestamp("us"), MOMENT, "-1"),
    (pa.timestamp("us", "Europe/Paris"), MOMENT, "-1"),
    (pa.timestamp("s", "UTC"), dt.datetime(2013, 1, 1, tzinfo=UTC), "1356998400000000"),
    (pa.time32("s"), dt.time(0, 0, 1), "1000000"),
    (pa.time64("us"), dt.time(0, 0, 0, 5), "5"),
    (pa.duration("ms"), dt.timedelta(milliseconds=-3), "-3000"),
    (pa.decimal128(10, 2), Decimal("-0.05"), "-5"),
    (pa.decimal128(38, 4), Decimal("12.3"), "123000"),
    (pa.string(), " A\\x00 é'", " A\\x00 é'"),
    (pa.string(), "", ""),
    (pa.large_string(), "007", "007"),
    (pa.dictionary(pa.int8(), pa.string()), "a", "a"),
    (pa.binary(), b"\x00\xff", "00ff"),
    (pa.binary(2), b"\x00\xfe", "00fe"),
    (pa.uuid(), UUID("ABCDEF00-0000-0000-0000-000000000001").bytes,
     "abcdef00-0000-0000-0000-000000000001"),
]  # fmt: skip


def array(type: pa.DataType, value: Any) -> pa.Array:
    if isinstance(type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type, pa.array([value, None], type.storage_type))
    return pa.array([value, None], type)


def evaluate(columns: dict[str, pa.Array], sql: str, zone: str = "UTC") -> list[Any]:
    source = open_source({"t": pa.table(columns)})
    source.engine().query(f"SET TimeZone = '{zone}'")
    read = Tables(source.engine(), source.schema()).read("t")
    return source.engine().query(f"SELECT {sql} AS v FROM {read}").column("v").to_pylist()


def written(*texts: str) -> str:
    return "".join(f"{len(text.encode())}:{text};" for text in texts)


def hashed(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(("type", "value", "text"), CASES, ids=str)
def test_every_type_has_one_text(type: pa.DataType, value: Any, text: str, zone: str) -> None:
    part = Part("t.v", type, "t.v")
    columns = {"v": array(type, value)}
    of = primitives("duckdb")
    assert evaluate(columns, key_text(of, [part]), zone) == [written(text), None]
    assert evaluate(columns, key_hash(of, [part]), zone) == [hashed(written(text)), None]


def test_nanoseconds_are_rounded_down() -> None:
    for type in (pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.duration("ns")):
        values = pa.array([-1, -1000, -1001, 999, 1001], type)
        texts = evaluate({"v": values}, key_text(primitives("duckdb"), [Part("t.v", type, "")]))
        assert texts == [written(t) for t in ("-1", "-1", "-2", "0", "1")]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=30))
def test_parts_are_not_confused(rows: list[tuple[str, int]]) -> None:
    columns = {
        "a": pa.array([a for a, _ in rows], pa.string()),
        "b": pa.array([b for _, b in rows], pa.int64()),
    }
    parts = [Part("t.a", pa.string(), "t.a"), Part("t.b", pa.int64(), "t.b")]
    found = evaluate(columns, key_hash(primitives("duckdb"), parts))
    assert found == [hashed(written(a, str(b))) for a, b in rows]
    assert all(0 <= value < SPACE for value in found)


def test_a_salt_gives_other_hashes_that_agree() -> None:
    columns = {"a": pa.array(["x", None]), "b": pa.array([1, 2])}
    parts = [Part("t.a", pa.string(), "t.a"), Part("t.b", pa.int64(), "t.b")]
    of = primitives("duckdb")
    assert evaluate(columns, key_hash(of, parts, "s 1 ")) == [
        hashed(f"s 1 {written('x', '1')}"),
        None,
    ]
    assert evaluate(columns, row_hash(of, parts, "s 1 ")) == [
        hashed(f"s 1 {written('x', '1')}"), hashed(f"s 1 n;{written('2')}")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "type",
    [pa.float32(), pa.float64(), pa.list_(pa.int32()), pa.dictionary(pa.int8(), pa.float64())],
)
def test_a_key_without_one_text_is_refused(type: pa.DataType) -> None:
    with pytest.raises(SchemaError, match=r"t\.v is of type") as caught:
        key_hash(primitives("duckdb"), [Part("t.v", type, "t.v")])
    assert caught.value.hint


def test_rows_without_a_key_hash_with_nulls_and_floats() -> None:
    floats = [0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 1e-30, 2.0**40, float("nan"), float("inf"),
              float("-inf"), None]  # fmt: skip
    columns = {"f": pa.array(floats), "n": pa.nulls(len(floats), pa.string())}
    parts = [Part("t.f", pa.float64(), ""), Part("t.n", pa.string(), "")]
    found = evaluate(columns, row_hash(primitives("duckdb"), parts))
    assert found[0] == found[1] == hashed(written("s0") + "n;")
    assert found[2] == hashed(written(f"m{int(1.5 * 2**32)}") + "n;")
    assert found[-1] == hashed("n;n;")
    assert len(set(found[1:])) == len(found) - 2  # 1e-30 is too close to 0 to be told apart
    assert found[6] == found[0]


def test_no_null_is_an_empty_text() -> None:
    parts = [Part("t.a", pa.string(), ""), Part("t.b", pa.string(), "")]
    columns = {"a": pa.array(["", None, ""]), "b": pa.array([None, "", ""])}
    assert len(set(evaluate(columns, row_hash(primitives("duckdb"), parts)))) == 3


def test_an_unknown_dialect_is_an_error() -> None:
    with pytest.raises(OSError, match="no SQL is written for the dialect 'oracle'"):
        primitives("oracle")
