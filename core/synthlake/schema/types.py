"""Arrow types as JSON and back, exactly, in a form that does not change between Arrow versions."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from synthlake.errors import SchemaError

VIEWED: dict[Any, Any] = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
"""What views of text and bytes are views of."""

_SIMPLE: dict[str, Any] = {
    str(kind): kind
    for kind in (
        pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(),
        pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
        pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
        pa.binary_view(), pa.date32(), pa.date64(), pa.month_day_nano_interval(),
        pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"),
        pa.duration("s"), pa.duration("ms"), pa.duration("us"), pa.duration("ns"),
        *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    )
}  # fmt: skip
_FORMS: list[tuple[re.Pattern[str], Callable[..., Any]]] = [
    (re.compile(r"^timestamp\[(s|ms|us|ns), tz=(.*)\]$", re.DOTALL), pa.timestamp),
    (re.compile(r"^decimal32\((\d+), (-?\d+)\)$"), lambda p, s: pa.decimal32(int(p), int(s))),
    (re.compile(r"^decimal64\((\d+), (-?\d+)\)$"), lambda p, s: pa.decimal64(int(p), int(s))),
    (re.compile(r"^decimal128\((\d+), (-?\d+)\)$"), lambda p, s: pa.decimal128(int(p), int(s))),
    (re.compile(r"^decimal256\((\d+), (-?\d+)\)$"), lambda p, s: pa.decimal256(int(p), int(s))),
    (re.compile(r"^fixed_size_binary\[(\d+)\]$"), lambda size: pa.binary(int(size))),
]


def learnable(kind: Any) -> bool:
    """Whether values of a type are learned: all are but unions and run ends."""
    if isinstance(kind, pa.BaseExtensionType):
        return learnable(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return learnable(kind.value_type)
    if pa.types.is_union(kind) or pa.types.is_run_end_encoded(kind):
        return False
    return all(learnable(kind.field(n).type) for n in range(kind.num_fields))


def type_to_json(kind: pa.DataType) -> Any:
    """A type as text, or as a mapping for what holds other types."""
    for held in (_flat_to_json(kind), _nested_to_json(kind)):
        if held is not None and type_from_json(held).equals(kind, check_metadata=True):
            return held
    # extension types, and whatever Arrow brings next
    packed = pa.schema([pa.field("", kind)]).serialize().to_pybytes()
    return {"ipc": base64.b64encode(packed).decode("ascii")}


def type_from_json(held: Any) -> pa.DataType:
    """The type that ``type_to_json`` gave.

    Raises:
        SchemaError: it is none.
    """
    try:
        return _flat(held) if isinstance(held, str) else _nested(held)
    except (KeyError, TypeError, ValueError, StopIteration, pa.ArrowException) as error:
        raise SchemaError("a column's type is not readable", hint="read the schema anew") from error


def _flat_to_json(kind: pa.DataType) -> str | None:
    text = str(kind)
    known = text in _SIMPLE or any(form.match(text) for form, _ in _FORMS)
    return text if known and not isinstance(kind, pa.BaseExtensionType) else None


def _flat(text: str) -> pa.DataType:
    for form, make in _FORMS:
        found = form.match(text)
        if found:
            made: pa.DataType = make(*found.groups())
            return made
    simple: pa.DataType = _SIMPLE[text]
    return simple


def _nested_to_json(kind: pa.DataType) -> dict[str, Any] | None:
    if isinstance(kind, pa.DictionaryType):
        return {
            "dictionary": type_to_json(kind.index_type),
            "values": type_to_json(kind.value_type),
            "ordered": kind.ordered,
        }
    if isinstance(kind, pa.MapType):
        fields = [_field_to_json(kind.key_field), _field_to_json(kind.item_field)]
        return {"map": fields, "sorted": kind.keys_sorted}
    if isinstance(kind, pa.FixedSizeListType):
        return {"fixed_size_list": _field_to_json(kind.value_field), "size": kind.list_size}
    for name, form in _LISTS.items():
        if isinstance(kind, form):
            return {name: _field_to_json(kind.value_field)}
    if isinstance(kind, pa.StructType):
        return {"struct": [_field_to_json(kind.field(i)) for i in range(kind.num_fields)]}
    return None


_LISTS: dict[str, Any] = {
    "list": pa.ListType,
    "large_list": pa.LargeListType,
    "list_view": pa.ListViewType,
    "large_list_view": pa.LargeListViewType,
}


def _nested(held: Any) -> pa.DataType:
    name = next(iter(set(_MAKERS) & set(held)))
    made: pa.DataType = _MAKERS[name](held)
    return made


def _dictionary(held: Any) -> Any:
    values: Any = type_from_json(held["values"])
    index: Any = type_from_json(held["dictionary"])
    return pa.dictionary(index, values, held["ordered"])


def _map(held: Any) -> Any:
    key, item = map(_field, held["map"])
    make: Any = pa.map_
    return make(key, item, keys_sorted=held["sorted"])


def _packed(held: Any) -> Any:
    packed = base64.b64decode(held["ipc"], validate=True)
    return pa.ipc.read_schema(pa.py_buffer(packed)).field(0).type


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "dictionary": _dictionary,
    "map": _map,
    "ipc": _packed,
    "fixed_size_list": lambda held: pa.list_(_field(held["fixed_size_list"]), held["size"]),
    "struct": lambda held: pa.struct([_field(inner) for inner in held["struct"]]),
    "list": lambda held: pa.list_(_field(held["list"])),
    "large_list": lambda held: pa.large_list(_field(held["large_list"])),
    "list_view": lambda held: pa.list_view(_field(held["list_view"])),
    "large_list_view": lambda held: pa.large_list_view(_field(held["large_list_view"])),
}


def _field_to_json(field: pa.Field[Any]) -> dict[str, Any]:
    return {"name": field.name, "type": type_to_json(field.type), "nullable": field.nullable}


def _field(held: Any) -> pa.Field[Any]:
    return pa.field(held["name"], type_from_json(held["type"]), held["nullable"])
