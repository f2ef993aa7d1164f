"""Identifiers that are spelled from other texts of their row, where most real ones are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import coded, plain
from synthlake.encode.spelling import Spelling, find_spelling, from_json, spell, to_json
from synthlake.relational.columns import TableData
from synthlake.relational.identifiers import Identifier
from synthlake.relational.making import build_makers
from synthlake.relational.model import Attribute, Maker
from synthlake.relational.personal import Personal
from synthlake.schema.model import Table, is_text
from synthlake.seed import Words, unit

if TYPE_CHECKING:
    from synthlake.relational.rows import Block

_SHARE, _REST = 0.5, 0.3  # of all texts that a spelling makes, and of those that it does not
_SOURCES, _LONGEST = 6, 80  # columns that are looked at, and characters of theirs
_FIT_ROWS = 5_000


@dataclass(frozen=True)
class Spelled:
    """How the texts of a column are made of others.

    Attributes:
        column: its name.
        ways: spellings, the most frequent first.
        shares: of the rows that each makes; all others are of the column's own pattern.
        by: where no text may stand twice, the column of names that the first way is made of: the
            first row of a name has it, the second one the second way if there is one, see
            ``_safe``, others a number as well.

    Privacy: as many entities as k have a text of each way, and so its literals.
    """

    column: str
    ways: tuple[Spelling, ...]
    shares: tuple[float, ...]
    by: str = ""

    @property
    def needs(self) -> frozenset[str]:
        """Columns that it is made of."""
        return frozenset(p.column for way in self.ways for p in way if p.column)

    def make(
        self, own: pa.Array[Any], texts: Mapping[str, pa.Array[Any]], which: Which
    ) -> pa.Array[Any]:
        """The texts of rows.

        Args:
            own: of the column's own pattern; NULL stays.
            texts: of the columns that it needs.
            which: way each row goes.

        Cost: some microseconds a row.
        """
        held = {n: plain(texts[n]).cast(pa.string()).to_pylist() for n in self.needs}
        made = [spell(way, held, len(own)) for way in self.ways]
        ways, numbers = which.ways(self.shares, bool(self.by))
        kept = plain(own).cast(pa.string()).to_pylist()
        if self.by:  # what a second way lacks, a number says
            for row in range(len(own)):
                if not made[ways[row]][row]:
                    ways[row], numbers[row] = 0, str(which.before[row] + 1)
        out = [
            text if text is None or way < 0 or not made[way][row] else f"{made[way][row]}{number}"
            for row, (text, way, number) in enumerate(zip(kept, ways, numbers, strict=True))
        ]
        array = pa.array(out, pa.string())
        return coded(array, own.type) if pa.types.is_dictionary(own.type) else array.cast(own.type)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        ways = [to_json(way) for way in self.ways]
        return {"column": self.column, "ways": ways, "shares": list(self.shares), "by": self.by}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> Spelled:
        """What ``to_json`` gave."""
        ways = tuple(from_json(way) for way in held["ways"])
        return cls(held["column"], ways, tuple(held["shares"]), held["by"])


@dataclass(frozen=True)
class Which:
    """What decides which way rows go.

    Attributes:
        words: of the rows.
        before: rows of the same name before each, see ``Personal.before``.
    """

    words: Words
    before: NDArray[np.int64]

    def ways(self, shares: Sequence[float], apart: bool) -> tuple[list[int], list[str]]:
        """The way of each row, -1 for the column's own pattern, and what comes behind."""
        if apart:
            last = len(shares) - 1
            numbers = [str(n + 1) if n > last else "" for n in self.before.tolist()]
            return np.minimum(self.before, last).tolist(), numbers
        ends = np.cumsum(shares)
        way = np.searchsorted(ends, unit(self.words), side="right")
        return np.where(way < len(ends), way, -1).tolist(), [""] * len(way)


def with_needs(spelled: Sequence[Spelled], only: Collection[str] | None) -> set[str] | None:
    """Columns that are asked for, and those that they are spelled from; None for all."""
    if only is None:
        return None
    return set(only).union(*(s.needs for s in spelled if s.column in only))


def spelled_texts(block: Block, made: Mapping[str, pa.Array[Any]]) -> dict[str, pa.Array[Any]]:
    """The spelled columns of a block among those that are made of it."""
    out: dict[str, pa.Array[Any]] = {}
    for spelled in block.model.spelled:
        if spelled.column not in made or block.frame is None:
            continue
        index = np.arange(block.start, block.start + block.rows)
        people = next((m for m in block.model.made if spelled.by in m.columns), None)
        before = people.before(index, block.frame) if isinstance(people, Personal) else index * 0
        which = Which(block.words(f"spelled:{spelled.column}", 0), before)
        out[spelled.column] = spelled.make(made[spelled.column], made, which)
    return out


def with_spelled(
    data: TableData, table: Table, attributes: Sequence[Attribute]
) -> tuple[tuple[Spelled, ...], tuple[Maker, ...]]:
    """Identifiers that follow from other texts, and what makes columns from the row's number.

    Raises:
        LearnError: see ``build_makers``.

    Privacy: see ``Spelled``.
    Cost: see ``find_spelling``, for each identifier.
    """
    found: list[Spelled] = []
    out = list(build_makers(data, table, attributes))
    identifiers = {m.columns[0]: m for m in out if isinstance(m, Identifier)}
    sources = _sources(data, table, attributes, set(identifiers))
    for name, maker in identifiers.items():
        if not sources or table.column(name).pattern or not is_text(table.column(name).type):
            continue
        ways, shares = _ways(data, name, sources)
        if not ways:
            continue
        by = ""
        if not maker.repeats:
            told = _told_apart(data, ways[0], out)
            if told is None:
                continue
            place, people = told
            out[place], by, ways = people, people.apart, _safe(ways, people)
        found.append(Spelled(name, ways, shares[: len(ways)], by))
    return tuple(found), tuple(out)


def _sources(
    data: TableData, table: Table, attributes: Sequence[Attribute], taken: set[str]
) -> list[str]:
    """Columns of texts, not too long, that others may be made of."""
    out = []
    for attribute in attributes:
        column = table.column(attribute.column)
        if column.name in taken or not is_text(column.type) or column.action != "learn":
            continue
        if attribute.codec is None:
            continue
        texts: Any = plain(data.sample[column.name])
        length = pa.compute.mean(pa.compute.utf8_length(texts)).as_py()
        if length is not None and length <= _LONGEST:
            out.append(column.name)
    return out[:_SOURCES]


def _ways(
    data: TableData, name: str, sources: Sequence[str]
) -> tuple[tuple[Spelling, ...], tuple[float, ...]]:
    """Up to two spellings of a column, and the share of its texts that each makes."""
    own = plain(data.sample[name])
    rows = np.flatnonzero(np.asarray(own.is_valid()))
    rows = rows[:: max(1, len(rows) // _FIT_ROWS)]
    made, texts = _texts(data, name, rows), {n: _texts(data, n, rows) for n in sources}
    left, whole, ways, shares = np.arange(len(rows)), len(rows), list[Spelling](), list[float]()
    for share in (_SHARE, _REST):
        if len(left) < data.k:
            break
        some, few = _pick(made, left), {n: _pick(held, left) for n, held in texts.items()}
        way = find_spelling([str(t) for t in some], few, data.k, share)
        if way is None:
            break
        spelled = spell(way, few, len(left))
        right = np.array([a == b for a, b in zip(some, spelled, strict=True)])
        if len(np.unique(data.group[rows[left[right]]])) < data.k:
            break
        ways.append(way)
        shares.append(float(f"{right.sum() / whole:.2g}"))
        left = left[~right]
    return tuple(ways), tuple(shares)


def _texts(data: TableData, name: str, rows: NDArray[np.int64]) -> list[str | None]:
    held: list[str | None] = plain(data.sample[name]).cast(pa.string()).take(rows).to_pylist()
    return held


def _pick(texts: Sequence[str | None], rows: NDArray[np.int64]) -> list[str | None]:
    return [texts[row] for row in rows]


def _told_apart(
    data: TableData, way: Spelling, makers: Sequence[Maker]
) -> tuple[int, Personal] | None:
    """The place of the maker of names that a way is made of, and one that tells them apart."""
    columns = [p for p in way if p.column]
    if len(columns) != 1 or columns[0].cut > 0:
        return None
    name = columns[0].column
    known = data.of(name)
    for place, maker in enumerate(makers):
        if isinstance(maker, Personal) and maker.tells(name) and not known.nulls:
            people = maker.told_apart(name, way, known.distinct, known.rows)
            return None if people is None else (place, people)
    return None


def _safe(ways: tuple[Spelling, ...], people: Personal) -> tuple[Spelling, ...]:
    """The first way, and the second where no two rows can have one text.

    That is where it ends in the first way's text behind a mark that no such text has: what stands
    before the last mark of a text is then all that the second way adds.
    """
    marks = [place for place, piece in enumerate(ways[-1]) if not piece.column]
    if len(ways) < 2 or not marks:
        return ways[:1]
    mark, end = ways[1][marks[-1]].text[-1], ways[1][marks[-1] + 1 :]
    if mark.isalnum() or {p.column for p in end} != {people.apart}:
        return ways[:1]
    names = {people.apart: people.named.to_pylist()}
    texts = spell(ways[0], names, len(people.named))
    same = texts == spell(end, names, len(people.named))
    return ways if same and not any(mark in text for text in texts if text) else ways[:1]
