"""Modes of foreign keys: with which parent the rows of a table are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from synthlake.errors import SchemaError
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.schema.overlaps import shared_above
from synthlake.schema.probe import MIN_SHARED, Probe, TableCounts

_FEW_VALUES = 200
_MAX_COLUMNS = 12
_MAX_NULLS = 0.5
# What fewer than ten parents share is not stored: a few airports leave nothing of their flights.
_HELD_OUT, _LEARNED, _SMALL_FAMILY = 500, 100, 10


def allows(table: Table, fk: ForeignKey, schema: Schema) -> bool:
    """Whether the table's primary key can be made distinct inside the families of a reference.

    It can where there is none, where it is a surrogate, and where the reference is a part of it
    and no two parents share what it refers to.
    """
    key = set(table.primary_key)
    referring = table.referring
    surrogate = len(key) == 1 and not key & referring
    return not key or surrogate or (set(fk.columns) <= key and _tells_apart(fk, schema))


def _tells_apart(fk: ForeignKey, schema: Schema) -> bool:
    """Whether a reference may name one parent: where parents share it, families share their key.

    Columns that are references themselves may be as good as a key, such as race and driver of a
    result; learning looks whether they are.
    """
    parent = schema[fk.references]
    referring = any(set(other.columns) <= set(fk.to) for other in parent.foreign_keys)
    return referring or unique_target(fk, parent)


def unique_target(fk: ForeignKey, parent: Table) -> bool:
    """Whether a reference names at most one row of its parent."""
    return bool(parent.primary_key) and set(parent.primary_key) <= set(fk.to)


def with_modes(
    table: Table, schema: Schema, counts: TableCounts, probe: Probe
) -> tuple[Table, dict[int, str]]:
    """The table with a mode for every foreign key; declared modes win.

    Returns:
        The table, and the evidence for each mode that was chosen, by place of the key.

    Raises:
        SchemaError: a declared ``own`` that the primary key does not allow.
    """
    for fk in table.foreign_keys:
        if fk.mode == "own":
            check_own(table, fk, schema)
    if table.own is None and not table.keep:
        own, evidence = _choose(table, schema, counts, probe)
    else:
        own, evidence = None, {}
    keys = tuple(
        replace(fk, mode=fk.mode or ("own" if place == own else "match"))
        for place, fk in enumerate(table.foreign_keys)
    )
    return table.with_keys(foreign_keys=keys), evidence


def check_own(table: Table, fk: ForeignKey, schema: Schema) -> None:
    """Whether rows can be made with this parent.

    Raises:
        SchemaError: they cannot; says why and the way out.
    """
    if table.keep:
        raise SchemaError(
            f"{fk.label(table.name)} cannot be own: {table.name} is kept as it is",
            hint="leave `mode: own` out",
        )
    if schema[fk.references].keep:
        raise SchemaError(
            f"{fk.label(table.name)} cannot be own: {fk.references} is kept as it is and does not "
            "scale",
            hint="write `mode: match`, which draws a row of it for each child",
        )
    if not allows(table, fk, schema):
        if set(fk.columns) <= set(table.primary_key):
            raise SchemaError(
                f"{fk.label(table.name)} cannot be own: it is part of the primary key"
                f" ({', '.join(table.primary_key)}), and rows of {fk.references} may share"
                f" {', '.join(fk.to)}, which is not its primary key",
                hint=f"refer to the primary key of {fk.references}, or write `mode: match`",
            )
        raise SchemaError(
            f"{fk.label(table.name)} cannot be own: the primary key "
            f"({', '.join(table.primary_key)}) can be made distinct only inside families of a "
            "reference that is part of it",
            hint=f"write `mode: match`, or name {', '.join(fk.columns)} in the primary key, or "
            "declare `primary_key: []`",
        )


def _choose(
    table: Table, schema: Schema, counts: TableCounts, probe: Probe
) -> tuple[int | None, dict[int, str]]:
    said: dict[int, str] = {}
    grades: dict[int, int] = {}
    met: dict[int, int] = {}
    for place, fk in enumerate(table.foreign_keys):
        if _candidate(table, fk, schema, counts):
            parents = probe.distinct(table, fk.columns)
            grades[place], met[place] = _grade(parents, counts.rows), parents
            said[place] = "" if grades[place] else f"too few parents for an own one: {parents}"
    grades = {n: grade for n, grade in grades.items() if not _partly_null(table, n, grades, counts)}

    @cache
    def orphans(place: int) -> int:
        """Rows whose reference names nobody."""
        fk = table.foreign_keys[place]
        return probe.inclusion(table, schema[fk.references], fk).orphans

    grades = {n: g for n, g in grades.items() if not _more_lost(table, n, grades, orphans)}
    good = [place for place in grades if grades[place] == max(grades.values()) > 0]
    good = [place for place in good if not _coarser(table, place, good, orphans)]
    if not good and grades and _needs_own(table):
        chosen = max(grades, key=lambda place: (met[place], -place))
        return chosen, {chosen: "the primary key consists of references"}
    if len(good) < 2:
        reason = "the only parent that the key and the counts allow"
        only = good[0] if good else None
        return only, _given(said if only is None else {**said, only: reason})
    columns = _few_valued(table, counts)
    likeness = {
        place: probe.siblings(table, table.foreign_keys[place], columns, counts.rows)
        for place in good
    }
    said |= {place: f"siblings alike {likeness[place]:.2f}" for place in good}
    return max(good, key=lambda place: (round(likeness[place], 3), -place)), _given(said)


def _partly_null(table: Table, place: int, grades: Mapping[int, int], counts: TableCounts) -> bool:
    """Whether a reference is NULL in rows in which a narrower one by its columns is not."""

    def complete(fk: ForeignKey) -> int:
        return min(counts.columns[c].values for c in fk.columns)

    wide = table.foreign_keys[place]
    narrow = (table.foreign_keys[n] for n in grades if grades[n])
    return any(
        set(fk.columns) < set(wide.columns) and complete(fk) > complete(wide) for fk in narrow
    )


def _coarser(table: Table, place: int, good: Sequence[int], orphans: Callable[[int], int]) -> bool:
    """Whether the primary key counts rows within a wider reference: families within families.

    Not where that has more orphans: of a parent that is missing, what is above it is missing, too.
    """
    key = set(table.primary_key)
    wider = (n for n in _wider(table, place, good) if set(table.foreign_keys[n].columns) < key)
    return any(orphans(n) <= orphans(place) for n in wider)


def _more_lost(
    table: Table, place: int, grades: Mapping[int, int], orphans: Callable[[int], int]
) -> bool:  # fmt: skip
    """Whether a reference has orphans where a wider one by its columns has fewer.

    A row of no parent has no relatives either: with the wider one's parents, it follows.
    """
    return any(orphans(n) < orphans(place) for n in _wider(table, place, grades))


def _wider(table: Table, place: int, places: Iterable[int]) -> list[int]:
    """References by all columns of another one, and more."""
    narrow = set(table.foreign_keys[place].columns)
    return [n for n in places if narrow < set(table.foreign_keys[n].columns)]


def _needs_own(table: Table) -> bool:
    """Whether the primary key consists of references, so that no row of it is made alone."""
    referring = {c for fk in table.foreign_keys for c in fk.columns}
    return bool(table.primary_key) and set(table.primary_key) <= referring


def _given(said: dict[int, str]) -> dict[int, str]:
    return {place: text for place, text in said.items() if text}


def _grade(parents: int, rows: int) -> int:
    """2 for enough parents to learn from and hold out, 1 for enough to learn from, else 0."""
    if parents >= _HELD_OUT:
        return 2
    small_families = parents >= MIN_SHARED and rows <= _SMALL_FAMILY * parents
    return int(parents >= _LEARNED or small_families)


def _candidate(table: Table, fk: ForeignKey, schema: Schema, counts: TableCounts) -> bool:
    if fk.mode is not None or schema[fk.references].keep or _implied(table, fk, schema):
        return False
    nulls = max(counts.rows - counts.columns[c].values for c in fk.columns)
    return allows(table, fk, schema) and nulls <= _MAX_NULLS * counts.rows


def _implied(table: Table, fk: ForeignKey, schema: Schema) -> bool:
    """Whether a reference follows from another one, with whose parent rows are better made.

    One by the same columns, to a table that refers to this parent; or a wider one, unless its
    parents are found among the relatives of a row.
    """
    others = [o for o in table.foreign_keys if o.references not in (fk.references, table.name)]
    same = any(
        set(other.columns) == set(fk.columns)
        and any(up.references == fk.references for up in schema[other.references].foreign_keys)
        for other in others
    )
    if same:
        return True
    keys = tuple(replace(key, mode="own") if key == fk else key for key in table.foreign_keys)
    alone = table.with_keys(foreign_keys=keys)
    return any(
        set(fk.columns) < set(wide.columns)
        and not schema[wide.references].keep
        and shared_above(alone, wide, schema) is None
        for wide in table.foreign_keys
    )


def _few_valued(table: Table, counts: TableCounts) -> Sequence[str]:
    found = [
        c.name
        for c in table.columns
        if c.action == "learn" and 2 <= counts.columns[c.name].distinct <= _FEW_VALUES
    ]
    return sorted(found, key=lambda name: counts.columns[name].distinct)[:_MAX_COLUMNS]
