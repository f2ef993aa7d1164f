"""An intruder who looks for known people among rows of which only some columns were replaced.

Source: Reiter and Mitra (2009), Journal of Privacy and Confidentiality 1(1), pp. 99-110: expected
match risk, true and false match rate; Drechsler and Reiter (2008), LNCS 5262, pp. 227-238. For
numbers a distance within which values match, as in Hornby and Hu (2021), Transactions on Data
Privacy 14(1), pp. 37-52.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.quality.dataset import DataSet
from synthlake.quality.layout import Field
from synthlake.quality.sample import Frame, Wanted, frame_of, size
from synthlake.sql.keys import Part, parts, row_hash
from synthlake.sql.kinds import kind, scale

TARGETS = 4_000
_TOLERANCE = 0.05  # spreads of a replaced number
_READ = frozenset(("integer", "decimal", "float", "text", "date", "timestamp"))  # as one another
_NORMAL = 1.349  # standard deviations from quartile to quartile of a normal distribution

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Intruder:
    """What is known, and how released rows are found again.

    Attributes:
        table: its name.
        known: columns whose true values are known.
        key: columns that tell which row became which.
        seed: of the choice of targets.
    """

    table: str
    known: tuple[Field, ...]
    key: tuple[str, ...]
    seed: int

    def hashed(self, data: DataSet) -> str:
        """The hash of a row's key, read as the real type: the same in real data and release."""
        salt = Part(f"'{int(self.seed)}'", pa.string(), "seed")
        own = parts(data.tables, data.schema[self.table], self.key)
        read = [self._read(data, *pair) for pair in zip(self.key, own, strict=True)]
        return row_hash(data.tables.primitives, [salt, *read])

    def _read(self, data: DataSet, name: str, part: Part) -> Part:
        found = data.found[self.table].column(name).type
        if _alike_types(found, part.type) or not {kind(found), kind(part.type)} <= _READ:
            return part
        return replace(part, value=data.tables.primitives.converted(part.value, part.type))

    def differing(self, data: DataSet) -> str:
        """Columns of the key that are of another type than the real ones; empty without any."""
        real, found = data.schema[self.table], data.found[self.table]
        pairs = [(n, found.column(n).type, real.column(n).type) for n in self.key]
        said = [f"{n} is {a}, of real rows {b}" for n, a, b in pairs if not _alike_types(a, b)]
        return "; ".join(said)

    def repeated(self, data: DataSet) -> int:
        """Rows beyond the first of each key."""
        key = self.hashed(data)
        source = data.tables.read(self.table)
        return data.tables.number(f"SELECT COUNT(*) - COUNT(DISTINCT {key}) AS n FROM {source}")

    def rows(self, data: DataSet, upto: int | None = None) -> tuple[Frame, Ints]:
        """Known columns of the first rows by hash, and their hashes, ascending.

        Args:
            data: real data or release.
            upto: the largest hash; None for the first ``TARGETS`` rows.
        """
        values = ", ".join(f"{data.value(f)} AS c{i}" for i, f in enumerate(self.known))
        end = f"LIMIT {TARGETS}" if upto is None else ""
        inner = f"SELECT t.*, {self.hashed(data)} AS __h FROM {data.tables.read(self.table)}"
        where = "" if upto is None else f"WHERE t.__h <= {int(upto)}"
        found = data.query(
            f"SELECT t.__h, {values} FROM ({inner}) AS t {where} ORDER BY t.__h {end}"
        )
        frame = frame_of(found, [Wanted(f.name, f) for f in self.known], ())
        return frame, np.sort(found["__h"].to_numpy().astype(np.int64))

    def combinations(self, data: DataSet) -> Iterator[tuple[Frame, Ints]]:
        """All combinations of known values, and the rows of each, in batches."""
        values = ", ".join(f"{data.value(f)} AS c{i}" for i, f in enumerate(self.known))
        names = ", ".join(f"c{i}" for i in range(len(self.known)))
        source = f"(SELECT {values} FROM {data.tables.read(self.table)}) AS s"
        sql = f"SELECT {names}, COUNT(*) AS n, 0 AS __h FROM {source} GROUP BY {names}"
        for batch in data.tables.engine.batches(sql):
            table = pa.Table.from_batches([batch])
            frame = frame_of(table, [Wanted(f.name, f) for f in self.known], ())
            yield frame, table["n"].to_numpy().astype(np.int64)


@dataclass(frozen=True)
class Matches:
    """What the intruder finds of each target.

    Attributes:
        count: released rows that match, c, shape (targets,).
        true: whether the target's own row is among them, T, shape (targets,).
    """

    count: Ints
    true: Flags

    @property
    def probability(self) -> NDArray[np.float64]:
        """Of taking the right row: T / c, 0 where nothing matches; shape (targets,)."""
        return np.where(self.true, 1.0 / np.maximum(self.count, 1), 0.0)

    @property
    def unique(self) -> Flags:
        """Targets that match one row alone, c = 1."""
        return np.asarray(self.count == 1, dtype=bool)


def best_of(ways: Sequence[Matches]) -> Matches:
    """Of each target, what the way finds by which it is most surely found."""
    best = ways[0]
    for way in ways[1:]:
        better = way.probability > best.probability
        best = Matches(
            np.where(better, way.count, best.count), np.where(better, way.true, best.true)
        )
    return best


@dataclass(frozen=True)
class Found:
    """All that the figures are made of.

    Attributes:
        ways: matches among the released rows, by what they are found: ``known``, all that is
            known; ``equal``, the same without tolerance, where a number was replaced; ``kept``, the
            columns that were not replaced, alone, where there are both.
        copy: matches among the real rows, as if nothing had been replaced.
        replaced: known columns that differ in some row.
        kept: known columns that do not.
        aligned: targets whose key is in the release.
        rows: real and released ones.
    """

    ways: Mapping[str, Matches]
    copy: Matches
    replaced: tuple[str, ...]
    kept: tuple[str, ...]
    aligned: int
    rows: tuple[int, int]

    @property
    def targets(self) -> int:
        """How many people the intruder looks for."""
        return len(self.copy.count)

    @property
    def complete(self) -> bool:
        """Whether every real row is a target, so that figures are exact."""
        return self.targets == self.rows[0]


def look(real: DataSet, release: DataSet, intruder: Intruder) -> Found | str:
    """Look for real rows among released ones; or why it cannot be done.

    Cost: one grouping of both tables by the known columns, and of each combination a comparison
    with the targets that agree in the columns that were kept; one more by the kept ones alone.
    """
    for side, name in ((real, "real data"), (release, "release")):
        if intruder.repeated(side):
            why = side is release and intruder.differing(release)
            return f"the key is not unique in the {name}: which row became which is not known" + (
                f" (its type differs: {why})" if why else ""
            )
    targets, place = intruder.rows(real)
    other, hashes = intruder.rows(release, int(place[-1]))
    at = np.searchsorted(hashes, place)
    there = np.zeros(len(place), dtype=bool)
    inside = at < len(hashes)
    there[inside] = hashes[at[inside]] == place[inside]
    if not there.any():
        why = intruder.differing(release)
        return "no row of the release has the key of a real one: " + (
            f"the type of the key differs ({why})" if why else "its rows were made anew"
        )
    mine = {n: c[np.flatnonzero(there)] for n, c in targets.items()}
    theirs = {n: c[at[there]] for n, c in other.items()}
    replaced = [f for f in intruder.known if not _equal(mine, theirs, f, 0.0).all()]
    kept = tuple(f for f in intruder.known if f not in replaced)
    exact = _Search(intruder.known, (), targets)
    searches = {"known": _Search(intruder.known, replaced, targets), "equal": exact}
    if not any(f.ordered for f in replaced):
        del searches["equal"]  # it would be the same
    ways = {}
    for name, search in searches.items():
        true = np.zeros(len(place), dtype=bool)
        true[there] = search.match(mine, theirs)
        ways[name] = Matches(search.count(intruder.combinations(release)), true)
    if kept and replaced:
        # the true value of a replaced column misleads: who knows that it was replaced goes without
        alone = replace(intruder, known=kept).combinations(release)
        ways["kept"] = Matches(_Search(kept, (), targets).count(alone), there)
    everyone = np.ones(len(place), dtype=bool)
    return Found(
        ways,
        Matches(exact.count(intruder.combinations(real)), everyone),
        tuple(f.name for f in replaced),
        tuple(f.name for f in kept),
        int(there.sum()), (real.rows(intruder.table), release.rows(intruder.table)),
    )  # fmt: skip


class _Search:
    """Targets by the values of the columns that were kept."""

    def __init__(self, known: Sequence[Field], replaced: Sequence[Field], targets: Frame) -> None:
        self._near = [f for f in replaced if f.ordered]
        self._exact = [f for f in known if f not in self._near]
        self._within = {f.name: _TOLERANCE * _spread(targets[f.name]) for f in self._near}
        self._targets, self._groups = targets, dict[Any, list[int]]()
        for i, values in enumerate(self._keys(targets)):
            self._groups.setdefault(values, []).append(i)

    def _keys(self, frame: Frame) -> list[Any]:
        if not self._exact:
            return [()] * size(frame)
        columns = [_texts(frame, f) for f in self._exact]
        return list(zip(*columns, strict=True))

    def match(self, targets: Frame, rows: Frame) -> Flags:
        """Whether each row matches the target of the same place."""
        out = np.ones(size(targets), dtype=bool)
        for field in (*self._exact, *self._near):
            out &= _equal(targets, rows, field, self._within.get(field.name, 0.0))
        return out

    def count(self, combinations: Iterator[tuple[Frame, Ints]]) -> Ints:
        """How many rows match each target."""
        out = np.zeros(size(self._targets), np.int64)
        for frame, number in combinations:
            for i, values in enumerate(self._keys(frame)):
                group = self._groups.get(values)
                if group is not None:
                    places = np.array(group)
                    out[places[self._close(frame, i, places)]] += number[i]
        return out

    def _close(self, frame: Frame, row: int, places: Ints) -> Flags:
        """Which targets a row is near to in the numbers that were replaced."""
        out = np.ones(len(places), dtype=bool)
        for field in self._near:
            name = field.name
            held = self._targets[name][places].astype(np.float64)
            out &= _alike(held, float(frame[name][row]), self._within[name])
        return out


def _alike_types(left: pa.DataType, right: pa.DataType) -> bool:
    """Whether values of both are written alike in a key."""
    if kind(left) != kind(right):
        return False
    return kind(left) != "decimal" or scale(left) == scale(right)


def _texts(frame: Frame, field: Field) -> list[Any]:
    column = frame[field.name]
    if field.ordered:
        return [None if np.isnan(v) else float(v) for v in column.astype(np.float64)]
    return [None if v is None else str(v) for v in column]


def _equal(left: Frame, right: Frame, field: Field, within: float) -> Flags:
    if field.ordered:
        a, b = (f[field.name].astype(np.float64) for f in (left, right))
        return _alike(a, b, within)
    pairs = zip(_texts(left, field), _texts(right, field), strict=True)
    return np.array([a == b for a, b in pairs], dtype=bool)


def _alike(a: NDArray[np.float64], b: NDArray[np.float64] | float, within: float) -> Flags:
    """Equal, both NULL, or no farther apart than ``within``."""
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= within
    return np.asarray(near | (a == b) | (np.isnan(a) & np.isnan(b)), dtype=bool)


def _spread(column: NDArray[Any]) -> float:
    """The standard deviation, or that of the middle half where a few values widen it."""
    known = column.astype(np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0
    low, high = np.quantile(known, [0.25, 0.75])
    deviation, middle = float(known.std()), float(high - low) / _NORMAL
    return min(deviation, middle) if middle else deviation
