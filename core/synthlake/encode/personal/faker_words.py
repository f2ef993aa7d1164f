"""Word lists and formats of Faker as a grammar. Faker is read once, when a table is learned.

The lists go into the artifact, so that a sample needs no Faker and no version of it changes rows.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from synthlake.encode.personal.grammar import Grammar, Part, Rule
from synthlake.errors import LearnError

_PROVIDERS = ("person", "address", "company", "phone_number", "bank")
_MOST = 2_500  # words of a list; a longer one is thinned evenly, the most frequent stay
_SCALE = 1_000_000
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_DIGITS = {"#": "0123456789", "%": "123456789", "$": "23456789", "!": "0123456789", "@": ""}
_LETTERS = {"?": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_NUMBERED = ("building_number", "secondary_address", "postcode", "phone_number")
# where the attribute of a Faker provider has another name than its token
_NAMES: dict[str, tuple[str, ...]] = {
    "first_name": ("first_names",),
    "last_name": ("unisex_last_names", "last_names"),
    "city": ("cities", "city_formats"),
    "city_name": ("cities",),
    "street_name": ("streets", "street_name_formats"),
    "street_address": ("street_address_formats",),
    "building_number": ("building_number_formats",),
    "secondary_address": ("secondary_address_formats",),
    "postcode": ("postcode_formats",),
    "company": ("formats",),
    "phone_number": ("formats",),
    "state_name": ("states",),
}
_OF = {"company": "company", "phone_number": "phone_number"}  # where several have the attribute


def load_grammar(locale: str, symbols: Iterable[str]) -> Grammar:
    """What Faker knows of some symbols in a locale, with all that they need.

    Raises:
        LearnError: Faker has not this locale, or not this symbol in it.
    """
    reader = _Reader(_modules(locale))
    for symbol in symbols:
        if not reader.read(symbol):
            raise LearnError(
                f"Faker has no {symbol} for the locale {locale}",
                hint="declare another `locale`, or `action: mask` for the column",
            )
    return Grammar(reader.rules)


def bank_account(locale: str) -> tuple[str, str] | None:
    """Country and format of the national part of an IBAN; None where there is none."""
    found: Any = _modules(locale).get("bank")
    if found is None or not _exists(f"faker.providers.bank.{locale}"):
        return None
    return str(found.Provider.country_code), str(found.Provider.bban_format)


@cache
def _modules(locale: str) -> Mapping[str, ModuleType]:
    if not _exists(f"faker.providers.person.{locale}"):
        raise LearnError(
            f"Faker has no locale {locale!r}", hint="write one such as en_US, de_DE or fr_FR"
        )
    found = {}
    for name in _PROVIDERS:
        own = f"faker.providers.{name}.{locale}"
        found[name] = importlib.import_module(own if _exists(own) else f"faker.providers.{name}")
    return found


def _exists(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


class _Reader:
    """Collects rules, each with those that it needs."""

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self._modules = modules
        self._open: set[str] = set()  # symbols that are being read: some locales name themselves
        self.rules: dict[str, Rule] = {}

    def read(self, symbol: str) -> bool:
        """Whether there is such a symbol; its rule is kept."""
        if symbol in self.rules:
            return True
        found = None if symbol in self._open else self._attribute(symbol)
        if found is None:
            return False
        self._open.add(symbol)
        name, values = found
        rule = self._formats(symbol, list(values)) if name.endswith("formats") else _words(values)
        if not (rule.words or rule.formats):
            return False
        self.rules[symbol] = rule
        return True

    def _attribute(self, symbol: str) -> tuple[str, Any] | None:
        for name in (*_NAMES.get(symbol, ()), *_plurals(symbol)):
            wanted = [_OF[symbol]] if symbol in _OF else list(self._modules)
            for module in wanted:
                values = getattr(getattr(self._modules[module], "Provider", None), name, None)
                if isinstance(values, Mapping | Sequence) and values and _are_texts(values):
                    return name, values
        return None

    def _formats(self, symbol: str, texts: Sequence[str]) -> Rule:
        made = []
        for text in texts:
            parts = self._parts(text.strip(), symbol in _NUMBERED)
            if parts:
                made.append(parts)
        return Rule(formats=tuple(made))

    def _parts(self, text: str, numbered: bool) -> tuple[Part, ...]:
        """A format; none where it needs what is not there, or more than a line."""
        if "\n" in text:
            return ()
        parts: list[Part] = []
        for place, piece in enumerate(_SLOT.split(text)):
            if place % 2:
                if not self.read(piece):
                    return ()
                parts.append(("@", piece))
            else:
                parts += _marked(piece) if numbered else [("=", piece)]
        return tuple(p for p in parts if p[1])


def _marked(text: str) -> list[Part]:
    marks = {**_DIGITS, **_LETTERS}
    return [("#", marks[c]) if c in marks else ("=", c) for c in text]


def _words(values: Any) -> Rule:
    weighted = isinstance(values, Mapping)
    listed = [(str(v), float(values[v]) if weighted else 1.0) for v in dict.fromkeys(values)]
    if weighted:
        listed = sorted(listed, key=lambda pair: (-pair[1], pair[0]))[:_MOST]
        return Rule(
            tuple(w for w, _ in listed), tuple(max(1, round(n * _SCALE)) for _, n in listed)
        )
    step = max(1, -(-len(listed) // _MOST))
    return Rule(tuple(w for w, _ in listed[::step]))


def _are_texts(values: Any) -> bool:
    return all(isinstance(v, str) for v in list(values)[:50])


def _plurals(symbol: str) -> list[str]:
    """``street_suffix_long`` is ``street_suffixes_long`` in Faker."""
    words = symbol.split("_")
    made = []
    for place in range(len(words) - 1, -1, -1):
        for ending in ("s", "es"):
            made.append("_".join([*words[:place], words[place] + ending, *words[place + 1 :]]))
    # street_name_adjective_feminine is streets_adjective_feminine
    if words[:2] == ["street", "name"] and len(words) > 2:
        made.append("_".join(["streets", *words[2:]]))
    return made
