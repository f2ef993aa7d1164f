"""What telephone numbers, postcodes and bank accounts look like in a country.

Numbers are such as nobody has: ranges that the regulator keeps free for fiction, where there are
some, else a first digit that is not in use.
"""

from __future__ import annotations

import re

from synthlake.encode.pattern import Pattern

_MARKS = {
    "#": "0123456789", "%": "123456789", "$": "23456789", "?": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "^": "ABDEFGHJLNPQRSTUWXYZ", "~": "BCDFGHJKLMNPQRSTVWXZ", "*": "ABCD",
}  # fmt: skip

# Sources: NANPA (555-0100 to 555-0199), Ofcom (numbers for drama use), Bundesnetzagentur
# (Mitteilung 148/2021), ARCEP (decision 2018-0881, annex 1), PTS (numbers for fiction); the others
# have no such range: Spain has no 5xx, Italy no 2xx, the Netherlands no 060, Poland no 10x numbers.
PHONES: dict[str, tuple[str, ...]] = {
    "US": ("($##) 555-01##", "$##-555-01##"),
    "CA": ("($##) 555-01##", "$##-555-01##"),
    "GB": ("07700 900###", "01632 960###", "020 7946 0###", "0113 496 0###", "0161 496 0###"),
    "DE": ("030 23125###", "069 90009###", "040 66969###", "0221 4710###", "089 99998###"),
    "FR": ("01 99 00 ## ##", "02 61 91 ## ##", "03 53 01 ## ##", "04 65 71 ## ##",
           "05 36 49 ## ##", "06 39 98 ## ##"),
    "SE": ("031-390 06 ##", "040-628 04 ##", "08-465 004 ##"),
    "ES": ("5## ### ###", "+34 5## ### ###"),
    "IT": ("+39 2## #######", "2## #######"),
    "NL": ("060#######", "060-#######", "+31 60#######"),
    "PL": ("10# ### ###", "+48 10# ### ###"),
}  # fmt: skip

POSTCODES: dict[str, tuple[str, ...]] = {
    "US": ("#####",),
    "CA": ("^#^ #^#",),
    "GB": ("^%? #~~", "^% #~~", "^%# #~~", "^^% #~~", "^^%# #~~"),
    "DE": ("#####",),
    "FR": ("#####",),
    "ES": ("#####",),
    "IT": ("#####",),
    "NL": ("%### ~~",),
    "PL": ("##-###",),
    "SE": ("### ##",),
}

# ISO 13616 registry: the national part, its bank made of zeros or X, which no bank has
ACCOUNTS: dict[str, str] = {
    "GB": "XXXX000###########",
    "DE": "00000000##########",
    "FR": "00000#####???##########",
    "ES": "0000################",
    "IT": "X00000#################",
    "NL": "XXXX##########",
    "PL": "00000000################",
    "SE": "000#################",
}

NATIONAL_IDS: dict[str, str] = {
    "US": "ssn", "GB": "nino", "DE": "steuer_id", "FR": "nir", "ES": "dni", "IT": "codice_fiscale",
    "NL": "bsn", "PL": "pesel",
}  # fmt: skip


def country_of(locale: str) -> str:
    """``DE`` of ``de_DE``."""
    return locale.rpartition("_")[2]


def pattern_of(marks: str) -> Pattern:
    """A pattern of ``#`` for digits, ``%`` and ``$`` without 0 and 1, ``?`` for letters.

    Characters in parentheses are one place with a choice of them, except around an area code.
    """
    places = re.findall(r"\([0-9A-Z]{2,}\)|.", marks)
    return Pattern(tuple(p[1:-1] if len(p) > 1 else _MARKS.get(p, p) for p in places))
