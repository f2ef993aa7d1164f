"""What keeps declared rules while a block is drawn: masks of NULL, combinations, unique values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells
from synthlake.encode.axis import coded
from synthlake.errors import SampleError
from synthlake.ports import Codes, Redraw
from synthlake.relational.keys import KeyFrame, KeyMaker

if TYPE_CHECKING:
    from synthlake.relational.model import Attribute

_TRIES = range(30, 34)  # numbers of further draws
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Joint:
    """Columns that are drawn as one category of combinations.

    Attributes:
        columns: names of their features.
        table: shape (combinations, columns): codes of each; -1 is NULL.

    Privacy: every combination has k entities or more.
    """

    columns: tuple[str, ...]
    table: Codes

    def codes(self, drawn: Codes) -> dict[str, Codes]:
        """Codes of the columns by their combination."""
        known = drawn >= 0
        rows = self.table[np.where(known, drawn, 0)]
        return {
            name: np.where(known, rows[:, place], -1).astype(np.int32)
            for place, name in enumerate(self.columns)
        }


@dataclass(frozen=True)
class Together:
    """Columns that are NULL where the first of them is, in the order in which they are drawn."""

    columns: tuple[str, ...]

    def settle(self, name: str, codes: Codes, seen: Mapping[str, Codes]) -> Codes:
        """The codes with the mask of the first column."""
        if name not in self.columns[1:]:
            return codes
        return np.where(seen[self.columns[0]] == -1, np.int32(-1), codes)


@dataclass(frozen=True)
class Exclusive:
    """Columns of which at most one is set, in the order in which they are drawn.

    Attributes:
        columns: names of their features.
        empty: of each, the codes that say nothing: NULL, 0, false. The first is written.
    """

    columns: tuple[str, ...]
    empty: tuple[tuple[int, ...], ...]

    def settle(self, name: str, codes: Codes, seen: Mapping[str, Codes]) -> Codes:
        """The codes, emptied where a column before is set."""
        if name not in self.columns[1:]:
            return codes
        place = self.columns.index(name)
        filled = np.zeros(len(codes), bool)
        for other, empty in zip(self.columns[:place], self.empty, strict=False):
            filled |= ~np.isin(seen[other], empty)
        wrong = filled & ~np.isin(codes, self.empty[place])
        return np.where(wrong, np.int32(self.empty[place][0]), codes)


@dataclass(frozen=True)
class Unique:
    """A column whose values are made from the row's number where it is not NULL.

    Attributes:
        column: its name.
        maker: makes a value of a number; distinct ones of distinct numbers.
        label: the rule, for messages.
    """

    column: str
    maker: KeyMaker
    label: str


@dataclass(frozen=True)
class Enforced:
    """What keeps the rules of one table.

    Attributes:
        joints: by the name of the feature that stands for the combinations.
        settled: masks.
        unique: columns made of the row's number.
        tried: numbers of the rules for which rows are drawn again.
    """

    joints: Mapping[str, Joint]
    settled: tuple[Together | Exclusive, ...] = ()
    unique: tuple[Unique, ...] = ()
    tried: tuple[int, ...] = ()

    def settle(self, name: str, codes: Codes, seen: Mapping[str, Codes]) -> Codes:
        """What a column's codes are once the masks have had their say."""
        for rule in self.settled:
            codes = rule.settle(name, codes, seen)
        return codes

    def joint_of(self, column: str) -> str | None:
        """The feature that a column's feature is drawn with."""
        return next((j for j, joint in self.joints.items() if column in joint.columns), None)

    def to_json(self) -> dict[str, Any]:
        """Settings; combinations are tensors, makers of keys are packed elsewhere."""
        return {
            "joints": {name: list(joint.columns) for name, joint in self.joints.items()},
            "settled": [_settled_to_json(rule) for rule in self.settled],
            "tried": list(self.tried),
        }


def reached(
    attribute: Attribute, codes: Codes, cells: Mapping[str, Cells], redraw: Redraw
) -> Codes:
    """Codes of distances, none longer than distances from a known column are."""
    gap, codec = attribute.gap, attribute.drawn
    if gap is None or codec is None or not len(codec.low):
        return codes
    for number in _TRIES:
        far = np.flatnonzero(gap.far(cells, codec.low[codes]) & (codes >= 0))
        if not len(far):
            return codes
        codes = codes.copy()
        codes[far] = redraw(far, number)
    far = np.flatnonzero(gap.far(cells, codec.low[codes]) & (codes >= 0))
    most = max(int(np.searchsorted(codec.low, gap.reach, side="right")) - 1, 0)
    codes[far] = most
    return codes


def numbered(
    unique: Unique, made: pa.Array[Any], frame: KeyFrame | None, start: int
) -> pa.Array[Any]:
    """The values of rows by their number; NULL stays NULL.

    Raises:
        SampleError: there are more rows than values.
    """
    assert frame is not None
    if frame.rows > unique.maker.capacity:
        raise SampleError(
            f"{frame.table} {{{unique.label}}}: {unique.column} has room for "
            f"{unique.maker.capacity:,} values, and {frame.rows:,} rows are asked for",
            hint="ask for fewer rows, or widen the pattern or the range",
        )
    mine = replace(frame, table=f"{frame.table}.{unique.column}", total=frame.rows)
    values = unique.maker.make(np.arange(start, start + len(made)), mine)[unique.column]
    gone: Any = pa.nulls(len(made), made.type)
    kept: pa.Array[Any] = pc.if_else(made.is_valid(), coded(values, made.type), gone)
    return kept


def joint_id(number: int) -> str:
    """Name of a joint category among features, by the number of its rule."""
    return f"j:{number}"


def _settled_to_json(rule: Together | Exclusive) -> dict[str, Any]:
    if isinstance(rule, Together):
        return {"rule": "together", "columns": list(rule.columns)}
    return {"rule": "exclusive", "columns": list(rule.columns),
            "empty": [list(codes) for codes in rule.empty]}  # fmt: skip


def settled_from_json(forms: Sequence[Mapping[str, Any]]) -> tuple[Together | Exclusive, ...]:
    """The masks that ``to_json`` described."""
    out: list[Together | Exclusive] = []
    for form in forms:
        columns = tuple(form["columns"])
        if form["rule"] == "together":
            out.append(Together(columns))
        else:
            out.append(Exclusive(columns, tuple(tuple(codes) for codes in form["empty"])))
    return tuple(out)
