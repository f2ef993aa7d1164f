"""Arrow types of a twin as Spark's, without loss: what a column becomes, and how its values do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import types as kinds
from pyspark.sql import types as spark

from synthlake.api import errors

_MAX_DIGITS = 38
_SIMPLE: dict[Any, tuple[Any, Any]] = {
    pa.bool_(): (spark.BooleanType(), pa.bool_()),
    pa.int8(): (spark.ByteType(), pa.int8()),
    pa.int16(): (spark.ShortType(), pa.int16()),
    pa.int32(): (spark.IntegerType(), pa.int32()),
    pa.int64(): (spark.LongType(), pa.int64()),
    # Spark has no unsigned numbers: the next wider one holds them all
    pa.uint8(): (spark.ShortType(), pa.int16()),
    pa.uint16(): (spark.IntegerType(), pa.int32()),
    pa.uint32(): (spark.LongType(), pa.int64()),
    pa.uint64(): (spark.DecimalType(20, 0), pa.decimal128(20, 0)),
    pa.float16(): (spark.FloatType(), pa.float32()),
    pa.float32(): (spark.FloatType(), pa.float32()),
    pa.float64(): (spark.DoubleType(), pa.float64()),
    pa.date32(): (spark.DateType(), pa.date32()),
    pa.date64(): (spark.DateType(), pa.date32()),
    pa.null(): (spark.StringType(), pa.string()),  # Delta tables have no column without a type
}


@dataclass(frozen=True)
class OutputTypes:
    """How the columns of a table look in Spark.

    Attributes:
        table: its name.
        spark: Spark's schema; every column may be NULL, as in all that Spark reads from files.
        arrow: Arrow schema of the batches that are handed to Spark.
    """

    table: str
    spark: Any
    arrow: pa.Schema

    @classmethod
    def of(cls, table: str, schema: pa.Schema) -> OutputTypes:
        """Types for an Arrow schema.

        Raises:
            SchemaError: Spark cannot hold a column.
        """
        fields, arrows = [], []
        for column in schema:
            found = _pair(column.type)
            if found is None:
                raise errors.SchemaError(
                    f"{table}.{column.name} is {column.type}, which Spark cannot hold",
                    hint="skip the column, or learn it in a type that Spark has",
                )
            fields.append(spark.StructField(column.name, found[0], True))
            arrows.append(pa.field(column.name, found[1], True))
        return cls(table, spark.StructType(fields), pa.schema(arrows))

    @property
    def columns(self) -> list[Any]:
        """Expressions of all columns, with texts as plain ones.

        Spark Connect sends types with their collation said, even the plain one; Delta writes that
        into the log, and readers other than Spark refuse such a table.
        """
        return [_column(field) for field in self.spark.fields]

    def batch(self, made: pa.RecordBatch) -> pa.RecordBatch:
        """A batch in these types.

        Raises:
            SampleError: a value does not fit, such as nanoseconds; Spark has microseconds.
        """
        arrays = [
            self._cast(array, field) for array, field in zip(made.columns, self.arrow, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.arrow)

    def _cast(self, array: Any, field: pa.Field[Any]) -> Any:
        if array.type == field.type:
            return array
        try:
            return array.cast(field.type)
        except (pa.ArrowException, ValueError):
            failed = True  # raised outside, as Arrow's message quotes the value
        assert failed
        raise errors.SampleError(
            f"{self.table}.{field.name} is {array.type}, and not all of its values fit Spark's"
            f" {field.type}",
            hint="learn the column in a type that Spark has",
        )


def _column(field: Any) -> Any:
    # no expression as text: Spark replaces ${...} in it
    from pyspark.sql import functions as f

    escaped = field.name.replace("`", "``")
    column = f.col(f"`{escaped}`")
    plain = isinstance(field.dataType, spark.StringType)
    return column.cast("string").alias(field.name) if plain else column


def _pair(kind: Any) -> tuple[Any, Any] | None:
    """The types of Spark and Arrow in which values of an Arrow type come out; None for none."""
    found = _SIMPLE.get(kind)
    if found is not None or isinstance(kind, pa.BaseExtensionType):
        return found
    for make in (_texts, _times, _decimals, _nested):
        found = make(kind)
        if found is not None:
            return found
    return None


def _texts(kind: Any) -> tuple[Any, Any] | None:
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return spark.StringType(), pa.string()
    binaries = (kinds.is_binary, kinds.is_large_binary, kinds.is_fixed_size_binary)
    if any(test(kind) for test in binaries) or kind == pa.binary_view():
        return spark.BinaryType(), pa.binary()
    return None


def _times(kind: Any) -> tuple[Any, Any] | None:
    if kinds.is_timestamp(kind):
        if kind.tz is None:
            return spark.TimestampNTZType(), pa.timestamp("us")
        return spark.TimestampType(), pa.timestamp("us", tz="UTC")
    if kinds.is_duration(kind):
        return spark.DayTimeIntervalType(), pa.duration("us")
    return None


def _decimals(kind: Any) -> tuple[Any, Any] | None:
    if not kinds.is_decimal(kind):
        return None
    digits = kind.precision - min(kind.scale, 0)  # Spark has no scale below zero
    scale = max(kind.scale, 0)
    if max(digits, scale) > _MAX_DIGITS:
        return None
    digits = max(digits, scale)
    return spark.DecimalType(digits, scale), pa.decimal128(digits, scale)


def _nested(kind: Any) -> tuple[Any, Any] | None:
    if kinds.is_dictionary(kind):
        return _pair(kind.value_type)
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        inner = _pair(kind.value_type)
        if inner is None:
            return None
        return spark.ArrayType(inner[0], True), pa.list_(pa.field("element", inner[1], True))
    if kinds.is_map(kind):
        return _map(kind)
    if kinds.is_struct(kind):
        return _struct(kind)
    return None


def _map(kind: Any) -> tuple[Any, Any] | None:
    key, item = _pair(kind.key_type), _pair(kind.item_type)
    if key is None or item is None:
        return None
    made: Any = pa.map_
    named = pa.field("key", key[1], False), pa.field("value", item[1], True)
    return spark.MapType(key[0], item[0], True), made(*named)


def _struct(kind: Any) -> tuple[Any, Any] | None:
    names = [kind.field(place).name for place in range(kind.num_fields)]
    pairs = [_pair(kind.field(place).type) for place in range(kind.num_fields)]
    made = [(n, p[0], p[1]) for n, p in zip(names, pairs, strict=True) if p is not None]
    if len(made) < len(names):
        return None
    fields = [spark.StructField(name, inner, True) for name, inner, _ in made]
    return spark.StructType(fields), pa.struct([pa.field(n, a, True) for n, _, a in made])
