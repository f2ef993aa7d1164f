"""National identifiers of the right form and check digit, in ranges that are never issued.

Each takes bodies (texts of the pattern in ``BODIES``) and gives whole identifiers; distinct bodies
give distinct identifiers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthlake.encode.axis import indices
from synthlake.encode.personal.check_digits import Digits, digits_of

Texts: TypeAlias = "pa.Array[Any]"

BODIES: dict[str, str] = {
    # 9xx is never an area of an SSN, and groups below 50 are not of an ITIN either
    "ssn": "9##-(01234)#-####",
    # no NINO begins with Q
    "nino": "Q^######*",
    # numbers that begin with 0 are for tests
    "steuer_id": "0#########",
    # the sex is 1 or 2, for foreigners 7 or 8: 9 is nobody's
    "nir": "9##0%########",
    # beyond what has been handed out
    "dni": "99######",
    # X### is no municipality
    "codice_fiscale": "~~~~~~##(ABCDEHLMPRST)(01)%X###",
    # seven digits and the choice of the eighth; 9 is first for no citizen yet
    "bsn": "9######(012345678)",
    # months above 80 are of the nineteenth century
    "pesel": "##8%(012)%####",
}


def ssn(body: Texts) -> Texts:
    """United States."""
    return body


def nino(body: Texts) -> Texts:
    """United Kingdom: National Insurance number."""
    return body


def steuer_id(body: Texts) -> Texts:
    """Germany. Source: ISO/IEC 7064, MOD 11,10."""
    digits, product = digits_of(body), np.full(len(body), 10, np.int64)
    for place in range(digits.shape[1]):
        total = (digits[:, place] + product) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    return _with(body, (11 - product) % 10)


def nir(body: Texts) -> Texts:
    """France: 97 less the remainder by 97, in two digits."""
    digits = digits_of(body)
    number = (digits * 10 ** np.arange(digits.shape[1] - 1, -1, -1)).sum(axis=1)
    key = 97 - number % 97
    return _with(_with(body, key // 10), key % 10)


def dni(body: Texts) -> Texts:
    """Spain: a letter for the remainder by 23."""
    digits = digits_of(body)
    number = (digits * 10 ** np.arange(digits.shape[1] - 1, -1, -1)).sum(axis=1)
    return _lettered(body, "TRWAGMYFPDXBNJZSQVHLCKE", number % 23)


_ODD = [
    1,
    0,
    5,
    7,
    9,
    13,
    15,
    17,
    19,
    21,
    2,
    4,
    18,
    20,
    11,
    3,
    6,
    8,
    12,
    14,
    16,
    10,
    22,
    25,
    24,
    23,
]


def codice_fiscale(body: Texts) -> Texts:
    """Italy. Source: Decreto Ministeriale 23.12.1976."""
    values = digits_of(body)
    order = np.where(values > 9, values - 10, values)  # digits count as the letters of their place
    odd = np.array(_ODD)[order]
    total = odd[:, 0::2].sum(axis=1) + order[:, 1::2].sum(axis=1)
    return _lettered(body, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", total % 26)


def bsn(body: Texts) -> Texts:
    """Netherlands: the test of eleven, by a last digit that is the remainder; never 10."""
    digits = digits_of(body)
    seven, choice = digits[:, :7], digits[:, 7]
    partial = (seven * np.arange(9, 2, -1)).sum(axis=1)
    each = (partial[:, None] + 2 * np.arange(10)) % 11
    bad = np.where((each == 10).any(axis=1), (each == 10).argmax(axis=1), 10)
    eighth = choice + (choice >= bad)
    start = pc.utf8_slice_codeunits(body, 0, 7)
    return _with(_with(start, eighth), (partial + 2 * eighth) % 11)


def pesel(body: Texts) -> Texts:
    """Poland."""
    digits = digits_of(body)
    total = (digits * np.array([1, 3, 7, 9, 1, 3, 7, 9, 1, 3])).sum(axis=1)
    return _with(body, -total % 10)


FINISHERS: dict[str, Callable[[Texts], Texts]] = {
    "ssn": ssn, "nino": nino, "steuer_id": steuer_id, "nir": nir, "dni": dni,
    "codice_fiscale": codice_fiscale, "bsn": bsn, "pesel": pesel,
}  # fmt: skip


def _with(texts: Texts, last: Digits) -> Texts:
    return _lettered(texts, "0123456789", last)


def _lettered(texts: Texts, letters: str, place: Digits) -> Texts:
    join: Any = pc.binary_join_element_wise
    made: Texts = join(texts, pa.array(list(letters)).take(indices(place)), pa.scalar(""))
    return made
