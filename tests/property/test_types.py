"""Every Arrow type through the whole path: fit, save, load, sample."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.arrow_types import DICTIONARIES, FLAT, arrow_types, texts, values_of

import synthlake as sl
from synthlake.encode.axis import whole
from synthlake.source.nesting import is_listed, lists_of

ROWS = 1_500
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _columns() -> dict[str, pa.Array[Any]]:
    random = np.random.default_rng(0)
    normal = random.normal(size=ROWS)
    small = np.clip(normal * 20 + 50, 0, 120).astype(np.int64)
    cents = [Decimal(int(x)) / 100 for x in normal * 10_000]
    days, seconds = (normal * 300 + 15_000).astype(np.int64), random.integers(0, 86_400, ROWS)
    words = pa.array(np.array(["oak", "elm", "ash", "fir"])[random.integers(0, 4, ROWS)].tolist())
    out: dict[str, pa.Array[Any]] = {
        name: pa.array(small).cast(getattr(pa, name)())
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    }
    out["huge uint64"] = pa.array(small.astype(np.uint64) % 7 + np.uint64(2**64 - 9))
    for width in (pa.float16(), pa.float32(), pa.float64()):
        out[str(width)] = pa.array(np.round(normal * 20 + 50, 1)).cast(width, safe=False)
    for dtype in (pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(10, 2),
                  pa.decimal128(38, 2), pa.decimal256(30, 2)):  # fmt: skip
        out[str(dtype)] = pa.array(cents, pa.decimal256(50, 2)).cast(dtype)
    out["date32"] = pa.array(days.astype(np.int32)).cast(pa.date32())
    out["date64"] = out["date32"].cast(pa.date64())
    for unit, factor in _PER_SECOND.items():
        whole = pa.array(seconds * factor)
        out[f"time {unit}"] = (
            whole.cast(pa.int32()).cast(pa.time32(unit))  # type: ignore[arg-type]
            if unit in ("s", "ms") else whole.cast(pa.time64(unit))  # type: ignore[arg-type]
        )  # fmt: skip
        out[f"duration {unit}"] = whole.cast(pa.duration(unit))  # type: ignore[arg-type]
        stamps = pa.array((days * 86_400 + seconds) * factor)
        for zone in (None, "Europe/Berlin"):
            out[f"timestamp {unit} {zone}"] = stamps.cast(pa.timestamp(unit, zone))  # type: ignore[call-overload]
    out["bool"] = pa.array(normal > 0)
    out["string"], out["large string"] = words, words.cast(pa.large_string())
    out["dictionary"] = words.dictionary_encode()
    out["small dictionary"] = words.cast(pa.dictionary(pa.int8(), pa.large_string()))
    out["ordered dictionary"] = pa.array(small % 5).dictionary_encode()
    out["text"] = pa.array([f"AB-{n:05d}" for n in random.permutation(ROWS)])
    out["null"] = pa.nulls(ROWS)
    return out


COLUMNS = _columns()
UNLEARNED = {"null"}
HOLES = np.arange(ROWS) % 4 == 0


@pytest.fixture(scope="module")
def real() -> pa.Table:
    """Every column whole, and once more with a quarter of NULLs."""
    holes = {f"{name} or NULL": pa.compute.if_else(pa.array(HOLES), None, array)
             for name, array in COLUMNS.items()
             if name not in UNLEARNED and not pa.types.is_dictionary(array.type)}  # fmt: skip
    return pa.table({"id": np.arange(ROWS), **COLUMNS, **holes})


@pytest.fixture(scope="module")
def twin(real: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    folder: Path = tmp_path_factory.mktemp("types") / "artifact"
    artifact = sl.fit({"t": real}, seed=1)
    artifact.save(folder)
    made = sl.load(folder).sample(seed=2).to_arrow()["t"]
    assert made.equals(artifact.sample(seed=2).to_arrow()["t"])
    return made


@pytest.mark.slow
def test_types_are_those_of_the_source(real: pa.Table, twin: pa.Table) -> None:
    assert twin.column_names == real.column_names
    assert twin.schema.types == real.schema.types
    twin.validate(full=True)
    assert twin.num_rows == ROWS


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in COLUMNS if n not in UNLEARNED])
def test_values_are_plausible(real: pa.Table, twin: pa.Table, name: str) -> None:
    assert twin[name].null_count == 0
    if f"{name} or NULL" in real.column_names:
        assert twin[f"{name} or NULL"].null_count / ROWS == pytest.approx(0.25, abs=0.05)
    if name == "text":
        assert (
            pa.compute.match_substring_regex(twin[name], r"^[A-Z]{2}-\d{5}$")
            .to_pylist()
            .count(True)
            == ROWS
        )
        return
    if (
        pa.types.is_dictionary(COLUMNS[name].type)
        or pa.types.is_boolean(COLUMNS[name].type)
        or "string" in name
    ):
        assert set(twin[name].to_pylist()) == set(real[name].to_pylist())
        return
    a, b = (np.sort([_number(v) for v in t[name].to_pylist()]) for t in (real, twin))
    spread = a[-1] - a[0]
    assert a[0] - spread / 4 <= b[0]
    assert b[-1] <= a[-1] + spread / 4
    grid = np.union1d(a, b)
    gap = np.searchsorted(a, grid, side="right") - np.searchsorted(b, grid, side="right")
    assert np.abs(gap).max() / ROWS < 0.08


def _number(value: Any) -> float:
    """A value of an ordered type as a number."""
    if hasattr(value, "timestamp"):
        return float(value.timestamp())
    if hasattr(value, "total_seconds"):
        return float(value.total_seconds())
    if hasattr(value, "toordinal"):
        return float(value.toordinal())
    if hasattr(value, "hour"):
        return float(value.hour * 3_600 + value.minute * 60 + value.second)
    return float(value)


@pytest.mark.slow
def test_what_cannot_be_learned_is_null(twin: pa.Table) -> None:
    for name in UNLEARNED:
        assert twin[name].null_count == ROWS


@pytest.mark.parametrize("action", ["null", "skip"])
def test_nested_values_are_left_out_where_asked(action: str) -> None:
    rows = 60
    data = {"t": pa.table({"id": np.arange(rows), "n": np.arange(rows) % 3, "deep": [[1]] * rows})}
    made = sl.fit(data, {"t": {"columns": {"deep": {"action": action}}}}).sample().to_arrow()["t"]
    if action == "null":
        assert made["deep"].null_count == rows
        assert made["deep"].type == pa.list_(pa.int64())
    else:
        assert made.column_names == ["id", "n"]


EVERY = {**FLAT, **DICTIONARIES}
FEW = 400


@pytest.fixture(scope="module")
def extremes() -> pa.Table:
    """A column of each type beside NULL: its extremes, each of which k entities have."""
    random = np.random.default_rng(0)
    return pa.table({
        "id": np.arange(FEW),
        **{name: values_of(dtype, FEW, random, known) for name, (dtype, known) in EVERY.items()},
    })  # fmt: skip


@pytest.fixture(scope="module")
def made(extremes: pa.Table) -> pa.Table:
    return sl.fit({"t": extremes}, seed=1).sample(seed=2)["t"].to_arrow()


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_extremes_come_back_exactly(extremes: pa.Table, made: pa.Table, name: str) -> None:
    assert made[name].type == extremes[name].type
    made[name].validate(full=True)
    assert set(texts(made[name])) == set(texts(extremes[name]))
    assert made[name].null_count / FEW == pytest.approx(extremes[name].null_count / FEW, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in EVERY if len(EVERY[n][1]) > 1])
def test_every_type_follows_a_column_that_it_depends_on(name: str) -> None:
    dtype, known = EVERY[name]
    places = np.random.default_rng(3).integers(0, 3, FEW)  # 2 is NULL
    plain: Any = dtype.storage_type if isinstance(dtype, pa.BaseExtensionType) else dtype
    value_type = plain.value_type if pa.types.is_dictionary(plain) else plain
    values = pa.array([*known[:2], None], value_type)
    column = pa.array([values[int(p)].as_py() for p in places], value_type)
    if pa.types.is_dictionary(plain):
        column = column.dictionary_encode().cast(pa.dictionary(pa.int16(), value_type))
    if isinstance(dtype, pa.BaseExtensionType):
        column = pa.ExtensionArray.from_storage(dtype, column)
    data = pa.table({"id": np.arange(FEW), "of": [f"p{p}" for p in places], "v": column})
    twin = sl.fit({"t": data}, seed=1).sample(seed=2)["t"].to_arrow()
    wanted = dict(zip(data["of"].to_pylist(), texts(data["v"]), strict=True))
    agree = [wanted[of] == v
             for of, v in zip(twin["of"].to_pylist(), texts(twin["v"]), strict=True)]  # fmt: skip
    assert np.mean(agree) > 0.97


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(kinds=st.lists(arrow_types(), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_random_schemas_go_the_whole_way(kinds: list[Any], seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {f"c{n}": values_of(kind, 150, random) for n, kind in enumerate(kinds)}
    real = pa.table({"id": np.arange(150), **columns})
    with tempfile.TemporaryDirectory() as scratch:
        artifact = sl.fit({"t": real}, seed=seed, k=3)
        artifact.save(Path(scratch) / "artifact")
        table = sl.load(Path(scratch) / "artifact").sample(seed=1)["t"]
        twin = table.to_arrow()
        again = artifact.sample(seed=1)["t"]
        rows = pa.Table.from_batches(again.batches(13, 97), again.schema)
        artifact.sample(seed=1).write(Path(scratch) / "out")
        back = pq.read_table(Path(scratch) / "out" / "t.parquet")
    twin.validate(full=True)
    assert twin.schema.types == real.schema.types
    for name in columns:
        held = texts(twin[name])
        assert texts(rows[name]) == held[13:97]
        assert set(_flat_values(real[name])) >= set(_flat_values(twin[name]))
        if back[name].type == twin[name].type:
            assert texts(back[name]) == held


def _flat_values(column: Any) -> list[str]:
    """Whatever lies in the leaves of a column, as text."""
    found: list[str] = []
    todo = [whole(column)]
    while todo:
        array = todo.pop()
        if pa.types.is_struct(array.type):
            todo += array.flatten()
        elif is_listed(array.type):
            todo.append(lists_of(array).items)
        else:
            found += texts(array)
    return [text for text in found if text != "null"]
