"""Values and shapes of text, booleans and binary: what k entities share, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlake.encode.categorical import (
    UNKNOWN,
    CategoricalCodec,
    build_categorical,
    is_categorical,
)
from synthlake.encode.pattern import Pattern, parse_pattern, pattern_of_shape, shape_of
from synthlake.encode.text import TextCodec, build_text
from synthlake.errors import SchemaError
from synthlake.seed import Seed

K = 10
WORDS: dict[pa.DataType, list[Any]] = {
    pa.bool_(): [True, False],
    pa.string(): ["a", "", " a", "ß", "日本", "x\ny", "NULL"],
    pa.large_string(): ["a", "b"],
    pa.string_view(): ["a", "b", "a string that is longer than twelve bytes"],
    pa.dictionary(pa.int8(), pa.string()): ["a", "b", "c"],
    pa.dictionary(pa.uint32(), pa.large_string()): ["a", "b", "c"],
    pa.binary(): [b"", b"\x00", b"\xff\xfe"],
    pa.large_binary(): [b"a", b"b"],
    pa.binary(2): [b"ab", b"\x00\x01"],
}


def counts_of(
    values: list[Any], rows: list[int], dtype: pa.DataType, people: list[int]
) -> pa.Table:
    plain: Any = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return pa.table({"value": pa.array(values, plain), "rows": rows, "entities": people})


@pytest.mark.parametrize("dtype", WORDS, ids=str)
@pytest.mark.parametrize("rows", ["empty", "all NULL", "rare", "all"])
def test_categories_survive(dtype: pa.DataType, rows: str) -> None:
    assert is_categorical(dtype)
    values = WORDS[dtype]
    people = [K if n or rows == "all" else K - 1 for n in range(len(values))]
    codec = build_categorical(dtype, counts_of(values, people, dtype, people), K, 100)
    assert codec.size == sum(p >= K for p in people)
    given = {"empty": [], "all NULL": [None] * 9}.get(rows, [None, *values] * 3)
    plain: Any = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    array: Any = pa.array(given, plain)
    codes = codec.encode(array.cast(dtype) if dtype != plain else array)
    made = codec.decode(np.where(codes == UNKNOWN, -1, codes))
    made.validate(full=True)
    assert made.type == dtype
    kept = values[rows != "all" :]
    assert made.to_pylist() == [v if v in kept else None for v in given]
    assert (codes[[v is None for v in given]] == -1).all()


def test_only_the_most_frequent_are_kept_and_in_order() -> None:
    values = [f"v{n:02d}" for n in range(20)]
    rows = [100 + n % 7 for n in range(20)]
    codec = build_categorical(pa.string(), counts_of(values, rows, pa.string(), rows), K, 5)
    kept = codec.values.to_pylist()
    assert kept == sorted(kept)
    assert len(kept) == 5
    assert min(rows[values.index(v)] for v in kept) >= 105


def test_values_that_few_share_are_not_stored() -> None:
    table = counts_of(["ada", "bob"], [900, 900], pa.string(), [K - 1, K])
    codec = build_categorical(pa.string(), table, K, 9)
    assert codec.values.to_pylist() == ["bob"]
    assert codec.encode(pa.array(["ada", "bob", None])).tolist() == [UNKNOWN, 0, -1]


def test_no_values_at_all() -> None:
    codec = CategoricalCodec(pa.string(), pa.array([], pa.string()))
    assert codec.encode(pa.array(["x", None])).tolist() == [UNKNOWN, -1]
    assert codec.decode(np.array([-1, -1], np.int32)).to_pylist() == [None, None]


# shapes

SHAPES = pa.table(
    {"shape": ["AA-9999", "aaaa", "A.A."], "rows": [50, 40, 5], "entities": [50, 40, 5]}
)
TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


def words(rows: int, seed: int = 1) -> Any:
    return Seed(seed).words("t", "c", 0, rows)


@pytest.mark.parametrize("dtype", TEXTS, ids=str)
def test_texts_have_shapes_of_the_column(dtype: pa.DataType) -> None:
    codec = build_text(dtype, SHAPES, K)
    assert codec.shapes == ("AA-9999", "aaaa")
    plain: Any = pa.array(["AB-1234", None, "oslo", "J.R.", "XY-0000"] * 40)
    codes = codec.encode(plain.cast(dtype))
    assert codes[:5].tolist() == [0, -1, 1, UNKNOWN, 0]
    known = np.where(codes == UNKNOWN, 0, codes)
    made = codec.decode(known, words(200))
    assert made.type == dtype
    assert np.array_equal(codec.encode(made), known)
    texts = [t for t in made.to_pylist() if t is not None]
    assert len(set(texts)) > 100


def test_texts_are_functions_of_their_word() -> None:
    codec = build_text(pa.string(), SHAPES, K)
    codes = np.array([0, 1, -1, 0] * 25, np.int32)
    whole = codec.decode(codes, words(100))
    assert codec.decode(codes[37:60], words(100)[37:60]).equals(whole.slice(37, 23))


def test_without_support_all_texts_are_alike_and_none_is_null() -> None:
    codec = build_text(pa.string(), pa.table({"shape": ["A9"], "rows": [3], "entities": [3]}), K)
    codes = codec.encode(pa.array(["X1", "anything", None, ""]))
    assert codes.tolist() == [0, 0, -1, 0]
    assert codec.decode(codes, words(4)).null_count == 1


def test_long_and_foreign_texts() -> None:
    long = "Aa9 " * 40
    codec = TextCodec(pa.string(), (long, "***", ""))
    made = codec.decode(np.array([0, 1, 2], np.int32), words(3))
    assert [len(t) for t in made.to_pylist()] == [len(long), 3, 0]
    assert codec.encode(made).tolist() == [0, 1, 2]
    assert shape_of(pa.array(["Ünïcode 12"])) == ["*a*aaaa 99"]


# patterns


@given(st.lists(st.text("abcXYZ019éß", min_size=1, max_size=5), min_size=1, max_size=5), st.data())
def test_distinct_numbers_give_distinct_texts(alphabets: list[str], data: st.DataObject) -> None:
    pattern = Pattern(tuple("".join(dict.fromkeys(a)) for a in alphabets))
    numbers = data.draw(st.sets(st.integers(0, pattern.capacity - 1), max_size=30))
    texts = pattern.unrank(np.array(sorted(numbers), np.int64)).to_pylist()
    assert len(set(texts)) == len(numbers)
    for text in texts:
        assert len(text) == len(pattern.alphabets)
        assert all(c in a for c, a in zip(text, pattern.alphabets, strict=True))


def test_patterns_are_read() -> None:
    pattern = parse_pattern(r"N[0-9]{3}[A-CX]\.\d")
    assert pattern.alphabets == ("N", *["0123456789"] * 3, "ABCX", ".", "0123456789")
    assert pattern.capacity == 10**3 * 4 * 10
    assert pattern.unrank(np.array([0, pattern.capacity - 1])).to_pylist() == ["N000A.0", "N999X.9"]


@pytest.mark.parametrize("text", ["a|b", "a*", "(a)", "[a", "a{2,3}", "^a$"])
def test_other_syntax_is_refused(text: str) -> None:
    with pytest.raises(SchemaError, match="unsupported syntax"):
        parse_pattern(text)


def test_what_all_share_is_kept_as_it_is() -> None:
    pattern = pattern_of_shape("AA-99", ["AB-12", "AC-34"])
    assert pattern.alphabets[0] == "A"
    assert len(pattern.alphabets[1]) == 26
    assert pattern.alphabets[2] == "-"
