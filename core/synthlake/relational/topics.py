"""Learning what texts are about, from the words that k entities have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.topics import Topics, had, split_words
from synthlake.models.support import Mask, distinct, even_rows

_MOST = ((2_000, 8), (800, 4), (400, 2))  # texts, and topics that so many have
_MAX_TEXTS, _MAX_WORDS = 20_000, 500
_ROUNDS = 30
_PRIOR = 20.0  # texts that count as all others do, a topic
_DIGITS = 3

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def build_topics(texts: Any, group: Index, k: int) -> Topics:
    """Topics of texts; one for all where texts are few.

    Args:
        texts: large strings, none of them NULL.
        group: entities of the texts.
        k: least entities behind anything that is kept.

    Cost: O(texts x words x topics) a round, of at most 20,000 texts and 500 words.

    Source: mixture of independent Bernoulli variables by EM (McCallum and Nigam, AAAI-98 workshop
    on text categorization, with hidden classes).
    """
    texts, group = texts.slice(0, _MAX_TEXTS), group[:_MAX_TEXTS]
    people = len(np.unique(group))
    most = next((topics for least, topics in _MOST if people >= least), 1)
    words = _words(texts, group, k) if most > 1 else pa.array([], pa.large_string())
    if not len(words):
        return Topics()
    has = _matrix(texts, words)
    topic = _mixed(has, most)
    while True:  # a topic of too few people is none: its texts are of the others
        found = _topics(has, topic, group, k, words)
        kept = distinct(found.of(texts), group, found.size) >= k
        if kept.all():
            return found
        if kept.sum() < 2:
            return Topics()
        topic = _without(found, kept).of(texts)


def _matrix(texts: Any, words: Any) -> Any:
    """Which words each text has, sparse: its products are the same for any number of threads."""
    from scipy.sparse import csr_array

    row, word = had(texts, words)
    return csr_array((np.ones(len(row)), (row, word)), (len(texts), len(words)))


def _words(texts: Any, group: Index, k: int) -> Any:
    """The words that most texts have, of k entities."""
    row, split = split_words(texts)
    coded = split.dictionary_encode()
    size = len(coded.dictionary)
    pairs = np.unique(row * size + np.asarray(coded.indices))
    row, word = pairs // size, pairs % size
    rows, people = np.bincount(word, minlength=size), distinct(word, group[row], size)
    names = np.array(coded.dictionary.to_pylist(), object)
    known = np.flatnonzero((people >= k) & (names != ""))
    order = np.lexsort((names[known].astype(str), -rows[known]))[:_MAX_WORDS]
    return pa.array(names[known[order]].tolist(), pa.large_string())


def _mixed(has: Any, topics: int) -> Index:
    """The topic of each text by a mixture of as many."""
    share = np.random.default_rng(0).dirichlet(np.ones(topics), has.shape[0])
    base, back = has.mean(0) * _PRIOR, has.T.tocsr()
    for _ in range(_ROUNDS):
        size = share.sum(0)
        rate = ((back @ share).T + base) / (size[:, None] + _PRIOR)
        rate = np.clip(rate, 1e-6, 1 - 1e-6)
        score = has @ (np.log(rate) - np.log1p(-rate)).T + np.log1p(-rate).sum(1)
        score += np.log(np.maximum(size, 1e-9))
        score = np.exp(score - score.max(1, keepdims=True))
        share = score / score.sum(1, keepdims=True)
    made: Index = share.argmax(1)
    return made


def _topics(has: Any, topic: Index, group: Index, k: int, words: Any) -> Topics:
    """Weights of words from texts with a topic; words of too few there count as of none."""
    numbers, topic = np.unique(topic, return_inverse=True)
    row, word = has.nonzero()
    who, topics, size = group[row], len(numbers), len(words)
    rows = even_rows(topic[row] * size + word, who, topics * size, k).reshape(topics, size)
    sizes = np.maximum(even_rows(topic, group, topics, k), 1)[:, None]
    every = even_rows(word, who, size, k) / even_rows(np.zeros(len(group), np.int64), group, 1, k)
    rate = np.clip((rows + every * _PRIOR) / (sizes + _PRIOR), 1e-6, 1 - 1e-6)
    weights = np.round(np.log(rate) - np.log1p(-rate), _DIGITS)
    base = np.round(np.log1p(-rate).sum(1) + np.log(sizes[:, 0]), _DIGITS)
    held = tuple(tuple(one) for one in weights.tolist())
    return Topics(tuple(words.to_pylist()), held, tuple(base.tolist()))


def _without(found: Topics, kept: Mask) -> Topics:
    """Some of the topics."""
    places = np.flatnonzero(kept).tolist()
    return Topics(found.words, tuple(found.weights[n] for n in places),
                  tuple(found.base[n] for n in places))  # fmt: skip
