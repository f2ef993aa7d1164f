"""Whether a twin is whole: plain Python over rows, which shares nothing with what made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf, sqrt
from typing import Any

import pyarrow as pa

Tables = Mapping[str, pa.Table]
Declared = Mapping[str, Mapping[str, Any]]
Key = Mapping[str, Any]
Owns = Mapping[str, Key]
"""By table, the key whose parent its rows are made with."""


@dataclass(frozen=True)
class Rates:
    """Of the rows of a child: shares that are NULL, and that no parent has."""

    null: float
    orphan: float


@dataclass(frozen=True)
class Told:
    """What is known of a twin.

    Attributes:
        notes: of its plan.
        k: the least entities behind anything.
        owns: own keys.
        leaf: the fewest rows from which it is told how often children of a parent have NULL;
            without end where no column says anything of another.
    """

    notes: str
    k: int = 1
    owns: Owns = field(default_factory=dict)
    leaf: float = inf


def wrongs(
    real: Tables, twin: Tables, declared: Declared, told: Told, scale: float = 1.0
) -> Iterator[str]:
    """All that is wrong with a twin of ``scale`` times the rows.

    Rates are compared where enough parents have children for them to be learned. What fewer than k
    entities are may be nobody: rows of a table may go back to a few of another, by own keys.
    """
    for name, entry in declared.items():
        yield from _wrong_table(name, real[name], twin[name], entry)
        yield from _wrong_size((real, twin), name, declared, scale, told.notes)
        for fk in entry["foreign_keys"]:
            yield from _wrong_reference((real, twin), name, fk, entry, told)


def rows_of(table: pa.Table, columns: list[str]) -> list[tuple[Any, ...]]:
    """Values of some columns, row by row."""
    return list(zip(*(table[c].to_pylist() for c in columns), strict=True))


def _wrong_table(name: str, real: pa.Table, twin: pa.Table, entry: Key) -> Iterator[str]:
    if twin.schema.types != real.schema.types or twin.column_names != real.column_names:
        yield f"{name}: other columns or types"
    if bool(real.num_rows) < bool(twin.num_rows):
        yield f"{name}: rows where there were none"
    emptied = {c for fk in entry["foreign_keys"] if fk.get("orphans") == "null"
               for c in fk["columns"]}  # fmt: skip
    for column in real.column_names:
        may = real[column].null_count or not real.num_rows or column in emptied
        if twin[column].null_count and not may:
            yield f"{name}.{column}: {twin[column].null_count} NULL where there was none"
    unique = [entry["primary_key"]] if entry["primary_key"] else []
    unique += [list(rule["unique"]) for rule in entry.get("constraints", ()) if "unique" in rule]
    for columns in unique:
        rows = [row for row in rows_of(twin, columns) if None not in row]
        if len(set(rows)) < len(rows):
            yield f"{name}({columns}): {len(rows) - len(set(rows))} rows repeat it"
        if columns == entry["primary_key"] and len(rows) < twin.num_rows:
            yield f"{name}({columns}): NULL in a primary key"


def _wrong_size(
    sides: tuple[Tables, Tables], name: str, declared: Declared, scale: float, notes: str
) -> Iterator[str]:
    """Rows of a table, as far as neither policies nor a full key hold them."""
    above = _above(name, declared)
    dropped = any(fk.get("orphans") == "drop" for n in above for fk in declared[n]["foreign_keys"])
    if dropped or any(f"{n} cannot grow" in notes for n in above):
        return
    wanted = sides[0][name].num_rows * (1.0 if declared[name].get("keep") else scale)
    made = sides[1][name].num_rows
    if abs(made - wanted) > 0.05 * wanted + 4.0 * sqrt(wanted) + 1.0:
        yield f"{name}: {made} rows, of {wanted:.0f}"


def _above(name: str, declared: Declared) -> set[str]:
    """The table and all that it refers to, directly or not."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        table = todo.pop()
        if table not in seen:
            seen.add(table)
            todo += [fk["references"] for fk in declared[table]["foreign_keys"]]
    return seen


def rates(tables: Tables, name: str, fk: Key) -> Rates:
    """How a reference is broken."""
    rows = rows_of(tables[name], fk["columns"])
    known = set(rows_of(tables[fk["references"]], fk["to"]))
    null = sum(None in row for row in rows)
    orphan = sum(None not in row and row not in known for row in rows)
    return Rates(null / max(len(rows), 1), orphan / max(len(rows), 1))


def people(tables: Tables, name: str, owns: Owns) -> list[Any]:
    """The entity of each row: that of the row it is made with, else the row itself.

    Rows of one missing parent are of one entity.
    """
    mine = [(name, row) for row in range(tables[name].num_rows)]
    if name not in owns:
        return mine
    fk, above = owns[name], dict[Any, Any]()
    parents = rows_of(tables[fk["references"]], fk["to"])
    for key, who in zip(parents, people(tables, fk["references"], owns), strict=True):
        above.setdefault(key, who)
    keys = zip(rows_of(tables[name], fk["columns"]), mine, strict=True)
    return [own if None in key else above.get(key, key) for key, own in keys]


def _dropped(real: Tables, name: str, entry: Key) -> set[int]:
    """Rows that a policy drops, as a parent of theirs is missing."""
    out = set[int]()
    for fk in entry["foreign_keys"]:
        if fk.get("orphans") == "drop":
            known = set(rows_of(real[fk["references"]], fk["to"]))
            keys = rows_of(real[name], fk["columns"])
            out |= {row for row, key in enumerate(keys) if None not in key and key not in known}
    return out


def _alike(
    real: Tables, fk: Key, rows: list[tuple[Any, Any]], k: int, rate: float, *, null: bool
) -> bool:
    """Whether all rows are NULL, or orphans, or none is, and k entities do not say otherwise.

    Args:
        real: the source.
        fk: which reference.
        rows: its key and the entity, of each row that is learned from.
        k: least entities.
        rate: of the twin.
        null: rate of NULL, else of orphans.
    """
    known = set(rows_of(real[fk["references"]], fk["to"]))
    policy, those = fk.get("orphans", "keep"), dict[bool, set[Any]]({True: set(), False: set()})
    for key, who in rows:
        lost = None not in key and key not in known
        gone = None in key or (lost and policy == "null")
        those[gone if null else lost].add(who)
    return rate in (0.0, 1.0) and len(those[rate == 0.0]) < k


def _wrong_reference(
    sides: tuple[Tables, Tables], name: str, fk: Key, entry: Key, told: Told
) -> Iterator[str]:
    (real, twin), notes, k = sides, told.notes, told.k
    label = f"{name}({', '.join(fk['columns'])}) -> {fk['references']}"
    if not twin[name].num_rows:
        return
    was, made, policy = rates(real, name, fk), rates(twin, name, fk), fk.get("orphans", "keep")
    if made.orphan and (policy != "keep" or not was.orphan):
        yield f"{label}: {made.orphan:.3f} orphans, of {was.orphan:.3f}, under {policy}"
    near = 0.12 + 1.6 / sqrt(min(_counted(t, name, fk, entry, told) for t in sides))
    null = was.null + (was.orphan if policy == "null" else 0.0)
    if policy == "drop" and was.orphan < 1.0:
        null /= 1.0 - was.orphan
    met = {row for row in rows_of(real[name], fk["columns"]) if None not in row}
    met &= set(rows_of(real[fk["references"]], fk["to"]))
    held = label in notes or any(f"{n} cannot grow" in notes for n in (name, fk["references"]))
    if not twin[fk["references"]].num_rows or held or len(met) < 5 * k:
        return  # nobody to refer to, sizes that a key has held, or too few to learn from
    learned = zip(rows_of(real[name], fk["columns"]), people(real, name, told.owns), strict=True)
    gone = _dropped(real, name, entry)
    kept = [told_of for row, told_of in enumerate(learned) if row not in gone]
    alike = partial(_alike, real, fk, kept, k)
    far = policy == "keep" and abs(made.orphan - was.orphan) > near
    if far and not alike(made.orphan, null=False):
        yield f"{label}: {made.orphan:.3f} orphans, of {was.orphan:.3f}"
    if abs(made.null - null) > near and not alike(made.null, null=True):
        yield f"{label}: {made.null:.3f} NULL, of {null:.3f}"


def _counted(tables: Tables, name: str, fk: Key, entry: Key, told: Told) -> float:
    """How many rows a rate is told from, as if each had a reference of its own.

    One that lies within a wider reference follows from it: rows of one parent are all orphans or
    none is, and the rate is as uncertain as that of families.

    Rows of one own parent all see the same of it and are drawn from one leaf, whose rate few rows
    of other families may have told. To the variance of drawing each of n rows, p (1 - p) / n, this
    adds that of a leaf in each of f families, p (1 - p) / (leaf f), which no number of rows takes
    away where one family has most of them.
    """
    mine, own = set(fk["columns"]), told.owns.get(name)
    if any(mine <= set(o["columns"]) for o in entry["foreign_keys"] if o != fk):
        return _families(rows_of(tables[name], fk["columns"]))
    rows = float(tables[name].num_rows)
    if own is None or set(own["columns"]) == mine:
        return rows
    keys = rows_of(tables[name], own["columns"])
    # who has no own parent is like all such rows of the source, not like a few
    alone = [(place,) if None in key else key for place, key in enumerate(keys)]
    return 1 / (1 / rows + 1 / (told.leaf * _families(alone)))


def _families(keys: list[tuple[Any, ...]]) -> float:
    """How many families of one size each would tell as much.

    Source: Kish (1965), effective sample size of clusters of unequal sizes whose members are
    alike, (sum n)^2 / sum n^2.
    """
    sizes = Counter(keys).values()
    return sum(sizes) ** 2 / sum(n * n for n in sizes)


def degrees(tables: Tables, name: str, fk: Key) -> Counter[int]:
    """How many parents have how many children."""
    found = Counter(rows_of(tables[name], fk["columns"]))
    return Counter(found[key] for key in set(rows_of(tables[fk["references"]], fk["to"])))
