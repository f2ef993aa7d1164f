"""Pearson's correlation of all pairs of numbers, from sums of integers alone.

Values are put on a grid, so that sums are the same in every engine and any order of rows. Integers
are their own grid; of others it is so fine that a coefficient is exact to about 1e-9: 2**-32 of
a standard deviation of the real column.
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
from synthlake.quality.streamed import Moments, moments_of, streams
from synthlake.sql.kinds import kind

_FINE, _FINEST, _LIMIT = 32, 1000, 2**44
_STEPS, _MOST = 2**16, 2**28
_SUMS = 400  # sums in one statement
_EXACT = "DECIMAL(19, 0)"  # a product of two, summed, is beyond 64 bits


@dataclass(frozen=True)
class Grid:
    """How a column is put into integers: (value - centre) * scale, the nearest one.

    Attributes:
        field: the column.
        mean: of the real values.
        spread: their standard deviation.
    """

    field: Field
    mean: float
    spread: float

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers, which need no finer grid than 1."""
        return kind(self.field.type) not in ("float", "decimal")

    @property
    def centre(self) -> float:
        """A whole number for whole numbers."""
        return float(round(self.mean)) if self.whole else self.mean

    @property
    def scale(self) -> float:
        """A power of two."""
        return 2.0 ** min(_FINE - math.ceil(math.log2(self.spread)), _FINEST)


def grid_of(field: Field, real: Marginal) -> Grid | None:
    """The grid of a real column; None for a constant one."""
    finite = np.isfinite(real.values)
    # beyond, their squares would be infinite
    values, counts = real.values[finite].clip(-MOST, MOST), real.counts[finite]
    if len(values) < 2:
        return None
    mean = float(np.average(values, weights=counts))
    spread = math.sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    return Grid(field, mean, spread) if spread else None


def _scale(data: DataSet, grid: Grid) -> float:
    """The scale here: coefficients do not depend on it, and whole numbers may come as others."""
    found = data.found[grid.field.table].column(grid.field.name).type
    as_real = kind(found) == kind(grid.field.type)
    return min(grid.scale, 1.0) if grid.whole and as_real else grid.scale


def on_grid(data: DataSet, grid: Grid) -> str:
    """SQL of a column in 2**-16 standard deviations, of which 64 bits hold sums of products.

    NULL where it is NULL or not finite.
    """
    column = data.value(grid.field)
    if grid.field.floating:
        column = data.tables.primitives.finite(column)
    real = data.tables.primitives.converted(column, pa.float64())
    scaled = f"ROUND(({real} - {number(grid.mean)}) * {number(_STEPS / grid.spread)})"
    return (
        f"CAST(CASE WHEN {scaled} > {_MOST} THEN {_MOST} WHEN {scaled} < {-_MOST} "
        f"THEN {-_MOST} ELSE {scaled} END AS BIGINT)"
    )


def _on_grid(data: DataSet, grid: Grid) -> str:
    """A column as whole numbers of at most 2**44, as doubles."""
    column = data.value(grid.field)
    found = data.found[grid.field.table].column(grid.field.name).type
    if grid.field.floating:
        column = data.tables.primitives.finite(column)
    moved = f"{data.tables.primitives.converted(column, pa.float64())} - {number(grid.centre)}"
    scale = _scale(data, grid)
    if scale == 1 and pa.types.is_integer(found) and found.bit_width <= 32:
        return moved
    scaled = f"FLOOR(({moved}) * {number(scale)} + 0.5e0)"
    # not GREATEST and LEAST: some engines leave out NULL there
    return (
        f"CASE WHEN {scaled} > {_LIMIT} THEN {_LIMIT}e0 WHEN {scaled} < {-_LIMIT} "
        f"THEN {-_LIMIT}e0 ELSE {scaled} END"
    )


def pearson(
    data: DataSet, table: str, grids: Sequence[Grid], pairs: Sequence[Pair]
) -> dict[Pair, float]:
    """Correlation of each pair over the rows where both are known; NaN where one is constant."""
    place = {g.field.name: i for i, g in enumerate(grids)}
    wanted = [(place[a], place[b]) for a, b in pairs]
    key = ("moments", table, tuple(g.field.name for g in grids))
    if streams(data):
        moments = data.count(key, lambda d: _streamed(d, table, grids), _left)
        return {
            (grids[i].field.name, grids[j].field.name): _correlation(*moments[0].of(i, j))
            for i, j in wanted
        }
    nulls = {i for i, g in enumerate(grids) if data.marginal(g.field).known < data.rows(table)
             or g.field.floating}  # fmt: skip
    sums: dict[str, str] = {}

    def ask(expression: str) -> str:
        return sums.setdefault(expression, f"s{len(sums)}")

    plans = {}
    for i, j in wanted:
        # x * 0 is NULL where x is
        other = {i: f" + 0 * x{j}" * (j in nulls), j: f" + 0 * x{i}" * (i in nulls)}
        plans[i, j] = (
            ask(f"COUNT(x{i}{other[i]})"), ask(f"SUM(x{i} * x{j})"),
            *(ask(f"SUM(x{k}{other[k]})") for k in (i, j)),
            *(ask(f"SUM(x{k} * x{k}{other[k]})") for k in (i, j)),
        )  # fmt: skip
    found = data.count((*key, frozenset(nulls)), lambda d: _sums(d, table, grids, sums), _less)
    return {
        (grids[i].field.name, grids[j].field.name): _correlation(*(found[n] for n in plan))
        for (i, j), plan in plans.items()
    }


_Scaled = tuple[Moments, tuple[float, ...]]


def _streamed(data: DataSet, table: str, grids: Sequence[Grid]) -> _Scaled:
    inner = ", ".join(f"{_on_grid(data, g)} AS x{i}" for i, g in enumerate(grids))
    found = moments_of(data, f"SELECT {inner} FROM {data.tables.read(table)}", len(grids))
    return found, tuple(_scale(data, g) for g in grids)


def _left(whole: _Scaled, part: _Scaled) -> _Scaled | None:
    """Sums of the rows that are not in a part; None where it is on another grid."""
    return (whole[0].less(part[0]), whole[1]) if whole[1] == part[1] else None


def _less(whole: dict[str, int], part: dict[str, int]) -> dict[str, int]:
    return {name: value - part[name] for name, value in whole.items()}


def _sums(data: DataSet, table: str, grids: Sequence[Grid], sums: dict[str, str]) -> dict[str, int]:
    inner = ", ".join(f"CAST({_on_grid(data, g)} AS {_EXACT}) AS x{i}" for i, g in enumerate(grids))
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
