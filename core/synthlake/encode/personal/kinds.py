"""How each kind of personal data is made from numbers: one number, one value.

Names, streets and companies are words of Faker's lists; everything with digits is a rank in the
space of its patterns, so that distinct numbers give distinct values.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import indices
from synthlake.encode.choices import by_choice, joined
from synthlake.encode.pattern import Pattern
from synthlake.encode.personal import countries, national
from synthlake.encode.personal.check_digits import digits_of, mod97, with_check
from synthlake.encode.personal.faker_words import bank_account
from synthlake.encode.personal.grammar import Draw, Grammar

Texts: TypeAlias = "pa.Array[Any]"
Numbers = NDArray[np.int64]
_DOMAINS = pa.array(["example.com", "example.org", "example.net"])  # RFC 2606
_CARDS = ("424242#########", "555555#########")  # prefixes of test cards
_HOUSES = 200  # of a street
_KEPT = 8  # lists of streets
_STREETS: dict[tuple[str, int, int], Texts] = {}
_NUMBER_FIRST = {"US", "GB", "CA", "FR", "AU", "IE", "NZ"}
_COMMA = {"FR", "IT", "PT", "BR"}
_FIRST_DAY, _DAYS = -10_957, 24_106  # 1940 to 2005, in days since 1970


class Permute(Protocol):
    """A permutation of [0, size) for each label."""

    def __call__(self, numbers: Numbers, size: int, label: str) -> Numbers:
        """Images of numbers."""


@dataclass(frozen=True)
class Form:
    """What is made.

    Attributes:
        kind: such as ``email``.
        locale: such as ``de_DE``.
        grammar: words of the locale.
        style: how the source writes it: some of ``comma``, ``upper``, ``digits``, ``spaced``,
            ``dashed``, ``colons``.
        unique: whether no value may stand twice.
        named: whether no full name may stand twice in the table.
        account: country and pattern of an IBAN, such as ``DE:00000000##########``.
    """

    kind: str
    locale: str
    grammar: Grammar
    style: frozenset[str] = frozenset()
    unique: bool = False
    named: bool = False
    account: str = ""

    @property
    def country(self) -> str:
        """``DE`` of ``de_DE``."""
        return countries.country_of(self.locale)


@dataclass(frozen=True)
class Asked:
    """For whom it is made.

    Attributes:
        numbers: shape (rows,), below ``total``; equal numbers are the same person or place.
        draw: words of these numbers.
        permute: permutations.
        total: how many there may be.
    """

    numbers: Numbers
    draw: Draw
    permute: Permute
    total: int


def make_texts(form: Form, asked: Asked) -> Texts:
    """One text a number."""
    made = _MAKERS[form.kind](form, asked)
    return pc.utf8_upper(made) if "upper" in form.style and form.kind in _WORDY else made


def symbols_of(kind: str, locale: str) -> tuple[str, ...]:
    """Symbols that the grammar has to have for a kind."""
    country = countries.country_of(locale)
    if kind in ("person_name", "email", "username", "url"):
        return ("first_name", "last_name")
    if kind == "street_address":
        return ("street_address", "street_name")
    if kind == "company":
        return ("company", "last_name")
    if kind == "phone":
        return () if country in countries.PHONES else ("phone_number",)
    if kind == "postcode":
        return () if country in countries.POSTCODES else ("postcode",)
    return (kind,) if kind in ("first_name", "last_name", "city") else ()


def account_of(locale: str) -> str:
    """Country and pattern of an IBAN; a German one for countries that have none."""
    country = countries.country_of(locale)
    if country in countries.ACCOUNTS:
        return f"{country}:{countries.ACCOUNTS[country]}"
    found = bank_account(locale)
    return ":".join(found) if found else f"DE:{countries.ACCOUNTS['DE']}"


# people


def _named(form: Form, asked: Asked) -> tuple[Numbers, Numbers, Numbers]:
    """Places of first and last names, and a number that tells namesakes apart, 0 for none."""
    first, last = form.grammar["first_name"], form.grammar["last_name"]
    if not form.named:
        none = np.zeros(len(asked.numbers), np.int64)
        given, family = asked.draw.words("first_name"), asked.draw.words("last_name")
        return first.choose(given), last.choose(family), none
    size = len(first.words) * len(last.words)
    place = asked.permute(asked.numbers % size, size, "name")
    return place % len(first.words), place // len(first.words), asked.numbers // size


def _first_name(form: Form, asked: Asked) -> Texts:
    rule = form.grammar["first_name"]
    if form.named and "last_name" in form.grammar:
        return rule.array.take(indices(_named(form, asked)[0]))
    return _listed(form, asked, "first_name")


def _last_name(form: Form, asked: Asked) -> Texts:
    rule = form.grammar["last_name"]
    if form.named and "first_name" in form.grammar:
        return rule.array.take(indices(_named(form, asked)[1]))
    return _listed(form, asked, "last_name")


def _listed(form: Form, asked: Asked, symbol: str) -> Texts:
    """Words by their weight; without repeats, as far as the list goes, where asked for."""
    rule = form.grammar[symbol]
    if form.unique and asked.total <= len(rule.words):
        return rule.array.take(indices(asked.permute(asked.numbers, len(rule.words), symbol)))
    return rule.array.take(indices(rule.choose(asked.draw.words(symbol))))


def _person_name(form: Form, asked: Asked) -> Texts:
    first, last, middle = _named(form, asked)
    given = form.grammar["first_name"].array.take(indices(first))
    family = form.grammar["last_name"].array.take(indices(last))
    between = _initials(middle)
    if "comma" in form.style:
        return joined(
            [family, pa.scalar(", "), given, pc.utf8_rtrim_whitespace(between)], len(first)
        )
    return joined([given, between, family], len(first))


def _initials(numbers: Numbers) -> Texts:
    """A space, or initials between two of them."""
    listed = [" "]
    for number in range(1, int(numbers.max(initial=0)) + 1):
        letters, rest = "", number
        while rest > 0:
            rest, letter = divmod(rest - 1, 26)
            letters = f"{chr(65 + letter)}. {letters}"
        listed.append(f" {letters}")
    return pa.array(listed).take(indices(numbers))


def _slugs(form: Form, asked: Asked) -> tuple[Texts, Texts]:
    first, last, _ = _named(form, asked)
    given, family = form.grammar["first_name"].words, form.grammar["last_name"].words
    return _folded(given).take(indices(first)), _folded(family).take(indices(last))


@lru_cache(maxsize=64)
def _folded(words: tuple[str, ...]) -> Texts:
    """Words in plain lower-case letters."""
    spelled = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "đ": "d"})
    bare = [unicodedata.normalize("NFKD", w.lower().translate(spelled)) for w in words]
    return pa.array(["".join(c for c in w if "a" <= c <= "z") or "x" for w in bare])


def _tail(asked: Asked, label: str) -> Texts:
    """Digits that no two numbers share."""
    size = 10 ** max(2, len(str(max(asked.total - 1, 1))))
    return pa.array(asked.permute(asked.numbers, size, label)).cast(pa.string())


def _email(form: Form, asked: Asked) -> Texts:
    first, last = _slugs(form, asked)
    domain = _DOMAINS.take(indices((asked.draw.words("domain") % np.uint64(3)).astype(np.int64)))
    parts = [first, pa.scalar("."), last, _tail(asked, "email"), pa.scalar("@"), domain]
    return joined(parts, len(first))


def _username(form: Form, asked: Asked) -> Texts:
    first, last = _slugs(form, asked)
    start = pc.utf8_slice_codeunits(first, 0, 1)
    return joined([start, last, _tail(asked, "username")], len(first))


def _url(form: Form, asked: Asked) -> Texts:
    first, last = _slugs(form, asked)
    domain = _DOMAINS.take(indices((asked.draw.words("domain") % np.uint64(3)).astype(np.int64)))
    parts = [pa.scalar("https://www."), domain, pa.scalar("/"), last, pa.scalar("-"), first,
             _tail(asked, "url")]  # fmt: skip
    return joined(parts, len(first))


# places


def _company(form: Form, asked: Asked) -> Texts:
    if not form.unique:
        return form.grammar.expand("company", asked.draw)
    names = form.grammar["last_name"]
    size = len(names.words) ** 2
    place = asked.permute(asked.numbers % size, size, "company")
    one = names.array.take(indices(place // len(names.words)))
    other = names.array.take(indices(place % len(names.words)))
    parts: list[Any] = [one, pa.scalar(" & "), other]
    if "company_suffix" in form.grammar:
        parts += [pa.scalar(" "), form.grammar.expand("company_suffix", asked.draw)]
    return joined([*parts, _extra(asked.numbers // size, " ")], len(one))


def _street_address(form: Form, asked: Asked) -> Texts:
    if not form.unique:
        return form.grammar.expand("street_address", asked.draw)
    streets = _streets(form, asked)
    houses = -(-asked.total // len(streets))
    place = asked.permute(asked.numbers, houses * len(streets), "address")
    street = streets.take(indices(place // houses))
    number = pa.array(place % houses + 1).cast(pa.string())
    between = pa.scalar(", " if form.country in _COMMA else " ")
    first = form.country in _NUMBER_FIRST
    return joined([number, between, street] if first else [street, between, number], len(number))


def _streets(form: Form, asked: Asked) -> Texts:
    """Enough different streets, or as many as the words give."""
    wanted = -(-asked.total // _HOUSES)
    name = (form.locale, asked.draw.key, wanted)
    found = _STREETS.get(name)  # read once: threads share it
    if found is None:
        numbers = np.arange(2 * wanted + 20, dtype=np.uint64)
        made = form.grammar.expand("street_name", Draw(numbers, asked.draw.key))
        found = made.unique()[:wanted]
        if len(_STREETS) >= _KEPT:
            _STREETS.clear()
        _STREETS[name] = found
    return found


def _city(form: Form, asked: Asked) -> Texts:
    return form.grammar.expand("city", asked.draw)


def _postcode(form: Form, asked: Asked) -> Texts:
    if form.country not in countries.POSTCODES:
        return form.grammar.expand("postcode", asked.draw)
    return _ranked(_patterns(countries.POSTCODES[form.country]), asked)


# numbers


def _patterns(marks: Sequence[str]) -> list[Pattern]:
    return [countries.pattern_of(mark) for mark in marks]


def _ranked(
    patterns: Sequence[Pattern], asked: Asked, finish: Callable[[Texts], Texts] | None = None,
    between: str | None = None,
) -> Texts:  # fmt: skip
    """Texts of the patterns by rank, those beyond their room with a number behind ``between``."""
    ends = np.cumsum([float(p.capacity) for p in patterns])
    size = int(min(ends[-1], 2.0**61))
    place = asked.permute(asked.numbers % size, size, "rank")
    choice = np.searchsorted(ends, place, side="right").astype(np.int64)
    starts = np.concatenate([[0.0], ends[:-1]]).astype(np.int64)

    def one(number: int, rows: Numbers) -> Texts:
        return patterns[number].unrank(place[rows] - starts[number])

    made = by_choice(choice, one)
    made = finish(made) if finish is not None and len(made) else made
    if between is None or asked.total <= size:
        return made
    return joined([made, _extra(asked.numbers // size, between)], len(made))


def _extra(numbers: Numbers, before: str) -> Texts:
    """A number behind a text; nothing for 0."""
    said = joined([pa.scalar(before), pa.array(numbers).cast(pa.string())], len(numbers))
    made: Texts = pc.if_else(pa.array(numbers > 0), said, pa.scalar(""))
    return made


def _bare(texts: Texts) -> Texts:
    return pc.replace_substring_regex(texts, "[^0-9A-Za-z]", "")


def _grouped(texts: Texts, mark: str) -> Texts:
    """In groups of four."""
    wide = pc.replace_substring_regex(texts, "(.{4})", rf"\1{mark}")
    return pc.utf8_rtrim(wide, characters=mark)


def _phone(form: Form, asked: Asked) -> Texts:
    if form.country not in countries.PHONES:
        made = form.grammar.expand("phone_number", asked.draw)
    else:
        extension = None if "digits" in form.style else " x"
        made = _ranked(_patterns(countries.PHONES[form.country]), asked, between=extension)
    return pc.replace_substring_regex(made, "[^0-9]", "") if "digits" in form.style else made


def _credit_card(form: Form, asked: Asked) -> Texts:
    made = _ranked(_patterns(_CARDS), asked, lambda body: with_check(body, "luhn"))
    mark = " " if "spaced" in form.style else "-" if "dashed" in form.style else ""
    return _grouped(made, mark) if mark else made


def _iban(form: Form, asked: Asked) -> Texts:
    country, _, marks = form.account.partition(":")

    def finish(bodies: Texts) -> Texts:
        turned = joined([bodies, pa.scalar(f"{country}00")], len(bodies))
        check = pa.array(98 - mod97(digits_of(turned))).cast(pa.string())
        return joined([pa.scalar(country), pc.utf8_lpad(check, 2, "0"), bodies], len(bodies))

    made = _ranked([countries.pattern_of(marks)], asked, finish)
    return _grouped(made, " ") if "spaced" in form.style else made


def _national_id(form: Form, asked: Asked) -> Texts:
    which = countries.NATIONAL_IDS[form.country]
    body = countries.pattern_of(national.BODIES[which])
    made = _ranked([body], asked, national.FINISHERS[which])
    return _bare(made) if "digits" in form.style else made


def _passport(form: Form, asked: Asked) -> Texts:
    return _ranked([countries.pattern_of("XX#######")], asked)


# IPv4 for documentation (RFC 5737) and benchmarks (RFC 2544), then a private network (RFC 1918)
_NETWORKS = ((0xC0000200, 256), (0xC6336400, 256), (0xCB007100, 256), (0xC6120000, 2**17),
             (0x0A000000, 2**24))  # fmt: skip


def _ip_address(form: Form, asked: Asked) -> Texts:
    if "colons" in form.style:  # RFC 3849
        places = ("0123456789abcdef" if c == "h" else c for c in "2001:db8:hhhh:hhhh::hhhh")
        return _ranked([Pattern(tuple(places))], asked)
    sizes = np.cumsum([size for _, size in _NETWORKS])
    room = int(sizes[-1] if asked.total > sizes[-2] else sizes[-2])
    place = asked.permute(asked.numbers % room, room, "rank")
    network = np.searchsorted(sizes, place, side="right")
    first = np.array([start for start, _ in _NETWORKS])
    address = first[network] + place - np.concatenate([[0], sizes[:-1]])[network]
    octets = [pa.array(address >> shift & 255).cast(pa.string()) for shift in (24, 16, 8, 0)]
    dot = pa.scalar(".")
    return joined([octets[0], dot, octets[1], dot, octets[2], dot, octets[3]], len(address))


def _date_of_birth(form: Form, asked: Asked) -> Texts:
    days = (asked.draw.words("born") % np.uint64(_DAYS)).astype(np.int32) + _FIRST_DAY
    return pa.array(days).cast(pa.date32()).cast(pa.string())


_MAKERS: dict[str, Callable[[Form, Asked], Texts]] = {
    "person_name": _person_name, "first_name": _first_name, "last_name": _last_name,
    "email": _email, "username": _username, "phone": _phone, "street_address": _street_address,
    "city": _city, "postcode": _postcode, "company": _company, "iban": _iban,
    "credit_card": _credit_card, "national_id": _national_id, "passport": _passport,
    "ip_address": _ip_address, "url": _url, "date_of_birth": _date_of_birth,
}  # fmt: skip
_WORDY = {"person_name", "first_name", "last_name", "street_address", "city", "company"}
