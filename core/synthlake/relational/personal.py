"""Columns of personal data of one table: made from the row's number, nothing of them learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import coded, indices, plain
from synthlake.encode.personal.faker_words import load_grammar
from synthlake.encode.personal.grammar import Draw, Grammar, Rule
from synthlake.encode.personal.kinds import Asked, Form, account_of, make_texts, symbols_of
from synthlake.encode.spelling import Spelling, from_json, spell, to_json
from synthlake.models.support import distinct
from synthlake.relational.columns import TableData
from synthlake.relational.feistel import Permutation
from synthlake.relational.keys import KeyFrame
from synthlake.relational.pools import members
from synthlake.schema.kinds import LOCALE
from synthlake.schema.model import Column

Index = NDArray[np.int64]
_PERSON = {"person_name", "email", "username", "first_name", "last_name"}
_NAMES = {"first_name", "last_name"}  # shared by many, so they tell nothing of who repeats
_COVERED = 0.5  # share of texts of a length that enough have, below which none is told
_SPELLED = 0.5  # share of names, and of their weight, that have a spelling of their own, at least
_DISTINCT = 0.95  # share of values that are distinct from which none is meant to repeat


@dataclass(frozen=True)
class PersonalColumn:
    """One column.

    Attributes:
        name: of the column.
        type: Arrow type.
        kind: such as ``email``.
        locale: such as ``de_DE``.
        style: how the source writes it, see ``Form``.
        unique: whether no value stands twice.
        repeats: distinct values a row, in two digits; 0 where values do not repeat.
        account: of an IBAN.
    """

    name: str
    type: pa.DataType
    kind: str
    locale: str
    style: tuple[str, ...] = ()
    unique: bool = False
    repeats: float = 0.0
    account: str = ""

    @property
    def group(self) -> str:
        """Columns of one group are of the same person."""
        return "person" if self.kind in _PERSON else self.name


@dataclass(frozen=True)
class Personal:
    """Makes the personal columns of a table.

    Attributes:
        people: the columns.
        grammars: words by locale.
        apart: a column of names whose repeats are told apart: an identifier is made of it.
        way: how that is spelled.

    Privacy: holds public word lists, how many values repeat, and how values are punctuated.
    """

    people: tuple[PersonalColumn, ...]
    grammars: Mapping[str, Grammar]
    apart: str = ""
    way: Spelling = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it makes."""
        return tuple(c.name for c in self.people)

    def make(self, index: Index, frame: KeyFrame) -> dict[str, pa.Array[Any]]:
        """Values of rows, by column."""
        pools = self._pools(frame.rows)
        named = any(c.kind == "person_name" and c.unique for c in self.people)
        out = {}
        for column in self.people:
            pool = pools.get(column.group, 0)
            numbers = _members(index, pool, max(pools.values(), default=0), frame)
            key = frame.salt(f"personal:{column.group}")
            total = pool or frame.rows
            asked = Asked(numbers, Draw(numbers.astype(np.uint64), key), _Permute(key), total)
            form = Form(
                column.kind, column.locale, self.grammars.get(column.locale, Grammar({})),
                frozenset(column.style), column.unique or pool > 0, named, column.account,
            )  # fmt: skip
            made = make_texts(form, asked)
            if column.name == self.apart:
                word, _ = self._allotted(index, frame)
                made = self.named.take(indices(word))
            out[column.name] = _as_type(made, column.type)
        return out

    def tells(self, name: str) -> bool:
        """Whether repeats of a name can be told apart: everybody has one of their own.

        Only once: they are by one spelling, and two that differ there may be alike in another.
        """
        people = [c for c in self.people if c.group == "person"]
        return (
            not self.apart
            and name in {c.name for c in people}
            and all(c.kind in _NAMES and not c.unique for c in people)
        )

    def told_apart(self, name: str, way: Spelling, distinct: int, rows: int) -> Personal | None:
        """The maker that tells repeats of a name apart, where so many rows have so many names.

        None where most names of the locale have no spelling of their own, such as those in other
        letters than the source has: all rows would have the few names that are left.
        """
        column = next(c for c in self.people if c.name == name)
        grammar = self.grammars[column.locale]
        if not grammar[column.kind].words:
            return None
        rule = grammar[column.kind].evened(distinct, rows)
        evened = Grammar({**grammar.rules, column.kind: rule})
        grammars = {**self.grammars, column.locale: evened}
        out = replace(self, apart=name, way=way, grammars=grammars)
        kept = out._rule.weights
        names = np.count_nonzero(kept) >= _SPELLED * np.count_nonzero(rule.weights)
        return out if names and sum(kept) >= _SPELLED * sum(rule.weights) else None

    def before(self, index: Index, frame: KeyFrame) -> Index:
        """How many rows of the same name come before each row, in an order of their own."""
        return self._allotted(index, frame)[1]

    @cached_property
    def _rule(self) -> Rule:
        """The names that are spelled each in its own way, as they are written.

        None has a digit: a number behind a text says which of its namesakes a row is.
        """
        column = next(c for c in self.people if c.name == self.apart)
        rule = self.grammars[column.locale][column.kind]
        array: Any = pc.utf8_upper(rule.array) if "upper" in column.style else rule.array
        words, weights = array.to_pylist(), rule.weights or (1,) * len(rule.words)
        spelled = spell(self.way, {self.apart: words}, len(words))
        first: dict[str, int] = {}
        for place, text in enumerate(spelled):
            if text and not any(map(str.isdigit, words[place])):
                first.setdefault(text, place)
        kept = list(first.values())
        return Rule(tuple(words[n] for n in kept), tuple(weights[n] for n in kept))

    @property
    def named(self) -> pa.Array[Any]:
        """The names that are told apart, no two spelled alike."""
        return self._rule.array

    def _allotted(self, index: Index, frame: KeyFrame) -> tuple[Index, Index]:
        """The name of each row, and how many rows of that name come before it.

        As many rows have a name as its weight says, rounded up or down at random.
        Source: systematic sampling (Madow 1949).
        """
        ends, key = np.cumsum(np.array(self._rule.weights, np.float64)), frame.salt("apart")
        shift = (key % 2**32) / 2**32
        ends = np.floor(ends / ends[-1] * frame.rows + shift).astype(np.int64)
        ends[-1] = frame.rows
        place = Permutation(max(frame.rows, 1), key)(index)
        word = np.searchsorted(ends, place, side="right").astype(np.int64)
        return word, place - np.where(word > 0, ends[word - 1], 0)

    def room(self, rows: int) -> str:
        """Nothing lacks: what has no room for all says so by itself, with a number behind it."""
        return ""

    def _pools(self, total: int) -> dict[str, int]:
        """How many different members a group has, for groups that repeat theirs."""
        out: dict[str, int] = {}
        for group in dict.fromkeys(c.group for c in self.people):
            held = [c.repeats for c in self.people if c.group == group and c.kind not in _NAMES]
            if held and all(held):
                out[group] = max(1, round(max(held) * total))
        return out

    def to_json(self) -> dict[str, Any]:
        """Plain values; types are those of the schema."""
        people = [
            {"column": c.name, "kind": c.kind, "locale": c.locale, "style": list(c.style),
             "unique": c.unique, "repeats": c.repeats, "account": c.account}
            for c in self.people
        ]  # fmt: skip
        held = {"people": people, "words": {n: g.to_json() for n, g in self.grammars.items()}}
        return {**held, "apart": self.apart, "way": to_json(self.way)} if self.apart else held

    @classmethod
    def from_json(cls, held: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> Personal:
        """What ``to_json`` gave."""
        people = tuple(
            PersonalColumn(c["column"], types[c["column"]], c["kind"], c["locale"],
                           tuple(c["style"]), c["unique"], c["repeats"], c["account"])
            for c in held["people"]
        )  # fmt: skip
        grammars = {n: Grammar.from_json(g) for n, g in held["words"].items()}
        return cls(people, grammars, held.get("apart", ""), from_json(held.get("way", ())))


def build_personal(data: TableData, columns: Sequence[Column]) -> Personal | None:
    """The maker of a table's personal columns; None without any.

    Raises:
        LearnError: Faker has no words for a kind in its locale.

    Privacy: shapes are read where k entities share them.
    """
    people = tuple(_personal(data, c) for c in columns if c.role == "personal")
    if not people:
        return None
    names = [c.locale for c in people if c.kind in ("person_name", *_NAMES)]
    if names:  # an address of electronic mail is that of the person's name
        people = tuple(replace(c, locale=names[0]) if c.group == "person" else c for c in people)
    needed: dict[str, list[str]] = {}
    for column in people:
        needed.setdefault(column.locale, []).extend(symbols_of(column.kind, column.locale))
    grammars = {n: load_grammar(n, dict.fromkeys(s)) for n, s in needed.items() if s}
    for column in reversed(people):  # of two columns of one kind, the first decides
        if column.kind in _NAMES:
            shares = _lengths(data, column.name)
            grammars[column.locale] = grammars[column.locale].lengthened(column.kind, shares)
    return Personal(people, grammars)


def _personal(data: TableData, column: Column) -> PersonalColumn:
    known, locale = data.of(column.name), column.locale or LOCALE
    values = max(known.rows - known.nulls, 1)
    assert column.kind is not None
    return PersonalColumn(
        column.name, column.type, column.kind, locale, _style(known.shapes, data.k),
        unique=known.distinct == values and values >= data.k,
        repeats=data.repeats(column.name, _DISTINCT),
        account=account_of(locale) if column.kind == "iban" else "",
    )  # fmt: skip


def _lengths(data: TableData, name: str) -> dict[int, float]:
    """Shares of the lengths of texts; none where most texts have a length of their own.

    Privacy: a length counts that k entities have.
    """
    texts: Any = plain(data.sample[name]).cast(pa.string())
    lengths = np.asarray(pc.utf8_length(texts).fill_null(0)).astype(np.int64)
    people = distinct(lengths, data.group, int(lengths.max(initial=0)) + 1)
    rows = np.bincount(lengths, minlength=len(people)) * (people >= data.k)
    rows[0] = 0
    known = int(rows.sum())
    if known < _COVERED * max(int((lengths > 0).sum()), 1):
        return {}
    return {int(n): int(rows[n]) / known for n in np.flatnonzero(rows)}


def _style(shapes: pa.Table | None, k: int) -> tuple[str, ...]:
    """What most values of supported shapes have."""
    rows = [] if shapes is None else [r for r in shapes.to_pylist() if r["entities"] >= k]
    whole = sum(r["rows"] for r in rows)
    tests: dict[str, Callable[[str], bool]] = {
        "comma": lambda s: ", " in s,
        "upper": lambda s: "A" in s and "a" not in s,
        "digits": lambda s: s.strip("9") == "",
        "spaced": lambda s: " " in s,
        "dashed": lambda s: "-" in s,
        "colons": lambda s: ":" in s,
    }
    return tuple(
        name for name, has in tests.items()
        if whole and 2 * sum(r["rows"] for r in rows if has(r["shape"])) > whole
    )  # fmt: skip


def _members(index: Index, pool: int, most: int, frame: KeyFrame) -> Index:
    """Whose values rows have: everybody their own, or one of a pool."""
    # one draw for all pools of a table, so that what belongs together repeats together
    return members(index, most, frame.rows, frame.salt("personal")) % pool if pool else index


@dataclass(frozen=True)
class _Permute:
    """Permutations of one group."""

    key: int

    def __call__(self, numbers: Index, size: int, label: str) -> Index:
        words = Draw(np.zeros(1, np.uint64), self.key).words(f"permute:{label}")
        return Permutation(size, int(words[0]))(numbers)


def _as_type(texts: pa.Array[Any], dtype: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_dictionary(dtype):
        return coded(texts, dtype)
    if pa.types.is_integer(dtype):
        return pc.replace_substring_regex(texts, "[^0-9]", "").cast(dtype)
    return texts.cast(pa.date32()).cast(dtype) if pa.types.is_date(dtype) else texts.cast(dtype)
