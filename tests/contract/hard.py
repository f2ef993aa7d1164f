"""A small database with everything that engines disagree on."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa

from synthlake.schema.model import ForeignKey

UTC = dt.UTC
TEXTS = [
    "a", "A", "b", "_a", "-1", "", " ", "a ", "a  ", " a", "é", "e\u0301", "É", "日本7",
    "\U0001f600", "it's", 'say "x"', "back\\slash", "tab\there", "line\nfeed", "\r\n",
    "%s {0} ${v}", "NULL", "\\N", "\\.", "ß", "ss", "İ", "i", "007", "7", "x" * 300, None,
]  # fmt: skip
FLOATS = [
    0.0, -0.0, 1.5, -1.5, 0.1, 1 / 3, 1e300, -1e300, 5e-324, 1e-30, 2.0**40, 2.0**53 + 2,
    1e15 + 0.3, 12345678901.12345, 39.02, float("nan"), float("inf"), float("-inf"), None,
]  # fmt: skip
MOMENTS = [
    dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    dt.datetime(1970, 1, 1, tzinfo=UTC),
    dt.datetime(1900, 2, 28, 12, 0, 0, 1, tzinfo=UTC),
    dt.datetime(2013, 3, 10, 7, 0, tzinfo=UTC),  # an hour that New York skips, and one that it
    dt.datetime(2013, 11, 3, 5, 30, tzinfo=UTC),  # has twice
    dt.datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
    dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]  # fmt: skip
DATES = [dt.date(1969, 12, 31), dt.date(1970, 1, 1), dt.date(1, 1, 1), dt.date(9999, 12, 31),
         dt.date(2012, 2, 29), None]  # fmt: skip
TIMES = [dt.time(0), dt.time(23, 59, 59, 999_999), dt.time(12, 0, 0, 1), None]
DECIMALS = [Decimal("-0.05"), Decimal("0.00"), Decimal("12345678.90"), Decimal("1.10"), None]
INTEGERS = [-(2**63), 2**63 - 1, 0, -1, 10**15, None]
BYTES = [b"", b"\x00\xff", b"\\x41", b"a\nb", None]
ODD = 'a"; drop table x; --'

PLACES = 240
SEEN = 900


def tables(seed: int = 0) -> dict[str, pa.Table]:
    """Places by a composite key, what was seen there (dirty keys), notes without a key, and
    what hangs on what was seen."""
    rng = random.Random(seed)
    places = [
        {"code": text, "at": moment, "size": rng.choice(FLOATS), "name": rng.choice(TEXTS),
         "open": rng.choice([True, False, None]), "since": rng.choice(DATES)}
        for text in TEXTS if text is not None for moment in MOMENTS
    ]  # fmt: skip
    rng.shuffle(places)
    known = [(place["code"], place["at"]) for place in places]
    orphans = [("gone", MOMENTS[1]), ("A ", MOMENTS[0]), ("a", dt.datetime(1999, 1, 1, tzinfo=UTC))]
    seen = [_seen(n, rng, known, orphans) for n in range(SEEN)]
    details = [
        {"id": n, ODD: rng.choice([rng.randrange(SEEN), rng.randrange(SEEN), -n - 1, None]),
         "kind": rng.choice("abc"), "of": rng.choice(DECIMALS)}
        for n in range(2 * SEEN)
    ]  # fmt: skip
    notes = [{"weight": w, "half": w, "text": t} for w in FLOATS for t in (None, "", "x")] * 2
    rows: dict[str, tuple[list[dict[str, Any]], pa.Schema]] = {
        "Place": (places, _PLACE), "seen": (seen, _SEEN), ODD: (details, _DETAIL),
        "note": (notes, _NOTE),
    }  # fmt: skip
    made = {}
    for name, (held, schema) in rows.items():
        rng.shuffle(held)
        made[name] = pa.Table.from_pylist(held, schema)
    return made


def _seen(n: int, rng: random.Random, known: list[Any], orphans: list[Any]) -> dict[str, Any]:
    code, at = rng.choice(known) if rng.random() < 0.9 else rng.choice(orphans)
    return {
        "id": n,
        "at": None if rng.random() < 0.05 else at,
        "code": None if rng.random() < 0.05 else code,
        "local": rng.choice([*(m.replace(tzinfo=None) for m in MOMENTS), None]),
        "clock": rng.choice(TIMES),
        "big": rng.choice(INTEGERS),
        "small": rng.choice([-32768, 32767, 0, n % 7, None]),
        "price": rng.choice(DECIMALS),
        "raw": rng.choice(BYTES),
        "value": rng.choice([*FLOATS, n / 8, n * 1.1]),
        "single": rng.choice([0.1, 0.25, -0.0, 3e38, float("nan"), None]),
        "text": rng.choice([*TEXTS, f"N{n % 250:03d}x", f"é{n}"]),
    }


_MOMENT = pa.timestamp("us", "UTC")
_PLACE = pa.schema([
    ("code", pa.string()), ("at", _MOMENT), ("size", pa.float64()), ("name", pa.string()),
    ("open", pa.bool_()), ("since", pa.date32()),
])  # fmt: skip
_SEEN = pa.schema([
    ("id", pa.int32()), ("at", _MOMENT), ("code", pa.string()), ("local", pa.timestamp("us")),
    ("clock", pa.time64("us")), ("big", pa.int64()), ("small", pa.int16()),
    ("price", pa.decimal128(10, 2)), ("raw", pa.binary()), ("value", pa.float64()),
    ("single", pa.float32()), ("text", pa.string()),
])  # fmt: skip
_DETAIL = pa.schema([
    ("id", pa.int64()), (ODD, pa.int64()), ("kind", pa.string()), ("of", pa.decimal128(10, 2)),
])  # fmt: skip
_NOTE = pa.schema([("weight", pa.float64()), ("half", pa.float32()), ("text", pa.string())])

PRIMARY = {"Place": ("code", "at"), "seen": ("id",), ODD: ("id",)}
FOREIGN = {
    # in another order than the parent's key; the detail's key is wider than what it refers to
    "seen": (ForeignKey(("at", "code"), "Place", ("at", "code"), mode="own"),),
    ODD: (ForeignKey((ODD,), "seen", ("id",), mode="own"),),
}
