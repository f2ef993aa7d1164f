"""What a sample suggests across tables: order and copies of a parent's columns, totals, marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.constraints.bounds import family_of, value_type
from synthlake.constraints.discovery.grid import mixed
from synthlake.constraints.discovery.proposal import Proposal, reason_of, scored, surprising
from synthlake.encode.axis import indices, plain

_LEAST_FAMILIES = 100
_SLACK = 1e-6  # of a sum of floats
_MOST = 1e13  # of what balances
_TIMES = ("date", "instant")

Index = NDArray[np.int64]
Columns: TypeAlias = "Mapping[str, pa.Array[Any]]"


@dataclass(frozen=True)
class Edge:
    """Two samples and the reference between them.

    Attributes:
        parent, child: names of the tables.
        above, below: their samples, columns that are learned alone.
        row: shape (children,), row of each child's parent; -1 for none.
    """

    parent: str
    child: str
    above: pa.Table
    below: pa.Table
    row: Index


def above_rules(edge: Edge) -> list[Proposal]:
    """Rules of a child about columns of its parent, and marks and balances in families."""
    known = np.flatnonzero(edge.row >= 0)
    if len(known) < _LEAST_FAMILIES:
        return []
    mine = {n: plain(edge.below[n]).take(indices(known)) for n in edge.below.column_names}
    row = indices(edge.row[known])
    theirs = {n: plain(edge.above[n]).take(row) for n in edge.above.column_names}
    out = []
    for name, own in mine.items():
        for other, given in theirs.items():
            said = f"{edge.parent}.{other}"
            out += [p for p in (_copy(name, own, said, given),) if p is not None]
            out += list(_orders(name, own, said, given))
    copied = {p.declaration["copy"] for p in out if p.kind == "copy"}
    out = [p for p in out if p.kind == "copy" or not copied & set(p.declaration["inequality"])]
    families = np.unique(edge.row[known], return_inverse=True)[1]
    if (np.bincount(families) > 1).sum() < _LEAST_FAMILIES:
        return out
    out += list(_marks(edge.parent, mine, families))
    marked = {p.declaration["column"] for p in out if p.kind == "one_per"}
    numbers = {n: c for n, c in mine.items() if n not in marked and family_of(c.type) == "number"}
    return out + list(_balances(edge.parent, numbers, families))


def _copy(name: str, own: pa.Array[Any], said: str, given: pa.Array[Any]) -> Proposal | None:
    if value_type(own.type) != value_type(given.type) or pa.types.is_nested(own.type):
        return None
    there = np.asarray(given.is_valid())
    rows = int(there.sum())
    wrong = int((there & ~_same(own, given)).sum())
    other = given.take(indices(mixed(len(given))))
    chance = int((np.asarray(other.is_valid()) & ~_same(own, other)).sum())
    if not surprising(rows, wrong, chance):
        return None
    score = scored(rows, wrong, chance, len(own))
    return Proposal({"copy": name, "of": said}, rows, wrong, score, automatic=not wrong,
                    reason=reason_of(wrong, not wrong))  # fmt: skip


def _same(one: Any, two: Any) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(one, two).fill_null(False))


def _orders(name: str, own: pa.Array[Any], said: str, given: pa.Array[Any]) -> Iterator[Proposal]:
    """A date that is never before one of the parent, or never after it."""
    family = family_of(own.type)
    if family not in _TIMES or family_of(given.type) != family:
        return
    wide = pa.timestamp("us", "UTC" if family == "instant" else None)
    a, b = (_ticks(x, wide) for x in (given, own))
    known = np.asarray(own.is_valid()) & np.asarray(given.is_valid())
    a, b = a[known], b[known]
    if not len(a):
        return
    order = mixed(len(a))
    for first, second, names in ((a, b, [said, name]), (b, a, [name, said])):
        broken = int((first > second).sum())
        chance = int((first > second[order]).sum())
        if surprising(len(a), broken, chance) and chance >= 0.05 * len(a):
            strict = not int((first == second).sum())
            declaration = {"inequality": names, "strict": strict}
            score = scored(len(a), broken, chance, len(own))
            yield Proposal(declaration, len(a), broken, score, reason=reason_of(broken))


def _ticks(array: Any, wide: pa.DataType) -> NDArray[np.int64]:
    return np.asarray(array.cast(wide, safe=False).cast(pa.int64()).fill_null(0))


def _marks(parent: str, mine: Columns, families: Index) -> Iterator[Proposal]:
    """Flags that one row of each family has."""
    size = np.bincount(families)
    several = size > 1
    for name, column in mine.items():
        flag = _flag(column)
        if flag is None:
            continue
        count = np.bincount(families, flag)
        share = flag.mean()
        # of families of this size, those that would not have just one by chance
        chance = float((1 - size * share * (1 - share) ** (size - 1))[several].sum())
        for optional in (False, True):
            wrong = int((count > 1).sum() if optional else (count != 1).sum())
            if optional:
                none = (1 - share) ** size + size * share * (1 - share) ** (size - 1)
                chance = float((1 - none)[several].sum())
            if surprising(len(size), wrong, chance):
                declaration: dict[str, Any] = {"one_per": parent, "column": name}
                declaration |= {"optional": True} if optional else {}
                score = scored(len(size), wrong, chance, len(size))
                yield Proposal(declaration, len(size), wrong, score, reason=reason_of(wrong))
                break


def _balances(parent: str, numbers: Columns, families: Index) -> Iterator[Proposal]:
    """Numbers that add up to the same in each family."""
    size = np.bincount(families)
    several = size > 1
    for name, column in numbers.items():
        values, null = _floats(column)
        there = ~null & np.isfinite(values)
        who, values = families[there], values[there]
        if np.abs(values).max(initial=0.0) >= _MOST:  # of more digits than are added up
            continue
        slack = _SLACK * (1 + np.bincount(who, np.abs(values), len(size)))
        sums = np.bincount(who, values, len(size))
        equals = round(float(np.median(sums[several])), 9)
        right = np.abs(sums - equals) <= slack
        other = np.bincount(who, values[mixed(len(values))], len(size))
        wrong, chance = (int((~held & several).sum())
                         for held in (right, np.abs(other - equals) <= slack))  # fmt: skip
        rows = int(several.sum())
        if surprising(rows, wrong, chance):
            said: dict[str, Any] = {"balance": name, "per": parent}
            said |= {} if not equals else {"equals": int(equals) if equals % 1 == 0 else equals}
            score = scored(rows, wrong, chance, len(size))
            yield Proposal(said, rows, wrong, score, reason=reason_of(wrong))


def _flag(column: Any) -> NDArray[np.bool_] | None:
    if pa.types.is_boolean(column.type):
        return np.asarray(column.fill_null(False))
    if not pa.types.is_integer(column.type):
        return None
    values = np.asarray(column.fill_null(0)).astype(np.int64)
    return values == 1 if np.isin(values, (0, 1)).all() and values.any() else None


def totals(edge: Edge) -> list[Proposal]:
    """Columns of a parent that are a function of its children."""
    rows = edge.above.num_rows
    if rows < _LEAST_FAMILIES:
        return []
    there = edge.row >= 0
    count = np.bincount(edge.row[there], minlength=rows).astype(float)
    out = []
    for name in edge.above.column_names:
        column = plain(edge.above[name])
        if family_of(column.type) != "number" and family_of(column.type) not in _TIMES:
            continue
        values, null = _floats(column)
        for declaration, found, free in _candidates(edge, name, column.type, count):
            wanting = null & (declaration.get("function") in ("min", "max"))
            proposal = _total(declaration, np.where(wanting, np.nan, values), found, free)
            if proposal is not None:
                out.append(proposal)
    # a column of which the least is the greatest repeats the parent's own
    ends = Counter((p.declaration["aggregate"], p.declaration["of"]) for p in out)
    return [p for p in out if ends[p.declaration["aggregate"], p.declaration["of"]] == 1]


def _candidates(
    edge: Edge, name: str, dtype: pa.DataType, count: NDArray[np.float64]
) -> Iterator[tuple[dict[str, Any], NDArray[np.float64], NDArray[np.bool_]]]:
    """Declarations, what they would compute, and rows that are free of them."""
    rows, number = len(count), family_of(dtype) == "number"
    none = np.zeros(rows, bool)
    if pa.types.is_integer(value_type(dtype)):
        said: dict[str, Any] = {"aggregate": name, "of": edge.child, "function": "count"}
        yield said, count.astype(np.float64), none
    for part in edge.below.column_names:
        column = plain(edge.below[part])
        if number and family_of(column.type) == "number":
            values, null = _floats(column)
            held = (edge.row >= 0) & ~null
            added = np.bincount(edge.row[held], values[held], rows).astype(np.float64)
            yield {"aggregate": name, "of": f"{edge.child}.{part}"}, added, none
        elif not number and value_type(column.type) == value_type(dtype):
            values, null = _floats(column)
            held = (edge.row >= 0) & ~null
            bare = np.bincount(edge.row[held], minlength=rows) == 0
            for function, end in (("min", np.minimum), ("max", np.maximum)):
                found = np.full(rows, np.inf if function == "min" else -np.inf)
                end.at(found, edge.row[held], values[held])
                said = {"aggregate": name, "of": f"{edge.child}.{part}", "function": function}
                yield said, np.where(bare, 0.0, found), bare


def _floats(column: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    null = np.asarray(column.is_null())
    if pa.types.is_temporal(column.type):
        wide = pa.timestamp("us", getattr(column.type, "tz", None))
        return _ticks(column, wide).astype(float), null
    return np.asarray(column.cast(pa.float64(), safe=False).fill_null(0.0)), null


def _total(
    declaration: Mapping[str, Any], held: NDArray[np.float64], found: NDArray[np.float64],
    free: NDArray[np.bool_],
) -> Proposal | None:  # fmt: skip
    judged = np.flatnonzero(~free)
    held, found = held[judged], found[judged]
    if len(judged) < _LEAST_FAMILIES:
        return None
    slack = _SLACK * (1 + np.abs(held))
    wrong = int((~(np.abs(held - found) <= slack)).sum())
    chance = int((~(np.abs(held - found[mixed(len(found))]) <= slack)).sum())
    if not surprising(len(judged), wrong, chance):
        return None
    score = scored(len(judged), wrong, chance, len(free))
    return Proposal(declaration, len(judged), wrong, score, reason=reason_of(wrong))
