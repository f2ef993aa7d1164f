"""Primitives in every engine, against memory and against the same rules written in Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.contract import hard
from tests.contract.conftest import Both
from tests.contract.engines import ENGINES, as_held

from synthlake.ports import Source
from synthlake.source import open_source
from synthlake.sql.keys import Part, key_text, row_hash
from synthlake.sql.kinds import KEYS, kind
from synthlake.sql.tables import Tables

Pair = tuple[Source, Source]


def values(source: Source, table: str, expression: str) -> list[Any]:
    """Results of an expression over ``t``, by ``id``."""
    tables = Tables(source.engine(), source.schema())
    sql = f"SELECT t.id AS i, {expression} AS v FROM {tables.read(table)}"
    return [
        row["v"] for row in sorted(source.engine().query(sql).to_pylist(), key=lambda r: r["i"])
    ]


def of(source: Source) -> Any:
    return Tables(source.engine(), source.schema()).primitives


def test_keys_of_every_type_have_one_text(both: Both) -> None:
    seen = both.schema["seen"]
    written = 0
    for column in seen.columns:
        if kind(column.type) in KEYS:
            part = Part(f"t.{column.name}", column.type, "")
            ours, theirs = (
                values(source, "seen", key_text(of(source), [part]))
                for source in (both.source, both.memory)
            )
            assert ours == theirs, column.name
            written += len(set(ours))
    assert written > len(hard.TEXTS)


def test_rows_of_every_type_have_one_hash(both: Both) -> None:
    parts = [Part(f"t.{c.name}", c.type, "") for c in both.schema["seen"].columns]
    found = [values(s, "seen", row_hash(of(s), parts)) for s in (both.source, both.memory)]
    assert found[0] == found[1]
    assert len(set(found[0])) == hard.SEEN


def test_wide_rows_of_every_type_have_one_hash(both: Both) -> None:
    columns = [c for c in both.schema["seen"].columns for _ in range(10)]
    parts = [Part(f"t.{c.name}", c.type, "") for c in columns]
    assert len(parts) > 100
    found = [values(s, "seen", row_hash(of(s), parts)) for s in (both.source, both.memory)]
    assert found[0] == found[1]
    assert len(set(found[0])) == hard.SEEN


@pytest.mark.parametrize(("name", "least"), [("value", {0, 1, 10}), ("single", {0, 1, 2})])
def test_floats_are_told_alike(both: Both, name: str, least: set[int]) -> None:
    column = both.schema["seen"].column(name)
    cell = f"t.{name}"
    for emit in ("float_text", "finite"):
        ours, theirs = (
            values(s, "seen", getattr(of(s), emit)(cell)) for s in (both.source, both.memory)
        )
        assert ours == theirs, emit
    found = [
        values(s, "seen", of(s).decimals(cell, column.type)) for s in (both.source, both.memory)
    ]
    assert found[0] == found[1]
    assert least <= set(found[0])
    for special in ("nan", "inf", "-inf"):
        counted = [
            values(s, "seen", f"CASE WHEN {of(s).is_special(cell, special)} THEN 1 ELSE 0 END")
            for s in (both.source, both.memory)
        ]
        assert counted[0] == counted[1], special


def test_texts_are_shaped_and_measured_alike(both: Both) -> None:
    given = values(both.source, "seen", "t.text")
    shaped = values(both.source, "seen", of(both.source).shape("t.text"))
    assert shaped == [None if text is None else shape(text) for text in given]
    begun = values(both.source, "seen", of(both.source).beginning("t.text", 3))
    assert begun == [None if text is None else text[:3] for text in given]
    octets = values(both.source, "seen", of(both.source).octets("t.text"))
    assert octets == [None if text is None else str(len(text.encode())) for text in given]


def shape(text: str) -> str:
    for pattern, mark in (("[0-9]", "9"), ("[A-Z]", "A"), ("[a-z]", "a"), (r"[^\x00-\x7f]", "*")):
        text = re.sub(pattern, mark, text)
    return text


CELLS = ["7", "007", "-7", "+7", "7.00", "7.5", "", " 7", "7 ", "x", "1e3", "0x1F", "1_000",
         "9223372036854775807", "9223372036854775808", "9" * 40, "٣", "true", "2012-02-29",
         "2013-02-29", "2013-2-3", "2013-04-31", "2013-01-01 00:00:00", "2013-01-01 12:00:00",
         "2013-13-01", "NaN", "Infinity", "0.125", "-0.5", None]  # fmt: skip
EXPECTED: dict[str, tuple[pa.DataType, dict[str, Any]]] = {
    "integer": (
        pa.int64(),
        {"7": 7, "007": 7, "-7": -7, "+7": 7, "7.00": 7, "9223372036854775807": 2**63 - 1},
    ),
    "decimal": (
        pa.decimal128(5, 1),
        {text: Decimal(text) for text in ("7", "007", "-7", "+7", "7.00", "7.5", "-0.5")}
        | {"0.125": Decimal("0.1")},
    ),
    "date": (
        pa.date32(),
        {"2012-02-29": dt.date(2012, 2, 29), "2013-01-01 00:00:00": dt.date(2013, 1, 1)},
    ),
}


@pytest.fixture
def cells(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Iterator[Source]:
    table = pa.table({
        "id": pa.array(range(len(CELLS)), pa.int32()),
        "text": pa.array(CELLS, pa.string()),
        "whole": pa.array([n - 3 if n % 5 else None for n in range(len(CELLS))], pa.int64()),
        "price": pa.array([Decimal(n) / 4 for n in range(len(CELLS))], pa.decimal128(8, 2)),
    })  # fmt: skip
    source = ENGINES[engine](request, as_held(engine, {"cells": table}), tmp_path)
    yield source
    source.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("to", EXPECTED)
def test_texts_are_converted_by_their_form(cells: Source, to: str) -> None:
    type, expected = EXPECTED[to]
    primitives = of(cells)
    # as canonical texts: not every engine has the type
    found = values(cells, "cells", primitives.key_text(primitives.converted("t.text", type), type))
    table = pa.table({"id": range(len(expected)), "v": pa.array(expected.values(), type)})
    memory = open_source({"v": table})
    texts = values(memory, "v", of(memory).key_text("t.v", type))
    assert dict(zip(CELLS, found, strict=True)) == {
        **dict.fromkeys(CELLS), **dict(zip(expected, texts, strict=True))
    }  # fmt: skip


def test_numbers_are_converted_by_their_value(cells: Source) -> None:
    primitives = of(cells)
    whole = values(cells, "cells", primitives.converted("t.price", pa.int64()))
    assert whole == [n // 4 if n % 4 == 0 else None for n in range(len(CELLS))]
    text = values(cells, "cells", primitives.converted("t.whole", pa.string()))
    assert text == [str(n - 3) if n % 5 else None for n in range(len(CELLS))]
    wide = primitives.key_text(
        primitives.converted("t.whole", pa.decimal128(8, 2)), pa.decimal128(8, 2)
    )
    assert values(cells, "cells", wide) == [
        str((n - 3) * 100) if n % 5 else None for n in range(len(CELLS))
    ]
