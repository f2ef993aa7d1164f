"""Kinds of personal data, and the locales in which they are made."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

Kind = Literal[
    "person_name", "first_name", "last_name", "username", "email", "phone", "street_address",
    "city", "postcode", "company", "iban", "credit_card", "national_id", "passport", "ip_address",
    "url", "date_of_birth",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
WHOLE = ("phone", "credit_card", "national_id", "postcode")  # may be whole numbers
LOCALE = "en_US"
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL")
LOCALE_FORM = "^[a-z]{2,3}_[A-Z]{2}$"
_OLD = {"ssn": "national_id"}
_NATIONAL = {"US", "GB", "DE", "FR", "ES", "IT", "NL", "PL"}


def kind_of(name: Any) -> Any:
    """A kind by its name or by one that it had before."""
    return _OLD.get(name, name) if isinstance(name, str) else name


def locale_of(name: str) -> str:
    """A locale that Faker has words of.

    Raises:
        ValueError: it has none.
    """
    if not re.fullmatch(LOCALE_FORM, name) or not _has_words(name):
        raise ValueError(f"there is no locale {name!r}")
    return name


def has_national_id(locale: str) -> bool:
    """Whether the national identifier of a locale's country can be made."""
    return locale.rpartition("_")[2] in _NATIONAL


def _has_words(locale: str) -> bool:
    from importlib.util import find_spec

    return find_spec(f"faker.providers.person.{locale}") is not None
