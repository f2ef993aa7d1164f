"""Results of PostgreSQL as Arrow, by ``COPY`` and a parser of CSV that knows the types."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from synthlake.api import errors
from synthlake_connectors.database.postgres_types import Form, form, is_number
from synthlake_connectors.database.wire import Field, Wire

if TYPE_CHECKING:
    Values: TypeAlias = "pa.Array[Any]"

_DIGITS = 38


class Copying:
    """The result of one SELECT statement.

    Args:
        wire: the connection.
        sql: the statement.
        fields: its columns.
    """

    def __init__(self, wire: Wire, sql: str, fields: Sequence[Field]) -> None:
        self._wire, self._sql, self._fields = wire, sql, fields
        self._forms = [form(field) or Form(pa.string()) for field in fields]
        self._scales = [0 if is_number(field) else -1 for field in fields]

    @property
    def sent(self) -> pa.Schema:
        """Arrow schema of the batches; numbers of unknown digits are texts in it."""
        return pa.schema(
            [pa.field(f.name, of.type) for f, of in zip(self._fields, self._forms, strict=True)]
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, while nothing else runs on the connection.

        Raises:
            QueryError: the server refuses the statement, or a value has no place in Arrow.
        """
        names = [f"c{number}" for number in range(len(self._fields))]
        sent = ", ".join(of.sent.format(n) for of, n in zip(self._forms, names, strict=True))
        inner = f"SELECT {sent} FROM ({self._sql}) AS q ({', '.join(names)})"
        for rows in self._wire.copy(f"COPY ({inner}) TO STDOUT (FORMAT csv)", self._sql):
            yield self._parsed(rows)

    def finished(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch with its numbers of unknown digits as decimals; call it after the last batch.

        Raises:
            QueryError: a number has more than 38 digits.
        """
        if max(self._scales, default=-1) < 0:
            return batch
        columns = [
            batch.column(i) if scale < 0 else self._decimal(batch.column(i), scale)
            for i, scale in enumerate(self._scales)
        ]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _parsed(self, rows: list[bytes]) -> pa.RecordBatch:
        names = [f"c{number}" for number in range(len(self._fields))]
        types = {n: of.parsed or of.type for n, of in zip(names, self._forms, strict=True)}
        data = b"".join(rows)
        try:
            table = csv.read_csv(
                io.BytesIO(data),
                csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
                csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                csv.ConvertOptions(
                    column_types=types,
                    null_values=[""],
                    true_values=["t"],
                    false_values=["f"],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            columns = [self._column(i, table.column(i)) for i in range(len(names))]
        except (pa.ArrowException, ValueError):
            columns = None  # raised outside, as the message quotes the value
        if columns is None:
            raise errors.QueryError(
                "a value of the result has no place in Arrow", sql=self._sql,
                hint="cast the column to a type of fewer digits, or leave it out",
            )  # fmt: skip
        return pa.RecordBatch.from_arrays(columns, schema=self.sent)

    def _column(self, number: int, found: pa.ChunkedArray[Any]) -> Values:
        values: Any = found.combine_chunks()
        if self._scales[number] >= 0:
            self._scales[number] = max(self._scales[number], _scale(values))
        of = self._forms[number]
        if pa.types.is_binary(of.type):
            values = [None if v is None else bytes.fromhex(v) for v in values.to_pylist()]
            return pa.array(values, of.type)
        made: Values = values if of.parsed is None else values.cast(of.type)
        return made

    def _decimal(self, values: Values, scale: int) -> Values:
        found = None
        with contextlib.suppress(pa.ArrowException, ValueError):  # their messages quote the value
            found = pc.cast(values, pa.decimal128(_DIGITS, scale))
        if found is None:
            raise errors.QueryError(
                "a number of the result has more than 38 digits or is none", sql=self._sql,
                hint="cast it to NUMERIC with a precision, or leave it out",
            )  # fmt: skip
        return found


def _scale(values: Any) -> int:
    """Most digits after the point of numbers as texts."""
    call: Any = pc
    point = call.find_substring(values, ".")
    digits = call.subtract(call.subtract(call.binary_length(values), point), 1)
    most: int | None = call.max(call.if_else(call.less(point, 0), 0, digits)).as_py()
    return most or 0
