"""Further rows of a minority class, interpolated between real ones: no model, and no privacy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import Axis, axis_for, coded, indices, is_ordered, plain
from synthlake.encode.decimals import exact_decimals
from synthlake.errors import LearnError, MissingExtraError, SchemaError
from synthlake.schema.nearest import nearest

Floats = NDArray[np.float64]
Method = Literal["smote", "adasyn"]

METHODS: tuple[Method, ...] = ("smote", "adasyn")
_DECIMALS = 6  # most that a column of floats is rounded to
_EXACT = 2**53  # whole numbers up to here are exact as floats


@dataclass(frozen=True)
class AugmentSettings:
    """How new rows come about.

    Attributes:
        method: ``smote``, or ``adasyn``, which makes more rows where classes meet, and needs
            numbers without NULL.
        wanted: rows by class, those that are there included; None for as many of each class as the
            largest has.
        neighbours: rows of the same class between which new ones may lie.
        seed: equal seeds give equal rows.
    """

    method: Method = "smote"
    wanted: Mapping[Any, int] | None = None
    neighbours: int = 5
    seed: int = 0


class AugmentOptions(TypedDict, total=False):
    """Fields of ``AugmentSettings``, as keyword arguments."""

    method: Method
    wanted: Mapping[Any, int] | None
    neighbours: int
    seed: int


def augment(
    table: object, *, target: str, marker: str | None = None, **given: Unpack[AugmentOptions]
) -> pa.Table:
    """A table with further rows of its rare classes.

    Args:
        table: an Arrow table, or whatever speaks Arrow, such as a data frame.
        target: column of the class. Rows in which it is NULL stay, and are not learned from.
        marker: name of a further column, true for new rows; None for none.
        given: ``method`` (``smote`` or ``adasyn``), ``wanted`` (rows by class), ``neighbours`` and
            ``seed``; see ``AugmentSettings``.

    Returns:
        All real rows as they are, then the new ones, in the same Arrow types.

    Raises:
        MissingExtraError: imbalanced-learn is not installed.
        SchemaError: there is no such target or method, or there is such a marker already.
        LearnError: a class has too few rows, or a column cannot be interpolated.

    Privacy: None. Every new row lies between two real rows, and its categories are theirs: what
        this returns is to be protected as the real data is. It is no artifact and no twin.
    Source: Chawla et al. (2002), arXiv:1106.1813; He et al. (2008), doi:10.1109/IJCNN.2008.4633969.
    """
    real, asked = _arrow(table), AugmentSettings(**given)
    _check(real, target, asked.method, marker)
    known = np.flatnonzero(np.asarray(real[target].is_valid()))
    learned = real.take(indices(known))
    classes = plain(learned[target]).dictionary_encode()
    label = np.asarray(classes.indices).astype(np.int64)
    strategy = _strategy(classes.dictionary, label, asked)
    columns = [_Column.of(n, learned[n]) for n in real.column_names if n != target]
    if asked.method == "adasyn":
        _check_numbers(columns)
    made, labels = _resampled(columns, label, strategy, asked)
    arrays = {c.name: c.decode(made) for c in columns}
    arrays[target] = coded(classes.dictionary.take(indices(labels)), real[target].type)
    new = pa.table([arrays[f.name] for f in real.schema], schema=real.schema)
    return _joined(real, new, marker)


def _arrow(table: object) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "__arrow_c_stream__"):
        made: pa.Table = pa.table(table)
        return made
    raise SchemaError(
        f"a {type(table).__name__} is no table", hint="give an Arrow table or a data frame"
    )


def _check(table: pa.Table, target: str, method: str, marker: str | None) -> None:
    if target not in table.column_names:
        raise SchemaError(
            f"the table has no column {target!r}", hint=nearest(target, table.column_names)
        )
    if method not in METHODS:
        raise SchemaError(f"there is no method {method!r}", hint=nearest(str(method), METHODS))
    if marker is not None and marker in table.column_names:
        raise SchemaError(
            f"the table has a column {marker!r} already", hint="give the marker another name"
        )


def _strategy(
    values: pa.Array[Any], label: NDArray[np.int64], settings: AugmentSettings
) -> dict[int, int]:
    """Rows of each class that grows, by its number."""
    neighbours, wanted = settings.neighbours, settings.wanted
    counts = np.bincount(label, minlength=len(values))
    if len(counts) < 2:
        raise LearnError(f"the target has {len(counts)} classes", hint="it needs two or more")
    asked = {number: int(counts.max()) for number in range(len(counts))}
    if wanted is not None:
        place = {value: number for number, value in enumerate(values.to_pylist())}
        unknown = [value for value in wanted if value not in place]
        if unknown:
            raise LearnError(
                f"{len(unknown)} classes are wanted that the target does not have",
                hint="`wanted` has values of the target as keys",
            )
        asked = {place[value]: int(rows) for value, rows in wanted.items()}
    grows = {n: rows for n, rows in asked.items() if rows > counts[n]}
    shrinks = [n for n, rows in asked.items() if rows < counts[n]]
    if shrinks:
        raise LearnError(
            f"{len(shrinks)} classes have more rows than are wanted of them",
            hint="real rows stay: `wanted` counts them too",
        )
    poor = [n for n in grows if counts[n] <= neighbours]
    if poor:
        fewest = int(min(counts[n] for n in poor))
        raise LearnError(
            f"{len(poor)} classes have too few rows, the least {fewest}, for {neighbours}"
            " neighbours",
            hint=f"give neighbours={max(fewest - 1, 1)}, or leave such classes out of `wanted`",
        )
    return grows


@dataclass(frozen=True)
class _Column:
    """A column as numbers.

    Attributes:
        values: shape (rows,), codes of a category or numbers; NULL is code -1, or the median.
        null: shape (rows,), of a number, where some are NULL.
        axis: of a number.
        origin: of a number: the tick that counts as 0, so that large ones stay exact.
        dictionary: of a category.
    """

    name: str
    type: pa.DataType
    values: Floats
    null: NDArray[np.bool_] | None = None
    axis: Axis | None = None
    origin: Any = 0
    dictionary: pa.Array[Any] | None = None

    @classmethod
    def of(cls, name: str, column: pa.ChunkedArray[Any]) -> _Column:
        """A column of the table, as it can be interpolated."""
        if pa.types.is_nested(column.type):
            raise LearnError(
                f"{name} is {column.type}, which cannot be interpolated", hint=f"drop {name}"
            )
        if not is_ordered(column.type):
            held = plain(column).dictionary_encode()
            codes = np.asarray(held.indices.fill_null(-1)).astype(np.float64)
            return cls(name, column.type, codes, dictionary=held.dictionary)
        axis = axis_for(column.type, _decimals(column), column)
        ticks, null = axis.ticks(column)
        there = ticks[~null]
        origin = there.min() if len(there) else ticks.dtype.type(0)
        if len(there) and float(there.max()) - float(origin) > _EXACT and not axis.continuous:
            raise LearnError(
                f"{name} spans more whole numbers than are exact as floats", hint=f"drop {name}"
            )
        values = np.where(null, 0, ticks - origin).astype(np.float64)
        middle = float(np.median(values[~null])) if len(there) else 0.0
        return cls(name, column.type, np.where(null, middle, values),
                   null if null.any() else None, axis, origin)  # fmt: skip

    @property
    def parts(self) -> list[tuple[str, Floats, bool]]:
        """Name, numbers, and whether they are codes, of all that stands for the column."""
        found = [(self.name, self.values, self.axis is None)]
        if self.null is not None:
            found.append((f"{self.name} is NULL", self.null.astype(np.float64), True))
        return found

    def decode(self, made: Mapping[str, Floats]) -> pa.Array[Any]:
        """The column of new rows, in its Arrow type."""
        values = made[self.name]
        if self.axis is None:
            codes = np.rint(values).astype(np.int64)
            assert self.dictionary is not None
            place = indices(np.maximum(codes, 0), codes < 0)
            return coded(self.dictionary.take(place), self.type)
        null = np.zeros(len(values), bool)
        if self.null is not None:
            null = made[f"{self.name} is NULL"] > 0.5
        if self.axis.continuous:
            return self.axis.values(values + self.origin, null)
        return self.axis.values(np.rint(values).astype(np.int64) + self.origin, null)


def _decimals(column: pa.ChunkedArray[Any]) -> int | None:
    """Decimals that write all floats of a column; None if more than a few are needed."""
    if not pa.types.is_floating(column.type):
        return None
    found = exact_decimals(column)
    return None if found is None or found > _DECIMALS else found


def _check_numbers(columns: list[_Column]) -> None:
    for column in columns:
        if any(codes for _, _, codes in column.parts):
            what = "holds NULL" if column.axis is not None else f"is {column.type}"
            raise LearnError(
                f"{column.name} {what}, and adasyn needs numbers without NULL",
                hint="use method='smote', which takes categories and NULL as well",
            )


def _resampled(
    columns: list[_Column], label: NDArray[np.int64], strategy: dict[int, int],
    settings: AugmentSettings,
) -> tuple[dict[str, Floats], NDArray[np.int64]]:  # fmt: skip
    """New rows as numbers by name, and their classes."""
    parts = [part for column in columns for part in column.parts]
    if not strategy or not parts:
        return {name: np.zeros(0) for name, _, _ in parts}, np.zeros(0, np.int64)
    codes = [is_codes for _, _, is_codes in parts]
    given = np.stack([values for _, values, _ in parts], axis=1)
    sampler = _sampler(codes, strategy, settings)
    try:
        made, labels = sampler.fit_resample(given, label)
    except ValueError as error:
        raise LearnError(
            f"{settings.method} cannot make such rows: {str(error).splitlines()[0]}",
            hint="use method='smote', other `neighbours`, or other `wanted` rows",
        ) from error
    new = np.asarray(made, np.float64)[len(label) :]
    held = {name: new[:, place] for place, (name, _, _) in enumerate(parts)}
    return held, np.asarray(labels)[len(label) :].astype(np.int64)


def _sampler(codes: list[bool], strategy: dict[int, int], settings: AugmentSettings) -> Any:
    """The sampler of imbalanced-learn that takes such columns."""
    try:
        from imblearn.over_sampling import ADASYN, SMOTE, SMOTEN, SMOTENC
    except ImportError:
        raise MissingExtraError("imbalanced-learn", "augment") from None
    neighbours = settings.neighbours
    asked = {"sampling_strategy": strategy, "random_state": settings.seed}
    if settings.method == "adasyn":
        return ADASYN(n_neighbors=neighbours, **asked)
    if all(codes):
        return SMOTEN(k_neighbors=neighbours, **asked)
    if any(codes):
        return SMOTENC(codes, k_neighbors=neighbours, **asked)
    return SMOTE(k_neighbors=neighbours, **asked)


def _joined(real: pa.Table, new: pa.Table, marker: str | None) -> pa.Table:
    whole = pa.concat_tables([real, new])
    if marker is None:
        return whole
    said = np.arange(whole.num_rows) >= real.num_rows
    return whole.append_column(marker, pa.array(said))
