"""Tables with the columns of their parents beside their own, of which rules across tables speak.

A column of a parent is called ``table.column``; a table's own column of that name comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from synthlake.errors import SchemaError
from synthlake.late import late
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.schema.nearest import nearest

if TYPE_CHECKING:
    from synthlake.schema import rules
else:
    rules = late("synthlake.schema.rules")

FAMILY = ("aggregate", "one_per", "balance")
PARENT = {"one_per": "one_per", "balance": "per"}
"""Kinds that speak of all rows of a family; of children, those that name the parent, and where."""
_LISTS = {"inequality": "inequality", "determines": "determines", "copy": "of"}


@dataclass(frozen=True)
class JoinedTable(Table):
    """A table as its rules see it.

    Attributes:
        above: names of columns that are those of parents; they stand among ``columns`` as well.
        parts: own columns over which a parent has an aggregate.
    """

    above: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A column of a parent, of its parent, or further up.

    Attributes:
        name: by which rules call it.
        table, column: where it stands.
        steps: own references that lead there; 1 for the parent.
    """

    name: str
    table: str
    column: str
    steps: int = 1


def abroad(rule: Mapping[str, Any], table: Table) -> tuple[str, ...]:
    """Names of columns of parents in a rule, each once."""
    key = _LISTS.get(rules.kind_of(rule))
    if key is None:
        return ()
    named = [rule[key]] if isinstance(rule[key], str) else rule[key]
    above = getattr(table, "above", ())
    return tuple(dict.fromkeys(n for n in named if n in above or ("." in n and not table.has(n))))


def place_of(name: str, table: Table, schema: Schema, via: tuple[str, ...] = ()) -> Place:
    """Where a qualified name leads.

    Raises:
        SchemaError: there is no such column, no own reference leads there, or several might.
    """
    owner, column = _split(name, table, schema)
    return Place(name, owner, column, _steps(name, table, schema, owner, via))


def _split(name: str, table: Table, schema: Schema) -> tuple[str, str]:
    """The table and the column of a qualified name; names of tables may have dots."""
    owners = [t for t in schema.tables if name.startswith(f"{t}.")]
    for owner in sorted(owners, key=len, reverse=True):
        if schema[owner].has(name[len(owner) + 1 :]):
            return owner, name[len(owner) + 1 :]
    if owners:
        owner = max(owners, key=len)
        names = [c.name for c in schema[owner].columns]
        raise SchemaError(
            f"{table.name}: {owner} has no column {name[len(owner) + 1 :]!r}",
            hint=nearest(name[len(owner) + 1 :], names),
        )
    first = name.partition(".")[0]
    raise SchemaError(
        f"{table.name} has no column {name!r}, and there is no table {first!r}",
        hint=nearest(first, schema.tables),
    )


def check_names(rule: Mapping[str, Any], table: Table, schema: Schema) -> None:
    """Whether there are the tables and columns that a rule names, whatever leads there.

    Raises:
        SchemaError: there are not.
    """
    for name in abroad(rule, table):
        _split(name, table, schema)
    kind = rules.kind_of(rule)
    if kind in FAMILY:
        name = rule[PARENT[kind]] if kind in PARENT else rule["of"]
        if kind in PARENT or rule.get("function") == "count":
            if name not in schema:
                raise SchemaError(
                    f"{table.name} {{{rules.label(rule)}}}: there is no table {name!r}",
                    hint=nearest(name, schema.tables),
                )
        else:
            _split(name, table, schema)


def _steps(name: str, table: Table, schema: Schema, owner: str, via: tuple[str, ...]) -> int:
    """Own references from a table up to another."""
    if owner == table.name:
        raise SchemaError(
            f"{table.name}: {name} is a column of the table itself",
            hint="write it without the table; rows that refer to rows of their own table have no "
            "rules about these",
        )
    fk = _first(name, table, owner, via)
    if fk is not None:
        _demand_own(name, table, fk)
    chain = schema.chain(table.name)
    if owner in chain:
        return chain.index(owner)
    raise SchemaError(
        f"{table.name}: {name} is not of a parent that its rows are made with "
        f"({', '.join(chain[1:]) or 'it has none'})",
        hint=f"declare `mode: own` for the references that lead to {owner}, or leave the rule out",
    )


def _first(name: str, table: Table, owner: str, via: tuple[str, ...]) -> ForeignKey | None:
    """The reference that a rule goes by; None where it is only reached by way of other tables."""
    if via:
        found = [fk for fk in table.foreign_keys if fk.columns == tuple(via)]
        if not found:
            raise SchemaError(
                f"{table.name} has no foreign key ({', '.join(via)})",
                hint="`via` lists the columns of one of its foreign keys",
            )
        return found[0]
    found = [fk for fk in table.foreign_keys if fk.references == owner]
    if len(found) > 1:
        ways = " or ".join(f"[{', '.join(fk.columns)}]" for fk in found)
        raise SchemaError(
            f"{table.name}: {name} may be reached by several foreign keys",
            hint=f"say which: `via: {ways}`",
        )
    return found[0] if found else None


def _demand_own(name: str, table: Table, fk: ForeignKey) -> None:
    if fk.mode != "own":
        raise SchemaError(
            f"{table.name}: a rule about {name} goes by {fk.label(table.name)}, whose parents are "
            "matched to rows that are made already",
            hint=f"declare `mode: own` for the foreign key ({', '.join(fk.columns)}), or leave the "
            "rule out",
        )


def family_key(rule: Mapping[str, Any], table: Table, schema: Schema) -> tuple[Table, ForeignKey]:
    """The table of the children that a rule of a family speaks of, and their reference.

    Raises:
        SchemaError: there is none, several might be meant, or children are not made with it.
    """
    via = tuple(rule.get("via", ()))
    kind = rules.kind_of(rule)
    if kind in PARENT:
        child, parent = table, rule[PARENT[kind]]
    else:
        name = rule["of"]
        counted = rule.get("function") == "count"
        child = schema[name] if counted else schema[_split(name, table, schema)[0]]
        parent = table.name
    if parent not in schema:
        raise SchemaError(f"there is no table {parent!r}", hint=nearest(parent, schema.tables))
    fk = _first(parent, child, parent, via)
    if fk is None or fk.references != parent:
        raise SchemaError(
            f"{table.name} {{{rules.label(rule)}}}: {child.name} does not refer to {parent}",
            hint="rules of a family go by one reference from the children to their parent",
        )
    _demand_own(parent, child, fk)
    return child, fk


def relatives(rule: Mapping[str, Any], table: Table, schema: Schema) -> dict[str, set[str]]:
    """Other tables that a rule reads, each with the columns of which it does.

    Raises:
        SchemaError: no reference leads where the rule goes.
    """
    out: dict[str, set[str]] = {}
    if rules.kind_of(rule) in FAMILY:
        child, fk = family_key(rule, table, schema)
        held = {child.name: set(fk.columns), fk.references: set(fk.to)}
        part = "" if rules.kind_of(rule) in PARENT else part_of(rule, table, schema)
        held[child.name] |= {part} - {""}
        return {name: columns for name, columns in held.items() if name != table.name}
    for name in abroad(rule, table):
        place = place_of(name, table, schema, tuple(rule.get("via", ())))
        out.setdefault(place.table, set()).add(place.column)
        chain = schema.chain(table.name)[: place.steps + 1]
        for below, above in pairwise(chain):
            own = schema[below].own
            assert own is not None
            out.setdefault(above, set()).update(own.to)
            if below != table.name:
                out.setdefault(below, set()).update(own.columns)
    return out


def part_of(rule: Mapping[str, Any], table: Table, schema: Schema) -> str:
    """The children's column that an aggregate is made of; empty for their number."""
    return "" if rule.get("function") == "count" else _split(rule["of"], table, schema)[1]


def aggregates(schema: Schema) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    """All aggregates of a schema, with the tables of their totals."""
    for table in schema:
        for rule in table.constraints:
            if rules.kind_of(rule) == "aggregate":
                yield table, rule


def places(table: Table, schema: Schema) -> tuple[Place, ...]:
    """Columns of parents that the rules of a table speak of."""
    out: dict[str, Place] = {}
    for rule in table.constraints:
        via = tuple(rule.get("via", ()))
        for name in abroad(rule, table):
            out[name] = place_of(name, table, schema, via)
    return tuple(out.values())


def joined(table: Table, schema: Schema, more: tuple[Place, ...] = ()) -> Table:
    """A table with the columns of parents that its rules speak of; itself where there are none.

    Args:
        table: with its rules.
        schema: with all modes decided.
        more: further columns of parents.
    """
    above = tuple(dict.fromkeys([*places(table, schema), *more]))
    parts = {
        part_of(rule, parent, schema): None
        for parent, rule in aggregates(schema)
        if rule.get("function") != "count"
        and family_key(rule, parent, schema)[0].name == table.name
    }
    if not above and not parts:
        return table
    beside = tuple(Column(p.name, schema[p.table].column(p.column).type) for p in above)
    held = {f.name: getattr(table, f.name) for f in fields(Table)}
    held["columns"] = (*table.columns, *beside)
    return JoinedTable(**held, above=tuple(p.name for p in above), parts=tuple(parts))
