"""A database in which values that one entity has are planted, and a search for them."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CLIENTS, DEPOTS, SITES, DAYS = 900, 560, 6, 120
SEGMENTS = ("gold", "iron", "jade", "lead", "opal")
GIANT_DEGREE, ORPHAN_DEGREE, DEPOT_DEGREE, NINTH_ROWS = 2_203, 1_511, 1_823, 500
_START = "2020-01-01T00:00:00.000000"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Database = dict[str, pa.Table]


@dataclass(frozen=True)
class Canary:
    """A value that fewer than ten entities have.

    Attributes:
        kind: what it stands for.
        where: its table and column.
        texts: how it may be written.
        numbers: what it may be stored as: itself, or in the units of its type.
    """

    kind: str
    where: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} in {self.where}: {self.texts[0]}"


def canary(kind: str, where: str, value: Any, *shared: str) -> Canary:
    """A canary of any value; ``shared`` is text that stands for it too."""
    texts, numbers = _forms(value)
    return Canary(kind, where, (*texts, *shared), numbers)


def _forms(value: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    if isinstance(value, bytes):
        return (value.hex(), value.decode("latin-1")), ()
    if isinstance(value, str):
        return (value,), ()
    if isinstance(value, int):
        return (str(value), f"{value:,}"), (value,)
    if isinstance(value, datetime):
        micros = (value - _EPOCH) // (_EPOCH.resolution)
        clock = (value.strftime("%H:%M:%S.%f"),) if value.microsecond else ()
        return (value.strftime("%Y-%m-%d"), *clock), (micros, micros // 1000)
    if isinstance(value, date):
        return (value.isoformat(),), ((value - _EPOCH.date()).days,)
    exact = Decimal(str(value))
    digits = -int(exact.as_tuple().exponent)
    return (str(exact), f"{exact:,}"), (float(exact), int(exact.scaleb(digits)))


@dataclass
class Planted:
    """Tables, what was planted in them, and which rows may be taken for it."""

    tables: Database
    free: dict[str, Iterator[int]] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=list)
    pair: tuple[str, str] = ("", "")

    def plant(self, kind: str, table: str, column: str, values: Iterable[Any]) -> None:
        """Write each value into a row of its own."""
        for value in values:
            self.write(table, column, [next(self.free[table])], value)
            self.canaries.append(canary(kind, f"{table}.{column}", value))

    def write(self, table: str, column: str, rows: Iterable[int], value: Any) -> None:
        """Write a value into rows."""
        whole = self.tables[table]
        held = whole[column].to_pylist()
        for row in rows:
            held[row] = value
        place = whole.column_names.index(column)
        made = pa.array(held, whole.schema.field(column).type)
        self.tables[table] = whole.set_column(place, column, made)


def moments(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(t).replace(tzinfo=UTC) for t in texts]


def _clients(random: np.random.Generator) -> pa.Table:
    """A root with columns of many types; its last column cannot be learned."""
    n = CLIENTS
    city = random.integers(0, 20, n)
    start = np.datetime64(_START)
    joined = start + (random.random(n) * 900 * 86_400e6).astype("timedelta64[us]")
    return pa.table({
        "client_id": [f"C-{i:06d}" for i in random.permutation(800_000)[:n]],
        "segment": random.choice(SEGMENTS, n),
        "city": [f"city{c:02d}" for c in city],
        "region": [f"region{c % 5}" for c in city],
        "tag": pa.array(random.choice(["x1", "x2", "x3"], n)).dictionary_encode(),
        "code": pa.array([b"\x01\x02", b"\x03\x04"] * (n // 2), pa.binary()),
        "score": random.integers(0, 1000, n),
        "level": pa.array(random.integers(1, 60, n), pa.int32()),
        "income": np.round(random.lognormal(10, 0.5, n), 2),
        "ratio": random.normal(0, 1, n),
        "gap": np.where(np.arange(n) % 2, 1000.0, 3000.0) + np.round(random.random(n) * 900, 6),
        "balance": pa.array(
            [Decimal(int(v)).scaleb(-2) for v in random.integers(0, 10**6, n)], pa.decimal128(14, 2)
        ),
        "joined": pa.array(joined, pa.timestamp("us")),
        "seen": pa.array(joined.astype("datetime64[ms]"), pa.timestamp("ms", "UTC")),
        "born": pa.array(random.integers(0, 9_000, n), pa.int32()).cast(pa.date32()),
        "name": [f"Ann{i:03d} Lee" for i in random.integers(0, 1000, n)],
        "note": [f"called {i:02d} times" for i in random.integers(0, 99, n)],
        "plan": random.choice(["basic", "plus", "pro"], n),
        "path": pa.array([["a", "b"], ["b"]] * (n // 2)),
    })  # fmt: skip


def base() -> Database:
    """The database before anything is planted."""
    random = np.random.default_rng(11)
    clients = _clients(random)
    depots = pa.table({
        "depot_id": random.permutation(np.arange(1, DEPOTS + 1)),
        "kind": random.choice(["hall", "yard"], DEPOTS),
        "capacity": random.integers(10, 900, DEPOTS),
    })  # fmt: skip
    countries = pa.table({"country": ["NO", "IT", "UA", "CL"], "label": ["A", "B", "C", "D"]})
    slots = [(s, d) for d in range(DAYS) for s in range(SITES)]
    weather = pa.table({
        "site": [f"site{s}" for s, _ in slots],
        "day": pa.array([18_300 + d for _, d in slots], pa.int32()).cast(pa.date32()),
        "temp": np.round(random.normal(12, 6, len(slots)), 1),
    })  # fmt: skip
    who = random.integers(0, CLIENTS, 3 * CLIENTS)
    start, day = np.datetime64(_START), np.timedelta64(86_400_000_000, "us")
    place = random.integers(0, len(slots), len(who))
    orders = pa.table({
        "order_id": np.arange(1, len(who) + 1),
        "client_id": clients["client_id"].take(pa.array(who)),
        "depot_id": depots["depot_id"].take(pa.array(random.integers(0, DEPOTS, len(who)))),
        "country": random.choice(["NO", "IT", "UA", "CL"], len(who)),
        "site": weather["site"].take(pa.array(place)),
        "day": weather["day"].take(pa.array(place)),
        "status": random.choice(["open", "paid", "sent"], len(who)),
        "amount": np.round(random.gamma(2, 30, len(who)), 2),
        "weight": np.round(random.gamma(2, 3, len(who)), 3),
        "placed": pa.array(start + random.integers(0, 900, len(who)) * day, pa.timestamp("us")),
    })  # fmt: skip
    settings = pa.table({
        "name": ["Azurite-77", "Borax-88", "Cuprite-99", "Dolomite-66"],
        "value": [Decimal("71739204.58"), Decimal("82640917.35"), Decimal("-93517064.29"),
                  Decimal("64029571.83")],
        "since": pa.array([-98_765, 598_765, 498_765, 398_765], pa.int32()).cast(pa.date32()),
    })  # fmt: skip
    return {"clients": clients, "depots": depots, "countries": countries, "weather": weather,
            "orders": orders, "settings": settings}  # fmt: skip


TABLES: dict[str, Any] = {
    "clients": {
        "primary_key": ["client_id"],
        "columns": {
            **{
                c: {"role": "categorical"}
                for c in ("segment", "city", "region", "tag", "code", "plan")
            },
            "name": {"role": "personal"},
            "note": {"role": "text"},
        },
    },
    "depots": {"primary_key": ["depot_id"]},
    "countries": {"primary_key": ["country"], "keep": True},
    "weather": {"primary_key": ["site", "day"]},
    "orders": {
        "primary_key": ["order_id"],
        "columns": {"status": {"role": "categorical"}},
        "foreign_keys": [
            {"columns": ["client_id"], "references": "clients", "mode": "own"},
            {"columns": ["depot_id"], "references": "depots", "mode": "match"},
            {"columns": ["country"], "references": "countries", "mode": "match"},
            {"columns": ["site", "day"], "references": "weather", "mode": "match"},
        ],
    },
    "settings": {"synthesizer": "independent"},
}


def planted(learned: Callable[[Database, str], list[int]]) -> Planted:
    """The database with everything planted.

    Args:
        learned: rows of a table that are not held out.
    """
    tables = base()
    rows = {name: learned(tables, name) for name in ("clients", "depots", "orders")}
    # the first rows of the giant are left alone
    free = {name: iter(found[5:]) for name, found in rows.items()}
    made = Planted(tables, {**free, "weather": iter(range(7, 700, 5))})
    _plant_attributes(made)
    _plant_keys(made)
    _plant_shared(made)
    _plant_degrees(made, rows["clients"])
    for column, kind in (("name", "tiny table"), ("value", "tiny table"), ("since", "tiny table")):
        for value in tables["settings"][column].to_pylist():
            made.canaries.append(canary(kind, f"settings.{column}", value))
    return made


def _plant_attributes(made: Planted) -> None:
    plant = made.plant
    words = ("Quetzalfeder", "Xylomarimba", "Zugzwangerle", "Ypsilanti-9", "Wolframit & <b>",
             "Völuspá", "ÜBER'quote\"", "Krähwinkel; DROP")  # fmt: skip
    plant("category", "clients", "segment", words)
    plant("category", "clients", "city", ("Llanfairpwll", "Hobbiton-on-Sea", "Ouagadougou"))
    plant("category", "clients", "tag", ("dictionarycanary", "enumcanary", "tagcanary"))
    plant("category", "clients", "code", (b"\xde\xad\xbe\xef\x13\x37", b"binarycanary"))
    plant("category", "depots", "kind", ("submarinebase", "moonstation"))
    plant("category", "orders", "status", ("embezzled", "confiscated-7"))
    plant("maximum", "clients", "score", (98_765_437, 87_654_329, 76_543_217, 10_000_379))
    plant("minimum", "clients", "score", (-98_765_431, -87_654_323, -76_543_211))
    plant("maximum", "clients", "level", (1_987_654_321, 1_876_543_219))
    plant("minimum", "clients", "level", (-1_987_654_333, -1_876_543_231))
    plant("maximum", "clients", "income", (31_415_926.53, 27_182_818.28, 16_180_339.88))
    plant("minimum", "clients", "income", (-31_415_926.59, -27_182_818.21, -14_142_135.62))
    plant("maximum", "clients", "ratio", (777.123456789012, 888.987654321098, 999.192837465564))
    plant("minimum", "clients", "ratio", (-777.210987654321, -888.890123456789))
    plant("between", "clients", "gap", (2537.123457, 2537.765433, 2412.987651))
    plant("maximum", "clients", "balance", (Decimal("987654321.87"), Decimal("876543219.65")))
    plant("minimum", "clients", "balance", (Decimal("-987654323.41"), Decimal("-76543219.43")))
    plant("maximum", "clients", "joined", moments("9999-12-30T23:58:47.123457",
                                                  "8888-11-29T22:57:46.234561"))  # fmt: skip
    plant("minimum", "clients", "joined", moments("1871-03-04T05:06:07.765431",
                                                  "1492-10-12T02:03:05.654321"))  # fmt: skip
    plant("maximum", "clients", "seen", moments("7777-10-28T21:56:45.345000"))
    plant("minimum", "clients", "seen", moments("1666-09-02T01:02:03.987000"))
    plant("maximum", "clients", "born", (date(5432, 1, 23), date(4321, 2, 14)))
    plant("minimum", "clients", "born", (date(1234, 5, 6), date(1345, 6, 7)))
    plant("maximum", "depots", "capacity", (87_341_906, 76_203_458))
    plant("maximum", "orders", "amount", (61_803_398.87, 57_721_566.49, 69_314_718.05))
    plant("minimum", "orders", "amount", (-61_803_398.83, -57_721_566.41, -69_314_718.07))
    plant("maximum", "orders", "weight", (12_345_678.987, 23_456_789.876))
    plant("minimum", "orders", "placed", moments("1555-04-03T00:00:00"))
    plant("maximum", "orders", "placed", moments("6666-04-03T00:00:00"))
    plant("maximum", "weather", "temp", (4_567_891.3, 5_678_912.7))
    plant("personal", "clients", "name", ("Ottokar von Zwitschenbach", "X Æ A-12", "Ng 7",
                                          "MacGillicuddy-O'Rourke, Siobhán"))  # fmt: skip
    plant(
        "text",
        "clients",
        "note",
        (
            "has a tattoo of Krampus (left arm)",
            "PIN=0451-KQ-7713",
            "https://example.org/u/kestrel?id=19",
        ),
    )
    made.write("clients", "path", [next(made.free["clients"])], ["a", "listcanary"])
    made.canaries.append(canary("category", "clients.path", "listcanary"))


def _plant_keys(made: Planted) -> None:
    plant = made.plant
    plant("key", "clients", "client_id", ("VIP#Nosferatu!1", "~~root~~kestrel", "ß-clef-ß-77",
                                          "C-12345678901234567890"))  # fmt: skip
    plant("key", "depots", "depot_id", (98_765_432_109, 87_654_321_987))
    plant("key", "orders", "order_id", (91_827_364_551, 19_283_746_559))
    plant("own orphan", "orders", "client_id", ("GHOST:Banquo/1", "GHOST:Yorick/2", "gone?Elvis"))
    plant("match orphan", "orders", "depot_id", (76_543_210_987, 65_432_109_871, 54_321_098_763))
    plant("match orphan", "orders", "country", ("Zubrowka", "Genovia", "Ruritania"))
    plant("match orphan", "orders", "site", ("Zembla-station", "Laputa-station"))
    plant("match orphan", "orders", "day", (date(3210, 9, 8), date(1212, 12, 12)))
    plant("grid key", "weather", "site", ("Thule-station", "Avalon-station"))
    plant("grid key", "weather", "day", (date(2899, 12, 7), date(1655, 2, 5)))


def _plant_shared(made: Planted) -> None:
    """Values of nine entities, and a pair of common values that nine have."""
    for value in ("ninefold-plan", "nonagon-plan"):
        rows = [next(made.free["clients"]) for _ in range(9)]
        made.write("clients", "plan", rows, value)
        made.canaries.append(canary("held by nine", "clients.plan", value))
    made.pair = ("city03", "region4")  # all others of the city are of one other region
    nine = [next(made.free["clients"]) for _ in range(9)]
    for column, value in zip(("city", "region"), made.pair, strict=True):
        made.write("clients", column, nine, value)


def _plant_degrees(made: Planted, clients: list[int]) -> None:
    """One parent, one missing parent and one match parent with very many children.

    One entity has a value in hundreds of rows, which eight others have in one.
    """
    tables = made.tables
    orders, ids = tables["orders"], tables["clients"]["client_id"].to_pylist()
    more = [
        (GIANT_DEGREE, {"client_id": ids[clients[0]]}),
        (ORPHAN_DEGREE, {"client_id": "GHOST:Legion/many"}),
        (DEPOT_DEGREE, {"depot_id": tables["depots"]["depot_id"][0].as_py()}),
    ]
    parts, number = [orders], orders.num_rows + 1
    for rows, changes in more:
        part = orders.take(pa.array(np.arange(rows) % orders.num_rows))
        changes["order_id"] = None
        for name, value in changes.items():
            place = part.column_names.index(name)
            held = list(range(number, number + rows)) if value is None else [value] * rows
            part = part.set_column(place, name, pa.array(held, part.schema.field(name).type))
        number += rows
        parts.append(part)
    tables["orders"] = pa.concat_tables(parts).combine_chunks()
    made.canaries.append(canary("own orphan", "orders.client_id", "GHOST:Legion/many"))
    many = range(orders.num_rows, orders.num_rows + NINTH_ROWS)
    eight = [next(made.free["orders"]) for _ in range(8)]
    for column, value in (("status", "monopoly"), ("amount", 8_093_517.19)):
        made.write("orders", column, [*many, *eight], value)
        made.canaries.append(canary("nine entities, 500 rows", f"orders.{column}", value))


class Search:
    """Finds canaries in whatever a run leaves behind.

    Attributes:
        found: canaries by what was searched.
    """

    def __init__(self, canaries: list[Canary]) -> None:
        self.canaries = canaries
        self.found: dict[str, set[str]] = {}
        self._numbers = {float(n): c for c in canaries for n in c.numbers}
        self._sorted = np.array(sorted(self._numbers))
        self._needles = [(needle, c) for c in canaries for needle in _needles(c)]

    def folder(self, folder: Path) -> None:
        """Every byte of every file, and what the bytes mean."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.file(path, str(path.relative_to(folder)))

    def file(self, path: Path, name: str) -> None:
        """One file."""
        data = path.read_bytes()
        self.bytes(data, name)
        readers: Mapping[str, Callable[[bytes, str], None]] = {
            ".safetensors": self._tensors, ".json": self._json, ".html": self._html,
            ".parquet": self._parquet, ".arrow": self._arrow,
        }  # fmt: skip
        if path.suffix in readers:
            readers[path.suffix](data, name)

    def bytes(self, data: bytes, name: str) -> None:
        """Bytes as they are."""
        for needle, known in self._needles:
            if needle in data:
                self._note(name, known)

    def text(self, text: str, name: str) -> None:
        """Text as a person reads it."""
        for known in self.canaries:
            if any(form in text for form in known.texts):
                self._note(name, known)

    def numbers(self, values: np.ndarray[Any, Any], name: str) -> None:
        """Numbers, whatever their type."""
        held = values.astype(float).ravel()
        place = np.clip(np.searchsorted(self._sorted, held), 0, len(self._sorted) - 1)
        for shift in (0, -1):
            near = self._sorted[np.clip(place + shift, 0, None)]
            for number in np.unique(near[np.abs(near - held) <= 1e-12 * np.abs(near)]):
                known = self._numbers[float(number)]
                if abs(number) >= 1000 or "ratio" in known.where:
                    self._note(name, known)

    def table(self, table: pa.Table, name: str) -> None:
        """Cells."""
        for column in table.column_names:
            distinct = table[column]
            if not pa.types.is_nested(distinct.type):
                distinct = distinct.unique()
            if pa.types.is_dictionary(distinct.type):
                distinct = distinct.cast(distinct.type.value_type)
            held = distinct.to_pylist()
            written = "\n".join(v.hex() if isinstance(v, bytes) else str(v) for v in held)
            self.text(written, f"{name}:{column}")

    def _note(self, name: str, known: Canary) -> None:
        self.found.setdefault(name, set()).add(str(known))

    def _tensors(self, data: bytes, name: str) -> None:
        from safetensors.numpy import load

        for label, tensor in load(data).items():
            self.numbers(tensor, f"{name}:{label}")

    def _json(self, data: bytes, name: str) -> None:
        for place, value in _leaves(json.loads(data), ()):
            where = f"{name}:{'/'.join(place)}"
            if isinstance(value, str):
                self.text(value, where)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                self.numbers(np.array([value]), where)

    def _html(self, data: bytes, name: str) -> None:
        self.text(html.unescape(data.decode()), name)

    def _parquet(self, data: bytes, name: str) -> None:
        self.table(pq.read_table(io.BytesIO(data)), name)

    def _arrow(self, data: bytes, name: str) -> None:
        self.table(pa.ipc.open_file(io.BytesIO(data)).read_all(), name)


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield place, str(key)
            yield from _leaves(held, (*place, str(key)))
    elif isinstance(value, list):
        yield place, "".join(held for held in value if isinstance(held, str))  # by character
        for held in value:
            yield from _leaves(held, place)
    else:
        yield place, value


def _needles(known: Canary) -> set[bytes]:
    """A canary's text in several encodings, and its numbers as eight bytes."""
    out: set[bytes] = set()
    for text in known.texts:
        out |= {
            text.encode(),
            text.encode("latin-1", "replace"),
            html.escape(text).encode(),
            json.dumps(text)[1:-1].encode(),
        }
    for number in known.numbers:
        out.add(np.float64(number).tobytes())
        if float(number).is_integer() and abs(number) >= 1000:
            out.add(np.int64(number).tobytes())
    return out
