"""Files of every format: what is in them, and that equal rows are equal bytes."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlake.errors import SinkError
from synthlake.schema.model import Column, Schema, Table
from synthlake.sink import FORMATS, FolderSink, write_table
from synthlake.sink.groups import GROUP_ROWS
from synthlake.source import ViewSource, open_source, read_table

ODD = 'select "x"; drop'


def mixed() -> pa.Table:
    noon = dt.datetime(2013, 1, 1, 12, 30, 0, 5, dt.UTC).replace(tzinfo=None)
    return pa.table(
        {
            "i": pa.array([1, None, 3], pa.int32()),
            "f": pa.array([1.5, float("nan"), float("-inf")]),
            "s": ["", None, 'a "quoted",\nline'],
            "z": pa.array([noon, None, noon], pa.timestamp("us", "America/New_York")),
            "n": pa.array([noon, None, noon], pa.timestamp("ms")),
            "d": [dt.date(2020, 2, 29), None, dt.date(1, 1, 1)],
            "m": [decimal.Decimal("1.20"), None, decimal.Decimal("-3.00")],
            "b": [True, None, False],
            "c": pa.array(["x", "y", None]).dictionary_encode(),
            "l": pa.array([[1, None], [], None], pa.list_(pa.int8())),
            "y": [b"\x00\xff", None, b""],
            ODD: pa.array([1, 2, 3], pa.duration("s")),
        }
    )


def test_csv_follows_rfc_4180(tmp_path: Path) -> None:
    table = mixed()
    path = write_table(tmp_path, "t", table.schema, table.to_batches(), "csv")
    with path.open(newline="") as file:
        header, first, second, third = csv.reader(file)
    assert header == table.column_names
    assert first[:6] == [
        "1", "1.5", "", "2013-01-01T12:30:00.000005Z", "2013-01-01T12:30:00.000", "2020-02-29",
    ]  # fmt: skip
    assert first[6:] == ["1.20", "true", "x", "[1, null]", "00ff", "1"]
    assert second == ["", "nan", "", "", "", "", "", "", "y", "[]", "", "2"]
    assert third[2] == 'a "quoted",\nline'
    line = path.read_text().splitlines()[1]
    assert line.startswith('1,1.5,"",')  # an empty text is not a NULL


def test_json_lines(tmp_path: Path) -> None:
    table = mixed()
    path = write_table(tmp_path, "t", table.schema, table.to_batches(), "jsonl")
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert list(first) == table.column_names
    assert first["z"] == "2013-01-01T12:30:00.000005Z"
    assert (first["i"], first["f"], first["s"], first["b"]) == (1, 1.5, "", True)
    assert (first["d"], first["m"], first["c"], first["l"]) == ("2020-02-29", 1.2, "x", [1, None])
    assert (first["y"], first[ODD]) == ("00ff", 1)
    assert second == dict.fromkeys(table.column_names) | {"f": "NaN", "c": "y", "l": [], ODD: 2}
    assert (third["f"], third["s"], third["y"]) == ("-Infinity", 'a "quoted",\nline', "")


def test_arrow_file(tmp_path: Path) -> None:
    table = mixed()
    path = write_table(tmp_path, "t", table.schema, table.to_batches(), "arrow")
    with pa.OSFile(str(path)) as file:
        assert pa.ipc.open_file(file).read_all().drop("f").equals(table.drop("f"))


def test_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    table = mixed().append_column("a/b", pa.array([1, 2, 3], pa.int8()))
    path = write_table(tmp_path, "t", table.schema, table.to_batches(max_chunksize=1), "hdf5")
    with h5py.File(path) as file:
        assert list(file)[:3] == ["i", "f", "s"]
        assert file["i"][:].tolist() == [1, 0, 3]
        assert file["_null/i"][:].tolist() == [False, True, False]
        assert "f" not in file["_null"]
        assert file["s"].asstr()[:].tolist() == ["", "", 'a "quoted",\nline']
        assert file["z"].attrs["arrow_type"] == "timestamp[us, tz=America/New_York]"
        assert file["z"][0] == table["z"].cast(pa.int64())[0].as_py()
        assert file["a%2Fb"].attrs["name"] == "a/b"
        assert file["b"][:].tolist() == [True, False, False]


def test_hdf5_cannot_hold_nul(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    batch = pa.record_batch([pa.array(["hunter\0two"])], names=["a"])
    with pytest.raises(SinkError, match="NUL") as caught:
        write_table(tmp_path, "t", batch.schema, [batch], "hdf5")
    assert "hunter" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("rows", [0, 1])
def test_small_tables(tmp_path: Path, kind: str, rows: int) -> None:
    table = mixed().slice(0, rows)
    path = write_table(tmp_path, ODD, table.schema, table.to_batches(), kind)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert (path.stat().st_size > 0) == (rows > 0 or kind != "jsonl")


@pytest.mark.parametrize("kind", FORMATS)
def test_equal_rows_are_equal_bytes(tmp_path: Path, kind: str) -> None:
    count = GROUP_ROWS + 1_000
    words = pa.array([f"w{n % 700}" if n % 7 else None for n in range(count)])
    numbers = pa.array([n if n % 5 or n < 70_000 else None for n in range(count)], pa.int32())
    table = pa.table({"w": words, "n": numbers, "c": words.dictionary_encode()})
    digests = set()
    for sizes in ([count], [1, 999, 70_000, count], [65_536] * 3):
        batches, start = [], 0
        for size in sizes:
            part = table.slice(start, size)
            # Dictionaries of their own, and memory that begins elsewhere.
            fresh = part["c"].cast(pa.string()).dictionary_encode().unify_dictionaries()
            part = part.set_column(2, "c", fresh) if size < count else part
            batches += part.combine_chunks().to_batches()
            start += size
        path = write_table(tmp_path / str(len(sizes)), "t", table.schema, batches, kind)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_row_groups_have_one_size(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    batches = [pa.record_batch([pa.array(range(50_000))], schema=schema)] * 6
    path = write_table(tmp_path, "t", schema, iter(batches), "parquet")
    meta = pq.read_metadata(path)
    groups = [meta.row_group(n).num_rows for n in range(meta.num_row_groups)]
    assert groups == [GROUP_ROWS, GROUP_ROWS, 300_000 - 2 * GROUP_ROWS]
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    table = mixed()
    path = write_table(tmp_path, "t", table.schema, table.to_batches())
    before = path.read_bytes()
    wrong = pa.record_batch([pa.array([1])], names=["other"])
    with pytest.raises(SinkError):
        write_table(tmp_path, "t", table.schema, [*table.to_batches(), wrong])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


TYPES: dict[str, tuple[Any, Any]] = {
    "int8": (pa.int8(), st.integers(-128, 127)),
    "int32": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "float16": (pa.float16(), st.floats(width=16)),
    "float32": (pa.float32(), st.floats(width=32)),
    "float64": (pa.float64(), st.floats()),
    "bool": (pa.bool_(), st.booleans()),
    "string": (pa.string(), st.text()),
    "large_string": (pa.large_string(), st.text()),
    "binary": (pa.binary(), st.binary()),
    "fixed": (pa.binary(2), st.binary(min_size=2, max_size=2)),
    "date32": (pa.date32(), st.dates()),
    "time32": (pa.time32("ms"), st.times().map(lambda t: t.replace(microsecond=1000))),
    "time64": (pa.time64("us"), st.times()),
    "micros": (pa.timestamp("us"), st.datetimes()),
    "millis": (pa.timestamp("ms"), st.integers(-(10**13), 10**13)),
    "nanos": (pa.timestamp("ns"), st.integers(-(10**18), 10**18)),
    "utc": (pa.timestamp("us", "UTC"), st.integers(-(10**16), 10**16)),
    "zone": (pa.timestamp("us", "America/New_York"), st.integers(-(10**16), 10**16)),
    "zone_nanos": (pa.timestamp("ns", "Europe/Berlin"), st.integers(-(10**18), 10**18)),
    "duration": (pa.duration("ns"), st.integers(-(2**62), 2**62)),
    "decimal": (pa.decimal128(20, 3), st.decimals(-(10**9), 10**9, places=3)),
    "decimal256": (pa.decimal256(30, 3), st.decimals(-(10**9), 10**9, places=3)),
    "words": (pa.dictionary(pa.int16(), pa.string()), st.text()),
    "codes": (pa.dictionary(pa.int32(), pa.int64()), st.integers(0, 9)),
    "list": (pa.list_(pa.int32()), st.lists(st.integers(0, 9))),
    "struct": (pa.struct([("a", pa.int32())]), st.fixed_dictionaries({"a": st.integers(0, 9)})),
    "null": (pa.null(), st.none()),
}


def _array(kind: Any, cells: list[Any]) -> Any:
    if pa.types.is_dictionary(kind):
        return pa.array(cells, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(cells, kind)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 5))
    cells = {
        name: draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        for name, (_, values) in TYPES.items()
    }
    columns = {name: _array(TYPES[name][0], column) for name, column in cells.items()}
    return pa.table({**columns, ODD: pa.array(range(rows), pa.int8())})


@given(table=tables())
@settings(max_examples=15, deadline=None)
def test_every_type_comes_back(tmp_path_factory: Any, table: pa.Table) -> None:
    folder = tmp_path_factory.mktemp("round")
    sink = FolderSink(folder / "twin")
    columns = tuple(Column(f.name, f.type) for f in table.schema)
    sink.open("r", Schema({ODD: Table(ODD, columns)}))
    sink.write_part(ODD, 0, table.to_batches())
    sink.publish({})
    for source in (open_source(folder / "twin"), open_source({ODD: table})):
        stored = source.schema()[ODD].arrow
        relation = source.engine().relation(ODD)
        part = ViewSource(source, {ODD: f"SELECT * FROM {relation} WHERE true"})
        for found in (read_table(source, ODD), read_table(part, ODD)):
            assert found.schema == stored
            for name in table.column_names:
                # As text, in which NaN is equal to NaN; a view has no sign at zero.
                texts = [str(v).replace("-0.0", "0.0") for v in found[name]]
                before = table[name].cast(found[name].type)
                assert texts == [str(v).replace("-0.0", "0.0") for v in before]
        for field in stored:
            # Parquet knows dictionaries of texts alone, and has names of its own in lists.
            if field.name not in ("codes", "list"):
                assert field.type == table.schema.field(field.name).type
