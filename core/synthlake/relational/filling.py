"""Filling cells of given rows: imputation of what is missing, and partial synthesis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.constraints.rule import Cells, Mask
from synthlake.encode.axis import Axis, coded, indices, is_ordered, plain
from synthlake.encode.numeric import NumericCodec
from synthlake.errors import SampleError
from synthlake.models.registry import guided_of
from synthlake.ports import Codes
from synthlake.relational.calendars import calendar_features
from synthlake.relational.model import Attribute, Model, TableModel, column_id, link_id
from synthlake.relational.particles import BLOCK, Known, Particles
from synthlake.schema.nearest import nearest
from synthlake.seed import Seed

TRIES = 32
_FEW, _MANY = 3, 8  # columns of which cells are drawn again twice, and once


@dataclass(frozen=True)
class FillSettings:
    """Which cells of rows are drawn, and how.

    Attributes:
        table: of which they are; None where the artifact has one.
        columns: that are filled; None for all that have NULL.
        seed: equal seeds give equal cells.
        tries: of each row; more follow the known cells more closely.
        replace: whether all cells of the columns are drawn anew, rather than the missing ones.
    """

    table: str | None = None
    columns: Sequence[str] | None = None
    seed: int = 0
    tries: int = TRIES
    replace: bool = False


def fill(model: Model, rows: pa.Table, settings: FillSettings) -> pa.Table:
    """Rows with some cells drawn given the others; all others, and their order, stay.

    Args:
        model: what was learned.
        rows: of one table; columns that were not learned stay as they are.
        settings: which cells.

    Raises:
        SampleError: the cells cannot be drawn.

    Cost: about 1 microsecond a cell and try.
    """
    table = _table_of(model, settings.table)
    if not 0 < settings.tries <= 1_024:
        raise SampleError(f"{settings.tries} tries of a row were asked for", hint="from 1 to 1,024")
    if rows.num_rows and len(set(rows.column_names)) < rows.num_columns:
        raise SampleError("a column stands twice in the rows", hint="rename one of them")
    columns = _columns(table, rows, settings)
    if settings.replace:
        _check_ties(table, rows, columns)
    rows = _with_types(table, rows, columns)
    seed = Seed(settings.seed, model.scope)
    gone = {c: _gone(rows, c, settings.replace) for c in columns}
    rows = _Filling(table, seed, _facts(table, rows), settings).filled(rows, gone)
    several = np.sum([*gone.values()], axis=0) > 1 if gone else np.zeros(0, bool)
    again = {c: mask & several for c, mask in gone.items() if (mask & several).any()}
    for sweep in range(_sweeps(len(again))):
        for name, mask in again.items():
            filler = _Filling(table, seed, _facts(table, rows), settings, f"{sweep}:{name}")
            rows = filler.filled(rows, {name: mask})
    return rows


def _with_types(table: TableModel, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Rows of which columns that are nothing but NULL have the type that was learned."""
    for name in columns:
        if pa.types.is_null(rows[name].type):
            dtype = table.table.column(name).type
            place = rows.schema.get_field_index(name)
            rows = rows.set_column(place, name, rows[name].cast(dtype))
    return rows


def _sweeps(columns: int) -> int:
    """How often cells of a row of which several are drawn are drawn again, one at a time.

    Source: Gibbs sampling (Geman and Geman, IEEE PAMI 6(6), 1984), begun near its end.
    """
    return 0 if columns < 2 or columns > _MANY else 2 if columns <= _FEW else 1


def _gone(rows: pa.Table, column: str, replace: bool) -> Mask:
    """Cells that are drawn."""
    if replace:
        return np.ones(rows.num_rows, bool)
    return np.asarray(plain(rows[column]).is_null())


def _held(array: pa.Array[Any], dtype: pa.DataType, name: str) -> pa.Array[Any]:
    """Drawn values in the type of the rows that were given."""
    try:
        made: pa.Array[Any] = array.cast(dtype)
    except pa.ArrowException:
        raise SampleError(
            f"{name} is {dtype} in the rows, which does not hold all that was learned",
            hint=f"cast {name} to the type that was learned",
        ) from None
    return made


def _table_of(model: Model, name: str | None) -> TableModel:
    made = [t for t in model.tables.values() if t.kept is None]
    if name is None and len(made) != 1:
        raise SampleError(
            f"it is not said of which of {len(made)} tables the rows are",
            hint=f"say table={made[0].table.name!r}" if made else "learn a table first",
        )
    if name is not None and name not in model.tables:
        raise SampleError(f"there is no table {name!r}", hint=nearest(name, model.tables))
    table = made[0] if name is None else model.tables[name]
    if table.own is not None:
        raise SampleError(
            f"rows of {table.table.name} depend on those of its parent, {table.own.fk.references}",
            hint=f"cells of its root, {model.schema.chain(table.table.name)[-1]}, can be drawn",
        )
    if guided_of(table.synthesizer) is None:
        raise SampleError(
            f"the synthesizer of {table.table.name} draws no cells given others",
            hint="learn the table by `synthesizer: trees`",
        )
    return table


def _columns(table: TableModel, rows: pa.Table, settings: FillSettings) -> list[str]:
    """Columns whose cells are drawn.

    Raises:
        SampleError: a column is not there, or nothing is learned of it.
    """
    drawn = {a.column for a in table.attributes if a.codec is not None}
    for held in table.table.polymorphic:  # a type of its own would say another table of a known id
        drawn -= {held.by, *held.flat}
    if settings.columns is None:
        return [c for c in rows.column_names if c in drawn and rows[c].null_count]
    for name in settings.columns:
        if name not in rows.column_names:
            raise SampleError(
                f"the rows have no column {name!r}", hint=nearest(name, rows.column_names)
            )
        if name not in drawn:
            raise SampleError(
                f"{table.table.name}.{name} is a key, a reference or not learned, and is not drawn",
                hint=f"columns are {', '.join(sorted(drawn))}",
            )
    if settings.replace and not settings.columns:
        raise SampleError("no column is to be replaced", hint="name one in `columns`")
    return list(dict.fromkeys(settings.columns))


def _check_ties(table: TableModel, rows: pa.Table, columns: Sequence[str]) -> None:
    """Refuse to replace one side of what always holds: the other side would tell it.

    Raises:
        SampleError: a column follows from another, and only one of them is replaced.
    """
    ties = [(rule.needs, rule.makes) for rule in table.rules]
    names = {column_id(a.column): a.column for a in table.attributes}
    ties += [(tuple(names.get(g, g) for g in rule.given), (names[rule.made],))
             for rule in table.maps]  # fmt: skip
    there = set(rows.column_names)
    for needs, makes in ties:
        for name in makes:
            if not {*needs, name} <= there:
                continue  # a reference, or what a column is measured by
            apart = [n for n in (*needs, name) if n not in columns]
            if 0 < len(apart) <= len(needs):
                raise SampleError(
                    f"{table.table.name}.{name} follows from {', '.join(needs)}, and"
                    f" {', '.join(apart)} would stay real",
                    hint=f"replace {', '.join(apart)} as well, or none of them",
                )


def _facts(table: TableModel, rows: pa.Table) -> dict[str, Known]:
    """What is known of each feature; a NULL is known for now."""
    facts = {}
    for attribute in table.attributes:
        if attribute.codec is not None and attribute.column in rows.column_names:
            array = _typed(table, attribute.column, rows)
            codes = attribute.codec.encode(array)
            facts[column_id(attribute.column)] = Known(
                np.ones(len(codes), bool), codes, _cells(attribute, array)
            )
    for number, link in enumerate(table.links):
        name = link.fk.columns[0]
        if link.values is None or len(link.fk.columns) > 1 or name not in rows.column_names:
            continue
        values = plain(link.values[name])
        found = pa.compute.index_in(_typed(table, name, rows).cast(values.type), value_set=values)
        other = link.values.num_rows if link.rest else -2
        codes = np.asarray(found.fill_null(other)).astype(np.int32)
        codes[np.asarray(rows[name].is_null())] = -1
        facts[link_id(number)] = Known(np.ones(len(codes), bool), codes)
    return facts


def _typed(table: TableModel, name: str, rows: pa.Table) -> pa.Array[Any]:
    """A column of the rows in the type that was learned."""
    dtype: Any = table.table.column(name).type
    dtype = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    try:
        made: pa.Array[Any] = plain(rows[name]).cast(dtype)
    except pa.ArrowException:
        raise SampleError(
            f"{name} is {rows[name].type}, and {dtype} was learned", hint=f"cast {name} to {dtype}"
        ) from None
    return made


def _cells(attribute: Attribute, array: pa.Array[Any]) -> Cells | None:
    if not is_ordered(array.type):
        return None
    codec = attribute.codec
    axis = codec.axis if isinstance(codec, NumericCodec) else Axis(array.type)
    return Cells(*axis.ticks(array))


@dataclass(frozen=True)
class _Filling:
    """Fills rows block by block."""

    table: TableModel
    seed: Seed
    facts: Mapping[str, Known]
    settings: FillSettings
    label: str = ""

    def filled(self, rows: pa.Table, gone: Mapping[str, Mask]) -> pa.Table:
        """Rows with cells drawn, in the types that they have."""
        columns = list(gone)
        kept = {c: [plain(rows[c])] for c in columns}
        place = {c: np.arange(rows.num_rows) for c in columns}
        for block in self._blocks(rows, gone):
            number = block.start + block.place
            cells = block._ruled()
            for name in columns:
                attribute = next(a for a in self.table.attributes if a.column == name)
                there = gone[name][number]
                array = block._array(attribute, self.table.table.column(name).type, cells)
                array = _held(plain(array).filter(pa.array(there)), kept[name][0].type, name)
                at = sum(len(a) for a in kept[name])
                place[name][number[there]] = np.arange(at, at + len(array))
                kept[name].append(array)
        for name in columns:
            whole = pa.concat_arrays(kept[name]).take(indices(place[name]))
            made = pa.chunked_array([coded(whole, rows[name].type)], rows[name].type)
            rows = rows.set_column(rows.schema.get_field_index(name), rows.field(name), made)
        return rows

    def _blocks(self, rows: pa.Table, gone: Mapping[str, Mask]) -> Iterator[Particles]:
        """Blocks with rows to fill, each filled."""
        wanted = np.zeros(rows.num_rows, bool)
        for mask in gone.values():
            wanted |= mask
        for start in range(0, rows.num_rows, BLOCK):
            place = np.flatnonzero(wanted[start : start + BLOCK])
            if len(place):
                yield self._block(rows, gone, start, place)

    def _block(
        self, rows: pa.Table, gone: Mapping[str, Mask], start: int, place: NDArray[np.int64]
    ) -> Particles:
        tries = self.settings.tries
        row = np.repeat(place + start, tries)
        facts = {name: fact.of(row) for name, fact in self.facts.items()}
        for name, mask in gone.items():
            fact = facts[column_id(name)]
            facts[column_id(name)] = Known(~mask[row], fact.codes, fact.cells)
        context = self._context(rows, row)
        block = Particles(
            self.table, self.seed, start, len(row), {}, context, tries=tries, place=place,
            facts=facts, nulls=self.settings.replace, label=self.label,
        )  # fmt: skip
        block.given.update(context)
        block.fill()
        return block

    def _context(self, rows: pa.Table, row: NDArray[np.int64]) -> dict[str, Codes]:
        """Features of the key, for each try."""
        names = [c.column for c in self.table.calendars]
        for name in names:
            if name not in rows.column_names:
                raise SampleError(f"the rows have no column {name!r}", hint="it is part of the key")
        columns = {n: _typed(self.table, n, rows).take(indices(row)) for n in names}
        placed = calendar_features(self.table.calendars, columns)
        return {name: feature.codes for name, feature in placed.items()}
