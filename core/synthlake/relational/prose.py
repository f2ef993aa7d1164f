"""Learning long free text: lengths, words, and which follows which, of k entities each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from synthlake.encode.prose import (
    EAST,
    LAST,
    OPEN,
    RARE,
    RARE_SIGN,
    RARE_THAI,
    SCRIPTS,
    START,
    STATES,
    UNSPACED,
    Chain,
    Index,
    ProseCodec,
    Token,
    opens,
    words_of,
)
from synthlake.models.support import Mask, even_rows
from synthlake.relational.topics import build_topics

MAX_TEXTS = 100_000  # of the sample, from which words are learned
_MAX_PIECES = 1_000_000  # of them
_LONGEST = 12  # letters of a made-up word
_MAX_TOKENS, _MAX_PAIRS = 8_000, 60_000
# Ends of classes of length, in words: the same for all data.
_GRID = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024,
         1_536, 2_048, 3_072, 4_001)  # fmt: skip
_PIECE = re.compile(
    rf"([{SCRIPTS}]|[^\W_{SCRIPTS}]+(?:['’][^\W\d_{SCRIPTS}]+)*)?((?:[^\w{SCRIPTS}]|_)*)"
)
_CLOSE = ("", f"\0{RARE_SIGN}", f"\0{RARE_THAI}")  # after which there is no space


def build_prose(
    dtype: pa.DataType, values: Sequence[str], group: Index, k: int
) -> ProseCodec | None:
    """Lengths, words and pairs of words that k entities share; None where not even a length is.

    Args:
        dtype: of the column.
        values: none of them NULL.
        group: entities of the values.
        k: least entities behind anything that is kept.
    """
    texts = pa.array(values, pa.large_string())
    topics, counts = build_topics(texts, group, k), words_of(texts)
    topic = topics.of(texts)
    lengths = tuple(
        (low, high, number) for number in range(topics.size)
        for low, high in _classes(counts[topic == number], group[topic == number], k)
    )  # fmt: skip
    if {number for _, _, number in lengths} != set(range(topics.size)):
        return None
    learner = _Learner.of(values, group, k)
    tokens, last = learner.tokens[: learner.inner], learner.tokens[learner.inner :]
    chain = learner.chain(topic, topics.size)
    return ProseCodec(dtype, lengths, tuple(tokens), tuple(last), chain, topics)


def _classes(counts: Index, group: Index, k: int) -> tuple[tuple[int, int], ...]:
    """Classes of the grid, neighbours together until each has k entities."""
    cell = np.searchsorted(np.array(_GRID), counts, side="right") - 1
    found: list[tuple[int, int]] = []
    low, some = 0, np.zeros(0, np.int64)
    for number in range(len(_GRID) - 1):
        here = np.unique(group[cell == number])
        if not len(here) and not len(some):
            low = number + 1
            continue
        some = np.union1d(some, here)
        if len(some) >= k:
            found.append((_GRID[low], _GRID[number + 1] - 1))
            low, some = number + 1, np.zeros(0, np.int64)
    return tuple(found)


@dataclass
class _Learner:
    """Tokens of texts, one after another.

    Attributes:
        tokens: that k entities have, and marks of the others; those that end texts come last.
        inner: how many do not end texts.
        token: shape (pieces,).
        text: number of the text of each piece.
        who: entity of each piece.
        first, last: whether it begins or ends a text.
        k: least entities.
    """

    tokens: list[Token]
    inner: int
    token: Index
    text: Index
    who: Index
    first: Mask
    last: Mask
    k: int

    @classmethod
    def of(cls, values: Sequence[str], group: Index, k: int) -> _Learner:
        """The tokens of as many texts as there is time for."""
        pieces: list[Token] = []
        sizes: list[int] = []
        for text in values:
            some = _pieces(text)
            pieces += some
            sizes.append(len(some))
            if len(pieces) > _MAX_PIECES:
                break
        ends = np.cumsum(sizes, dtype=np.int64)
        first, last = np.zeros(len(pieces), bool), np.zeros(len(pieces), bool)
        full = np.array(sizes, np.int64) > 0
        last[ends[full] - 1] = True
        first[(ends - sizes)[full]] = True
        number = np.repeat(np.arange(len(sizes)), sizes)
        who = group[number]
        inner, token = _numbered(pieces, who, k, ~last, " ")
        ending, token_last = _numbered(pieces, who, k, last, "")
        every = np.empty(len(pieces), np.int64)
        every[~last], every[last] = token, len(inner) + token_last
        return cls(inner + ending, len(inner), every, number, who, first, last, k)

    def chain(self, topic: Index, topics: int) -> Chain:
        """What follows each token and state, of k entities of a topic.

        Args:
            topic: of each text.
            topics: how many there are.
        """
        size, inner = len(self.tokens), self.inner
        each, above = inner + STATES, topic[self.text] * (inner + STATES)
        after = inner + np.array([opens(rest) for _, rest in self.tokens[:inner]], np.int64)
        before = np.append(0, self.token[:-1]) if len(self.token) else self.token
        inside, ahead = ~self.first, ~self.last
        wider = np.where(self.first, inner + OPEN, after[np.where(inside, before, 0)])
        held = np.concatenate([
            self._pairs(above + before, inside),
            self._pairs(above + wider, np.ones(len(before), bool)),
            self._pairs(above + inner + START, self.first & ahead),
            self._pairs(above + inner + LAST, self.last),
        ], axis=1)  # fmt: skip
        states = topics * each
        given = np.bincount(held[0], held[2], states).astype(np.int64)
        missing = self._missing((above + before)[inside], self.token[inside], held, states)
        missing[given + missing == 0] = 1
        kind = np.arange(states) % each
        part = np.flatnonzero((missing > 0) & (kind < inner))
        rows = [held, np.stack([part, size + after[kind[part]] - inner, missing[part]])]
        going = np.bincount(held[0][held[1] < inner], minlength=states)
        told = np.where(kind == inner + LAST, given, going)  # so that no draw goes on for ever
        for state in np.flatnonzero((told == 0) & (kind >= inner)).tolist():
            rows.append(self._instead(state, int(kind[state]) - inner))
        found = np.concatenate(rows, axis=1)
        found = found[:, np.lexsort((found[1], found[0]))]
        starts = np.searchsorted(found[0], np.arange(states + 1))
        return Chain(starts, found[1], found[2])

    def _instead(self, state: int, kind: int) -> Index:
        """What follows a state of which k entities have no pair: as of another, or any token."""
        size, inner = len(self.tokens), self.inner
        if kind == START:
            return np.array([[state], [size + OPEN], [1]])
        some = np.arange(inner, size) if kind == LAST else np.arange(inner)
        return np.stack([np.full(len(some), state), some, np.ones(len(some), np.int64)])

    def _missing(self, state: Index, token: Index, held: Index, states: int) -> Index:
        """Rows of each state whose pair is not held, where k entities have some.

        Args:
            state: shape (rows,).
            token: what follows.
            held: pairs, shape (3, pairs).
            states: how many there are.
        """
        size = len(self.tokens)
        known = np.isin(state * size + token, held[0] * size + held[1])
        who = self.who[~self.first][~known]
        return even_rows(state[~known], who, states, self.k)

    def _pairs(self, state: Index, chosen: Mask) -> Index:
        """States, tokens after them and rows, shape (3, pairs), of k entities; most frequent."""
        size = len(self.tokens)
        pairs, place = np.unique((state * size + self.token)[chosen], return_inverse=True)
        rows = even_rows(place, self.who[chosen], len(pairs), self.k)
        order = np.argsort(-rows, kind="stable")[: min(_MAX_PAIRS, int((rows > 0).sum()))]
        pairs, rows = pairs[order], rows[order]
        return np.stack([pairs // size, pairs % size, rows])


def _numbered(
    pieces: Sequence[Token], who: Index, k: int, chosen: Mask, space: str
) -> tuple[list[Token], Index]:
    """Tokens of k entities for some pieces, marks for the others, and the token of each piece.

    Args:
        pieces: of all texts.
        who: entities of the pieces.
        k: least entities.
        chosen: pieces that are numbered.
        space: what stands after a word where few have what stands there.
    """
    some = [pieces[place] for place in np.flatnonzero(chosen).tolist()]
    marked = [(_mark(word), rest) for word, rest in some]
    plainly = [(word, "" if word in _CLOSE else space) for word, _ in marked]
    kept: set[Token] = set().union(
        *(_kept(held, who[chosen], k) for held in (some, marked, plainly))
    )
    rare = (RARE, space)
    tokens = sorted({*kept, rare})
    number = {token: place for place, token in enumerate(tokens)}
    found = [number[next((t for t in ways if t in kept), rare)]
             for ways in zip(some, marked, plainly, strict=True)]  # fmt: skip
    return tokens, np.array(found, np.int64)


def _pieces(text: str) -> list[Token]:
    """Words of a text with what follows each; an empty one where it begins without a word."""
    return [piece for piece in _PIECE.findall(text) if piece != ("", "")]


def _kept(tokens: Sequence[Token], who: Index, k: int) -> set[Token]:
    """The most frequent tokens of k entities."""
    numbers: dict[Token, int] = {}
    place = np.array([numbers.setdefault(t, len(numbers)) for t in tokens], np.int64)
    rows = even_rows(place, who, len(numbers), k)
    known = sorted((-n, t) for t, n in zip(numbers, rows.tolist(), strict=True) if n)
    return {token for _, token in known[:_MAX_TOKENS]}


def _mark(word: str) -> str:
    """What a word is made of again where few have it."""
    if not word:
        return ""
    if UNSPACED.fullmatch(word):
        return f"\0{RARE_THAI if word < EAST else RARE_SIGN}"
    length = min(len(word), _LONGEST)
    if word.isdigit() or word.islower():
        return f"\0{'#' if word.isdigit() else 'a'}{length}"
    return f"\0{'A' if word.isupper() and len(word) > 1 else 'Aa'}{length}"
