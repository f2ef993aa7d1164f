"""Patterns with alternatives, as the patterns of one length that they stand for."""

from __future__ import annotations

import re

from synthlake.encode.pattern import Pattern, alphabet_of
from synthlake.errors import SchemaError

_MOST = 64  # patterns that one may stand for
_TOKEN = re.compile(r"\[(?:\\.|[^\]\\])+\]|\\.|[^\[\]{}()*+?|^$.\\]")
_COUNT = re.compile(r"\{(\d{1,3})(?:,(\d{1,3}))?\}|\?")
_HINT = (
    "use literals, classes like [A-Z0-9], counts like {3} or {2,4}, ? and alternatives like (A|B);"
    " open-ended repeats have no end"
)

Texts = list[tuple[str, ...]]  # alphabets of each pattern


def parse_patterns(text: str) -> tuple[Pattern, ...]:
    """The patterns that ``[A-Z]{1,2}[0-9]?`` or ``(DE|AT)[0-9]{9}`` stands for, shortest first.

    Raises:
        SchemaError: other regex syntax, too many patterns, or two of them have texts in common
            without being the same.
    """
    found, place = _alternatives(text, 0)
    if place < len(text):
        raise _refused(text, place)
    distinct = sorted(dict.fromkeys(found), key=len)
    for number, one in enumerate(distinct):
        for other in distinct[number + 1 :]:
            if len(one) == len(other) and all({*a} & {*b} for a, b in zip(one, other, strict=True)):
                raise SchemaError(
                    f"pattern {text!r} can be read in two ways: two of its alternatives have texts"
                    " in common",
                    hint="write alternatives that differ in a character",
                )
    return tuple(Pattern(alphabets) for alphabets in distinct)


def _alternatives(text: str, place: int) -> tuple[Texts, int]:
    """Alternatives up to a closing parenthesis or the end."""
    out: Texts = []
    while True:
        some, place = _sequence(text, place)
        out += some
        if place < len(text) and text[place] == "|":
            place += 1
            continue
        return out, place


def _sequence(text: str, place: int) -> tuple[Texts, int]:
    out: Texts = [()]
    while place < len(text) and text[place] not in "|)":
        start = place
        if text[place] == "(":
            one, place = _alternatives(text, place + 1)
            if place >= len(text):
                raise _refused(text, start)
            place += 1
        else:
            token = _TOKEN.match(text, place)
            if token is None:
                raise _refused(text, place)
            one, place = [(alphabet_of(token[0]),)], token.end()
        low, high, place = _count(text, place)
        repeated = [t for n in range(low, high + 1) for t in _times(one, n, text)]
        out = [a + b for a in out for b in repeated]
        _check(len(out), text)
    return out, place


def _count(text: str, place: int) -> tuple[int, int, int]:
    found = _COUNT.match(text, place)
    if found is None:
        return 1, 1, place
    if found[0] == "?":
        return 0, 1, found.end()
    low, high = int(found[1]), int(found[2] or found[1])
    if high < low:
        raise _refused(text, place)
    return low, high, found.end()


def _times(texts: Texts, count: int, text: str) -> Texts:
    if len(texts) == 1:
        return [texts[0] * count]
    _check(len(texts) ** count, text)
    out: Texts = [()]
    for _ in range(count):
        out = [a + b for a in out for b in texts]
    return out


def _check(count: int, text: str) -> None:
    if count > _MOST:
        raise SchemaError(
            f"pattern {text!r} stands for more than {_MOST} patterns of one length",
            hint="write fewer optional parts and alternatives",
        )


def _refused(text: str, place: int) -> SchemaError:
    return SchemaError(
        f"pattern {text!r} has unsupported syntax at character {place + 1}", hint=_HINT
    )
