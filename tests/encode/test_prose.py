"""Long free text: lengths, words and pairs of words that k entities share; nothing else of it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import datasets

from synthlake.encode.prose import ProseCodec, words_of
from synthlake.relational.prose import _pieces, build_prose
from synthlake.seed import Seed

K = 5


def paragraphs() -> list[str]:
    """Descriptions of scikit-learn's datasets, three times in other words."""
    random, out = np.random.default_rng(1), []
    loaders: list[Any] = [datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer,
                          datasets.load_diabetes, datasets.load_digits]  # fmt: skip
    for loader in loaders:
        for part in loader().DESCR.split("\n\n"):
            if len(part) > 80:
                out += [f"{part} Seen by Qxz{random.integers(10**6)} today." for _ in range(3)]
    return out


def made(codec: ProseCodec, count: int = 2_000) -> list[str]:
    codes = (np.arange(count) % codec.size).astype(np.int32)
    return list(map(str, codec.decode(codes, Seed(3).words("t", "c", 0, count)).to_pylist()))


def codec_of(values: list[str], k: int = K) -> ProseCodec:
    codec = build_prose(pa.string(), values, np.arange(len(values)), k)
    assert codec is not None
    return codec


def test_texts_have_the_lengths_and_the_words_that_many_share() -> None:
    values = paragraphs()
    codec = codec_of(values)
    texts = made(codec, 5_000)
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    assert {"the", "of", "Seen", "today", "class"} <= words
    real = np.asarray(words_of(pa.array(values)))
    codes = codec.encode(pa.array(values))
    weights = np.bincount(codes, minlength=codec.size) / len(values)
    twin = codec.decode(
        np.random.default_rng(2).choice(codec.size, 5_000, p=weights).astype(np.int32),
        Seed(4).words("t", "c", 0, 5_000),
    )
    assert np.mean(words_of(twin)) == pytest.approx(np.mean(real), rel=0.15)


def test_no_word_of_fewer_than_k_entities_is_made() -> None:
    values = paragraphs()
    people: dict[str, set[int]] = {}
    for number, text in enumerate(values):
        for word in re.findall(r"[^\W\d_]+", text):
            people.setdefault(word, set()).add(number)
    rare = {word for word, some in people.items() if len(some) < K and len(word) > 9}
    assert len(rare) > 20
    held = json.dumps(codec_of(values).to_json())
    assert not [word for word in rare if word in held]
    assert not re.findall(r"Qxz", " ".join(made(codec_of(values))))


def test_pairs_of_words_have_k_entities() -> None:
    # each word is of many, none of the two orders of the rare pair is
    values = [f"alpha beta gamma delta number {n % 7} omega" for n in range(40)]
    values += ["beta alpha"] * (K - 1)
    codec = codec_of(values)
    place = {token: number for number, token in enumerate(codec.tokens)}
    first, second = place["beta", " "], place["alpha", " "]
    start, end = codec.chain.starts[first : first + 2]
    assert second not in codec.chain.targets[start:end]


def test_words_of_one_entity_are_not_shared_however_often_it_says_them() -> None:
    values = [f"secretword said again, day {n}" for n in range(50)]
    group = np.zeros(50, np.int64)
    assert build_prose(pa.string(), values, group, K) is None
    others = [f"something else was said on day {n}" for n in range(50)]
    codec = build_prose(pa.string(), values + others, np.append(group, np.arange(50) + 1), K)
    assert codec is not None
    assert "secretword" not in json.dumps(codec.to_json())
    assert "something" in json.dumps(codec.to_json())


@pytest.mark.parametrize("dtype", [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string()),
], ids=str)  # fmt: skip
def test_types_and_ranges(dtype: pa.DataType) -> None:
    values = paragraphs()
    codec = build_prose(dtype, values, np.arange(len(values)), K)
    assert codec is not None
    codes = (np.arange(500) % (codec.size + 1) - 1).astype(np.int32)
    whole = codec.decode(codes, Seed(3).words("t", "c", 0, 500))
    assert whole.type == dtype
    assert [v is None for v in whole.to_pylist()] == (codes < 0).tolist()
    part = codec.decode(codes[123:321], Seed(3).words("t", "c", 123, 198))
    assert part.to_pylist() == whole.slice(123, 198).to_pylist()
    assert codec.decode(codes[:0], Seed(3).words("t", "c", 0, 0)).type == dtype


def test_it_survives_json() -> None:
    codec = codec_of(paragraphs())
    again = ProseCodec.from_json(json.loads(json.dumps(codec.to_json())), pa.string())
    assert (again.lengths, again.tokens) == (codec.lengths, codec.tokens)
    assert made(again, 50) == made(codec, 50)


@pytest.mark.parametrize("values", [
    [""] * 20,
    ["?!"] * 20,
    ["word"] * 20,
    ["\0 and \0"] * 20,
    ["a" * 3_000] * 20,
    [f"{n:030d}" for n in range(20)],
    [chr(0x4E00 + n) + "猫は眠る。" * 30 for n in range(20)],
    ["\ufdfd \u202e \U0001f469\u200d\U0001f467 x\u0337\u031b"] * 20,
    ['{"name": "Bob", "age": 3}\n' * 12] * 20,
    ["l'été d’été"] * 20,
], ids=range(10))  # fmt: skip
def test_odd_texts(values: list[str]) -> None:
    codec = codec_of(values)
    assert codec.encode(pa.array([*values, None])).tolist() == [0] * 20 + [-1]
    texts = made(codec, 100)
    assert len(texts) == 100
    if len(set(values)) == 1 and codec.lengths[0][0]:
        words = set(re.findall(r"\w+", values[0]))
        assert words & {w for text in texts for w in re.findall(r"\w+", text)}


def test_sentences_begin_and_end_as_texts_do() -> None:
    values = [f"The cat {verb} on the mat. Then it sleeps there." for verb in
              ("sat", "lay", "stood", "jumped", "rested") for _ in range(K)]  # fmt: skip
    texts = made(codec_of(values), 300)
    assert {text.split()[0] for text in texts if len(text.split()) > 1} == {"The"}
    assert {text[-1] for text in texts} == {"."}
    assert not [t for t in texts if re.search(r"\. [a-z]|[a-z] The\b", t)]


def test_texts_with_nothing_in_common_are_made_up() -> None:
    random = np.random.default_rng(1)
    letters = np.array(list("bcdfghjklmnpqrstvwxz"))
    values = [" ".join("".join(random.choice(letters, 7)) for _ in range(12)) for _ in range(50)]
    codec = codec_of(values)
    texts = made(codec, 200)
    assert {len(text.split()) for text in texts} <= set(range(12, 16))
    assert not {w for t in values for w in t.split()} & {w for t in texts for w in t.split()}
    assert codec_of(values).chain.weights.sum() > 0


def test_a_long_tail_of_lengths_has_a_class_of_its_own() -> None:
    values = ["few words here"] * 30 + ["many words " * 200] * 10
    codec = codec_of(values)
    codes = codec.encode(pa.array(values))
    assert len(set(codes.tolist())) == 2
    assert {len(t.split()) for t in made(codec)} & set(range(384, 512))


def test_every_draw_comes_to_a_word() -> None:
    # neither at the begin of a sentence nor within one have k entities anything but an end
    forms = ["4", "42", "4200", "AB", "Cde", "fgh"]
    values = ["Yes"] * 20 + [f"{forms[n % 6]} {forms[n // 6 % 6]} ok" for n in range(24)]
    texts = made(codec_of(values))
    assert {text.split()[-1] for text in texts} >= {"Yes", "ok"}
    assert {len(text.split()) for text in texts} == {1, 3}


@pytest.mark.parametrize("rows", [1, 50, 2_000])
def test_what_one_person_says_again_and_again_does_not_come_out(rows: int) -> None:
    # each pair of words of the sentence is said by nine others, the sentence by nobody else
    words = ["Anna", "owes", "the", "bank", "ninety", "thousand", "euros", "since", "her",
             "divorce", "last", "spring."]  # fmt: skip
    values, group = [" ".join(words)] * rows, [0] * rows
    for number in range(600):
        at = number % 11
        some = words[at : at + 2] if number < 99 else ["Then", "we", "went", "to", "the", "shop"]
        values.append(f"{' '.join(some)} for the others end.")
        group.append(number + 1)
    codec = build_prose(pa.string(), values, np.array(group), 10)
    assert codec is not None
    assert np.mean([text == " ".join(words) for text in made(codec)]) < 0.04


@pytest.mark.parametrize("text", [
    "2023年5月8日にiPhone13を2台、買いました。", "ฉันไปตลาดเมื่อวาน",
    "(a) (b) it's l’été", "<b>Hi</b>",
    "привет, мир 3x", "मैं कल बाज़ार", "가 사람 B2B_x", "",
])  # fmt: skip
def test_words_are_counted_as_they_are_made(text: str) -> None:
    words = [word for word, _ in _pieces(text) if word]
    assert words_of(pa.array([text], pa.large_string())).tolist() == [len(words)]


def test_other_lengths_are_of_the_nearest_class() -> None:
    codec = codec_of(["one two three four"] * 20 + ["word " * 600] * 20)
    asked = ["w " * count for count in (1, 4, 7, 400, 600, 3_000)]
    assert codec.encode(pa.array(asked)).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_form_that_few_have_is_not_told() -> None:
    values = ["the cat sat"] * 40
    for other in ("the 12345 sat", "the \u5b57 sat", "the QX sat"):
        held = codec_of([*values, other]).to_json()
        assert held == codec_of(values).to_json() | {"weights": held["weights"]}


def test_texts_of_any_length_cost_what_they_hold() -> None:
    random = np.random.default_rng(1)
    some = [" ".join(random.choice(["red", "green", "blue"], 9)) for _ in range(300)]
    codec = codec_of(some + [" ".join(random.choice(["red", "blue"], 900)) for _ in range(20)])
    codes = np.zeros(20_000, np.int32)
    codes[::200] = codec.size - 1
    started = time.process_time()
    texts = codec.decode(codes, Seed(3).words("t", "c", 0, 20_000))
    assert time.process_time() - started < 5.0  # a step a word of the longest for all took 15
    long = [len(text.as_py().split()) for text in texts[::200]]
    assert min(long) > 100
