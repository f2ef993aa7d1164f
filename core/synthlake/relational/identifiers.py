"""Identifiers that are no key of their table: made from the row's number, in their own pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.errors import SampleError
from synthlake.relational.columns import TableData
from synthlake.relational.keymaking import number_key, text_key
from synthlake.relational.keys import KeyFrame, NumberKey, TextKey
from synthlake.relational.pools import members
from synthlake.schema.model import Column, is_text

Index = NDArray[np.int64]
_DISTINCT = 0.999  # share of values that are distinct from which all are meant to be


@dataclass(frozen=True)
class Identifier:
    """Makes one column.

    Attributes:
        key: makes the values of numbers.
        repeats: distinct values a row, in two digits; 0 where no value stands twice.

    Privacy: holds what a key holds, and how many values repeat.
    """

    key: TextKey | NumberKey
    repeats: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return self.key.columns

    def room(self, rows: int) -> str:
        """What lacks for so many rows; empty if nothing does."""
        if self.repeats or rows <= self.key.capacity:
            return ""
        return f"has room for {self.key.capacity:,} distinct values, and {rows:,} rows are wanted"

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Values of rows; distinct for distinct rows where none is to repeat.

        Raises:
            SampleError: the pattern has not as many.
        """
        name, total = self.columns[0], frame.rows
        lacks = self.room(total)
        if lacks:
            raise SampleError(f"{frame.table}.{name} {lacks}", hint="give it a wider pattern")
        if self.repeats:
            total = max(1, min(round(self.repeats * total), self.key.capacity))
            index = members(index, total, frame.rows, frame.salt(f"pool:{name}"))
        own = replace(frame, table=f"{frame.table}\0{name}", rows=total, total=total)
        return self.key.make(index, own)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        held: dict[str, Any] = {"column": self.columns[0], "repeats": self.repeats}
        if isinstance(self.key, NumberKey):
            numbers = {"start": self.key.start, "step": self.key.step, "limit": self.key.limit}
            return {**held, "numbers": numbers}
        return {
            **held, "patterns": [list(p.alphabets) for p in self.key.patterns],
            "weights": list(self.key.weights), "check": self.key.check,
        }  # fmt: skip

    @classmethod
    def from_json(cls, held: Mapping[str, Any], dtype: pa.DataType) -> Identifier:
        """What ``to_json`` gave."""
        from synthlake.encode.pattern import Pattern

        columns = (held["column"],)
        if "numbers" in held:
            return cls(NumberKey(columns, dtype, **held["numbers"]), held["repeats"])
        patterns = tuple(Pattern(tuple(p)) for p in held["patterns"])
        key = TextKey(columns, dtype, patterns, tuple(held["weights"]), held["check"])
        return cls(key, held["repeats"])


def build_identifier(data: TableData, column: Column) -> Identifier:
    """The maker of an identifier.

    Privacy: see ``text_key`` and ``number_key``.
    """
    repeats = data.repeats(column.name, _DISTINCT)
    if not is_text(column.type):
        return Identifier(number_key(data, column), repeats)
    return Identifier(text_key(data, column), repeats)
