"""Bad and odd input: each a typed error that says what to do, or a valid twin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthlake.errors import (
    SchemaError,
    SinkOccupiedError,
    SourceError,
    SourceMissingError,
    SpecError,
    SynthlakeError,
)
from synthlake.pipeline.run import RunResult, run

Spec = dict[str, Any]
SpecOf = Callable[..., Spec]
ODD = 'select "x"; drop'
SECRET = "Zanzibar-4711"  # a cell's value that no message may repeat


def refused(spec: Spec, kind: type[SynthlakeError]) -> str:
    """The message of a run that must fail, and leave nothing behind."""
    with pytest.raises(kind) as caught:
        run(spec)
    error = caught.value
    assert error.hint, f"{error.message} has no hint"
    assert SECRET not in str(error)
    assert not Path(spec["sink"]).exists()
    return error.message


def valid(spec: Spec, tables: dict[str, pa.Table]) -> RunResult:
    """A run that must succeed, with the types of its source."""
    done = run(spec)
    assert done.passed, done.summary
    for name, real in tables.items():
        made = read(spec, name)
        assert made.schema.names == real.schema.names
        assert made.schema.types == real.schema.types
    return done


def read(spec: Spec, name: str) -> pa.Table:
    return pq.read_table(Path(spec["sink"]) / f"{name}.parquet")


def test_a_missing_folder(spec_of: SpecOf, tables: Any, tmp_path: Path) -> None:
    spec = {**spec_of(tables), "source": str(tmp_path / "nowhere")}
    assert "nowhere" in refused(spec, SourceMissingError)


def test_a_corrupt_file(spec_of: SpecOf, tables: Any, tmp_path: Path) -> None:
    spec = spec_of(tables)
    path = tmp_path / "data" / "orders.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "orders" in refused(spec, SourceError)


def test_an_unknown_column(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    spec["tables"]["orders"]["columns"] = {"amuont": {"role": "numeric"}}
    assert "orders has no column 'amuont'" in refused(spec, SchemaError)


def test_an_unknown_column_in_a_key(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    spec["tables"]["orders"]["primary_key"] = ["ordr_id"]
    assert "ordr_id" in refused(spec, SchemaError)


def test_a_foreign_key_to_a_missing_table(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    spec["tables"]["orders"]["foreign_keys"][0]["references"] = "custmers"
    assert "custmers" in refused(spec, SchemaError)


def test_a_reference_to_a_skipped_table(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    spec["tables"]["customers"] = {"skip": True}
    assert "customers" in refused(spec, SchemaError)


def test_duplicate_primary_keys(spec_of: SpecOf, tables: Any) -> None:
    tables["orders"] = pa.concat_tables([tables["orders"], tables["orders"].slice(0, 3)])
    message = refused(spec_of(tables), SchemaError)
    assert "orders (order_id)" in message
    assert "3 of 2003 rows" in message


def test_an_unknown_table(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    spec["tables"]["ordrs"] = {"keep": True}
    assert "ordrs" in refused(spec, SchemaError)


def test_a_target_that_is_not_ours(spec_of: SpecOf, tables: Any, tmp_path: Path) -> None:
    spec = spec_of(tables)
    target = tmp_path / "twin"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    with pytest.raises(SinkOccupiedError) as caught:
        run(spec)
    assert caught.value.hint
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]


def test_no_sink_and_no_such_sink(spec_of: SpecOf, tables: Any) -> None:
    spec = spec_of(tables)
    with pytest.raises(SpecError, match="no sink"):
        run({key: value for key, value in spec.items() if key != "sink"})
    with pytest.raises(SpecError, match="gopher"):
        run({**spec, "sink": "gopher://x"})


def test_an_empty_table(spec_of: SpecOf, tables: Any) -> None:
    tables["orders"] = tables["orders"].slice(0, 0)
    spec = spec_of(tables)
    valid(spec, tables)
    assert read(spec, "orders").num_rows == 0
    assert read(spec, "customers").num_rows == tables["customers"].num_rows


def test_an_empty_database(spec_of: SpecOf, tables: Any) -> None:
    tables = {name: table.slice(0, 0) for name, table in tables.items()}
    spec = spec_of(tables)
    valid(spec, tables)
    assert read(spec, "customers").num_rows == 0


def test_a_table_of_one_row(spec_of: SpecOf, tables: Any) -> None:
    tables["head_office"] = pa.table({"street": [SECRET], "floor": [13]})
    spec = spec_of(tables)
    assert "head_office has 1 rows" in refused(spec, SpecError)
    spec["tables"]["head_office"] = {"synthesizer": "independent"}
    valid(spec, tables)
    files = [path for path in Path(spec["sink"]).rglob("*") if path.is_file()]
    holders = [path.name for path in files if SECRET.encode() in path.read_bytes()]
    assert holders == []
    assert SECRET not in read(spec, "head_office")["street"].to_pylist()


def test_few_values_in_columns_that_allow_no_null(spec_of: SpecOf, tables: Any) -> None:
    columns = {
        "name": pa.array([f"{SECRET} {'x' * n}" for n in range(16)]),
        "budget": pa.array([1000.5 * 7**n for n in range(16)]),
        "since": pa.array([n * 10**14 for n in range(16)], pa.timestamp("us")),
    }
    strict = pa.schema([pa.field(n, c.type, nullable=False) for n, c in columns.items()])
    tables["offices"] = pa.table(columns, strict)
    spec = spec_of(tables)
    valid(spec, tables)
    made = read(spec, "offices")
    assert made.num_rows == 16
    assert [column.null_count for column in made.columns] == [0, 0, 0]
    assert not any(SECRET in text for text in made["name"].to_pylist())


def test_a_column_of_nothing(spec_of: SpecOf, tables: Any) -> None:
    rows = tables["customers"].num_rows
    tables["customers"] = (
        tables["customers"]
        .append_column("fax", pa.nulls(rows, pa.string()))
        .append_column("score", pa.nulls(rows, pa.float64()))
        .append_column("seen", pa.nulls(rows, pa.timestamp("us")))
    )
    spec = spec_of(tables)
    valid(spec, tables)
    made = read(spec, "customers")
    assert [made[c].null_count for c in ("fax", "score", "seen")] == [made.num_rows] * 3


def test_a_column_of_one_value(spec_of: SpecOf, tables: Any) -> None:
    rows = tables["customers"].num_rows
    tables["customers"] = tables["customers"].append_column("one", pa.array(["x"] * rows))
    spec = spec_of(tables)
    valid(spec, tables)
    assert set(read(spec, "customers")["one"].to_pylist()) == {"x"}


def test_names_that_are_sql(spec_of: SpecOf, tables: Any) -> None:
    renamed = tables["customers"].rename_columns(["customer_id", ODD, "it's % {} \\ -- é"])
    tables = {"customers": renamed, "orders": tables["orders"]}
    spec = spec_of(tables)
    spec["tables"]["customers"]["columns"] = {ODD: {"role": "categorical"}}
    valid(spec, tables)
    assert set(read(spec, "customers")[ODD].to_pylist()) <= {"Oslo", "Rome", "Kyiv"}


def test_a_table_whose_name_is_sql(spec_of: SpecOf, tables: Any, tmp_path: Path) -> None:
    spec = spec_of({"orders": tables["orders"]})
    pq.write_table(tables["customers"], tmp_path / "data" / f"{ODD}.parquet")
    orders = spec["tables"].pop("orders")
    orders["foreign_keys"][0]["references"] = ODD
    spec["tables"] = {"orders": orders, ODD: spec["tables"].pop("customers")}
    done = run(spec)
    assert done.passed, done.summary
    from synthlake.source import open_source

    assert set(open_source(spec["sink"]).schema().tables) == {"orders", ODD}
