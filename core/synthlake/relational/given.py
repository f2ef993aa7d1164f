"""Conditions on the rows of a table: what was asked for, checked against what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.encode.axis import Axis, is_ordered
from synthlake.encode.categorical import CategoricalCodec
from synthlake.encode.numeric import NumericCodec
from synthlake.encode.prose import ProseCodec
from synthlake.encode.template import TemplateCodec
from synthlake.encode.text import TextCodec
from synthlake.errors import SampleError
from synthlake.relational.admitted import Admitted
from synthlake.relational.model import Attribute, TableModel
from synthlake.relational.typed import bound_of, shown, tick_of, typed
from synthlake.schema.nearest import nearest

_FORMS = "a value, {min: 1, max: 9}, {in: [1, 2]}, or null"
_KEYS = ("where", "rows", "least")


@dataclass(frozen=True)
class Condition:
    """Rows that are wanted, and what they are to satisfy.

    Attributes:
        rows: how many.
        where: what is admitted, by column; all of it holds in every row.
        least: effective share of candidates from which it is accepted; None for the usual.
        pool: candidates that are drawn for each row.
    """

    rows: int
    where: tuple[Admitted, ...]
    least: float | None = None
    pool: int = 1

    def to_json(self) -> dict[str, Any]:
        """As a sample plan holds it."""
        return {"rows": self.rows, "where": [a.to_json() for a in self.where],
                "least": self.least, "pool": self.pool}  # fmt: skip

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Condition:
        """What ``to_json`` described."""
        where = tuple(Admitted.from_json(a) for a in held["where"])
        return cls(held["rows"], where, held["least"], held["pool"])

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        return tuple(a.column for a in self.where)


def understand(model: TableModel, k: int, asked: Sequence[Mapping[str, Any]]) -> list[Condition]:
    """Conditions on a table, checked.

    Args:
        model: of the table.
        k: least entities behind a value, for messages.
        asked: such as ``[{"where": {"age": {"min": 30, "max": 40}}, "rows": 100}]``.

    Raises:
        SampleError: they are not readable, or speak of what cannot be conditioned on.
    """
    name = model.table.name
    if isinstance(asked, Mapping):
        asked = [asked]
    if model.kept is not None:
        raise SampleError(f"{name} is kept as it is", hint="leave it out of `given`")
    if model.synthesizer is None:
        raise SampleError(f"{name} had no rows to learn from", hint="leave it out of `given`")
    if model.calendars:
        raise SampleError(
            f"{name} has a row for each place of a grid ({', '.join(model.table.primary_key)}),"
            " which no condition moves",
            hint="filter the rows of a twin instead",
        )
    reader = _Reader(model, k)
    return [reader.condition(number, entry) for number, entry in enumerate(asked, 1)]


@dataclass(frozen=True)
class _Reader:
    """Reads the conditions of one table."""

    model: TableModel
    k: int

    def condition(self, number: int, entry: Any) -> Condition:
        """One condition."""
        where = f"{self.model.table.name}, condition {number}"
        hint = "write {where: {column: value}, rows: 100}"
        if not isinstance(entry, Mapping):
            raise SampleError(f"{where} is not a mapping", hint=hint)
        for key in entry:
            if key not in _KEYS:
                raise SampleError(f"{where}: {key!r} is not a key", hint=nearest(str(key), _KEYS))
        rows, columns, least = entry.get("rows"), entry.get("where", {}), entry.get("least")
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            raise SampleError(f"{where}: `rows` is no whole number from 0", hint=hint)
        if not isinstance(columns, Mapping):
            raise SampleError(f"{where}: `where` is not a mapping", hint=hint)
        if least is not None and not (isinstance(least, float) and 0 < least <= 1):
            raise SampleError(f"{where}: `least` is no share above 0", hint="such as 0.05")
        found = [self.admitted(str(c), asked, where) for c, asked in columns.items()]
        return Condition(rows, tuple(found), least)

    def admitted(self, column: str, asked: Any, where: str) -> Admitted:
        """What one condition admits of a column."""
        attribute = self.attribute(column, where)
        place, codec = f"{where}: {column}", attribute.codec
        made = {n for rule in self.model.rules for n in rule.makes}
        rest = attribute.gap or attribute.linear or attribute.base
        late = column in made or rest is not None
        if column in made:
            self._computable(column, where)
        only = Admitted(column, late=late)
        if asked is None or asked == {"null": True}:
            return self._null(only, codec, place)
        if isinstance(codec, TextCodec | TemplateCodec | ProseCodec):
            return self._known_text(only, codec, asked, place)
        if codec is None or (not attribute.learned and not late):
            raise SampleError(f"{place} is always NULL", hint="leave it out, or ask for null")
        if isinstance(codec, CategoricalCodec) and not late:
            return self._categories(only, codec, asked, place)
        return self._spans(only, codec, asked, place)

    def attribute(self, column: str, where: str) -> Attribute:
        """The attribute of a column; keys and references are none."""
        table, key = self.model.table, self.model.key
        if not table.has(column):
            names = [a.column for a in self.model.attributes]
            raise SampleError(f"{where}: {table.name} has no column {column!r}",
                              hint=nearest(column, names))  # fmt: skip
        if column in {total.column for total in self.model.across.totals}:
            raise SampleError(
                f"{where}: {table.name}.{column} follows from the rows' children",
                hint="leave it out",
            )
        for attribute in self.model.attributes:
            if attribute.column == column:
                return attribute
        said = "is skipped" if table.column(column).action == "skip" else "is a reference"
        if key is not None and column in key.columns:
            said = "is a key, and made anew"
        raise SampleError(f"{where}: {table.name}.{column} {said}", hint="leave it out")

    def _computable(self, column: str, where: str) -> None:
        """Refuse what follows from a key, which is known before the row is."""
        known = set(self.model.key.columns) if self.model.key else set()
        needed = {column}
        for rule in reversed(self.model.rules):  # in the order in which they are applied
            if needed & set(rule.makes):
                needed |= set(rule.needs)
        if known & needed:
            raise SampleError(
                f"{where}: {column} follows from the key {', '.join(sorted(known))}",
                hint="leave it out",
            )

    def _null(self, only: Admitted, codec: Any, place: str) -> Admitted:
        if not self.model.table.column(only.column).nullable:
            raise SampleError(f"{place} has no NULL", hint="give a value")
        return replace(only, null=True)

    def _known_text(
        self, only: Admitted, codec: TextCodec | TemplateCodec | ProseCodec, asked: Any, place: str
    ) -> Admitted:
        if asked == {"null": False}:
            return replace(only, codes=tuple(range(codec.size)))
        raise SampleError(
            f"{place} is text that is made, not learned",
            hint="of such a column, null and {null: false} can be conditions",
        )

    def _categories(
        self, only: Admitted, codec: CategoricalCodec, asked: Any, place: str
    ) -> Admitted:
        """Codes of categories."""
        if asked == {"null": False}:
            return replace(only, codes=tuple(range(codec.size)))
        low, high, listed = _clause(asked, place)
        if listed is None:
            return replace(only, codes=self._between(codec, low, high, place))
        codes, null = [], False
        for value in listed:
            if value is None:
                null = self._null(only, codec, place).null
                continue
            array = typed(value, codec.type, place)
            found = pc.index_in(array.cast(codec.values.type), value_set=codec.values)
            if found.null_count:
                raise self._unknown(place, value, codec.size)
            codes.append(int(found[0].as_py()))
        return replace(only, codes=tuple(sorted(set(codes))), null=null)

    def _between(self, codec: CategoricalCodec, low: Any, high: Any, place: str) -> tuple[int, ...]:
        """Codes of categories that are numbers, dates or times in a range."""
        if not is_ordered(codec.type):
            raise SampleError(f"{place} has no order", hint="give a value, or {in: [...]}")
        axis = Axis(codec.values.type, None)
        ticks, _ = axis.ticks(codec.values)
        first = axis.limits[0] if low is None else bound_of(low, axis, place, upper=False)
        last = axis.limits[1] if high is None else bound_of(high, axis, place, upper=True)
        codes = np.flatnonzero((ticks >= first) & (ticks <= last))
        if not len(codes):
            raise self._unknown(place, {"min": low, "max": high}, codec.size)
        return tuple(int(c) for c in codes)

    def _spans(self, only: Admitted, codec: Any, asked: Any, place: str) -> Admitted:
        """Ranges on an axis."""
        numeric = codec if isinstance(codec, NumericCodec) else None
        axis = numeric.axis if numeric else Axis(self.model.table.column(only.column).type)
        special = range(len(numeric.low), numeric.size) if numeric else range(0)
        if asked == {"null": False}:
            return replace(only, spans=(axis.limits,), codes=tuple(special))
        low, high, listed = _clause(asked, place)
        if listed is None:
            first = axis.limits[0] if low is None else bound_of(low, axis, place, upper=False)
            last = axis.limits[1] if high is None else bound_of(high, axis, place, upper=True)
            return self._supported(replace(only, spans=((first, last),)), numeric, asked, place)
        out = only
        for value in listed:
            one = self._point(only, numeric, axis, value, place)
            out = replace(out, null=out.null or one.null, codes=(*out.codes, *one.codes),
                          spans=(*out.spans, *one.spans))  # fmt: skip
        return replace(out, codes=tuple(sorted(set(out.codes))),
                       spans=tuple(sorted(set(out.spans))))  # fmt: skip

    def _point(
        self, only: Admitted, codec: NumericCodec | None, axis: Axis, value: Any, place: str
    ) -> Admitted:
        """One value on an axis."""
        if value is None:
            return self._null(only, codec, place)
        kinds = _special(value, axis)
        if kinds is not None:
            if codec is None or kinds not in codec.special:
                raise self._unknown(place, value, 0 if codec is None else codec.size)
            return replace(only, codes=(len(codec.low) + codec.special.index(kinds),))
        tick = tick_of(value, axis, place)
        if tick is None:
            raise self._unknown(place, value, 0 if codec is None else codec.size)
        return self._supported(replace(only, spans=((tick, tick),)), codec, value, place)

    def _supported(
        self, found: Admitted, codec: NumericCodec | None, asked: Any, place: str
    ) -> Admitted:
        """Refuse ranges that no bin lies in; of what a rule computes, rows will tell."""
        computed = any(found.column in rule.makes for rule in self.model.rules)
        if codec is not None and not computed and not found.shares(codec).any():
            raise self._unknown(place, asked, codec.size)
        return found

    def _unknown(self, place: str, value: Any, size: int) -> SampleError:
        known = f"{size:,} values and ranges are known" if size else "no value is known"
        return SampleError(
            f"{place}: no {self.k} entities have {shown(value)}; {known}",
            hint="see `synthlake inspect` for what is",
        )


def _special(value: Any, axis: Axis) -> int | None:
    """Whether a number is NaN (0) or an infinity (1, 2)."""
    if not pa.types.is_floating(axis.value_type):
        return None
    text = str(value).lower()
    kinds = {"nan": 0, "inf": 1, "+inf": 1, "infinity": 1, "-inf": 2, "-infinity": 2}
    return kinds.get(text)


def _clause(asked: Any, place: str) -> tuple[Any, Any, list[Any] | None]:
    """Lower and upper bound, or a list of values.

    Raises:
        SampleError: it is none of the forms.
    """
    if isinstance(asked, Mapping):
        if set(asked) == {"in"} and isinstance(asked["in"], list | tuple) and len(asked["in"]):
            return None, None, list(asked["in"])
        if asked and set(asked) <= {"min", "max"}:
            return asked.get("min"), asked.get("max"), None
    elif not isinstance(asked, list | tuple | set):
        return None, None, [asked]
    raise SampleError(f"{place}: that is no condition", hint=f"write {_FORMS}")
