"""Short free text: words that many share are kept, the others are made up, in learned templates."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, as_text, indices, plain
from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.choices import by_choice
from synthlake.encode.guide import Guide
from synthlake.encode.mixing import mix
from synthlake.encode.pattern import Pattern
from synthlake.encode.slots import Slots, build_slots
from synthlake.errors import ArtifactError
from synthlake.seed import Words

MAX_TEMPLATES = 500
_MAX_WORDS = 1_000  # of a slot
_MAX_TOKENS = 40
_MAX_TEXTS = 100_000  # of the sample, from which templates are learned
_LONGEST = 16  # letters of a made-up word
_PIECE = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|.", re.S)
_VOWELS, _CONSONANTS = "aeiou", "bcdfghklmnprstvw"
_RARE = ("a", "Aa", "A")  # forms of words that are made up

Slot = tuple[str, str]
"""("=", text), ("9", digits), ("w", form of a shared word) or ("r", form of a made-up word)."""


@dataclass(frozen=True)
class Choice:
    """Texts with their rows: words of a class, or lengths of made-up words."""

    values: tuple[str, ...]
    weights: tuple[int, ...]

    def choose(self, words: Words) -> NDArray[np.int64]:
        """Places, by weight."""
        guide = self._guide
        return guide.find(_modulo(words, int(guide.ends[-1]))).astype(np.int64)

    @cached_property
    def _guide(self) -> Guide:
        return Guide.build(np.cumsum(np.array(self.weights, np.uint64)))


_LENGTHS = {form: Choice(("4", "6", "8"), (1, 2, 1)) for form in _RARE}


@dataclass(frozen=True)
class TemplateCodec:
    """Code i stands for a text of the template ``templates[i]``.

    Attributes:
        type: Arrow type.
        templates: each a row of slots.
        words: by form: words that k entities share.
        at: by template and slot: those of them that k entities have just there.
        lengths: by form: lengths of words that are made up.

    Privacy: a template, a word, a word in its place and a length have k entities each; what is
    rarer is made of random syllables.
    """

    type: pa.DataType
    templates: tuple[tuple[Slot, ...], ...]
    words: Mapping[str, Choice]
    at: Mapping[str, Choice] = field(default_factory=dict)
    lengths: Mapping[str, Choice] = field(default_factory=dict)

    name: ClassVar[str] = "template"
    ordered = False
    exact = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.templates)

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """Codes of texts, shape (rows,); NULL is -1, an unsupported template ``UNKNOWN``."""
        texts: Any = plain(array).cast(pa.string()).dictionary_encode()
        shared = {w for choice in self.words.values() for w in choice.values}
        known = {slots: code for code, slots in enumerate(self.templates)}
        other = 0 if len(self.templates) == 1 else UNKNOWN
        found = [known.get(_slots(t, shared), other) for t in texts.dictionary.to_pylist()]
        index = np.asarray(texts.indices.fill_null(len(found)))
        codes: NDArray[np.int32] = np.array([*found, -1], np.int32)[index]
        return codes

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array[Any]:
        """Texts of the templates; every slot has words of its own, mixed from the row's."""
        there = np.flatnonzero(codes >= 0)
        if not len(there):
            return as_text(pa.nulls(len(codes), pa.string()), self.type)
        made = self._filled.fill(codes[there].astype(np.int64), words[there], self._make)
        place = np.zeros(len(codes), np.int64)
        place[there] = np.arange(len(there))
        return as_text(made.take(indices(place, codes < 0)), self.type)

    @cached_property
    def _filled(self) -> Slots:
        """The slots of all templates together."""
        at, words = ({key: (c.values, c.weights) for key, c in held.items()}
                     for held in (self.at, self.words))  # fmt: skip
        return build_slots(self.templates, at, words)

    def _make(self, mark: str, what: str, drawn: Words) -> pa.Array[Any]:
        """Texts of a slot that has no words to choose from."""
        if mark == "9":
            return digits(len(what), drawn)
        return self._made_up(what, drawn)

    def _made_up(self, form: str, words: Words) -> pa.Array[Any]:
        choice = self.lengths[form]

        def one(number: int, rows: NDArray[np.int64]) -> pa.Array[Any]:
            return syllables(form, int(choice.values[number]), mix(words[rows]))

        return by_choice(choice.choose(words), one)

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the type."""
        choices = {
            name: {key: [list(c.values), list(c.weights)] for key, c in held.items()}
            for name, held in (("words", self.words), ("at", self.at), ("lengths", self.lengths))
        }
        return {"templates": [[list(s) for s in slots] for slots in self.templates], **choices}

    @classmethod
    def from_json(cls, held: Mapping[str, Any], dtype: pa.DataType) -> TemplateCodec:
        """The codec that ``to_json`` gave."""
        if "" in held["words"]:
            raise ArtifactError(
                "texts of any words were learned by an older version", hint="learn it again"
            )
        words, at, lengths = (
            {key: Choice(tuple(c[0]), tuple(c[1])) for key, c in held[name].items()}
            for name in ("words", "at", "lengths")
        )
        templates = tuple(tuple((s[0], s[1]) for s in slots) for slots in held["templates"])
        return cls(dtype, templates, words, at, lengths)


def _slots(text: str, shared: set[str]) -> tuple[Slot, ...]:
    """The template of a text, given the words that are shared."""
    slots: list[Slot] = []
    for piece in _PIECE.findall(text)[: _MAX_TOKENS + 1]:
        if piece.isdigit():
            slots.append(("9", "9" * len(piece)))
        elif piece[0].isalpha():
            slots.append(("w" if piece in shared else "r", _form(piece)))
        elif slots and slots[-1][0] == "=":
            slots[-1] = ("=", slots[-1][1] + piece)
        else:
            slots.append(("=", piece))
    return tuple(slots)


def _form(word: str) -> str:
    if word.islower():
        return "a"
    return "A" if word.isupper() and len(word) > 1 else "Aa"


def _modulo(words: Words, size: int) -> NDArray[np.int64]:
    """``words % size``, which numpy does number by number."""
    found = words - words // np.uint64(size) * np.uint64(size)
    return found.view(np.int64)


def digits(count: int, words: Words) -> pa.Array[Any]:
    """Numbers of so many digits."""
    first = Pattern(("123456789" if count > 1 else "0123456789", *(["0123456789"] * (count - 1))))
    first = Pattern(first.alphabets[:18])
    return first.unrank(_modulo(words, first.capacity))


def syllables(form: str, length: int, words: Words) -> pa.Array[Any]:
    """Words of alternating consonants and vowels."""
    letters = [(_CONSONANTS, _VOWELS)[place % 2] for place in range(length)]
    if form != "a":
        letters[0] = letters[0].upper()
    if form == "A":
        letters = [some.upper() for some in letters]
    pattern = Pattern(tuple(letters))
    return pattern.unrank(_modulo(words, pattern.capacity))


def build_template(
    dtype: pa.DataType, values: Sequence[str], group: NDArray[np.int64], k: int
) -> TemplateCodec | None:
    """Templates of texts that k entities share; None where these are not half of the texts.

    Args:
        dtype: of the column.
        values: none of them NULL.
        group: entities of the values.
        k: least entities behind anything that is kept.
    """
    values, group = values[:_MAX_TEXTS], group[:_MAX_TEXTS]
    shared = _shared([_PIECE.findall(text) for text in values], group, k)
    shared = {word for word in shared if word[0].isalpha()}
    every = [_slots(text, shared) for text in values]
    kept = _supported(every, group, k)
    if not kept:
        return None
    learner = _Learner(kept, shared, group, k)
    for place, (text, slots) in enumerate(zip(values, every, strict=True)):
        learner.see(text, slots, place)
    return learner.codec(dtype)


def _shared(texts: Sequence[list[str]], group: NDArray[np.int64], k: int) -> set[str]:
    """Pieces of k entities."""
    people: dict[str, set[int]] = defaultdict(set)
    for pieces, who in zip(texts, group.tolist(), strict=True):
        for piece in set(pieces):
            if len(people[piece]) < k:
                people[piece].add(who)
    return {word for word, some in people.items() if len(some) >= k}


def _supported(
    every: Sequence[tuple[Slot, ...]], group: NDArray[np.int64], k: int
) -> list[tuple[Slot, ...]]:
    """Templates of k entities, the most frequent first; none if they are those of few texts."""
    rows: Counter[tuple[Slot, ...]] = Counter()
    people: dict[tuple[Slot, ...], set[int]] = defaultdict(set)
    for slots, who in zip(every, group.tolist(), strict=True):
        if len(slots) <= _MAX_TOKENS:
            rows[slots] += 1
            people[slots].add(who)
    kept = [s for s in sorted(rows, key=lambda s: (-rows[s], s)) if len(people[s]) >= k]
    kept = kept[:MAX_TEMPLATES]
    return kept if 2 * sum(rows[s] for s in kept) >= len(every) else []


@dataclass
class _Learner:
    """Counts words in their places."""

    templates: list[tuple[Slot, ...]]
    shared: set[str]
    group: NDArray[np.int64]
    k: int
    rows: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    people: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._code = {slots: code for code, slots in enumerate(self.templates)}

    def see(self, text: str, slots: tuple[Slot, ...], row: int) -> None:
        """One text."""
        code = self._code.get(slots)
        who, place = int(self.group[row]), -1
        for piece in _PIECE.findall(text)[: _MAX_TOKENS + 1]:
            if not piece[0].isalpha():
                continue
            place = self._next(slots, place)
            form = _form(piece)
            if piece in self.shared:
                self._count("words", form, piece, who)
                if code is not None:
                    self._count("at", f"{code}.{place}", piece, who)
            else:
                self._count("lengths", form, str(min(len(piece), _LONGEST)), who)

    @staticmethod
    def _next(slots: tuple[Slot, ...], place: int) -> int:
        later = (n for n in range(place + 1, len(slots)) if slots[n][0] in "wr")
        return next(later, place)

    def _count(self, what: str, key: str, value: str, who: int) -> None:
        self.rows.setdefault((what, key), Counter())[value] += 1
        some = self.people.setdefault((what, key, value), set())
        if len(some) < self.k:
            some.add(who)

    def codec(self, dtype: pa.DataType) -> TemplateCodec:
        """What was seen of k entities."""
        held: dict[str, dict[str, Choice]] = {"words": {}, "at": {}, "lengths": {}}
        for (what, key), counted in sorted(self.rows.items()):
            choice = self._choice(what, key, counted)
            if choice is not None:
                held[what][key] = choice
        held["lengths"] = {**_LENGTHS, **held["lengths"]}
        return TemplateCodec(
            dtype, tuple(self.templates), held["words"], held["at"], held["lengths"]
        )

    def _choice(self, what: str, key: str, counted: Counter[str]) -> Choice | None:
        some = sorted(counted, key=lambda v: (-counted[v], v))
        kept = [v for v in some if len(self.people[what, key, v]) >= self.k][:_MAX_WORDS]
        return Choice(tuple(kept), tuple(counted[v] for v in kept)) if kept else None
