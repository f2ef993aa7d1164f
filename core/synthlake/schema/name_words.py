"""Public lists of names by locale, from Faker: what a column of names is recognised by."""

from __future__ import annotations

import importlib
import re
from functools import cache

from synthlake.schema.kinds import LOCALE, LOCALES

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_TITLE = re.compile(
    r"(?:^|, )(?:mr|mrs|ms|miss|master|dr|prof|rev|herr|frau|mme|mlle|sig|sra|srta|pan|pani)\.?"
    r" +\w",
    re.IGNORECASE,
)
_FIRST = ("first_names", "first_names_male", "first_names_female")
_LAST = ("last_names", "unisex_last_names", "male_last_names")


@cache
def first_names(locale: str) -> frozenset[str]:
    """First names in lower case."""
    return _listed(locale, _FIRST)


@cache
def last_names(locale: str) -> frozenset[str]:
    """Last names in lower case."""
    return _listed(locale, _LAST)


def may_be_name(text: str) -> bool:
    """Whether it has a title, or as many words as a name: no list is read for it."""
    return bool(_TITLE.search(text)) or 2 <= len(_WORD.findall(text)) <= 4


def is_known_name(text: str) -> bool:
    """Whether it has a title, or a first and a last name of some locale at its ends."""
    if _TITLE.search(text):
        return True
    found = [w.lower() for w in _WORD.findall(text)]
    return 2 <= len(found) <= 4 and any(
        (found[0] in first_names(of) and found[-1] in last_names(of))
        or (found[-1] in first_names(of) and found[0] in last_names(of))
        for of in LOCALES
    )  # fmt: skip


def locale_of_names(texts: list[str]) -> tuple[str, float]:
    """The locale that knows most of the words, and the share that it knows."""
    words = [w.lower() for text in texts for w in _WORD.findall(text) if len(w) > 1]
    if not words:
        return LOCALE, 0.0
    shares = {
        of: sum(w in first_names(of) or w in last_names(of) for w in words) / len(words)
        for of in LOCALES
    }
    # the lists differ in length, so that the first one keeps what another knows hardly better
    best = max(LOCALES, key=lambda of: shares[of] + (0.1 if of == LOCALE else 0.0))
    return best, shares[best]


@cache
def _listed(locale: str, attributes: tuple[str, ...]) -> frozenset[str]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found: set[str] = set()
    for name in attributes:
        found.update(str(word).lower() for word in getattr(provider, name, ()))
    return frozenset(found)
