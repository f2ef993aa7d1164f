"""Long free text: its length is learned, and which of the words that many share follow which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import AnyArray, as_text, indices, plain
from synthlake.encode.guide import Guide
from synthlake.encode.mixing import mix
from synthlake.encode.pattern import Pattern
from synthlake.encode.slots import joined_rows
from synthlake.encode.template import digits, syllables
from synthlake.encode.topics import Topics
from synthlake.seed import Words

_POOL = 512  # made-up words of a form
_LONGEST = 1 << 20  # words, more than are read
_NEAR = 4  # words more or fewer than are drawn
_CELLS = 1_000_000  # words that are put together at once
_GOLDEN = 0x9E3779B97F4A7C15
# Thai, Japanese and Chinese, which put no spaces between words: each of their signs is one.
SCRIPTS, EAST = "\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u9fff", "\u3000"
UNSPACED = re.compile(rf"[{SCRIPTS}]")
_WORD = rf"[{SCRIPTS}]|(?:[^\P{{L}}{SCRIPTS}]|[^\P{{N}}{SCRIPTS}])+(?:['’][^\P{{L}}{SCRIPTS}]+)*"
RARE_SIGN, RARE_THAI = "字", "ก"
RARE = "\0a5"  # a mark: the form of a word and its length, after a NUL
_MARK = re.compile(r"\0(a|Aa|A|#)(\d+)")  # digits are a form, too
_SIGNS = {
    RARE_SIGN: "的一是不了人我在有他这中大来上国和地到以",
    RARE_THAI: "กขคงจชดตทนบปผพมยรลวสหอ",
}
_OPENS = re.compile(r".*(?:[.!?…。！？]|\n)[\W_]*", re.S)  # what a sentence begins after
MID, OPEN, START, LAST = range(4)  # states beside those of the tokens
STATES = 4

Index = NDArray[np.int64]
Token = tuple[str, str]
"""A word and what stands between it and the next; a rare word is a mark of its form."""


@dataclass(frozen=True)
class Chain:
    """What follows what, in the order of the states.

    Attributes:
        starts: shape (states + 1,): where what follows each state begins.
        targets: tokens, or states from which is drawn instead, numbered after all tokens.
        weights: rows of each.
    """

    starts: Index
    targets: Index
    weights: Index

    @cached_property
    def _ends(self) -> Index:
        return np.append(0, np.cumsum(self.weights))

    @cached_property
    def _guide(self) -> Guide:
        return Guide.build(self._ends[1:])

    def draw(self, states: Index, words: Words, tokens: int, topics: int) -> Index:
        """A token after each state, by weight; from another state of the topic where that is drawn.

        Args:
            states: shape (rows,).
            words: shape (rows,).
            tokens: how many there are.
            topics: how many there are; each has as many states.
        """
        each = (len(self.starts) - 1) // topics
        found, above = states.copy(), states // each * each + each - STATES - tokens
        todo = np.arange(len(states))
        while len(todo):
            at, to = (self._ends[self.starts[found[todo] + more]] for more in (0, 1))
            drawn = (words % (to - at).astype(np.uint64)).astype(np.int64)
            target = self.targets[self._guide.find(at + drawn)]
            again = target >= tokens
            found[todo] = np.where(again, target + above[todo], target)
            todo, words = todo[again], mix(words[again])
        return found

    def only(self, kept: NDArray[np.bool_], otherwise: Index) -> Chain:
        """The chain of some targets; states that have none of these go on to others.

        Args:
            kept: shape (targets,).
            otherwise: where each state goes on to.
        """
        state = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))[kept]
        bare = np.flatnonzero(np.bincount(state, minlength=len(otherwise)) == 0)
        state = np.append(state, bare)
        order = np.argsort(state, kind="stable")
        targets = np.append(self.targets[kept], otherwise[bare])
        weights = np.append(self.weights[kept], np.ones(len(bare), np.int64))
        starts = np.searchsorted(state[order], np.arange(len(self.starts)))
        return Chain(starts, targets[order], weights[order])


@dataclass(frozen=True)
class ProseCodec:
    """Code i stands for a text of a topic, of a number of words, by ``lengths[i]``.

    Attributes:
        type: Arrow type.
        lengths: fewest and most words, and the topic, of each class; by topic and length.
        tokens: words with what separates them from the next; they are states too.
        last: words that end a text, with what stands after them.
        chain: which token, or last one, follows which, by topic; after the states of the tokens
            come those of any within a sentence, any at its begin, the first and the last of a text.
        topics: what texts are about.

    Privacy: a class of length, a token, and a pair of tokens that follow each other in texts of a
    topic have k entities each; all other words are made of random syllables.
    """

    type: pa.DataType
    lengths: tuple[tuple[int, int, int], ...]
    tokens: tuple[Token, ...]
    last: tuple[Token, ...]
    chain: Chain
    topics: Topics

    name: ClassVar[str] = "prose"
    ordered = False
    exact = False

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.lengths)

    def encode(self, array: AnyArray) -> NDArray[np.int32]:
        """Codes of texts, shape (rows,); NULL is -1; the nearest class for other lengths."""
        texts = plain(array).cast(pa.large_string())
        counts, topic = words_of(texts), self.topics.of(texts)
        low, upper, about = np.array(self.lengths).T
        first = np.searchsorted(about, topic, side="left")
        end = np.searchsorted(about, topic, side="right")
        # classes of a topic, then of its lengths, ascend as one number does
        found = np.searchsorted(about * _LONGEST + upper, topic * _LONGEST + counts)
        codes = np.clip(found, first, end - 1)
        below = np.maximum(codes - 1, first)
        codes = np.where(counts - upper[below] < low[codes] - counts, below, codes)
        made: NDArray[np.int32] = np.where(counts < 0, -1, codes).astype(np.int32)
        return made

    def decode(self, codes: NDArray[np.int32], words: Words) -> pa.Array[Any]:
        """Texts of the classes; every word is drawn by a word of its own, mixed from the row's.

        A text ends where one may, near a number of words that is drawn within its class.

        Cost: O(words of all texts).
        """
        bounds = np.array([*self.lengths, (0, 0, 0)], np.int64)[codes]
        low, high = bounds[:, 0], bounds[:, 1]
        drawn = mix(words + np.uint64(_GOLDEN)) % (high - low + 1).astype(np.uint64)
        wanted = low + drawn.astype(np.int64)
        near = np.where(wanted > 0, _NEAR + wanted // 16, 0)
        least, most = np.maximum(wanted - near, low), np.minimum(wanted + near, high)
        parts: list[pa.Array[Any]] = [pa.array([], pa.large_string())]
        order, start = np.argsort(most, kind="stable"), 0
        ends = np.cumsum(most[order] + 1)
        while start < len(order):  # texts of like lengths together
            end = int(np.searchsorted(ends, ends[start] + _CELLS))
            rows = order[start:end]
            made = self._texts((least[rows], most[rows], bounds[rows, 2]), words[rows])
            parts.append(made.cast(pa.large_string()))
            start = end
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return as_text(pa.concat_arrays(parts).take(indices(place, codes < 0)), self.type)

    def _texts(self, wanted: tuple[Index, Index, Index], words: Words) -> pa.Array[Any]:
        """Texts of at least and at most so many words, and of a topic."""
        least, most, topic = (held.copy() for held in wanted)
        ids = np.zeros((len(most), 2 * int(most.max(initial=0)) + 2), np.int32)
        first, every = len(self.tokens), len(self.tokens) + len(self.last)
        before = topic * (first + STATES)  # states of other topics
        states = before + first + START
        rows = np.flatnonzero(most > 0)
        for place in range(ids.shape[1] // 2):
            if not len(rows):
                break
            drawn = mix(words[rows] + np.uint64(_GOLDEN * (place + 2) % 2**64))
            kind = np.where(most[rows] == place + 1, 2, least[rows] <= place + 1)
            found = states[rows]
            for number, chain in enumerate(self._chains):
                some = np.flatnonzero(kind == number)
                found[some] = chain.draw(found[some], drawn[some], every, self.topics.size)
            states[rows] = before[rows] + found
            pool = (mix(drawn) % np.uint64(_POOL)).astype(np.int32)
            ids[rows, 2 * place] = self._ids[found, 0] + pool * self._rare[found]
            ids[rows, 2 * place + 1] = self._ids[found, 1]
            bare = self._bare[found]  # what stands before the first word is none
            least[rows] += bare
            most[rows] += bare
            rows = rows[(found < first) & (most[rows] > place + 1)]
        return joined_rows(self._pieces, ids)

    @cached_property
    def _chains(self) -> tuple[Chain, Chain, Chain]:
        """What follows before a text may end, where it may, and where it has to."""
        first, every = len(self.tokens), len(self.tokens) + len(self.last)
        ends = (self.chain.targets >= first) & (self.chain.targets < every)
        after = [opens(rest) for _, rest in self.tokens]
        wider = every + np.array([*after, OPEN, MID, OPEN, LAST], np.int64)
        alone = np.full(first + STATES, every + LAST)
        wider, alone = (np.tile(held, self.topics.size) for held in (wider, alone))
        return self.chain.only(~ends, wider), self.chain, self.chain.only(ends, alone)

    @cached_property
    def _every(self) -> tuple[Token, ...]:
        return self.tokens + self.last

    @cached_property
    def _rare(self) -> NDArray[np.int32]:
        """1 for tokens whose word is made up."""
        return np.array([word[:1] == "\0" for word, _ in self._every], np.int32)

    @cached_property
    def _bare(self) -> Index:
        """1 for tokens without a word."""
        return np.array([not word for word, _ in self._every], np.int64)

    @cached_property
    def _ids(self) -> NDArray[np.int32]:
        """By token, places of its word and separator in ``_pieces``."""
        places = {mark: 1 + number * _POOL for number, mark in enumerate(self._marks)}
        end = 1 + len(self._marks) * _POOL
        for number, text in enumerate(self._parts):
            places.setdefault(text, end + number)
        return np.array([[places[part] for part in token] for token in self._every], np.int32)

    @cached_property
    def _marks(self) -> list[str]:
        return list(dict.fromkeys(word for word, _ in self._every if word[:1] == "\0"))

    @cached_property
    def _parts(self) -> list[str]:
        return list(dict.fromkeys(part for token in self._every for part in token))

    @cached_property
    def _pieces(self) -> pa.Array[Any]:
        """All texts that are put together: none, made-up words of all forms, words, separators."""
        pools = [_pool(mark) for mark in self._marks]
        texts = pa.array(self._parts, pa.string())
        return pa.concat_arrays([pa.array([""], pa.string()), *pools, texts])

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the type."""
        chain = {name: getattr(self.chain, name).tolist() for name in _CHAIN}
        lengths = [list(length) for length in self.lengths]
        tokens, last = ([list(token) for token in held] for held in (self.tokens, self.last))
        topics = self.topics.to_json()
        return {"lengths": lengths, "tokens": tokens, "last": last, "topics": topics, **chain}

    @classmethod
    def from_json(cls, held: Mapping[str, Any], dtype: pa.DataType) -> ProseCodec:
        """The codec that ``to_json`` gave."""
        chain = Chain(*(np.array(held[name], np.int64) for name in _CHAIN))
        lengths = tuple((int(a), int(b), int(topic)) for a, b, topic in held["lengths"])
        tokens, last = (
            tuple((str(word), str(rest)) for word, rest in held[name])
            for name in ("tokens", "last")
        )
        return cls(dtype, lengths, tokens, last, chain, Topics.from_json(held["topics"]))


_CHAIN = ("starts", "targets", "weights")


def opens(rest: str) -> int:
    """The state after what separates two words: the begin of a sentence, or within one."""
    return OPEN if _OPENS.fullmatch(rest) else MID


def words_of(texts: Any) -> Index:
    """Words of each text; -1 for NULL."""
    counts = pc.fill_null(pc.count_substring_regex(texts, _WORD), -1)
    return np.asarray(counts).astype(np.int64)


def _pool(mark: str) -> pa.Array[Any]:
    """Made-up words of a mark, for all data the same."""
    words = mix(np.arange(1, _POOL + 1, dtype=np.uint64) * np.uint64(_GOLDEN))
    known = _MARK.fullmatch(mark)
    if known is None:
        signs = _SIGNS[mark[1:]]
        return Pattern((signs,)).unrank((words % np.uint64(len(signs))).astype(np.int64))
    form, length = known.group(1), int(known.group(2))
    return digits(length, words) if form == "#" else syllables(form, length, words)
