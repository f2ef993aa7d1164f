"""Texts that are spelled from other texts of their row."""

from __future__ import annotations

import random

import pytest

from synthlake.encode.spelling import Piece, find_spelling, from_json, spell, to_json

FIRST = ["Kimi", "José Luis", "Mary", "Øyvind", "Anne", "Bob", "Zoë", "Ann Lee"]
LAST = ["Räikkönen", "de la Rosa", "O'Neill", "Smith-Jones", "Müller", "Ng", "Łuk", "Weiß"]


def people(rows: int = 300) -> dict[str, list[str | None]]:
    dice = random.Random(5)
    return {
        "first": [dice.choice(FIRST) for _ in range(rows)],
        "last": [f"{dice.choice(LAST)}{dice.choice('abcdef')}" for _ in range(rows)],
    }


@pytest.mark.parametrize(
    "spelling",
    [
        (Piece("last", "", "lower", "_", 0, True),),
        (Piece("last", "", "upper", "", 3, True),),
        (Piece("first", "", "lower", "_", 1, True), Piece("last", "", "lower", "", 0, True)),
        (
            Piece(text="https://example.org/wiki/"),
            Piece("first", "", "", "_"),
            Piece(text="_"),
            Piece("last", "", "", "_"),
        ),
        (
            Piece("first", "", "lower", "", 0, True),
            Piece(text="."),
            Piece("last", "", "lower", "", 0, True),
            Piece(text="@example.com"),
        ),
    ],
)
def test_a_spelling_is_found_that_makes_the_texts(spelling: tuple[Piece, ...]) -> None:
    texts = people()
    made = [str(t) for t in spell(spelling, texts, 300)]
    dice = random.Random(6)
    for row in range(0, 300, 10):  # a tenth is something else
        made[row] = "".join(dice.choice("qwxz") for _ in range(6))
    found = find_spelling(made, texts, 10, 0.5)
    assert found is not None
    again = spell(found, texts, 300)
    assert sum(a == b for a, b in zip(made, again, strict=True)) >= 270


def test_texts_that_follow_from_nothing_have_no_spelling() -> None:
    dice, texts = random.Random(7), people()
    noise = ["".join(dice.choice("abcdef") for _ in range(4)) for _ in range(300)]
    assert find_spelling(noise, texts, 10, 0.5) is None
    mixed = [str(t) for t in spell((Piece("last", "", "lower"),), texts, 300)]
    dice.shuffle(mixed)
    assert find_spelling(mixed, texts, 10, 0.5) is None


def test_one_text_for_all_is_no_spelling() -> None:
    same: dict[str, list[str | None]] = {"of": ["Ann"] * 300}
    assert find_spelling(["ann"] * 300, same, 10, 0.5) is None


def test_rows_fewer_than_asked_for_make_no_spelling() -> None:
    texts = people(9)
    made = [str(t).lower() for t in texts["last"]]
    assert find_spelling(made, texts, 10, 0.5) is None


def test_what_is_spelled_from_null_is_null() -> None:
    texts: dict[str, list[str | None]] = {"first": ["Ann", None], "last": [None, "Ng"]}
    assert spell((Piece("first"), Piece("last")), texts, 2) == [None, None]


def test_spellings_are_plain_values_and_back() -> None:
    spelling = (Piece("last", "", "lower", "_", -1, True), Piece(text="-x"))
    assert from_json(to_json(spelling)) == spelling


def test_a_name_that_leaves_no_letter_is_not_spelled() -> None:
    texts: dict[str, list[str | None]] = {"last": ["Петров", "Aн-на", "", "Ng"]}
    way = (Piece(text="u/"), Piece("last", "", "lower", "_", 0, True))
    assert spell(way, texts, 4) == [None, None, None, "u/ng"]
