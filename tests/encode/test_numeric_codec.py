"""One suite over every ordered Arrow type and every hard column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, axis_for
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.numeric import NumericCodec, build_numeric
from synthlake.models.support import distinct
from synthlake.seed import Seed

K = 10
ROWS = 600

INTEGERS = [getattr(pa, name)() for name in
            ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")]  # fmt: skip
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(10, 2), pa.decimal128(18, 0),
            pa.decimal128(38, 2), pa.decimal256(60, 2)]  # fmt: skip
TIMES = [pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"),
         pa.time64("ns"), *(pa.timestamp(u, z) for u in ("s", "ms", "us", "ns")
                            for z in (None, "UTC", "Europe/Berlin")),
         *(pa.duration(u) for u in ("s", "ms", "us", "ns"))]  # fmt: skip
TYPES = [*INTEGERS, *FLOATS, *DECIMALS, *TIMES]
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def bounds(dtype: pa.DataType) -> tuple[int, int]:
    """Least and greatest whole number of a type's own unit (of a decimal: units of its scale)."""
    if pa.types.is_integer(dtype):
        signed = pa.types.is_signed_integer(dtype)
        most = 2 ** (dtype.bit_width - signed) - 1
        return (-most - 1 if signed else 0), most
    if pa.types.is_floating(dtype):
        most = {16: 2_000, 32: 2**24, 64: 2**53}[dtype.bit_width]
        return -most, most
    if pa.types.is_decimal(dtype):
        return 1 - 10**dtype.precision, 10**dtype.precision - 1
    if pa.types.is_time(dtype):
        return 0, 86_400 * _PER_SECOND[dtype.unit] - 1
    first, last = (
        (date(1, 1, 1) - date(1970, 1, 1)).days,
        (date(9999, 12, 31) - date(1970, 1, 1)).days,
    )
    if pa.types.is_date(dtype):
        return first, last
    low, high = (
        first * 86_400 * _PER_SECOND[dtype.unit],
        (last + 1) * 86_400 * _PER_SECOND[dtype.unit] - 1,
    )
    return max(low, -(2**63) + 1), min(high, 2**63 - 1)


def column(dtype: pa.DataType, whole: list[int | None]) -> pa.Array[Any]:
    """Whole numbers of a type's own unit as its values."""
    if pa.types.is_decimal(dtype):
        values = [None if w is None else Decimal(f"{w}E-{dtype.scale}") for w in whole]
        wide: pa.Array[Any] = pa.array(values, pa.decimal256(76, dtype.scale))
        return wide.cast(dtype)
    if pa.types.is_floating(dtype):
        floats: pa.Array[Any] = pa.array(
            [None if w is None else float(w) for w in whole], pa.float64()
        )
        return floats.cast(dtype)
    if pa.types.is_integer(dtype):
        return pa.array(whole, dtype)
    if pa.types.is_date64(dtype):
        return pa.array([None if w is None else w * 86_400_000 for w in whole], pa.int64()).cast(
            dtype
        )
    return pa.array(whole, pa.int32() if dtype.bit_width == 32 else pa.int64()).cast(dtype)


Case = Callable[[int, int], list[int | None]]


def _spread(low: int, high: int) -> list[int | None]:
    return [low + (high - low) * i // (ROWS - 1) for i in range(ROWS)]


def _near(low: int, high: int) -> int:
    return min(max(50, low + 25), high - 25)


CASES: dict[str, Case] = {
    "empty": lambda low, high: [],
    "all NULL": lambda low, high: [None] * ROWS,
    "one value": lambda low, high: [_near(low, high)],
    "constant": lambda low, high: [_near(low, high)] * ROWS,
    "least": lambda low, high: [low] * ROWS,
    "greatest": lambda low, high: [high] * ROWS,
    "two values": lambda low, high: [low, high] * (ROWS // 2),
    "all of the type": _spread,
    "half NULL": lambda low, high: [None if i % 2 else v for i, v in enumerate(_spread(low, high))],
    "few values": lambda low, high: [_near(low, high) + i % 7 for i in range(ROWS)],
    "mass and spread": lambda low, high: [
        _near(low, high) if i % 3 else v for i, v in enumerate(_spread(low, high))
    ],
    "rare extremes": lambda low, high: [
        low,
        high,
        *[_near(low, high) + i % 20 for i in range(ROWS)],
    ],
    "one below k": lambda low, high: [_near(low, high) + i for i in range(K - 1)],
    "just k": lambda low, high: [_near(low, high) + i for i in range(K)],
}


def built(
    array: pa.Array[Any], group: NDArray[np.int64] | None = None, k: int = K
) -> tuple[NumericCodec, NDArray[np.int64]]:
    """A codec as ``relational.columns`` makes one, and the entities."""
    group = np.arange(len(array)) if group is None else group
    axis = axis_for(array.type, None, array)
    ticks, null = axis.ticks(array)
    values, rows = np.unique(ticks[~null], return_counts=True)
    return build_numeric(axis, values, rows, (ticks[~null], group[~null]), k), group


def words(rows: int) -> NDArray[np.uint64]:
    return Seed(3).words("t", "c", 0, rows)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_type_survives_every_column(dtype: pa.DataType, case: str) -> None:
    array = column(dtype, CASES[case](*bounds(dtype)))
    codec, group = built(array)
    codes = codec.encode(array)
    assert codes.dtype == np.int32
    made = codec.decode(codes, words(len(codes)))
    assert made.type == array.type
    made.validate(full=True)
    there = np.asarray(array.is_valid())
    if not codec.size:
        assert there.sum() < K
        assert made.null_count == len(made)
        return
    assert np.array_equal(np.asarray(made.is_valid()), there)
    assert np.array_equal(codec.encode(made), codes)
    assert (np.diff(codec.low.astype(object)) > 0).all()
    assert (codec.low[1:] > codec.high[:-1]).all() or codec.axis.continuous
    assert (codec.low <= codec.high).all()
    assert distinct(codes[there], group[there], codec.size).min() >= K
    _check_range(array, codec)


def _check_range(array: pa.Array[Any], codec: NumericCodec) -> None:
    """No value beyond the reach of the data; the ends of the codec decode to values of the type."""
    codes = np.repeat(np.arange(codec.size, dtype=np.int32), 2)
    ends = np.tile(np.array([0, 2**64 - 1], np.uint64), codec.size)
    made = codec.decode(codes, ends)
    made.validate(full=True)
    ticks, _ = codec.axis.ticks(made)
    given, null = codec.axis.ticks(array)
    low, high = float(given[~null].min()), float(given[~null].max())
    reach = (high - low) / 2 + 1 + 1e-12 * max(abs(low), abs(high))
    assert ticks.min() >= low - reach
    assert ticks.max() <= high + reach


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float64()], ids=str)
def test_floats_that_are_no_numbers(dtype: pa.DataType) -> None:
    nan, inf = float("nan"), float("inf")
    values = [None, nan, inf, -0.0, 0.0, 1.5, -2.5, *np.linspace(-9, 9, 33)] * 20
    array = pa.array(values, dtype)
    codec, _ = built(array)
    codec = NumericCodec(codec.axis, codec.low, codec.high, codec.step, special=(0, 1))
    made = codec.decode(codec.encode(array), words(len(array)))
    assert made.null_count == array.null_count
    floats = np.array(made.fill_null(0.0))
    assert np.isnan(floats).sum() == 20
    assert (floats == inf).sum() == 20


def test_rare_infinities_are_not_null() -> None:
    array = pa.array([None] * 40 + [float("inf")] * 3 + list(np.arange(100.0)))
    codec, _ = built(array)
    codes = codec.encode(array)
    assert (codes[:40] == -1).all()
    assert (codes[40:43] == UNKNOWN).all()
    assert (codes[43:] >= 0).all()


@pytest.mark.parametrize("most", [1e300, 1.7e308])
def test_huge_floats(most: float) -> None:
    array = pa.array(np.concatenate([np.linspace(-1, 1, ROWS) * most, np.full(ROWS, most)]))
    for decimals in (None, 0):
        axis = axis_for(array.type, decimals, array)
        assert axis.continuous
        ticks = axis.ticks(array)[0]
        values, rows = np.unique(ticks, return_counts=True)
        codec = build_numeric(axis, values, rows, (ticks, np.arange(len(ticks))), K)
        made = np.asarray(codec.decode(codec.encode(array), words(len(array))))
        assert np.isfinite(made).all()
        assert np.abs(made).max() <= most
        assert (made == most).sum() >= ROWS


@pytest.mark.parametrize("value", [2**63, 2**64 - 1])
def test_large_unsigned_numbers_are_exact(value: int) -> None:
    array = pa.array([value] * 50 + [5] * 50 + list(range(100, 200)), pa.uint64())
    codec, _ = built(array)
    made = codec.decode(codec.encode(array), words(len(array)))
    assert made.to_pylist()[:100] == [value] * 50 + [5] * 50


def test_the_outermost_are_not_kept() -> None:
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(size=5_000), [50.0, 60.0, -70.0]])
    codec, _ = built(pa.array(values))
    inner = np.sort(values)[K - 1 : -K + 1]
    assert codec.low[0] >= inner[0] - 0.1
    assert codec.high[-1] <= inner[-1] + 0.1


def test_entities_count_and_not_rows() -> None:
    values = np.concatenate([np.full(500, 7), np.arange(1_000, 1_500)])
    group = np.concatenate([np.zeros(500, np.int64), np.arange(1, 501)])
    codec, _ = built(pa.array(values), group)
    assert not ((codec.low == 7) & (codec.high == 7)).any()
    codes = codec.encode(pa.array(values))
    assert distinct(codes, group, codec.size).min() >= K


def test_point_masses_are_exact_and_the_rest_is_new() -> None:
    random = np.random.default_rng(2)
    values = np.concatenate([np.zeros(4_000), np.full(900, 99.25), random.lognormal(size=20_000)])
    array = pa.array(values)
    codec, _ = built(array)
    made = np.asarray(codec.decode(codec.encode(array), words(len(array))))
    assert (made == 0).sum() == 4_000
    assert (made == 99.25).sum() == 900
    assert len(np.intersect1d(made[4_900:], values[4_900:])) < 100


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_hours_stay_hours(unit: str) -> None:
    hours = np.random.default_rng(3).integers(400_000, 410_000, 3_000)
    array = pa.array(hours * 3_600 * _PER_SECOND[unit]).cast(pa.timestamp(unit, "UTC"))
    codec, _ = built(array)
    made = codec.decode(codec.encode(array), words(len(array)))
    assert (np.asarray(made.cast(pa.int64())) % (3_600 * _PER_SECOND[unit]) == 0).all()


def test_remainders_snap_to_values_of_the_column() -> None:
    array = pa.array([0, 10, 20, 30] * 50)
    codec, _ = built(array)
    assert codec.snap(np.array([-(2**62), 3, 7, 19, 2**62])).tolist() == [0, 0, 10, 20, 30]


def test_what_lies_between_joins_the_nearest() -> None:
    array = pa.array([10] * 50 + [100] * 50)
    codec, _ = built(array)
    assert codec.encode(pa.array([0, 20, 90, 99, 1_000])).tolist() == [0, 0, 1, 1, 1]


def test_values_keep_their_frequencies() -> None:
    random = np.random.default_rng(4)
    values = np.round(random.gamma(2.0, 300.0, 50_000), 2)
    array = pa.array(values)
    axis = Axis(pa.float64(), 2)
    ticks = axis.ticks(array)[0]
    distinct_ticks, rows = np.unique(ticks, return_counts=True)
    codec = build_numeric(axis, distinct_ticks, rows, (ticks, np.arange(len(ticks))), K)
    made = np.sort(np.asarray(codec.decode(codec.encode(array), words(len(array)))))
    grid = np.sort(values)
    gap = np.searchsorted(made, grid, side="right") - np.searchsorted(grid, grid, side="right")
    assert np.abs(gap).max() / len(values) < 0.002
    assert np.array_equal(np.round(made, 2), made)


def test_the_ends_of_the_calendar() -> None:
    for when in ("0001-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999"):
        array = pa.array([when] * 20).cast(pa.timestamp("us"))
        codec, _ = built(array)
        assert codec.decode(codec.encode(array), words(20)).equals(array)


@pytest.mark.parametrize("dtype", [pa.int64(), pa.uint64()])
def test_few_values_up_to_the_greatest_are_told_apart(dtype: pa.DataType) -> None:
    """Their codes are listed by tick, and the tick after the last is no int64."""
    most = bounds(dtype)[1]
    values = pa.array([most - 3 * (i % 5) for i in range(ROWS)], dtype)
    axis = axis_for(dtype, None, values)
    ticks, null = axis.ticks(values)
    exact = [4, 3, 2, 1, 0]
    codec = NumericCodec(axis, ticks[:5][::-1].copy(), ticks[:5][::-1].copy())
    assert codec.encode_ticks(ticks[:5], null[:5]).tolist() == exact
    assert codec.decode(codec.encode(values), Seed(1).words("t", "c", 0, ROWS)).equals(values)
