"""Check digits, for many texts at once: of texts of digits and letters without the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthlake.encode.axis import indices

Digits = NDArray[np.int64]  # shape (rows, places); -1 behind the end of a text


def digits_of(texts: pa.Array[Any]) -> Digits:
    """Values of the characters: digits as they are, letters from A = 10 on; the rest left out."""
    bare: Any = pc.replace_substring_regex(texts, "[^0-9A-Za-z]", "")
    width = int(pc.max(pc.binary_length(bare)).as_py() or 0)
    padded: Any = pc.ascii_rpad(pc.ascii_upper(bare), width, " ")
    raw = np.frombuffer("".join(padded.to_pylist()).encode("ascii"), np.uint8)
    codes = raw.reshape(len(texts), width).astype(np.int64)
    return np.where(codes < 48, -1, np.where(codes < 65, codes - 48, codes - 55))


def luhn(digits: Digits) -> Digits:
    """The last digit of a card number. Source: ISO/IEC 7812-1, annex B."""
    there = digits >= 0
    behind = there[:, ::-1].cumsum(axis=1)[:, ::-1]  # 1 for the last digit of the body
    twice = np.where(behind % 2 == 1, digits * 2, digits)
    twice = np.where(twice > 9, twice - 9, twice)
    total: Digits = np.where(there, twice, 0).sum(axis=1)
    return -total % 10


def ean(digits: Digits) -> Digits:
    """The last digit of an ISBN-13 or EAN. Source: GS1 General Specifications, 7.9."""
    there = digits >= 0
    behind = there[:, ::-1].cumsum(axis=1)[:, ::-1]
    total: Digits = np.where(there, digits * np.where(behind % 2 == 1, 3, 1), 0).sum(axis=1)
    return -total % 10


def isbn10(digits: Digits) -> Digits:
    """The last digit of an ISBN-10; 10 is written X. Source: ISO 2108:1992."""
    weights = np.arange(10, 1, -1)
    body = np.where(digits[:, :9] >= 0, digits[:, :9], 0)
    total: Digits = (body * weights[: body.shape[1]]).sum(axis=1)
    return -total % 11


def mod97(digits: Digits) -> Digits:
    """Remainder by 97 of the number that the characters spell. Source: ISO/IEC 7064."""
    rest = np.zeros(len(digits), np.int64)
    for place in range(digits.shape[1]):
        value = digits[:, place]
        rest = np.where(value < 0, rest, (rest * np.where(value > 9, 100, 10) + value) % 97)
    return rest


CHECKS: dict[str, Callable[[Digits], Digits]] = {"luhn": luhn, "ean": ean, "isbn10": isbn10}


def with_check(bodies: pa.Array[Any], check: str) -> pa.Array[Any]:
    """Texts with their check digit at the end."""
    last = CHECKS[check](digits_of(bodies))
    marks: Any = pa.array(list("0123456789X")).take(indices(last))
    join: Any = pc.binary_join_element_wise
    made: pa.Array[Any] = join(bodies, marks, pa.scalar("", pa.string()))
    return made


def holds(texts: list[str], check: str) -> int:
    """How many texts end in the right check digit."""
    if not texts:
        return 0
    bodies = pa.array([t[:-1] for t in texts], pa.string())
    lengths = {"ean": (13, 8), "isbn10": (10,), "luhn": range(8, 30)}[check]
    made = with_check(bodies, check).to_pylist()
    right = zip(made, texts, strict=True)
    return sum(a == b.upper() and sum(c.isalnum() for c in b) in lengths for a, b in right)
