"""Writes the seeds of this project: ``python make_seeds.py PARQUET [SEEDS]``.

PARQUET is the folder of the five tables that ``examples/nycflights13/make_data.py`` writes. The
seeds are the first days of January and the planes that fly on them, with a property file that
says the type of every column: by itself ``dbt seed`` reads ``time_hour``, a key, as text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa

import synthlake

DAYS = 5
_FLIGHTS = f"month = 1 AND day <= {DAYS}"
PARTS = {
    "airlines": "SELECT * FROM airlines",
    "airports": "SELECT * FROM airports",
    "raw_planes": "SELECT * FROM planes WHERE tailnum IN "
    f"(SELECT tailnum FROM flights WHERE {_FLIGHTS})",
    "raw_weather": f"SELECT * FROM weather WHERE {_FLIGHTS}",
    "raw_flights": f"SELECT * FROM flights WHERE {_FLIGHTS}",
}
"""A SELECT statement over the five tables for each seed."""

_TYPES = {
    pa.string(): "text",
    pa.float64(): "double precision",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.timestamp("us", "UTC"): "timestamptz",
}
"""The name of each Arrow type that there is, as DuckDB and PostgreSQL both read it."""


def write_seeds(parquet: Path, seeds: Path) -> None:
    """Write a CSV file a seed, and the types of all columns.

    Raises:
        synthlake.SynthlakeError: the folder does not hold the five tables.
    """
    seeds.mkdir(parents=True, exist_ok=True)
    with connect(parquet) as tables:
        properties = []
        for name, part in PARTS.items():
            rows = tables.sql(part)
            schema = synthlake.open({name: rows}).schema()
            types = {c.name: _TYPES[c.type] for c in schema[name].columns}
            rows.write_csv(str(seeds / f"{name}.csv"), header=True)
            properties.append({"name": name, "config": {"column_types": types}})
    held = {"version": 2, "seeds": properties}
    # JSON is YAML too
    (seeds / "_types.yml").write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")


def connect(parquet: Path) -> duckdb.DuckDBPyConnection:
    """The five tables as views, in a session in which a time is written in UTC."""
    tables = duckdb.connect()
    tables.execute("SET TimeZone = 'UTC'")
    for name in synthlake.open(parquet).schema().tables:
        path = str(parquet / f"{name}.parquet").replace("'", "''")
        tables.execute(f"CREATE VIEW {name} AS SELECT * FROM '{path}'")
    return tables


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python make_seeds.py PARQUET [SEEDS]")
    here = Path(__file__).resolve().parent
    write_seeds(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else here / "seeds")
