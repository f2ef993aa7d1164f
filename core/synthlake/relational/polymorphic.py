"""References whose table a type column names: that column is drawn first, the rest follows it.

Within the model an id is one column a target, each a reference of its own. What a row refers to is
learned of each target from the rows of its type alone, and NULL in all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import indices, plain
from synthlake.encode.categorical import ABSENT, UNKNOWN, CategoricalCodec, build_categorical
from synthlake.errors import LearnError
from synthlake.ports import Codes, Feature
from synthlake.relational.columns import MAX_CATEGORIES, TableData, counted
from synthlake.relational.model import Attribute, Codec, column_id, level_id, link_id
from synthlake.relational.parents import as_type
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.polymorphic import Polymorphic
from synthlake.seed import below
from synthlake.sql.statistics import TableStatistics

if TYPE_CHECKING:
    from synthlake.relational.attributes import Frame
    from synthlake.relational.generate import Generator
    from synthlake.relational.model import TableModel
    from synthlake.relational.rows import Block

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """The rows in which a flat column may be known: those of a type, or those of no table's.

    Attributes:
        by: feature of the type column.
        codes: of the type; of the rest, of all types that name a table.
        rest: whether it is the rest's.
    """

    by: str
    codes: tuple[int, ...]
    rest: bool = False

    def holds(self, seen: Mapping[str, Codes], rows: int) -> Mask:
        """Shape (rows,); a type without support is none of them."""
        types = seen.get(self.by)
        codes = np.full(rows, -1, np.int32) if types is None else types
        named = np.isin(codes, self.codes)
        return ~named & (codes != UNKNOWN) if self.rest else named


@dataclass(frozen=True)
class Tie:
    """What a reference that closes a cycle, and so is drawn before the type, says of the type.

    Attributes:
        level: its feature; 0 where there is no parent.
        code: of the type whose rows have one; None where it has no support.
        before: such features of the same id that are drawn before this one.
    """

    level: str
    code: int | None
    before: tuple[str, ...]

    def settle(self, codes: Codes, seen: Mapping[str, Codes], by: str) -> Codes:
        """Levels, of rows without another parent; where the type is drawn first, of its rows."""
        for other in self.before:
            codes = np.where(seen[other] > 0, np.int32(0), codes)
        if by in seen:  # a condition
            codes = np.where(seen[by] == self.code, codes, np.int32(0))
        return codes


@dataclass(frozen=True)
class Cases:
    """What the type columns of a table decide.

    Attributes:
        of: by feature.
        ties: by feature of the type column.
    """

    of: Mapping[str, Case]
    ties: Mapping[str, tuple[Tie, ...]]

    def settle(self, name: str, codes: Codes, seen: Mapping[str, Codes]) -> Codes:
        """The codes of a feature, as far as those drawn before leave it a choice."""
        case = self.of.get(name)
        if case is not None:
            return np.where(case.holds(seen, len(codes)), codes, -1).astype(np.int32)
        for tie in self.ties.get(name, ()):
            if tie.level in seen:
                code = -1 if tie.code is None else tie.code
                codes = np.where(seen[tie.level] > 0, np.int32(code), codes)
        for by, tie in ((b, t) for b, ties in self.ties.items() for t in ties if t.level == name):
            codes = tie.settle(codes, seen, by)
        return codes

    def absent(
        self, drawn: Mapping[str, Feature], seen: Mapping[str, Feature]
    ) -> dict[str, Feature]:
        """What is learned of each feature: nothing from rows in which it cannot be known."""
        codes, out = {n: f.codes for n, f in seen.items()}, dict(drawn)
        for name, case in self.of.items():
            if name in out:
                held = out[name]
                there = case.holds(codes, len(held.codes))
                known = np.where(there, held.codes, ABSENT)
                out[name] = replace(held, codes=known.astype(np.int32))
        return out


def cases_of(
    table: Table, foreign_keys: Sequence[ForeignKey], attributes: Sequence[Attribute]
) -> Cases:
    """What the type columns of a table decide; empty for one without polymorphic references."""
    if not table.polymorphic:
        return Cases({}, {})
    of: dict[str, Case] = {}
    ties: dict[str, tuple[Tie, ...]] = {}
    links = {fk.columns: link_id(n) for n, fk in enumerate(foreign_keys)}
    levels = {fk.columns: level_id(n) for n, fk in enumerate(table.loops)}
    codecs = {a.column: a.codec for a in attributes}
    for held in table.polymorphic:
        by, codes = column_id(held.by), _codes(held, codecs.get(held.by))
        for kind, part in held.of:
            if (part,) in links:
                of[links[(part,)]] = Case(by, (codes[kind],) if kind in codes else ())
        of[column_id(held.rest)] = Case(by, tuple(codes.values()), rest=True)
        closing = [(levels[(p,)], codes.get(kind)) for kind, p in held.of if (p,) in levels]
        closing.sort(reverse=True)  # as they are drawn
        ties[by] = (*ties.get(by, ()), *(
            Tie(level, code, tuple(other for other, _ in closing[:place]))
            for place, (level, code) in enumerate(closing)
        ))  # fmt: skip
    return Cases(of, ties)


def cases_of_model(model: TableModel) -> Cases:
    """The same of a table that was learned."""
    return cases_of(model.table, [link.fk for link in model.links], model.attributes)


def _codes(held: Polymorphic, codec: Codec | None) -> dict[str, int]:
    """The code of each type that names a table and has support."""
    if not isinstance(codec, CategoricalCodec):
        return {}
    values = codec.values.cast(pa.string()).to_pylist()
    places = {value: place for place, value in enumerate(values)}
    return {kind: places[kind] for kind, _ in held.of if kind in places}


def types_of(table: Table) -> set[str]:
    """Columns that say which table is meant."""
    return {held.by for held in table.polymorphic}


def types_first(table: Table) -> Table:
    """The table with its type columns before all that is drawn given them."""
    if not table.polymorphic:
        return table
    return replace(table, conditions=tuple(dict.fromkeys([*table.conditions, *_by(table)])))


def _by(table: Table) -> Iterator[str]:
    return (held.by for held in table.polymorphic)


def first_features(table: Table, drawn: Mapping[str, Feature]) -> list[str]:
    """Features of the type columns, which come before those of the references."""
    return [n for n in dict.fromkeys(map(column_id, _by(table))) if n in drawn]


def with_types(
    data: TableData, table: Table, codecs: Mapping[str, Codec | None]
) -> dict[str, Codec | None]:
    """Codecs, those of type columns as categories, however many of their values lack support.

    Privacy: as of any category; a type that fewer than k entities stand behind is never made.
    """
    out = dict(codecs)
    for name in types_of(table) & codecs.keys():
        codec = codecs[name]
        if not isinstance(codec, CategoricalCodec):
            counts = data.of(name).counts
            counts = counted(data, name) if counts is None else counts
            codec = build_categorical(table.column(name).type, counts, data.k, MAX_CATEGORIES)
        out[name] = codec
    return out


def check_types(table: Table, frame: Frame) -> None:
    """Refuse a type column that is drawn with others as one.

    Raises:
        LearnError: a rule asks for that.
    """
    for name in sorted(types_of(table)):
        if frame.enforced is not None and frame.enforced.joint_of(column_id(name)) is not None:
            raise LearnError(
                f"{table.name}.{name} says which table a row refers to and is drawn before all"
                " else, and a rule wants it drawn together with other columns",
                hint=f"leave {name} out of that rule",
            )


def check_named(statistics: Mapping[str, TableStatistics], schema: Schema) -> None:
    """Refuse ids whose type names no table, where that is the policy.

    Raises:
        LearnError: there are some.
    """
    for table in schema:
        for held in table.polymorphic if table.name in statistics and not table.keep else ():
            known = statistics[table.name]
            found = known.train_rows - known.columns[held.rest].nulls
            if held.orphans == "fail" and found > 0:
                raise LearnError(
                    f"{table.name}({held.column}) by {held.by} has {found} rows whose type names"
                    " no table, and its policy is fail",
                    hint="name the table of each type in `of`, or choose orphans: keep, 'null' or"
                    " drop",
                )


def rejoined(
    generator: Generator, block: Block, columns: Mapping[str, Any]
) -> dict[str, pa.Array[Any]]:
    """Ids as rows are written, by the type that is written beside them.

    Where the real data has no NULL, a row that has no parent by what was drawn has any of its
    type's; one that refers to its own table, itself.

    Args:
        generator: makes the keys of parents.
        block: the rows.
        columns: of the rows, flat ones among them.
    """
    table = generator.model.schema[block.model.table.name]
    return {p.column: _id(p, generator, block, columns) for p in table.polymorphic}


def _id(
    held: Polymorphic, generator: Generator, block: Block, columns: Mapping[str, Any]
) -> pa.Array[Any]:
    types = pc.cast(plain(columns[held.by]), pa.string())
    known = pa.array([kind for kind, _ in held.of], pa.string())
    number = np.asarray(pc.index_in(types, value_set=known).fill_null(len(known)), np.int64)
    made = _picked(held, columns, number)
    if held.nullable or not made.null_count:
        return made
    table = generator.model.schema[block.model.table.name]
    keys = {fk.columns: fk for fk in table.references}
    for place, part in enumerate(held.parts):
        gone = np.flatnonzero(np.asarray(made.is_null()) & (number == place))
        fk = keys[(part,)]
        parents = generator.plan.rows[fk.references]
        if not len(gone) or not parents:
            continue
        any_row = below(block.words(f"any:{part}", 0)[gone], parents)
        index = gone + block.start if fk.references == table.name else any_row
        found = as_type(generator.key_columns(fk.references, fk.to, index)[fk.to[0]], held.type)
        at = np.arange(len(made))
        at[gone] = len(made) + np.arange(len(gone))
        made = pa.concat_arrays([made, found]).take(indices(at))
    return made


def _picked(
    held: Polymorphic, columns: Mapping[str, Any], number: NDArray[np.int64]
) -> pa.Array[Any]:
    """Of each row, what the flat column of a number has."""
    parts = [as_type(columns[name], held.type) for name in held.flat]
    return pa.concat_arrays(parts).take(indices(number * len(number) + np.arange(len(number))))


def rejoined_table(table: Table, rows: pa.Table) -> pa.Table:
    """Real rows of a table with ids in the place of flat columns, of which one at most is known.

    Which one that is does not hang on how types are written: an engine may pad them.
    """
    if not table.polymorphic:
        return rows
    made: dict[str, pa.Array[Any]] = {}
    for held in table.polymorphic:
        known = np.stack([np.asarray(rows[name].is_valid()) for name in held.flat])
        columns = {name: rows[name] for name in held.flat}
        made[held.column] = _picked(held, columns, known.argmax(axis=0).astype(np.int64))
    names = table.written.arrow.names
    return pa.table({n: made[n] if n in made else as_type(rows[n], rows[n].type) for n in names})
