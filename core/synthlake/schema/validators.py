"""Whether a text looks like personal data of some kind. Thresholds are in ``personal``."""

from __future__ import annotations

import re
from collections.abc import Callable

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"\+?[\d\s().\-/]{6,24}(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_CLEAR_PHONE = re.compile(
    r"\+\d[\d\s().\-/]{6,20}|\(\d{2,5}\)\s?\d[\d\s\-]{5,14}|\d{3}[-.]\d{3}[-.]\d{4}"
)
_STREET = re.compile(
    r"\d+\S*[ ,]+[^\W\d_].*"
    r"|[^\W\d_].*[ ,.]+(?:n[°o.]*\s*)?\d+\s?[A-Za-z]?(?:[-/]\d+\w?)?(?:[ ,].*)?"
    r"|.*\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|box|rue|calle|via|piazza|ul|plac)\b.*",
    re.IGNORECASE,
)
_CLEAR_STREET = re.compile(
    r"\d+\S* .*\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|blvd|boulevard|court|ct)\b\.?.*"
    r"|[^\W\d_].*(?:straße|strasse|str\.|weg|allee|platz|gasse|straat|laan|plein|gracht) ?\d+.*"
    r"|\d+,? (?:bis |ter )?(?:rue|avenue|boulevard|chemin|place|impasse)\b.*"
    r"|(?:calle|avenida|avda\.|plaza|via|viale|piazza|corso|ulica|ul\.|aleja|plac)\b.*\d+.*",
    re.IGNORECASE,
)
_POSTCODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 \-]{2,9}")
_URL = re.compile(r"(?:https?|ftp)://\S+|www\.\S+\.\S+", re.IGNORECASE)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP = re.compile(
    rf"{_OCTET}(?:\.{_OCTET}){{3}}|(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}"
    r"|(?=[0-9a-f:]*::)(?![0-9a-f:]*::[0-9a-f:]*::)[0-9a-f:]{2,39}",
    re.IGNORECASE,
)
_USERNAME = re.compile(r"[^\s@]{2,40}")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_PASSPORT = re.compile(r"[A-Z0-9]{6,12}")


def is_email(text: str) -> bool:
    """Something, an at sign, a domain with a dot."""
    return bool(_EMAIL.fullmatch(text))


def is_phone(text: str) -> bool:
    """Six to fifteen digits with the punctuation of telephone numbers."""
    return bool(_PHONE.fullmatch(text)) and 6 <= sum(c.isdigit() for c in text) <= 15


def is_clear_phone(text: str) -> bool:
    """A telephone number that can be nothing else."""
    return bool(_CLEAR_PHONE.fullmatch(text)) and not _DATE.fullmatch(text)


def is_named(text: str) -> bool:
    """What stands in a column that is called a name: words, and not many digits."""
    return text[:1].isalpha() and sum(c.isdigit() for c in text) <= 4 and len(text) <= 80


def is_street(text: str) -> bool:
    """A number with words, or the word for a street."""
    return bool(_STREET.fullmatch(text.replace("\n", " ")))


def is_clear_street(text: str) -> bool:
    """A street with a house number."""
    return bool(_CLEAR_STREET.fullmatch(text.replace("\n", " ")))


def is_postcode(text: str) -> bool:
    """Short, and with a digit."""
    return bool(_POSTCODE.fullmatch(text))


def is_url(text: str) -> bool:
    """An address in the web."""
    return bool(_URL.fullmatch(text))


def is_ip_address(text: str) -> bool:
    """Of version 4 or 6."""
    return bool(_IP.fullmatch(text))


def is_username(text: str) -> bool:
    """One word."""
    return bool(_USERNAME.fullmatch(text))


def is_date(text: str) -> bool:
    """Year, month and day in some order."""
    return bool(_DATE.fullmatch(text))


def is_passport(text: str) -> bool:
    """Capitals and digits."""
    return bool(_PASSPORT.fullmatch(text)) and any(c.isdigit() for c in text)


def has_letters(text: str) -> bool:
    """At least two."""
    return sum(c.isalpha() for c in text) >= 2


def is_iban(text: str) -> bool:
    """Right by its check digits. Source: ISO 13616."""
    bare = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", bare):
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def is_credit_card(text: str) -> bool:
    """Thirteen to nineteen digits, right by their last. Source: ISO/IEC 7812-1."""
    bare = re.sub(r"[ -]", "", text)
    return bare.isascii() and bare.isdigit() and 13 <= len(bare) <= 19 and _luhn(bare)


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _is_ssn(text: str) -> bool:
    return bool(re.fullmatch(r"\d{3}-\d{2}-\d{4}", text))


def _is_nino(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", text))


def _is_dni(text: str) -> bool:
    found = re.fullmatch(r"(\d{8})-?([A-Z])", text)
    return bool(found) and "TRWAGMYFPDXBNJZSQVHLCKE"[int(found[1]) % 23] == found[2]  # type: ignore[index]


def _is_codice_fiscale(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", text))


def _is_pesel(text: str) -> bool:
    if not re.fullmatch(r"\d{2}[0-9][0-9][0-3]\d{6}", text):
        return False
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return sum(int(d) * w for d, w in zip(text, weights, strict=True)) % 10 == 0


def _is_bsn(text: str) -> bool:
    if not re.fullmatch(r"\d{9}", text):
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(d) * w for d, w in zip(text, weights, strict=True)) % 11 == 0


def _is_nir(text: str) -> bool:
    bare = text.replace(" ", "")
    if not re.fullmatch(r"[1-8]\d{14}", bare):
        return False
    return 97 - int(bare[:13]) % 97 == int(bare[13:])


def _is_steuer_id(text: str) -> bool:
    bare = text.replace(" ", "")
    if not re.fullmatch(r"\d{11}", bare):
        return False
    product = 10
    for digit in bare[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(bare[10])


NATIONAL_IDS: dict[str, Callable[[str], bool]] = {
    "en_US": _is_ssn, "en_GB": _is_nino, "es_ES": _is_dni, "it_IT": _is_codice_fiscale,
    "pl_PL": _is_pesel, "nl_NL": _is_bsn, "fr_FR": _is_nir, "de_DE": _is_steuer_id,
}  # fmt: skip


def is_national_id(text: str) -> bool:
    """Of any of the countries."""
    return any(test(text) for test in NATIONAL_IDS.values())


def is_some_id(text: str) -> bool:
    """Digits, perhaps with letters."""
    return bool(re.fullmatch(r"[A-Za-z0-9 ./\-]{5,24}", text)) and any(c.isdigit() for c in text)
