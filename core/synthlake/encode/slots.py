"""Slots of many templates, filled for all rows at once, place by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.encode.guide import Guide
from synthlake.encode.mixing import mix
from synthlake.seed import Words

_GOLDEN: Final = 0x9E3779B97F4A7C15
_LITERAL, _CHOICE, _MADE = 1, 2, 3  # kinds of slots; 0 beyond the end of a template
_BITS, _KIND = 2, 3  # of the word of a slot

Index = NDArray[np.int64]
Make = Callable[[str, str, Words], "pa.Array[Any]"]
Slot = tuple[str, str]
Weighed = tuple[Sequence[str], Sequence[int]]
Made = tuple[int, Index, Words]
"""A place, the rows that have something made there, and the words of which it is made."""


@dataclass
class Slots:
    """What fills each slot of each template.

    Attributes:
        kind: shape (templates, places): literal, choice, made, or none.
        which: the same shape: text of a literal, number of a choice, number of what is made.
        texts: distinct texts, the empty one first.
        makers: slots whose texts are made for each row.
        ends: of all choices one after another, rows up to each of their texts.
        bases: rows before each choice.
        totals: rows of each choice.
        words: text of each place of ``ends``.
    """

    kind: NDArray[np.int8]
    which: NDArray[np.int32]
    texts: pa.Array[Any]
    makers: list[Slot]
    ends: Words
    bases: Words
    totals: Words
    words: NDArray[np.int32]

    def fill(self, codes: Index, words: Words, make: Make) -> pa.Array[Any]:
        """A text for each row.

        Args:
            codes: shape (rows,), numbers of templates.
            words: shape (rows,); every slot has words of its own, mixed from the row's.
            make: texts of a slot that is neither a literal nor a choice, by its mark and form.

        Cost: O(rows x places of the longest template), whatever the number of templates.
        """
        ids = np.zeros((len(codes), self.kind.shape[1]), np.int32)
        made: dict[int, list[Made]] = {}
        used = 0
        for place, slots in enumerate(self._packed):
            slot = slots.take(codes, mode="clip")
            if not slot.any():
                break
            used = place + 1
            kind = slot & _KIND
            slot >>= _BITS
            ids[:, place] = np.where(kind == _LITERAL, slot, 0)
            salt = np.uint64(_GOLDEN * used % 2**64)
            chosen = np.flatnonzero(kind == _CHOICE)
            if len(chosen):
                drawn = mix(words.take(chosen, mode="clip") + salt)
                ids[chosen, place] = self._chosen(slot[chosen], drawn)
            for number, rows in _by_number(slot, np.flatnonzero(kind == _MADE)):
                drawn = mix(words.take(rows, mode="clip") + salt)
                made.setdefault(number, []).append((place, rows, drawn))
        return joined_rows(self._with_made(ids, made, make), ids[:, :used])

    def _chosen(self, choice: NDArray[np.int32], drawn: Words) -> NDArray[np.int32]:
        """Texts of choices, by weight."""
        at = self.bases.take(choice, mode="clip") + drawn % self.totals.take(choice, mode="clip")
        return self.words.take(self._guide.find(at.view(np.int64)), mode="clip")

    def _with_made(
        self, ids: NDArray[np.int32], made: Mapping[int, Sequence[Made]], make: Make
    ) -> pa.Array[Any]:
        """All texts, those that are made for single rows among them, whose ids are set."""
        parts, end = [self.texts], len(self.texts)
        for number, places in made.items():  # all places at once: the same words give the same
            mark, what = self.makers[number]
            parts.append(make(mark, what, np.concatenate([drawn for _, _, drawn in places])))
            for place, rows, _ in places:
                ids[rows, place] = np.arange(end, end + len(rows))
                end += len(rows)
        return pa.concat_arrays(parts) if made else self.texts

    @cached_property
    def _packed(self) -> list[NDArray[np.int32]]:
        """By place, what and which each template has there, in one word."""
        packed = (self.which << _BITS) | self.kind
        return [np.ascontiguousarray(place) for place in packed.T]

    @cached_property
    def _guide(self) -> Guide:
        return Guide.build(self.ends)


def _by_number(numbers: NDArray[np.int32], rows: Index) -> Iterator[tuple[int, Index]]:
    """Rows by their number."""
    some = numbers[rows]
    for number in np.flatnonzero(np.bincount(some)) if len(rows) else ():
        yield int(number), rows[some == number]


def joined_rows(texts: pa.Array[Any], ids: NDArray[np.int32]) -> pa.Array[Any]:
    """The texts of each row one after another: in this order they lie in memory anyway."""
    rows, places = ids.shape
    if not places:
        return pa.array([""] * rows, pa.string())
    pieces: Any = texts.take(indices(np.ascontiguousarray(ids).reshape(-1)))
    ends = np.frombuffer(pieces.buffers()[1], np.int32)[pieces.offset :][: rows * places + 1]
    every: Any = np.ascontiguousarray(ends[::places])
    data = pieces.buffers()[2] or pa.py_buffer(b"")
    return pa.StringArray.from_buffers(rows, pa.py_buffer(every), data)


@dataclass
class _Building:
    """Texts and choices numbered so far."""

    texts: dict[str, int] = field(default_factory=lambda: {"": 0})
    makers: dict[Slot, int] = field(default_factory=dict)
    choices: dict[object, int] = field(default_factory=dict)
    weights: list[Sequence[int]] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def text(self, text: str) -> int:
        """The number of a text."""
        return self.texts.setdefault(text, len(self.texts))

    def choice(self, name: object, weighed: Weighed) -> int:
        """The number of a choice."""
        if name not in self.choices:
            self.choices[name] = len(self.weights)
            self.weights.append(weighed[1])
            self.words += [self.text(value) for value in weighed[0]]
        return self.choices[name]


def build_slots(
    templates: Sequence[Sequence[Slot]], at: Mapping[str, Weighed], words: Mapping[str, Weighed]
) -> Slots:
    """The slots of templates.

    Args:
        templates: each a row of slots: ("=", text) is a literal, ("w", form) a choice, all others
            are made.
        at: texts with their weights by ``template.place``.
        words: the same by form, where a place has none of its own.
    """
    longest = max((len(slots) for slots in templates), default=0)
    kind = np.zeros((len(templates), longest), np.int8)
    which = np.zeros((len(templates), longest), np.int32)
    built = _Building()
    for code, slots in enumerate(templates):
        for place, (mark, what) in enumerate(slots):
            own = f"{code}.{place}"
            if mark == "=":
                kind[code, place], which[code, place] = _LITERAL, built.text(what)
            elif mark == "w":
                name, weighed = (("at", own), at[own]) if own in at else (what, words[what])
                kind[code, place], which[code, place] = _CHOICE, built.choice(name, weighed)
            else:
                kind[code, place] = _MADE
                which[code, place] = built.makers.setdefault((mark, what), len(built.makers))
    totals = np.array([sum(w) for w in built.weights], np.uint64)
    flat = np.array([w for weights in built.weights for w in weights], np.uint64)
    return Slots(
        kind, which, pa.array(list(built.texts), pa.string()), list(built.makers),
        np.cumsum(flat, dtype=np.uint64), np.cumsum(totals, dtype=np.uint64) - totals, totals,
        np.array(built.words, np.int32),
    )  # fmt: skip
