"""Columns of parents as their children see them, while they are learned and while they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.edges import moved
from synthlake.constraints.joined import JoinedTable, Place, places
from synthlake.constraints.rule import Cells, Mask
from synthlake.encode.axis import Axis, empty, indices, is_ordered, plain
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import LearnError
from synthlake.ports import Codes, Feature
from synthlake.relational.across import Copy
from synthlake.relational.joins import Join
from synthlake.relational.model import Codec, TableModel
from synthlake.schema.model import Column, Table

if TYPE_CHECKING:
    from synthlake.relational.draft import Draft
    from synthlake.relational.generate import Generator
    from synthlake.schema.model import Schema

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Upper:
    """A column of a parent, a value for each child; NULL where there is no such parent.

    Attributes:
        array: values.
        codes: by the parent's codec.
        cells: on its axis; None where it has none.
        there: rows that have this parent.
    """

    array: pa.Array[Any]
    codes: Codes
    cells: Cells | None
    there: Mask

    def take(self, rows: Index) -> Upper:
        """Those of some children."""
        cells = self.cells.take(rows) if self.cells is not None else None
        return Upper(self.array.take(indices(rows)), self.codes[rows], cells, self.there[rows])


@dataclass(frozen=True)
class Known:
    """A column of a parent in the sample.

    Attributes:
        place: where it stands.
        upper: its values, a child each.
        codec: of the parent's column.
        smooth: on its axis, within what is supported; None where it has none, or a continuous one.
        free: whether rules may be found about it, rather than declared.
    """

    place: Place
    upper: Upper
    codec: Codec
    smooth: Cells | None
    free: bool

    @property
    def axis(self) -> Axis | None:
        """Its axis, where it has one that rules may compute on."""
        return self.codec.axis if isinstance(self.codec, NumericCodec) else None

    @property
    def feature(self) -> Feature:
        """Its codes as a feature of the child."""
        return Feature(self.upper.codes, self.codec.size, self.codec.ordered)


def known_above(
    table: Table, schema: Schema, drafts: Mapping[str, Draft], joins: Sequence[Join],
    structured: bool,
) -> dict[str, Known]:  # fmt: skip
    """Columns of parents in the sample of a table, by name.

    Those that declared rules speak of, and all that the own parent has, so that rules about them
    may be found.

    Raises:
        LearnError: a column that a rule speaks of was not learned, or has values without an order.
    """
    out: dict[str, Known] = {}
    for place, free in _places(table, schema, drafts, structured):
        if place.table not in drafts:
            continue  # an empty table
        row, owner = _rows(table, drafts, joins, place.steps)
        draft = drafts[owner]
        attribute = next((a for a in draft.frame.attributes if a.column == place.column), None)
        if attribute is None or attribute.codec is None:
            if free:
                continue
            raise LearnError(
                f"{table.name}: nothing was learned of {place.name}, which its rules speak of",
                hint="leave the rule out",
            )
        if isinstance(attribute.codec, NumericCodec) and attribute.codec.special and not free:
            raise LearnError(
                f"{table.name}: {place.name} has NaN or infinities, which nothing is compared with",
                hint=f"declare a `range` of {place.column} in {place.table}, or leave the rule out",
            )
        out[place.name] = _known(place, attribute.codec, draft.data.sample[place.column], row, free)
    return out


def _places(
    table: Table, schema: Schema, drafts: Mapping[str, Draft], structured: bool
) -> Iterator[tuple[Place, bool]]:
    said = {p.name: p for p in places(table, schema)}
    own = table.own
    for name, place in said.items():
        yield place, structured and place.steps == 1 and not table.has(name)
    if own is None or own.references not in drafts or not structured:
        return
    draft = drafts[own.references]
    late = _late(draft, moved(schema, own.references))
    for attribute in draft.frame.attributes:
        column = draft.table.column(attribute.column)
        name = f"{own.references}.{attribute.column}"
        learned = attribute.learned and attribute.codec is not None and column.action == "learn"
        if learned and attribute.column not in late and name not in said and not table.has(name):
            yield Place(name, own.references, attribute.column), True


def _late(draft: Draft, moved: set[str]) -> set[str]:
    """Columns that are settled after their rows, and what rules make of them."""
    late = set(moved)
    for rule in draft.frame.rules:
        if late & set(rule.needs):
            late |= set(rule.makes)
    return late


def _rows(
    table: Table, drafts: Mapping[str, Draft], joins: Sequence[Join], steps: int
) -> tuple[Index, str]:
    """The row of each child's ancestor in its sample, and that one's table."""
    own = table.own
    assert own is not None
    row, name = joins[table.foreign_keys.index(own)].parent, own.references
    for _ in range(steps - 1):
        draft = drafts[name]
        above = draft.table.own
        assert above is not None
        parent = draft.joins[draft.table.foreign_keys.index(above)].parent
        row = np.where(row < 0, -1, parent[row] if len(parent) else -1)
        name = above.references
    return row, name


def _known(place: Place, codec: Codec, column: Any, row: Index, free: bool) -> Known:
    array = plain(column)
    if len(array):
        array = array.take(indices(np.maximum(row, 0), row < 0))
    else:
        array = empty(len(row), array.type)
    upper = upper_of(array, codec, row >= 0)
    smooth = upper.cells
    if isinstance(codec, NumericCodec) and smooth is not None and len(codec.low):
        clipped = np.clip(smooth.ticks, codec.low[0], codec.high[-1])
        smooth = None if codec.axis.continuous else Cells(clipped, smooth.null)
    return Known(place, upper, codec, smooth, free)


def upper_of(array: pa.Array[Any], codec: Codec | None, there: Mask) -> Upper:
    """Values of a parent's column as children see them."""
    codes = np.full(len(array), -1, np.int32) if codec is None else codec.encode(array)
    cells = None
    if isinstance(codec, NumericCodec):
        cells = Cells(*codec.axis.ticks(array))
    elif is_ordered(array.type):
        cells = Cells(*Axis(array.type).ticks(array))
    return Upper(array, codes.astype(np.int32), cells, there)


def with_above(table: Table, above: Mapping[str, Upper]) -> Table:
    """A table with columns of parents beside its own, as its rules see it."""
    if not above:
        return table
    columns = tuple(Column(n, upper.array.type) for n, upper in above.items())
    held = {f.name: getattr(table, f.name) for f in fields(Table)}
    return JoinedTable(**{**held, "columns": (*table.columns, *columns)}, above=tuple(above))


def copied(copy: Copy, upper: Upper) -> Mask:
    """Rows whose column is that of their parent."""
    valid = np.asarray(upper.array.is_valid())
    found: Mask = upper.there if copy.nulls else valid
    return found


def chosen(where: Mask, theirs: pa.Array[Any], mine: pa.Array[Any]) -> pa.Array[Any]:
    """Values of one array in some rows, of another in all others."""
    if not where.any():
        return mine
    both = pa.concat_arrays([theirs, mine])
    rows = np.arange(len(mine))
    return both.take(indices(np.where(where, rows, rows + len(mine))))


class Ancestors:
    """Reads columns of parents of the rows that are made.

    Args:
        generator: makes the parents' rows.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def of(self, model: TableModel, parent: Index) -> dict[str, Upper]:
        """Columns of the ancestors of rows, by name.

        Args:
            model: of the rows' table.
            parent: number of the own parent of each; numbers beyond its rows are no parent.

        Cost: each block of ancestors is made once, and kept a while.
        """
        out: dict[str, Upper] = {}
        own = model.own
        if own is None or not model.across.places:
            return out
        index, name = self._real(own.fk.references, parent), own.fk.references
        for steps in range(1, max(p.steps for p in model.across.places) + 1):
            if steps > 1:
                index, name = self.next(name, index)
            some = [p for p in model.across.places if p.steps == steps]
            columns = self._columns(name, tuple(p.column for p in some), index)
            above = self._generator.model.tables[name]
            for place in some:
                codecs = [a.codec for a in above.attributes if a.column == place.column]
                array = plain(columns[place.column])
                out[place.name] = upper_of(array, codecs[0] if codecs else None, index >= 0)
        return out

    def _real(self, table: str, parent: Index) -> Index:
        return np.where(parent < self._generator.plan.rows[table], parent, -1)

    def next(self, table: str, index: Index) -> tuple[Index, str]:
        """Parents of rows by their number; -1 for none."""
        own = self._generator.model.tables[table].own
        assert own is not None
        out = np.full(len(index), -1, np.int64)
        known = np.unique(index[index >= 0])
        if len(known):
            found = np.empty(len(known), np.int64)
            for block, rows in self._generator.slices(table, int(known[0]), int(known[-1]) + 1):
                assert block.family is not None
                first = block.start + (rows.start or 0)
                inside = (known >= first) & (known < block.start + rows.stop)
                found[inside] = block.family[known[inside] - block.start]
            out = np.where(index >= 0, found[np.searchsorted(known, np.maximum(index, known[0]))
                                             % len(found)], -1)  # fmt: skip
        return self._real(own.fk.references, out), own.fk.references

    def _columns(
        self, table: str, names: tuple[str, ...], index: Index
    ) -> dict[str, pa.Array[Any]]:
        """Columns of rows by number, in any order; NULL for -1."""
        known = np.unique(index[index >= 0])
        read = self._generator.reading.rows(table, names, known)
        place = np.searchsorted(known, np.maximum(index, 0)).clip(0, max(len(known) - 1, 0))
        if not len(known):
            return {n: empty(len(index), a.type) for n, a in read.items()}
        return {n: a.take(indices(place, index < 0)) for n, a in read.items()}
