"""How a nested column is taken apart into flat ones, and put together again.

A struct is a flat column that says whether it is there, and its fields. A list is a flat column
with its length; its items are rows of their own. An extension type is its storage, an interval its
months, days and nanoseconds. All of it repeats within.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from synthlake.source.nesting import (
    INTERVAL,
    Lists,
    Values,
    fields_of,
    interval_of,
    interval_parts,
    is_listed,
    item_fields,
    listed,
    lists_of,
    struct_of,
)

Form = Literal["flat", "struct", "list", "extension", "interval"]


@dataclass(frozen=True)
class Plan:
    """How values of one type are taken apart.

    Attributes:
        name: of the flat column: the values, whether a struct is there, or the length of a list.
        type: Arrow type of the values.
        form: of the type.
        parts: fields of a struct; what items of a list consist of (of a map: key and value), named
            among themselves; what an extension or an interval is stored as.
    """

    name: str
    type: Any
    form: Form = "flat"
    parts: tuple[Plan, ...] = ()

    @property
    def fixed(self) -> int | None:
        """Items of every list, where the type says."""
        return self.type.list_size if pa.types.is_fixed_size_list(self.type) else None


def plan_of(name: str, kind: Any, taken: set[str]) -> Plan:
    """The plan of a type.

    Args:
        name: of the column.
        kind: its type.
        taken: names of columns beside it, to which those of fields are added.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return Plan(name, kind, "extension", (plan_of(name, kind.storage_type, taken),))
    if pa.types.is_interval(kind):
        return Plan(name, kind, "interval", (plan_of(name, INTERVAL, taken),))
    if pa.types.is_struct(kind):
        named = [(_free(f"{name}.{field.name}", taken), field.type) for field in kind]
        return Plan(name, kind, "struct", tuple(plan_of(n, t, taken) for n, t in named))
    if is_listed(kind):
        inner: set[str] = set()
        items = [(_free(field.name or "item", inner), field.type) for field in item_fields(kind)]
        return Plan(name, kind, "list", tuple(plan_of(n, t, inner) for n, t in items))
    return Plan(name, kind)


def _free(name: str, taken: set[str]) -> str:
    """The name, or one like it that is not taken."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def flat_columns(plan: Plan) -> Iterator[tuple[str, pa.DataType]]:
    """Names and types of the flat columns."""
    if plan.form == "flat":
        yield plan.name, plan.type
    if plan.form == "struct":
        yield plan.name, pa.bool_()
    if plan.form == "list":
        yield plan.name, pa.int32() if plan.fixed is None else pa.bool_()
        return
    for part in plan.parts:
        yield from flat_columns(part)


def list_nodes(plan: Plan) -> Iterator[Plan]:
    """Plans of the lists, but for those within other lists."""
    if plan.form == "list":
        yield plan
        return
    for part in plan.parts:
        yield from list_nodes(part)


def heads(plan: Plan, head: str | None = None) -> Iterator[tuple[str, str]]:
    """Flat columns that are NULL wherever another is, and that other: fields and their struct."""
    if head is not None and plan.form not in ("extension", "interval"):
        yield plan.name, head
    if plan.form == "list":
        return
    below = plan.name if plan.form == "struct" else head
    for part in plan.parts:
        yield from heads(part, below)


def take_apart(plan: Plan, values: Values) -> dict[str, Values]:
    """The flat columns of values; items of lists are left to ``lists_in``."""
    if plan.form == "flat":
        return {plan.name: values}
    if plan.form == "list":
        held = lists_of(values)
        lengths = held.there if plan.fixed is not None else held.lengths.astype(np.int32)
        return {plan.name: pa.array(lengths, mask=~held.there)}
    out: dict[str, Values] = {}
    if plan.form == "struct":
        there = np.asarray(values.is_valid())
        out[plan.name] = pa.array(there, mask=~there)
    for part, inner in zip(plan.parts, _within(plan, values), strict=True):
        out |= take_apart(part, inner)
    return out


def lists_in(plan: Plan, values: Values) -> Iterator[tuple[Plan, Lists]]:
    """Every list among values, but for those within other lists."""
    if plan.form == "list":
        yield plan, lists_of(values)
    elif plan.form != "flat":
        for part, inner in zip(plan.parts, _within(plan, values), strict=True):
            yield from lists_in(part, inner)


def items_of(plan: Plan, held: Lists) -> list[Values]:
    """What items of a list consist of, one array a part of its plan."""
    return fields_of(held.items) if pa.types.is_map(plan.type) else [held.items]


def _within(plan: Plan, values: Values) -> list[Values]:
    if plan.form == "extension":
        return [values.storage]
    return [interval_parts(values)] if plan.form == "interval" else fields_of(values)


Fill = Callable[[Plan], Lists]
"""Makes the lists of a plan."""


def put_together(plan: Plan, flat: Mapping[str, Values], fill: Fill) -> Values:
    """Values of a plan's type, from flat columns and lists."""
    if plan.form == "flat":
        return flat[plan.name]
    if plan.form == "list":
        return listed(plan.type, fill(plan))
    parts = [put_together(part, flat, fill) for part in plan.parts]
    if plan.form == "struct":
        return struct_of(plan.type, parts, np.asarray(flat[plan.name].is_valid()))
    if plan.form == "interval":
        return interval_of(parts[0])
    return pa.ExtensionArray.from_storage(plan.type, parts[0])


def packed(plan: Plan, parts: Iterable[Values]) -> Values:
    """Items of a list from what they consist of."""
    made = list(parts)
    if not pa.types.is_map(plan.type):
        return made[0]
    pairs = pa.struct(item_fields(plan.type))
    return struct_of(pairs, made, np.ones(len(made[0]), bool))
