"""What texts are about: topics that k entities share, told by words that k entities have."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from synthlake.encode.topics import Topics
from synthlake.relational.prose import build_prose
from synthlake.relational.topics import build_topics

K = 10
PRAISE = [
    "lovely", "clean", "friendly", "helpful", "quiet", "spotless", "wonderful", "staff",
    "breakfast", "view",
]  # fmt: skip
BLAME = [
    "refund", "broken", "invoice", "late", "angry", "charged", "cancel", "complaint", "manager",
    "never",
]  # fmt: skip
BOTH = ["the", "a", "we", "was", "and", "room", "is", "very", "with", "to"]


def written(rows: int, share: float = 0.4) -> tuple[list[str], np.ndarray]:
    """Texts and whether each blames."""
    random, out = np.random.default_rng(1), []
    blames = random.random(rows) < share
    for blame in blames.tolist():
        words = random.choice(BLAME if blame else PRAISE, 8).tolist()
        words += random.choice(BOTH, 12).tolist()
        out.append(" ".join(random.permutation(words)))
    return out, blames


def topics_of(texts: list[str], group: np.ndarray | None = None) -> Topics:
    who = np.arange(len(texts)) if group is None else group
    return build_topics(pa.array(texts, pa.large_string()), who, K)


@pytest.mark.parametrize(("rows", "topics"), [(300, 1), (500, 2), (1_000, 4), (2_500, 8)])
def test_more_texts_have_more_topics(rows: int, topics: int) -> None:
    assert 1 <= topics_of(written(rows)[0]).size <= topics


def test_texts_that_share_words_are_of_one_topic() -> None:
    texts, blames = written(2_500)
    topics = topics_of(texts)
    found = topics.of(pa.array(texts, pa.large_string()))
    most = [blames[found == number].mean() for number in np.unique(found)]
    assert all(share < 0.05 or share > 0.95 for share in most)
    assert len(most) >= 2


def test_texts_of_few_people_have_no_topics() -> None:
    texts, _ = written(2_500)
    assert topics_of(texts, np.arange(2_500) % 50).size == 1


def test_nothing_of_a_word_of_too_few_people() -> None:
    texts, _ = written(2_500)
    some = [f"{text} secretword" if row < K - 1 else text for row, text in enumerate(texts)]
    assert "secretword" not in topics_of(some).words
    # a word of many, which too few of those who blame have, tells as much as if none had it
    blames = np.flatnonzero(written(2_500)[1])
    praises = np.flatnonzero(~written(2_500)[1])
    held = []
    for few in (0, K - 1):
        rows = {*blames[:few].tolist(), *praises[:400].tolist()}
        held.append(topics_of([f"{t} sauna" if n in rows else t for n, t in enumerate(texts)]))
    found = [one.of(pa.array(texts, pa.large_string())) for one in held]
    assert (found[0] == found[1]).mean() > 0.98
    about = np.bincount(found[0][blames]).argmax()
    weights = [one.weights[about][one.words.index("sauna")] for one in held]
    assert weights[0] == pytest.approx(weights[1], abs=0.1)


def test_null_and_texts_without_words_have_a_topic() -> None:
    texts, _ = written(2_500)
    topics = topics_of(texts)
    found = topics.of(pa.array([None, "", "?!", "Refund BROKEN invoice"], pa.large_string()))
    assert len(set(found[:3].tolist())) == 1
    assert found[3] == np.bincount(topics.of(pa.array(BLAME, pa.large_string()))).argmax()


def test_they_survive_json() -> None:
    topics = topics_of(written(2_500)[0])
    assert Topics.from_json(json.loads(json.dumps(topics.to_json()))) == topics


def test_texts_are_made_of_the_words_of_their_topic() -> None:
    texts, blames = written(2_500)
    codec = build_prose(pa.string(), texts, np.arange(2_500), K)
    assert codec is not None
    assert codec.topics.size > 1
    codes = codec.encode(pa.array(texts))
    words = np.random.default_rng(2).integers(0, 2**63, 2_500).astype(np.uint64)
    made = list(map(str, codec.decode(codes, words).to_pylist()))
    praised, blamed = (
        np.array([len(set(text.split()) & set(listed)) for text in made])
        for listed in (PRAISE, BLAME)
    )
    assert ((blamed > praised) == blames).mean() > 0.95
    again = codec.encode(pa.array(made))
    about = np.array([topic for _, _, topic in codec.lengths])
    assert (about[again] == about[codes]).mean() > 0.9
