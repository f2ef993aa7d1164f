"""The example's tables are the real ones, with the facts that make them hard."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "nycflights13"
ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}


@pytest.fixture(scope="module")
def make_data() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_data", EXAMPLE / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _count(folder: Path, sql: str) -> int:
    with duckdb.connect() as connection:
        for table in ROWS:
            connection.read_parquet(str(folder / f"{table}.parquet")).create_view(table)
        ((found,),) = connection.execute(f"SELECT count(*) FROM {sql}").fetchall()
    return int(found)


def test_all_rows_are_there(nycflights13: Path) -> None:
    assert {t: pq.read_metadata(nycflights13 / f"{t}.parquet").num_rows for t in ROWS} == ROWS


def test_types_are_exact(nycflights13: Path) -> None:
    flights = pq.read_schema(nycflights13 / "flights.parquet")
    assert flights.field("time_hour").type == pa.timestamp("us", tz="UTC")
    assert flights.field("dep_time").type == pa.int32()
    assert flights.field("tailnum").type == pa.string()
    assert pq.read_schema(nycflights13 / "airports.parquet").field("tz").type == pa.int64()


@pytest.mark.parametrize(
    ("rows", "sql"),
    [
        (2512, "flights WHERE tailnum IS NULL"),
        (50094, "flights ANTI JOIN planes USING (tailnum) WHERE tailnum IS NOT NULL"),
        (7602, "flights ANTI JOIN airports ON dest = faa"),
        (1556, "flights ANTI JOIN weather USING (origin, time_hour)"),
        (0, "flights WHERE hour <> hour(time_hour AT TIME ZONE 'America/New_York')"),
    ],
)
def test_the_hard_facts_hold(nycflights13: Path, rows: int, sql: str) -> None:
    assert _count(nycflights13, sql) == rows


def test_a_complete_folder_is_left_alone(make_data: ModuleType, tmp_path: Path) -> None:
    for table in make_data.TABLES:
        (tmp_path / f"{table}.parquet").write_bytes(b"mine")
    make_data.write_tables(tmp_path)
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {b"mine"}


def test_what_is_missing_is_made(make_data: ModuleType, tmp_path: Path) -> None:
    for table in set(make_data.TABLES) - {"planes"}:
        (tmp_path / f"{table}.parquet").write_bytes(b"mine")
    make_data.write_tables(tmp_path)
    assert pq.read_metadata(tmp_path / "planes.parquet").num_rows == ROWS["planes"]
    assert (tmp_path / "flights.parquet").read_bytes() == b"mine"


def test_the_spec_names_real_columns(make_data: ModuleType) -> None:
    spec = YAML(typ="safe").load((EXAMPLE / "synthlake.yml").read_text(encoding="utf-8"))
    assert set(spec["tables"]) == set(ROWS)
    for name, table in spec["tables"].items():
        used = [*table["primary_key"], *(c for fk in _keys(table) for c in fk["columns"])]
        assert set(used) <= set(make_data.TABLES[name])
    assert sum(len(_keys(table)) for table in spec["tables"].values()) == 6


def _keys(table: dict[str, list[dict[str, list[str]]]]) -> list[dict[str, list[str]]]:
    return table.get("foreign_keys", [])
