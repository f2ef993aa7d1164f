"""Slots of many templates, filled for all rows at once, place by place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.encode.choices import joined
from synthlake.encode.mixing import mix
from synthlake.seed import Words

_GOLDEN: Final = 0x9E3779B97F4A7C15
_LITERAL, _CHOICE, _MADE = 1, 2, 3  # kinds of slots; 0 beyond the end of a template

Index = NDArray[np.int64]
Make = Callable[[str, str, Words], "pa.Array[Any]"]
Slot = tuple[str, str]
Weighed = tuple[Sequence[str], Sequence[int]]


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
        parts: list[Any] = []
        for place in range(self.kind.shape[1]):
            kind = self.kind[codes, place]
            if not kind.any():
                break
            drawn = mix(words + np.uint64(_GOLDEN * (place + 1) % 2**64))
            parts.append(self._piece(kind, self.which[codes, place], drawn, make))
        return joined(parts, len(codes))

    def _piece(
        self, kind: NDArray[np.int8], which: NDArray[np.int32], drawn: Words, make: Make
    ) -> pa.Array[Any]:
        """The texts of one place."""
        texts = np.where(kind == _LITERAL, which, 0)
        chosen = np.flatnonzero(kind == _CHOICE)
        if len(chosen):
            choice = which[chosen]
            at = self.bases[choice] + drawn[chosen] % self.totals[choice]
            texts[chosen] = self.words[np.searchsorted(self.ends, at, side="right")]
        found = self.texts.take(indices(texts))
        made = np.flatnonzero(kind == _MADE)
        if not len(made):
            return found
        parts, places, end = [found], np.arange(len(kind)), len(kind)
        for number in np.unique(which[made]):
            rows = made[which[made] == number]
            parts.append(make(*self.makers[number], drawn[rows]))
            places[rows] = np.arange(end, end + len(rows))
            end += len(rows)
        return pa.concat_arrays(parts).take(indices(places))


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
