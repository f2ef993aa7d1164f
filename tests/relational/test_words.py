"""Which texts count as words, in a time that grows with their length."""

from __future__ import annotations

import time

import pytest

from synthlake.relational.columns import _are_words

LETTERS = "NCwDVaWNeTEgvwfmRchLXakXSTfNCwDV"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("furiously even deposits", True),
        ("room 12, second floor", True),
        ("12 34", False),  # no word of three letters
        ("ab cd", False),
        ("flat 12a", False),  # digits and letters in one
        ("", False),
    ],
)
def test_words_are_letters_and_digits_apart(text: str, words: bool) -> None:
    assert _are_words([text]) is words


def test_text_that_is_none_takes_no_longer() -> None:
    started = time.process_time()
    assert not _are_words([f"{LETTERS}6t{LETTERS}", *[f"{LETTERS} {LETTERS}9x"] * 100])
    assert time.process_time() - started < 1.0
