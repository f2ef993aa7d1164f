"""The rules of a table that hold in every row, in an order in which they can be applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from synthlake.constraints.clock import (
    ClockParts,
    ClockSum,
    find_clock_parts,
    find_clock_sums,
    find_clocks,
)
from synthlake.constraints.dates import DateParts, find_date_parts
from synthlake.constraints.formula import formula_from_json
from synthlake.constraints.rule import Cells, Rule
from synthlake.constraints.sums import (
    Named,
    NearSum,
    find_sum_rules,
    named_sums,
    near_sums,
    sum_rule_from_json,
)
from synthlake.encode.axis import Axis

_PER_SECOND = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


@dataclass(frozen=True)
class Structure:
    """What is known of a table before anything is learned.

    Attributes:
        rules: in the order in which they are applied.
        clocks: columns written as HHMM.
        near: numbers that add up in all rows but a few.
    """

    rules: tuple[Rule, ...] = ()
    clocks: tuple[str, ...] = ()
    near: tuple[NearSum, ...] = ()

    @property
    def made(self) -> set[str]:
        """Columns that a rule makes."""
        return {name for rule in self.rules for name in rule.makes}


def micros_per_tick(dtype: pa.DataType) -> float | None:
    """Microseconds a tick of a date or timestamp; None for other types."""
    if pa.types.is_timestamp(dtype):
        return _PER_SECOND[dtype.unit]
    if pa.types.is_date32(dtype):
        return 86_400e6
    return 1e3 if pa.types.is_date64(dtype) else None


def discover(
    cells: Mapping[str, Cells], types: Mapping[str, pa.DataType], given: Sequence[str],
    axes: Mapping[str, Axis] | None = None,
) -> Structure:  # fmt: skip
    """Rules among the columns of a table.

    Args:
        cells: all columns on an axis, sampled rows.
        types: their Arrow types.
        given: columns that are known before the row is made, such as its own key.
        axes: of the columns that may be added up; None for no sums.

    Cost: O(columns^3 x rows) at worst, for clocks; a sample suffices to rule out nearly all.
    """
    whole = [n for n in cells if pa.types.is_integer(types[n]) and n not in given]
    stamps = [n for n in cells if micros_per_tick(types[n]) is not None]
    made: set[str] = set()
    rules: list[Rule] = []
    for source in sorted(stamps, key=lambda n: n not in given):
        unit = micros_per_tick(types[source]) or 1.0
        found = find_date_parts(source, unit, cells, [n for n in whole if n not in made])
        if found is not None:
            rules.append(found)
            made |= set(found.makes)
    clocks = find_clocks(cells, whole)
    for parts in find_clock_parts(cells, clocks, whole):
        parts = replace(parts, from_parts=parts.hour in made)
        if not set(parts.makes) & made:
            rules.append(parts)
            made |= set(parts.makes)
    for total in find_clock_sums(cells, clocks, [n for n in whole if n not in clocks]):
        free = not {total.clock, total.minutes} & made
        if free and len(in_order([*rules, total])) > len(rules):  # of a cycle, the first stay
            rules.append(total)
            made |= {total.clock}
    sums = named_sums(cells, axes or {})
    rules += _sums((sums, cells, axes or {}), {*made, *clocks, *given}, rules)
    made |= {name for rule in rules for name in rule.makes}
    return Structure(in_order(rules), tuple(clocks), near_sums(sums, axes or {}, made))


def _sums(
    found: tuple[Sequence[Named], Mapping[str, Cells], Mapping[str, Axis]], taken: set[str],
    rules: Sequence[Rule],
) -> list[Rule]:  # fmt: skip
    """Sums of which each total is made by nothing else, and none needs its own total."""
    out: list[Rule] = []
    for held in find_sum_rules(*found, [n for n in found[2] if n not in taken]):
        every = [*rules, *out, held]
        if held.total not in {n for r in out for n in r.makes} and len(in_order(every)) == len(
            every
        ):
            out.append(held)
    return out


def in_order(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Rules so that each comes after those that make what it needs; a cycle is cut."""
    todo, done = list(rules), []
    while todo:
        later = {n for r in todo for n in r.makes}
        free = [r for r in todo if not set(r.needs) & (later - set(r.makes))]
        if not free:
            break
        done += free
        todo = [r for r in todo if r not in free]
    return tuple(done)


def rule_from_json(form: Mapping[str, Any]) -> Rule:
    """The rule that ``to_json`` described."""
    if form["rule"] == "formula":
        return formula_from_json(form)
    rest = {key: value for key, value in form.items() if key != "rule"}
    if form["rule"] == "date_parts":
        return DateParts(**{**rest, "parts": tuple((a, b) for a, b in rest["parts"])})
    if form["rule"] == "sum":
        return sum_rule_from_json(rest)
    return ClockParts(**rest) if form["rule"] == "clock_parts" else ClockSum(**rest)
