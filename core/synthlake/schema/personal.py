"""Recognises personal data by a column's name and by what its values look like.

All thresholds are here. What is said of it are counts and rates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synthlake.schema import validators as of
from synthlake.schema.kind_words import is_called
from synthlake.schema.kinds import LOCALE, has_national_id
from synthlake.schema.name_words import is_known_name, locale_of_names, may_be_name
from synthlake.schema.probe import rate
from synthlake.schema.words import words

LOOKED_AT = 400  # distinct values from either end of their order
_LEAST_ALONE = 8  # values that can show a kind without the help of a name
_CERTAIN = 0.25  # share of known names from which they tell a locale

Test = Callable[[str], object]


@dataclass(frozen=True)
class Rule:
    """How a kind is recognised.

    Attributes:
        kind: of personal data.
        test: what values look like where the name says so too.
        named: share of values that have to look so.
        clear: what values look like that say it alone; None where they cannot.
        alone: share of values that have to look so.
        glance: what values look like that ``clear`` may hold for, where that costs less to say.
        rare: only where few values are shared: what many share is learned.
        longest: characters of the longest value.
    """

    kind: str
    test: Test
    named: float = 0.6
    clear: Test | None = None
    alone: float = 0.9
    glance: Test | None = None
    rare: bool = False
    longest: int = 200


RULES = (
    Rule("email", of.is_email, 0.5, of.is_email, 0.8, longest=254),
    Rule("iban", of.is_iban, 0.5, of.is_iban, longest=45),
    Rule("credit_card", of.is_credit_card, 0.5, of.is_credit_card, longest=30),
    Rule("national_id", of.is_some_id, 0.7, of.is_national_id, 0.95, longest=30),
    Rule("passport", of.is_passport, longest=30),
    Rule("ip_address", of.is_ip_address, 0.5, of.is_ip_address, longest=45),
    Rule("url", of.is_url, 0.5, of.is_url, rare=True, longest=2_000),
    Rule("phone", of.is_phone, clear=of.is_clear_phone, longest=40),
    Rule("username", of.is_username, 0.9, longest=64),
    Rule("first_name", of.is_named, 0.7, longest=80),
    Rule("last_name", of.is_named, 0.7, longest=80),
    Rule("person_name", of.is_named, clear=is_known_name, alone=0.5, glance=may_be_name),
    Rule("street_address", of.is_street, 0.4, of.is_clear_street, 0.7),
    Rule("postcode", of.is_postcode, 0.7, rare=True, longest=12),
    Rule("city", of.has_letters, 0.8, rare=True, longest=60),
    Rule("company", of.has_letters, 0.8, rare=True, longest=120),
    Rule("date_of_birth", of.is_date, longest=30),
)
_NAMES = {"person_name", "first_name", "last_name"}


@dataclass(frozen=True)
class Found:
    """What a column was recognised as.

    Attributes:
        kind: of personal data.
        evidence: by what.
        locale: that its values tell, empty for none.
        certainty: of the locale, 0 to 1.
        own: whether the locale is this column's alone.
        rare: whether it counts only where few values are shared.
    """

    kind: str
    evidence: str
    locale: str = ""
    certainty: float = 0.0
    own: bool = False
    rare: bool = False


def recognise(table: str, column: str, values: Sequence[str], longest: int) -> Found | None:
    """The kind of personal data that a column holds; None for other data.

    Args:
        table: its table.
        column: its name.
        values: distinct values, some or all.
        longest: characters of the longest of all values.
    """
    said, owner = words(column), words(table)
    for rule in RULES:
        if longest <= rule.longest and values and is_called(rule.kind, said, owner):
            share = _share(rule.test, values)
            if share >= rule.named:
                return _found(rule, values, share, "by its name, ")
    for rule in RULES:
        if rule.clear is not None and len(values) >= _LEAST_ALONE and longest <= rule.longest:
            if rule.glance is not None and _share(rule.glance, values) < rule.alone:
                continue
            share = _share(rule.clear, values)
            if share >= rule.alone:
                return _found(rule, values, share, "")
    return None


def is_birth(column: str) -> bool:
    """Whether a name is that of a date of birth."""
    return is_called("date_of_birth", words(column), ())


def _share(test: Test, values: Sequence[str]) -> float:
    return sum(test(v) not in (None, False) for v in values) / len(values)


def _found(rule: Rule, values: Sequence[str], share: float, by: str) -> Found:
    locale, certainty, own = _locale(rule.kind, list(values))
    count = round(share * len(values))
    evidence = f"{by}{rate(count, len(values))} of {len(values)} values look like {rule.kind}"
    return Found(rule.kind, evidence, locale, certainty, own, rule.rare)


_STREETS = {
    "de_DE": r"(?:straße|strasse|str\.|weg|allee|platz|gasse)\b",
    "nl_NL": r"(?:straat|laan|plein|gracht)\b",
    "fr_FR": r"\b(?:rue|boulevard|chemin|impasse|avenue de|avenue du)\b",
    "es_ES": r"\b(?:calle|c/|avenida|avda|paseo|plaza)\b",
    "it_IT": r"\b(?:via|viale|piazza|corso)\b",
    "pl_PL": r"\b(?:ulica|ul|aleja|plac)\b",
}
_CALLING = {
    "en_GB": r"\+44", "de_DE": r"\+49", "fr_FR": r"\+33", "es_ES": r"\+34", "it_IT": r"\+39",
    "nl_NL": r"\+31", "pl_PL": r"\+48",
}  # fmt: skip
_POSTCODES = {
    "en_GB": r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$", "nl_NL": r"^\d{4} ?[A-Z]{2}$",
    "pl_PL": r"^\d{2}-\d{3}$",
}  # fmt: skip
_TELLING: dict[str, dict[str, Test]] = {
    "street_address": {n: re.compile(p, re.IGNORECASE).search for n, p in _STREETS.items()},
    "phone": {n: re.compile(p).match for n, p in _CALLING.items()},
    "postcode": {n: re.compile(p).match for n, p in _POSTCODES.items()},
}
_ACCOUNTS = {"GB": "en_GB", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "IT": "it_IT",
             "NL": "nl_NL", "PL": "pl_PL"}  # fmt: skip


def _locale(kind: str, values: list[str]) -> tuple[str, float, bool]:
    """A locale, how certain it is, and whether it is that of this column alone."""
    if kind in _NAMES:
        locale, share = locale_of_names(values)
        return (locale, share, False) if share >= _CERTAIN else ("", 0.0, False)
    if kind == "national_id":
        locale, share = _best({n: _share(t, values) for n, t in of.NATIONAL_IDS.items()})
        return (locale, share, True) if share >= 0.5 else (LOCALE, 0.0, False)
    if kind == "iban":
        starts = [v[:2].upper() for v in values]
        shares = {n: starts.count(c) / len(values) for c, n in _ACCOUNTS.items()}
        locale, share = _best(shares)
        return (locale, share, True) if share >= 0.5 else ("", 0.0, False)
    locale, share = _best({n: _share(t, values) for n, t in _TELLING.get(kind, {}).items()})
    return (locale, share, False) if share >= 0.5 else ("", 0.0, False)


def _best(shares: dict[str, float]) -> tuple[str, float]:
    best = max(shares, key=lambda name: shares[name], default="")
    return best, shares.get(best, 0.0)


def shared_locale(found: Sequence[Found]) -> str:
    """The locale that the columns of a table tell together."""
    votes: dict[str, float] = {}
    for one in found:
        if one.locale:
            votes[one.locale] = votes.get(one.locale, 0.0) + one.certainty
    return _best(votes)[0] or LOCALE


def locale_for(one: Found, table: str) -> str:
    """A column's locale, given that of its table."""
    if one.own and one.locale:
        return one.locale
    if one.kind == "national_id" and not has_national_id(table):
        return LOCALE
    return table
