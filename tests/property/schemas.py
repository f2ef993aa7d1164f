"""Random databases: keys and references of every shape, with dirty data, of a few hundred rows.

Hypothesis draws the shape; numpy fills it, from a seed that is drawn too, so that an example is
cheap to draw and to shrink.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.property.polymorphic import PolymorphicShape, filled

Row = tuple[Any, ...]
Ints = NDArray[np.int64]
_FIRST_DAY = datetime.date(2021, 3, 1)
_MAX_TABLES, _MAX_REFERENCES = 6, 3
_KEYS = ("number", "text", "none", "date", "grid")
_DEPENDENT = ("part", "same", "bridge", "text part")
_ATTRIBUTES = ("int", "category", "float", "date", "text", "bool")


@dataclass(frozen=True)
class ReferenceShape:
    """How a table refers to one before it.

    Attributes:
        parent: counted backwards from the table.
        group: whether to a column that repeats its values.
        nulls, orphans: shares of rows.
        policy: for orphans.
        mode: declared; None to leave it to the evidence.
        skew: 0 for even degrees; the higher, the fewer parents have all children.
        through: whether the columns that are a reference in the parent refer to that one, too.
        partial: whether of several columns that are NULL it is the last one only.
    """

    parent: int
    group: bool
    nulls: float
    orphans: float
    policy: str
    mode: str | None
    skew: float
    through: bool
    partial: bool = False


@dataclass(frozen=True)
class LoopShape:
    """How a table refers to itself, or to one after it.

    Attributes:
        target: tables further on; 0 for the table itself.
        kind: of a reference to itself: ``tree``, ``chain``, ``stars``, ``selves`` (roots refer to
            themselves), ``pairs``, ``roots`` (all NULL).
        orphans: share of rows.
    """

    target: int
    kind: str
    orphans: float


@dataclass(frozen=True)
class TableShape:
    """One table; kept as it is only if it refers to nothing."""

    rows: int
    key: str
    references: tuple[ReferenceShape, ...]
    attributes: tuple[str, ...]
    loops: tuple[LoopShape, ...] = ()
    unique: bool = False
    keep: bool = False
    polymorphic: tuple[PolymorphicShape, ...] = ()


@dataclass(frozen=True)
class DatabaseShape:
    """A database, and how it is learned and sampled."""

    tables: tuple[TableShape, ...]
    seed: int
    k: int
    synthesizer: str
    scale: float


def reference_shapes() -> st.SearchStrategy[ReferenceShape]:
    return st.builds(
        ReferenceShape,
        parent=st.integers(1, _MAX_TABLES),
        group=st.sampled_from([False, False, False, True]),
        nulls=st.sampled_from([0.0, 0.0, 0.25, 1.0]),
        orphans=st.sampled_from([0.0, 0.0, 0.2]),
        policy=st.sampled_from(["keep", "keep", "null", "drop"]),
        mode=st.sampled_from([None, None, "own", "match"]),
        skew=st.sampled_from([0.0, 1.0, 3.0]),
        through=st.booleans(),
        partial=st.booleans(),
    )


def loop_shapes() -> st.SearchStrategy[LoopShape]:
    return st.builds(
        LoopShape,
        target=st.sampled_from([0, 0, 1, 2]),
        kind=st.sampled_from(["tree", "chain", "stars", "selves", "pairs", "roots"]),
        orphans=st.sampled_from([0.0, 0.0, 0.2]),
    )


def table_shapes() -> st.SearchStrategy[TableShape]:
    return st.builds(
        TableShape,
        rows=st.sampled_from([60, 120, 200, 90, 25, 60, 120, 40, 150, 80, 60, 120, 1, 0]),
        key=st.sampled_from([*_DEPENDENT, *_KEYS, "number", "part"]),
        references=st.lists(reference_shapes(), max_size=_MAX_REFERENCES).map(tuple),
        attributes=st.lists(st.sampled_from(_ATTRIBUTES), max_size=2).map(tuple),
        loops=st.lists(loop_shapes(), max_size=1).map(tuple),
        unique=st.sampled_from([False, False, False, True]),
        keep=st.sampled_from([False, False, False, True]),
    )


def database_shapes() -> st.SearchStrategy[DatabaseShape]:
    return st.builds(
        DatabaseShape,
        tables=st.lists(table_shapes(), min_size=1, max_size=_MAX_TABLES).map(tuple),
        seed=st.integers(0, 2**16),
        k=st.sampled_from([1, 1, 3, 5]),
        synthesizer=st.sampled_from(["trees", "trees", "independent"]),
        scale=st.sampled_from([1.0, 1.0, 0.4, 2.5]),
    )


@dataclass
class Database:
    """Tables and what is declared of them."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The declaration, for messages."""
        sizes = {name: table.num_rows for name, table in self.tables.items()}
        return f"{sizes}\n{self.declared}"


def build(shape: DatabaseShape) -> Database:
    """The database of a shape."""
    work = _Work(np.random.default_rng(shape.seed))
    for number, table in enumerate(shape.tables):
        work.add(number, table)
    for number, table in enumerate(shape.tables):
        for place, loop in enumerate(table.loops):
            work.close(number, place, loop)
        for place, held in enumerate(table.polymorphic):
            work.name(number, place, held)
    made = {
        name: pa.table(dict(columns), schema=pa.schema(work.types[name]))
        for name, columns in work.columns.items()
    }
    return Database(made, work.declared)


@dataclass
class _Work:
    """A database as it grows."""

    random: np.random.Generator
    columns: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    types: dict[str, list[tuple[str, pa.DataType]]] = field(default_factory=dict)
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, list[tuple[dict[str, Any], ReferenceShape]]] = field(default_factory=dict)

    def add(self, number: int, shape: TableShape) -> None:
        name = f"t{number}"
        self.columns[name], self.types[name] = {}, []
        self.declared[name] = {"primary_key": [], "foreign_keys": []}
        self.links[name] = []
        rows = shape.rows
        held = shape.references if number else ()
        key = shape.key if held or shape.key not in _DEPENDENT else "number"
        if key == "bridge" and len(held) < 2:
            key = "part"
        # a part of a primary key is neither NULL nor dropped into NULL
        strict = {"part": 1, "text part": 1, "same": 1, "bridge": 2}.get(key, 0)
        picks = []
        for place, r in enumerate(held):
            picks.append(self._picks(number, r, rows, place < strict, key == "same" and not place))
            rows = len(picks[-1])
        kept = _distinct_rows(key, picks, rows)
        for place, (shape_of, pick) in enumerate(zip(held, picks, strict=True)):
            # rows can be made with the first parent wherever the key allows it
            own = place == 0 and (
                key in ("number", "text", "date", "none") or self._keyed(number, shape_of)
            )
            self._refer(
                number,
                place,
                shape_of,
                [pick[i] for i in kept],
                (place < strict, own and key != "grid"),
            )
        self._key(name, key, len(kept))
        self._fill(name, shape, len(kept))
        if shape.keep and not held and not shape.loops and not shape.polymorphic:
            self.declared[name]["keep"] = True

    def _target(
        self, number: int, r: ReferenceShape, strict: bool = False
    ) -> tuple[str, list[str]]:
        """The table that is referred to, and its columns; a strict reference is to a key."""
        parent = f"t{max(number - r.parent, 0)}"
        key = self.declared[parent]["primary_key"]
        columns = ["g"] if (r.group and not strict) or not key else key
        return parent, list(columns)

    def _keyed(self, number: int, r: ReferenceShape) -> bool:
        """Whether the table that is referred to has a primary key."""
        return bool(self.declared[self._target(number, r)[0]]["primary_key"])

    def _picks(
        self, number: int, r: ReferenceShape, rows: int, strict: bool, once: bool
    ) -> list[Row | None]:
        """A key of the parent for each row; None for NULL."""
        parent, columns = self._target(number, r, strict)
        values = list(zip(*(self.columns[parent][c] for c in columns), strict=True))
        known = sorted({v for v in values if None not in v}, key=repr)
        orphans = r.orphans if known else 1.0
        weights = (np.arange(len(known)) + 1.0) ** -r.skew
        chosen = (
            self.random.choice(len(known), rows, p=weights / weights.sum())
            if known else np.zeros(rows, np.int64)
        )  # fmt: skip
        if once:
            rows = min(rows, len(known)) if known else rows
            chosen = self.random.permutation(max(len(known), rows))[:rows]
        kinds = [dict(self.types[parent])[c] for c in columns]
        lost = self.random.random(rows) < orphans
        gone = self.random.random(rows) < (0.0 if strict else r.nulls)
        strangers = self.random.integers(0, max(rows // 6, 1), rows)
        if once:
            strangers = np.arange(rows)
        return [
            None if gone[i] else tuple(_strange(kind, int(strangers[i])) for kind in kinds)
            if lost[i] else known[chosen[i]]
            for i in range(rows)
        ]  # fmt: skip

    def _refer(
        self, number: int, place: int, r: ReferenceShape, picks: Sequence[Row | None],
        may: tuple[bool, bool],
    ) -> None:  # fmt: skip
        (strict, may_own), name = may, f"t{number}"
        parent, to = self._target(number, r, strict)
        names = [f"r{place}_{c}" for c in to]
        for at, column in enumerate(to):
            kind = dict(self.types[parent])[column]
            values = [None if p is None else p[at] for p in picks]
            if r.partial and at < len(to) - 1:
                values = self._lent(parent, column, values)
            self._put(name, names[at], kind, values)
        policy = "keep" if strict and r.policy == "null" else r.policy
        fk = {"columns": names, "references": parent, "to": to, "orphans": policy}
        if (r.mode == "own" and may_own) or (r.mode == "match" and not strict):
            fk["mode"] = r.mode
        self.declared[name]["foreign_keys"].append(fk)
        self.links[name].append((fk, r))
        if r.through:
            self._refer_through(name, fk)

    def _lent(self, parent: str, column: str, values: list[Any]) -> list[Any]:
        """Values of a part of a key, in place of NULL those of any row."""
        known = [v for v in self.columns[parent][column] if v is not None]
        if not known:
            return values
        picks = self.random.integers(0, len(known), len(values))
        return [known[i] if v is None else v for v, i in zip(values, picks, strict=True)]

    def _refer_through(self, name: str, fk: dict[str, Any]) -> None:
        """What the parent's columns refer to, these refer to as well."""
        renamed = dict(zip(fk["to"], fk["columns"], strict=True))
        for other, _ in self.links[fk["references"]]:
            if set(other["columns"]) <= set(renamed):
                columns = [renamed[c] for c in other["columns"]]
                made = {"columns": columns, "references": other["references"], "to": other["to"]}
                self.declared[name]["foreign_keys"].append(made)
                return

    def _keys(self, name: str) -> list[dict[str, Any]]:
        return list(self.declared[name]["foreign_keys"])

    def _key(self, name: str, kind: str, rows: int) -> None:
        """The primary key."""
        held = [fk for fk, _ in self.links[name]]
        key: list[str] = []
        if kind == "number":
            order = self.random.permutation(rows) if self.random.random() < 0.5 else range(rows)
            key = [self._put(name, "id", pa.int64(), [int(i) + 1 for i in order])]
        elif kind == "text":
            texts = [f"K{i:04d}" for i in self.random.permutation(5_000)[:rows]]
            key = [self._put(name, "id", pa.string(), texts)]
        elif kind == "date":
            key = [self._put(name, "id", pa.date32(), [_day(i) for i in range(rows)])]
        elif kind == "grid":
            side = max(int(np.ceil(rows / 4)), 1)
            key = [
                self._put(name, "city", pa.string(), [f"city {i // side}" for i in range(rows)]),
                self._put(name, "day", pa.date32(), [_day(i % side) for i in range(rows)]),
            ]
        elif kind in ("part", "text part"):
            key = [*held[0]["columns"], self._line(name, held[0]["columns"], kind == "text part")]
        elif kind in ("same", "bridge"):
            key = [c for fk in held[: 1 + (kind == "bridge")] for c in fk["columns"]]
        self.declared[name]["primary_key"] = key

    def _line(self, name: str, columns: Sequence[str], text: bool) -> str:
        """A number, or a letter, within the family."""
        seen: dict[Row, int] = {}
        lines = []
        for row in zip(*(self.columns[name][c] for c in columns), strict=True):
            seen[row] = seen.get(row, 0) + 1
            lines.append(f"L{seen[row]:03d}" if text else seen[row])
        return self._put(name, "line", pa.string() if text else pa.int32(), lines)

    def _fill(self, name: str, shape: TableShape, rows: int) -> None:
        """Attributes, among them one that others refer to although it repeats."""
        groups = max(rows // 8, 1)
        self._put(name, "g", pa.int64(), [int(i) for i in self.random.integers(0, groups, rows)])
        for place, kind in enumerate(dict.fromkeys(shape.attributes)):
            dtype, values = _values(kind, rows, self.random)
            holes = self.random.random(rows) < 0.2 if place else np.zeros(rows, bool)
            listed = [None if hole else v for v, hole in zip(values, holes, strict=True)]
            self._put(name, kind, dtype, listed)
        if shape.unique and rows and not shape.keep:
            codes = [f"U{i:05d}" for i in self.random.permutation(90_000)[:rows]]
            self._put(name, "code", pa.string(), codes)
            self.declared[name]["constraints"] = [{"unique": ["code"]}]

    def close(self, number: int, place: int, loop: LoopShape) -> None:
        """A reference that closes a cycle."""
        name, target = f"t{number}", f"t{number + loop.target}"
        key = self.declared.get(target, {}).get("primary_key", [])
        if not key:
            return
        keys = list(zip(*(self.columns[target][c] for c in key), strict=True))
        rows = len(self.columns[name]["g"])
        found = (
            _within(loop.kind, rows, self.random) if not loop.target
            else _across(rows, len(keys), self.random)
        )  # fmt: skip
        lost = self.random.random(rows) < loop.orphans
        kinds = [dict(self.types[target])[c] for c in key]
        picks = [
            tuple(_strange(kind, i % 7) for kind in kinds) if lost[i]
            else None if found[i] < 0 else keys[found[i]]
            for i in range(rows)
        ]  # fmt: skip
        names = [f"up{place}_{c}" for c in key]
        for at, kind in enumerate(kinds):
            self._put(name, names[at], kind, [None if p is None else p[at] for p in picks])
        self.declared[name]["foreign_keys"].append(
            {"columns": names, "references": target, "to": list(key)}
        )

    def name(self, number: int, place: int, shape: PolymorphicShape) -> None:
        """A reference whose table another column names; none where no table has one plain key."""
        name, targets = f"t{number}", {}
        for parent in shape.parents:
            table = f"t{max(number - parent, 0)}"
            key = self.declared[table]["primary_key"]
            kind = dict(self.types[table]).get(key[0]) if len(key) == 1 else None
            if kind == pa.string() or (kind is not None and pa.types.is_integer(kind)):
                targets[f"T{parent}"] = (table, key[0], kind, self.columns[table][key[0]])
        if not targets:
            return
        rows = len(self.columns[name]["g"])
        for column, (kind, values) in zip(
            (f"of{place}", f"at{place}"), filled(shape, targets, rows, self.random), strict=True
        ):
            self._put(name, column, kind, values)
        of = {k: {"references": table, "to": [to]} for k, (table, to, _, _) in targets.items()}
        self.declared[name]["foreign_keys"].append(
            {"columns": [f"at{place}"], "references": {"by": f"of{place}", "of": of},
             "orphans": shape.policy}
        )  # fmt: skip

    def _put(self, name: str, column: str, dtype: pa.DataType, values: list[Any]) -> str:
        self.columns[name][column] = values
        self.types[name].append((column, dtype))
        return column


def _distinct_rows(key: str, picks: Sequence[Sequence[Row | None]], rows: int) -> list[int]:
    """Rows that leave the key distinct."""
    if key == "same":
        return list(range(len(picks[0])))
    if key != "bridge":
        return list(range(rows))
    seen: dict[tuple[Row | None, ...], int] = {}
    for i in range(rows):
        seen.setdefault((picks[0][i], picks[1][i]), i)
    return sorted(seen.values())


def _within(kind: str, rows: int, random: np.random.Generator) -> Ints:
    """The parent's row of each row of one table; -1 for none."""
    at = np.arange(rows)
    if kind == "roots" or not rows:
        return np.full(rows, -1)
    if kind == "tree":
        return np.where(at < max(rows // 20, 1), -1, (random.random(rows) * at).astype(np.int64))
    if kind == "chain":
        return np.where(at % 9 == 0, -1, at - 1)
    if kind == "pairs":
        return np.where((at ^ 1) < rows, at ^ 1, -1)
    stars = max(rows // 10, 1)
    top = at if kind == "selves" else np.full(rows, -1)
    return np.where(at < stars, top, random.integers(0, stars, rows))


def _across(rows: int, parents: int, random: np.random.Generator) -> Ints:
    """A row of another table for most rows."""
    if not parents:
        return np.full(rows, -1)
    return np.where(random.random(rows) < 0.3, -1, random.integers(0, parents, rows))


def _day(number: int) -> datetime.date:
    return _FIRST_DAY + datetime.timedelta(number)


def _strange(kind: pa.DataType, number: int) -> Any:
    """A key that nothing has."""
    if pa.types.is_string(kind):
        return f"Z{number:04d}"
    if pa.types.is_date(kind):
        return _day(9_000 + number)
    return 70_000 + number


def _values(kind: str, rows: int, random: np.random.Generator) -> tuple[pa.DataType, Sequence[Any]]:
    """An attribute's values."""
    whole = random.integers(0, 40, rows)
    if kind == "int":
        return pa.int32(), whole.tolist()
    if kind == "float":
        return pa.float64(), np.round(random.normal(size=rows), 2).tolist()
    if kind == "bool":
        return pa.bool_(), (whole > 11).tolist()
    if kind == "date":
        return pa.date32(), [_day(int(i)) for i in whole]
    if kind == "category":
        return pa.string(), random.choice(["x", "y", "z"], rows).tolist()
    return pa.string(), [f"note {i} of {i % 7}" for i in whole]
