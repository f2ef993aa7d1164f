"""Counts over rows that follow each other, each by one sort in the engine.

Cost: each count sorts the rows of a table once; nothing is kept in the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthlake.quality.bins import Bins, Counts, code
from synthlake.quality.dataset import DataSet
from synthlake.quality.expressions import interval_code
from synthlake.quality.layout import Field
from synthlake.quality.marginal import (
    MAX_CUTS,
    MAX_VALUES,
    Aligned,
    Floats,
    Marginal,
    align_values,
    thinned,
)
from synthlake.quality.moments import Grid, on_grid
from synthlake.quality.sequences import Order, in_order

LAGS = (1, 2, 3)
MIN_LENGTH = 10
"""Known rows of a sequence, below which its autocorrelation is not looked at."""
_COLUMNS = 16  # in one statement of moments
_SETS = 60  # groupings in one statement


def transitions(
    data: DataSet, order: Order, bins: Sequence[Bins], seed: int
) -> dict[str, Counts]:  # fmt: skip
    """Rows by the code of the row before and their own, shape (size, size) by column."""
    names = tuple(b.field.name for b in bins)
    return data.once(
        ("transitions", order, names, seed), lambda: _transitions(data, order, bins, seed)
    )


def _transitions(
    data: DataSet, order: Order, bins: Sequence[Bins], seed: int
) -> dict[str, Counts]:  # fmt: skip
    out: dict[str, Counts] = {}
    for start in range(0, len(bins), _SETS):
        some = bins[start : start + _SETS]
        source, window = in_order(
            data, order, {f"c{i}": code(data, b) for i, b in enumerate(some)}, seed
        )
        joint = ", ".join(
            f"LAG(c{i}) OVER ({window}) * {b.size} + c{i} AS q{i}" for i, b in enumerate(some)
        )
        names = [f"q{i}" for i in range(len(some))]
        sets = ", ".join(f"({n})" for n in names)
        found = data.query(
            f"SELECT {', '.join(names)}, COUNT(*) AS n FROM (SELECT {joint} FROM ({source}) AS r) "
            f"AS s WHERE q0 IS NOT NULL GROUP BY GROUPING SETS ({sets})"
        )
        number = found["n"].to_numpy().astype(np.int64)
        for name, b in zip(names, some, strict=True):
            cells = np.zeros(b.size * b.size, np.int64)
            place = found[name].to_numpy(zero_copy_only=False).astype(np.float64)
            mine = ~np.isnan(place)  # a column outside of a row's set is NULL
            cells[place[mine].astype(np.int64)] = number[mine]
            out[b.field.name] = cells.reshape(b.size, b.size)
    return out


@dataclass(frozen=True)
class Lagged:
    """A column beside itself some rows earlier.

    Attributes:
        value: correlation; NaN where there is none.
        pairs: rows that it rests on.
    """

    value: float
    pairs: int


def autocorrelations(
    data: DataSet, order: Order, grids: Sequence[Grid], seed: int
) -> dict[str, tuple[Lagged, ...]]:
    """Of each column, for each lag: correlation of a row with that so many rows before it.

    Values are taken from the mean of their sequence, so that sequences of different levels show
    nothing; both rows must be known. Sums are of integers, as in ``moments``. Only sequences with
    ``MIN_LENGTH`` known rows count: by the mean of its own T rows, even one without any order has
    about -1/(T - 1), and one of two rows exactly -1.

    Source: Box and Jenkins (1970), section 2.1.4, pooled over sequences; Kendall (1954),
    doi:10.1093/biomet/41.3-4.403, of the bias.
    """
    names = tuple(g.field.name for g in grids)

    def make() -> dict[str, tuple[Lagged, ...]]:
        out: dict[str, tuple[Lagged, ...]] = {}
        for start in range(0, len(grids), _COLUMNS):
            out |= _autocorrelations(data, order, grids[start : start + _COLUMNS], seed)
        return out

    return data.once(("autocorrelations", order, names, seed), make)


def _autocorrelations(
    data: DataSet, order: Order, grids: Sequence[Grid], seed: int
) -> dict[str, tuple[Lagged, ...]]:
    every = range(len(grids))
    source, window = in_order(data, order, {f"x{i}": on_grid(data, grids[i]) for i in every}, seed)
    family = window.partition(" ORDER BY ")[0]
    held = []
    for i in every:
        total = data.tables.primitives.converted(f"SUM(x{i}) OVER ({family})", pa.float64())
        known = f"COUNT(x{i}) OVER ({family})"
        # a whole number, so that no sum depends on the order of rows
        middle = f"CAST(FLOOR({total} / {known} + 0.5) AS BIGINT)"
        held.append(f"CASE WHEN {known} >= {MIN_LENGTH} THEN x{i} - {middle} END AS d{i}")
    centred = f"SELECT r.*, {', '.join(held)} FROM ({source}) AS r"
    before = [f"LAG(d{i}, {k}) OVER ({window}) AS l{i}_{k}" for i in every for k in LAGS]
    lagged = f"SELECT {', '.join([*(f'd{i}' for i in every), *before])} FROM ({centred}) AS c"
    sums = []
    for i in every:
        for k in LAGS:
            d, b = f"d{i}", f"l{i}_{k}"
            sums += [f"COUNT({d} * {b}) AS n{i}_{k}", f"SUM({d} * {b}) AS p{i}_{k}",
                     f"SUM({d} * {d} + 0 * {b}) AS a{i}_{k}",
                     f"SUM({b} * {b} + 0 * {d}) AS b{i}_{k}"]  # fmt: skip
    row = data.query(f"SELECT {', '.join(sums)} FROM ({lagged}) AS s").to_pylist()[0]
    return {
        grids[i].field.name: tuple(
            _lagged(*(int(row[f"{what}{i}_{k}"] or 0) for what in "npab")) for k in LAGS
        )
        for i in every
    }


def _lagged(pairs: int, products: int, mine: int, before: int) -> Lagged:
    if mine <= 0 or before <= 0:
        return Lagged(math.nan, pairs)
    return Lagged(products / (math.sqrt(mine) * math.sqrt(before)), pairs)


def gaps(real: DataSet, other: DataSet, order: Order, field: Field, seed: int) -> Aligned:
    """Steps of a time from the row before, in both: from value to value or, of many, in intervals.

    A row that follows another and has no step, as one of the two is NULL, counts as NULL.

    Cost: a sort of each, three more where there are more than ``MAX_VALUES`` different steps.
    """
    sides = [_gaps(side, order, field, seed) for side in (real, other)]
    if all(side.complete for side in sides):
        return align_values(*sides)
    led = 0 if len(sides[0].values) else 1  # by the candidate's, where the real ones have none
    ends = (
        thinned(sides[led]).values
        if sides[led].complete
        else _cuts((real, other)[led], order, field, seed)
    )
    cells = [_cells(side, order, field, ends, seed) for side in (real, other)]
    nulls = (int(cells[0][0]), 0), (int(cells[1][0]), 0)
    return Aligned(np.append(ends, np.inf), cells[0][1:], cells[1][1:], nulls, exact=False)


def _steps(data: DataSet, order: Order, field: Field, seed: int) -> str:
    """Rows that follow another; ``g`` is NULL where there is no step."""
    # the difference of two whole numbers may be too large for one
    value = data.tables.primitives.converted(data.value(field), pa.float64())
    source, window = in_order(data, order, {"v": value}, seed)
    return (
        f"(SELECT g FROM (SELECT v - LAG(v) OVER ({window}) AS g, ROW_NUMBER() OVER ({window}) "
        f"AS place FROM ({source}) AS r) AS s WHERE place > 1) AS s"
    )


def _gaps(data: DataSet, order: Order, field: Field, seed: int) -> Marginal:
    def make() -> Marginal:
        # one more than are listed, and NULL
        found = data.query(
            f"SELECT g, COUNT(*) AS n FROM {_steps(data, order, field, seed)} GROUP BY g "
            f"ORDER BY n DESC, g LIMIT {MAX_VALUES + 2}"
        )
        null = found["g"].is_null().to_numpy()
        values, counts = (found[c].to_numpy() for c in ("g", "n"))
        total, nulls = int(counts.sum()), int(counts[null].sum())
        values, counts = values[~null].astype(np.float64), counts[~null].astype(np.int64)
        up = np.argsort(values, kind="stable")
        return Marginal(
            total, nulls, 0, len(values), values[up], (), counts[up], len(values) <= MAX_VALUES
        )

    return data.once(("gaps", order, field, seed), make)


def _cuts(data: DataSet, order: Order, field: Field, seed: int) -> Floats:
    """Upper ends of intervals of about equally many steps."""
    found = data.query(
        f"SELECT MAX(g) AS high FROM (SELECT g, NTILE({MAX_CUTS}) OVER (ORDER BY g) AS q "
        f"FROM {_steps(data, order, field, seed)} WHERE g IS NOT NULL) AS c GROUP BY q"
    )
    return np.unique(found["high"].to_numpy().astype(np.float64))


def _cells(data: DataSet, order: Order, field: Field, ends: Floats, seed: int) -> Counts:
    """Rows without a step, steps in each interval (previous end, end], and beyond the last."""
    tree = interval_code("g", ends.tolist(), 1)
    found = data.query(
        f"SELECT CASE WHEN g IS NULL THEN 0 ELSE {tree} END AS c, COUNT(*) AS n "
        f"FROM {_steps(data, order, field, seed)} GROUP BY 1"
    )
    out = np.zeros(len(ends) + 2, np.int64)
    out[found["c"].to_numpy().astype(np.int64)] = found["n"].to_numpy()
    return out
