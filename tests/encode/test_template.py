"""Short free text: templates that k entities share; rare words are made up."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest

from synthlake.encode.categorical import UNKNOWN
from synthlake.encode.template import TemplateCodec, build_template
from synthlake.errors import ArtifactError
from synthlake.seed import Seed

K = 10


def addresses(rows: int = 600) -> list[str]:
    """Flats in streets of many names."""
    random = np.random.default_rng(2)
    kinds = ["Street", "Road", "Lane"]
    names = ["".join(random.choice(list("bdfgklmnprst"), 6)).capitalize() for _ in range(rows)]
    return [
        f"Flat {random.integers(10, 99)}, High {kinds[i % 3]}" if i % 3
        else f"{random.integers(1, 9)} {names[i]} {kinds[i // 3 % 3]}"
        for i in range(rows)
    ]  # fmt: skip


def codec_of(values: list[str], dtype: pa.DataType | None = None) -> TemplateCodec:
    made = build_template(dtype or pa.string(), values, np.arange(len(values)), K)
    assert made is not None
    return made


def texts_of(codec: TemplateCodec, rows: int = 4_000) -> list[str]:
    codes = (np.arange(rows) % codec.size).astype(np.int32)
    return [str(v) for v in codec.decode(codes, Seed(3).words("t", "c", 0, rows)).to_pylist()]


def test_shared_words_stay_and_rare_ones_are_made_up() -> None:
    values = addresses()
    codec = codec_of(values)
    made = texts_of(codec)
    form = re.compile(r"Flat \d\d, High (Street|Road|Lane)|\d [A-Z][a-z]+ (Street|Road|Lane)")
    assert all(form.fullmatch(text) for text in made)
    names = {v.split()[1] for v in values if v[0].isdigit()}
    assert not names & {word for text in made for word in text.split()}
    held = json.dumps(codec.to_json())
    assert not [name for name in names if name in held]
    assert "High" in held


def test_a_word_needs_k_entities() -> None:
    values = [f"meeting with canaryone about budget {i % 7}" for i in range(300)]
    few = np.where(np.arange(300) < 150, np.arange(300) % (K - 1), np.arange(300))
    half = [v if i < 150 else v.replace("canaryone", "others") for i, v in enumerate(values)]
    codec = build_template(pa.string(), half, few, K)
    assert codec is not None
    assert "canaryone" not in json.dumps(codec.to_json())
    assert "others" in json.dumps(codec.to_json())


def test_codes_are_those_of_the_templates() -> None:
    values = addresses()
    codec = codec_of(values)
    codes = codec.encode(pa.array([*values, None, "§ nothing like it §"]))
    assert codes[-2:].tolist() == [-1, UNKNOWN]
    again = codec.encode(pa.array(texts_of(codec)))
    assert (again == np.arange(4_000) % codec.size).mean() > 0.9


def test_texts_of_words_in_no_order_have_no_templates() -> None:
    random = np.random.default_rng(1)
    common = ["delivery", "late", "broken", "box", "thanks"]
    values = [
        " ".join(
            f"xq{random.integers(10**6)}" if random.random() < 0.4 else str(random.choice(common))
            for _ in range(random.integers(3, 9))
        )
        for _ in range(500)
    ]
    assert build_template(pa.string(), values, np.arange(500), K) is None


def test_what_an_older_version_learned_is_refused() -> None:
    held = codec_of(addresses()).to_json()
    held["words"][""] = [["box"], [1]]
    with pytest.raises(ArtifactError, match="older version"):
        TemplateCodec.from_json(held, pa.string())


@pytest.mark.parametrize("dtype", [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string()),
], ids=str)  # fmt: skip
def test_types_and_ranges(dtype: pa.DataType) -> None:
    codec = codec_of(addresses(), dtype)
    codes = (np.arange(500) % (codec.size + 1) - 1).astype(np.int32)
    whole = codec.decode(codes, Seed(3).words("t", "c", 0, 500))
    assert whole.type == dtype
    assert [v is None for v in whole.to_pylist()] == (codes < 0).tolist()
    part = codec.decode(codes[123:321], Seed(3).words("t", "c", 123, 198))
    assert part.to_pylist() == whole.slice(123, 198).to_pylist()
    assert codec.decode(codes[:0], Seed(3).words("t", "c", 0, 0)).type == dtype


def test_it_survives_json() -> None:
    codec = codec_of(addresses())
    assert TemplateCodec.from_json(json.loads(json.dumps(codec.to_json())), pa.string()) == codec


def test_texts_without_anything_in_common_have_none() -> None:
    values = ["w " * (i + 1) for i in range(40)]
    assert build_template(pa.string(), values, np.arange(40), K) is None
