"""Pearson's correlation of all pairs of numbers, from sums of integers alone.

Values are put on a grid of 2**-16 standard deviations of the real column, so that sums are the
same in every engine and any order of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthlake.quality.dataset import DataSet
from synthlake.quality.expressions import number
from synthlake.quality.layout import Field
from synthlake.quality.marginal import MOST, Marginal
from synthlake.quality.pairing import Pair

_STEPS, _LIMIT = 2**16, 2**28
_SUMS = 400  # sums in one statement


@dataclass(frozen=True)
class Grid:
    """How a column is put into integers."""

    field: Field
    centre: float
    scale: float


def grid_of(field: Field, real: Marginal) -> Grid | None:
    """The grid of a real column; None for a constant one."""
    finite = np.isfinite(real.values)
    # beyond, their squares would be infinite
    values, counts = real.values[finite].clip(-MOST, MOST), real.counts[finite]
    if len(values) < 2:
        return None
    mean = float(np.average(values, weights=counts))
    spread = math.sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    return Grid(field, mean, _STEPS / spread) if spread else None


def on_grid(data: DataSet, grid: Grid) -> str:
    """SQL of a column on its grid, NULL where it is NULL or not finite."""
    column = data.value(grid.field)
    if grid.field.floating:
        column = data.tables.primitives.finite(column)
    real = data.tables.primitives.converted(column, pa.float64())
    scaled = f"ROUND(({real} - {number(grid.centre)}) * {number(grid.scale)})"
    # not GREATEST and LEAST: some engines leave out NULL there
    return (
        f"CAST(CASE WHEN {scaled} > {_LIMIT} THEN {_LIMIT} WHEN {scaled} < {-_LIMIT} "
        f"THEN {-_LIMIT} ELSE {scaled} END AS BIGINT)"
    )


def pearson(
    data: DataSet, table: str, grids: Sequence[Grid], pairs: Sequence[Pair]
) -> dict[Pair, float]:
    """Correlation of each pair over the rows where both are known; NaN where one is constant."""
    place = {g.field.name: i for i, g in enumerate(grids)}
    nulls = {i for i, g in enumerate(grids) if data.marginal(g.field).known < data.rows(table)
             or g.field.floating}  # fmt: skip
    sums: dict[str, str] = {}

    def ask(expression: str) -> str:
        return sums.setdefault(expression, f"s{len(sums)}")

    plans = {}
    for i, j in ((place[a], place[b]) for a, b in pairs):
        # x * 0 is NULL where x is
        other = {i: f" + 0 * x{j}" * (j in nulls), j: f" + 0 * x{i}" * (i in nulls)}
        plans[i, j] = (
            ask(f"COUNT(x{i}{other[i]})"), ask(f"SUM(x{i} * x{j})"),
            *(ask(f"SUM(x{k}{other[k]})") for k in (i, j)),
            *(ask(f"SUM(x{k} * x{k}{other[k]})") for k in (i, j)),
        )  # fmt: skip
    key = ("moments", table, tuple(g.field.name for g in grids), frozenset(nulls))
    found = data.count(key, lambda d: _sums(d, table, grids, sums), _less)
    return {
        (grids[i].field.name, grids[j].field.name): _correlation(*(found[n] for n in plan))
        for (i, j), plan in plans.items()
    }


def _less(whole: dict[str, int], part: dict[str, int]) -> dict[str, int]:
    return {name: value - part[name] for name, value in whole.items()}


def _sums(data: DataSet, table: str, grids: Sequence[Grid], sums: dict[str, str]) -> dict[str, int]:
    inner = ", ".join(f"{on_grid(data, g)} AS x{i}" for i, g in enumerate(grids))
    source = f"(SELECT {inner} FROM {data.tables.read(table)}) AS s"
    out: dict[str, int] = {}
    items = list(sums.items())
    for start in range(0, len(items), _SUMS):
        select = ", ".join(f"{what} AS {name}" for what, name in items[start : start + _SUMS])
        row = data.query(f"SELECT {select} FROM {source}").to_pylist()[0]
        out |= {name: int(value or 0) for name, value in row.items()}
    return out


def _correlation(n: int, xy: int, x: int, y: int, xx: int, yy: int) -> float:
    across, along = n * xx - x * x, n * yy - y * y  # exact, as these are integers
    if across <= 0 or along <= 0:
        return math.nan
    return (n * xy - x * y) / (math.sqrt(across) * math.sqrt(along))
