"""Arrow types and values for tests: every flat type with its extremes, and random nests of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

Random = np.random.Generator

_STAMPS = [
    dt.datetime.fromisoformat(text)
    for text in ("0001-01-01", "2020-02-29T12:00", "9999-12-31T23:59")
]
_NANOS = [
    dt.datetime.fromisoformat(text) for text in ("1700-01-01", "2020-02-29T12:00", "2262-01-01")
]
_FLOATS = [0.5, -2.25, 0.0, float("nan"), float("inf"), float("-inf")]


def _flat() -> dict[str, tuple[pa.DataType, list[Any]]]:
    held: dict[str, tuple[pa.DataType, list[Any]]] = {}
    for bits in (8, 16, 32, 64):
        half = 2 ** (bits - 1)
        held[f"int{bits}"] = getattr(pa, f"int{bits}")(), [-half, half - 1, 0, 7]
        held[f"uint{bits}"] = getattr(pa, f"uint{bits}")(), [0, 2 * half - 1, half]
    held["float16"] = pa.float16(), [np.float16(f) for f in _FLOATS]
    held["float32"] = pa.float32(), [*_FLOATS, 3e38]
    held["float64"] = pa.float64(), [*_FLOATS, 1.7e308, 5e-324]
    held["decimal32"] = pa.decimal32(9, 2), [Decimal("1.25"), Decimal("-9999999.99")]
    held["decimal64"] = pa.decimal64(18, 4), [Decimal("1.25"), Decimal("0")]
    held["decimal128"] = pa.decimal128(38, 4), [Decimal("9" * 34 + ".9999"), Decimal("-0.0005")]
    held["decimal256"] = pa.decimal256(76, 10), [Decimal("9" * 66 + "." + "9" * 10), Decimal("-1")]
    held["hundreds"] = pa.decimal128(5, -2), [Decimal("1200"), Decimal("-500")]
    held["bool"] = pa.bool_(), [True, False]
    words = ["oak", "elm", "", "é\n"]
    held["string"] = pa.string(), words
    held["large_string"] = pa.large_string(), words
    octets = [b"", b"\0\xff", b"ab"]
    held["string_view"] = pa.string_view(), words
    held["binary"] = pa.binary(), octets
    held["binary_view"] = pa.binary_view(), octets
    held["large_binary"] = pa.large_binary(), octets
    held["fixed_size_binary"] = pa.binary(2), octets[1:]
    held["date32"] = pa.date32(), [d.date() for d in _STAMPS]
    held["date64"] = pa.date64(), [d.date() for d in _STAMPS]
    for unit in ("s", "ms", "us", "ns"):
        times: Any = pa.time32 if unit in ("s", "ms") else pa.time64
        held[f"time {unit}"] = times(unit), [dt.time(0), dt.time(23, 59, 59)]
        held[f"duration {unit}"] = pa.duration(unit), [dt.timedelta(0), dt.timedelta(days=-3)]
        for zone in (None, "UTC", "Europe/Berlin", "+03:00"):
            stamps = _NANOS if unit == "ns" else _STAMPS
            held[f"timestamp {unit} {zone}"] = pa.timestamp(unit, zone), stamps
    held["interval"] = pa.month_day_nano_interval(), [pa.MonthDayNano([1, -2, 3])]
    held["uuid"] = pa.uuid(), [bytes(range(16)), b"\xff" * 16]
    held["json"] = pa.json_(), ["{}", "[1]"]
    held["null"] = pa.null(), []
    return held


FLAT = _flat()
DICTIONARIES: dict[str, tuple[pa.DataType, list[Any]]] = {
    f"dictionary {n}": (pa.dictionary(pa.int16(), FLAT[n][0], ordered), FLAT[n][1])
    for n, ordered in {"string": True, "large_string": False, "int64": False, "float64": False,
                       "date32": False, "decimal128": False, "timestamp us UTC": False,
                       "bool": False, "binary": False, "fixed_size_binary": False}.items()
}  # fmt: skip


def values_of(type: Any, rows: int, random: Random, known: list[Any] | None = None) -> Any:
    """An array of a type with NULLs; its values are few, so that k entities share each."""
    if isinstance(type, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(
            type, values_of(type.storage_type, rows, random, known)
        )
    if pa.types.is_dictionary(type):
        # every value that there is: the order is kept, and so are those that nobody has
        places = random.integers(0, len(known or [0]), rows)
        holes = random.random(rows) < 0.2
        dictionary = pa.array(known, type.value_type)
        indices = pa.array(places, type.index_type, mask=holes)
        return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=type.ordered)
    return pa.array([_value(type, random, known) for _ in range(rows)], type)


def _value(type: Any, random: Random, known: list[Any] | None = None) -> Any:
    if random.random() < 0.2 or pa.types.is_null(type):
        return None
    for test, make in _NESTED:
        if test(type):
            return make(type, random)
    known = known or next(v for t, v in [*FLAT.values(), *DICTIONARIES.values()] if t == type)
    return known[int(random.integers(0, len(known)))]


def _list(type: Any, random: Random) -> list[Any]:
    return [_value(type.value_type, random) for _ in range(int(random.integers(0, 4)))]


def _fixed(type: Any, random: Random) -> list[Any]:
    return [_value(type.value_type, random) for _ in range(type.list_size)]


def _struct(type: Any, random: Random) -> dict[str, Any]:
    return {field.name: _value(field.type, random) for field in type}


def _map(type: Any, random: Random) -> list[Any]:
    keys = next(v for t, v in FLAT.values() if t == type.key_type)
    some = random.permutation(len(keys))[: int(random.integers(0, len(keys) + 1))]
    return [(keys[i], _value(type.item_type, random)) for i in some]


_NESTED: list[tuple[Callable[[Any], bool], Callable[[Any, Random], Any]]] = [
    (pa.types.is_fixed_size_list, _fixed),
    (pa.types.is_map, _map),
    (pa.types.is_struct, _struct),
    (lambda t: pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_list_view(t), _list),
]

# pa.array takes no Python values of these inside of others, or Python has no such years
_OUTER = ("uuid", "json", "string_view", "binary_view")
_INNER = [
    t for n, (t, _) in FLAT.items()
    if n not in _OUTER and not (n.startswith("timestamp") and ("Europe" in n or "+" in n))
]  # fmt: skip
_KEYS = [FLAT[n][0] for n in ("string", "int32", "date32", "bool", "timestamp us None")]


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        st.tuples(inner, st.integers(1, 3)).map(lambda two: pa.list_(*two)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda types: pa.struct([(f"f{n}", t) for n, t in enumerate(types)])
        ),
        st.tuples(st.sampled_from(_KEYS), inner).map(lambda two: pa.map_(*two)),
    )


def arrow_types() -> st.SearchStrategy[Any]:
    """Random types, flat or nested."""
    return st.recursive(st.sampled_from(_INNER), _deeper, max_leaves=4)


def texts(array: Any) -> list[str]:
    """Values as texts that can be compared and sorted; NaN equals NaN."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage if isinstance(array, pa.Array) else array.combine_chunks().storage
    if pa.types.is_timestamp(array.type):  # years that Python does not have in every zone
        array = array.cast(pa.int64())
    return [json.dumps(v, default=str, sort_keys=True) for v in array.to_pylist()]
