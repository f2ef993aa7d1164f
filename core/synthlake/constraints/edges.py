"""Whether rules across tables can hold, once it is known which parents rows are made with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pyarrow as pa

from synthlake.constraints.bounds import Limits, family_of, value_type
from synthlake.constraints.check import check_types
from synthlake.constraints.declared import Declared, declared
from synthlake.constraints.joined import (
    Place,
    abroad,
    aggregates,
    family_key,
    joined,
    part_of,
    place_of,
)
from synthlake.constraints.terms import Terms, terms_of
from synthlake.errors import SchemaError
from synthlake.schema.model import Schema, Table

_PREDICATES = ("when", "predicate")


def check_edges(schema: Schema) -> None:
    """Whether the rules across tables can hold.

    Args:
        schema: with all modes decided.

    Raises:
        SchemaError: a rule goes by a reference that is not ``own``, speaks of a column that is not
            learned or has the wrong type, or shares one with a rule that would undo it; says
            which, and the way out.
    """
    checks = {"aggregate": _check_aggregate, "one_per": _check_mark, "balance": _check_balance}
    for table in schema:
        if table.skip or table.keep:
            continue
        for rule in declared(table, schema):
            if abroad(rule.rule, table):
                _check_above(rule, schema)
            elif rule.kind in checks:
                checks[rule.kind](rule, schema)
        whole = joined(table, schema)
        if whole is not table:
            _check_joined(whole, schema)


def _wrong(rule: Declared, said: str, hint: str) -> SchemaError:
    return SchemaError(f"{rule.where}: {said}", hint=hint)


# columns of parents


def _check_above(rule: Declared, schema: Schema) -> None:
    """Whether columns of parents are learned, and stay as they are drawn."""
    for name in abroad(rule.rule, rule.table):
        place = place_of(name, rule.table, schema, tuple(rule.rule.get("via", ())))
        owner = schema[place.table]
        _check_learned(rule, owner, place.column)
        if place.column in moved(schema, owner.name):
            raise _wrong(
                rule, f"{name} is a total, or what one is made of, and is settled after its rows",
                "leave one of the two rules out",
            )  # fmt: skip


def _check_learned(rule: Declared, owner: Table, column: str) -> None:
    keys = {*owner.primary_key, *(c for fk in owner.references for c in fk.columns)}
    if not owner.has(column):
        raise _wrong(rule, f"{owner.name} has no column {column!r}", "check its name")
    if column in keys:
        raise _wrong(
            rule, f"{owner.name}.{column} is part of a key, and keys are made, not learned",
            "leave the rule out, or the key",
        )  # fmt: skip
    if owner.skip or owner.column(column).action != "learn":
        raise _wrong(rule, f"{owner.name}.{column} is not learned", "leave the rule out")


def moved(schema: Schema, name: str) -> set[str]:
    """Columns of a table that are settled after its rows are drawn: totals and their parts."""
    out = set()
    for parent, rule in aggregates(schema):
        if parent.name == name:
            out.add(rule["aggregate"])
        if rule.get("function") != "count" and family_key(rule, parent, schema)[0].name == name:
            out.add(part_of(rule, parent, schema))
    return out


def _check_joined(table: Table, schema: Schema) -> None:
    """Whether the rules of a table go together where columns of parents are among its own."""
    rules = declared(table)
    terms = terms_of(table)
    above: tuple[str, ...] = getattr(table, "above", ())
    for rule in rules:
        if not set(above) & set(rule.columns):
            continue
        check_types(rule)
        if rule.kind == "copy":
            _check_copy(rule, rules)
        elif rule.kind == "inequality":
            _check_drawn(rule, terms, above)
            _check_above_each_other(rule, schema)
    for name in {*terms.below, *terms.under} - set(above):
        low = [(n, s) for n, s in _floors(name, terms, above) if n in above]
        _check_between(table, schema, name, (low, list(terms.under.get(name, ()))))
        _check_limits(table, schema, terms, name)


def _floors(name: str, terms: Terms, above: Sequence[str]) -> list[tuple[str, bool]]:
    """Columns of parents below a column, also by way of others."""
    out: list[tuple[str, bool]] = []
    for low, strict in terms.below.get(name, ()):
        more = [(low, strict)] if low in above else _floors(low, terms, above)
        out += [(n, s or strict) for n, s in more]
    return out


def _check_drawn(rule: Declared, terms: Terms, above: Sequence[str]) -> None:
    """Columns that are compared with those of parents are drawn, not made by another rule."""
    fixed = {r.rule[r.kind]: r for r in terms.formulas}
    fixed |= {n: r for r in terms.joints for n in r.columns}
    fixed |= {r.rule["column"]: r for r in (*terms.determined, *terms.marks)}
    fixed |= {r.rule["copy"]: r for r in terms.copies} | dict(terms.unique)
    fixed |= {r.rule["balance"]: r for r in terms.balances}
    fixed |= {r.rule["aggregate"]: r for r in terms.totals} | dict.fromkeys(terms.parts, rule)
    for name in rule.columns:
        if name in fixed and name not in above:
            other = fixed[name]
            said = "an aggregate of its parent" if other is rule else f"{{{other.label}}}"
            raise _wrong(
                rule, f"{name} is made by {said}, and cannot keep its distance from a parent",
                "keep one of the two rules",
            )  # fmt: skip


def _check_above_each_other(rule: Declared, schema: Schema) -> None:
    """What a rule says of two columns of parents is for a rule of theirs to keep."""
    table = rule.table
    above: tuple[str, ...] = getattr(table, "above", ())
    named = [n for n in rule.rule["inequality"] if n in above]
    for low, high in combinations(named, 2):
        if not _ordered(table, schema, (low, high), strict=bool(rule.rule.get("strict"))):
            raise _wrong(
                rule, f"no rule keeps {low} and {high}, both of parents, in order",
                "declare `inequality` of them in the constraints of the table that has them",
            )  # fmt: skip


def _check_between(
    table: Table, schema: Schema, name: str,
    ends: tuple[list[tuple[str, bool]], list[tuple[str, bool]]],
) -> None:  # fmt: skip
    """Between two columns of parents there has to be room in every parent."""
    for low, tight in ends[0]:
        for high, strict in ends[1]:
            types = {value_type(table.column(n).type) for n in (low, name, high)}
            if len(types) > 1 or pa.types.is_floating(next(iter(types))):
                raise SchemaError(
                    f"{table.name}.{name} lies between {low} and {high}, which have other types, or"
                    " are floats",
                    hint="give the three one type that is no float, or leave one end out",
                )
            if tight or strict:
                raise SchemaError(
                    f"{table.name}.{name} lies strictly between {low} and {high}, which leaves no"
                    " room where these are next to each other",
                    hint="leave `strict` out",
                )
            if not _ordered(table, schema, (low, high)):
                raise SchemaError(
                    f"{table.name}.{name} lies between {low} and {high}, and no rule keeps these"
                    " in order",
                    hint=f"declare `inequality` of {low} and {high} in the constraints of the table"
                    " that has them",
                )


def _ordered(table: Table, schema: Schema, pair: tuple[str, str], *, strict: bool = False) -> bool:
    """Whether a rule of an ancestor puts one of its columns below another."""
    ends = [place_of(n, schema[table.name], schema, _via(table, n)) for n in pair]
    nearest: Place = min(ends, key=lambda p: p.steps)
    owner = schema[nearest.table]
    names = [p.column if p.table == owner.name else p.name for p in ends]
    for rule in owner.constraints:
        listed = list(rule.get("inequality", ()))
        told = set(names) <= set(listed) and listed.index(names[0]) < listed.index(names[1])
        if told and (rule.get("strict") or not strict):
            return True
    return False


def _via(table: Table, name: str) -> tuple[str, ...]:
    """By which reference the rules of a table reach a column of a parent."""
    for rule in table.constraints:
        if name in abroad(rule, table) and rule.get("via"):
            return tuple(rule["via"])
    return ()


def _check_limits(table: Table, schema: Schema, terms: Terms, name: str) -> None:
    """A bound of a column that a parent's column could be beyond has to be one of that, too."""
    limits = terms.limits.get(name, Limits())
    above: tuple[str, ...] = getattr(table, "above", ())
    for other, strict in [*_floors(name, terms, above), *terms.under.get(name, ())]:
        place = place_of(other, schema[table.name], schema, _via(table, other))
        held = terms_of(joined(schema[place.table], schema)).limits.get(place.column, Limits())
        up = any(n == other for n, _ in _floors(name, terms, above))
        mine, theirs = (limits.high, held.high) if up else (limits.low, held.low)
        if mine is None:
            continue
        open_ = limits.open_high if up else limits.open_low
        inside = theirs is not None and (theirs < mine if up else theirs > mine)
        if not inside and not (theirs == mine and not strict and not open_):
            end = "max" if up else "min"
            raise SchemaError(
                f"{table.name}.{name} has a `{end}`, and {other}, which it is compared with, may "
                "lie beyond",
                hint=f"declare {{range: {place.column}, {end}: ...}} of {place.table}, too",
            )


def _check_copy(rule: Declared, rules: Sequence[Declared]) -> None:
    name, of = rule.rule["copy"], rule.rule["of"]
    types = [value_type(rule.table.column(n).type) for n in (name, of)]
    families = [family_of(t) for t in types]
    whole = all(pa.types.is_integer(t) for t in types)
    if types[0] != types[1] and not whole and families != ["text", "text"]:
        raise _wrong(
            rule, f"{name} is {types[0]}, and {of} is {types[1]}", "a copy has the type of its "
            "original",
        )  # fmt: skip
    for other in rules:
        if other is not rule and name in other.columns and other.kind not in _PREDICATES:
            raise _wrong(
                rule, f"{{{other.label}}} speaks of {name}, which is copied as it is",
                "keep one of the two rules, or declare the other of the parent",
            )  # fmt: skip


# families


def _check_mark(rule: Declared, schema: Schema) -> None:
    family_key(rule.rule, rule.table, schema)
    name = rule.rule["column"]
    dtype = rule.table.column(name).type
    if family_of(dtype) != "boolean" and not pa.types.is_integer(value_type(dtype)):
        raise _wrong(rule, f"{name} is {dtype}", "a mark is a boolean, or 0 and 1")
    for other in declared(rule.table):
        if other.number != rule.number and name in other.columns and other.kind not in _PREDICATES:
            raise _wrong(
                rule, f"{{{other.label}}} speaks of {name} as well", "keep one of the two rules"
            )


def _check_balance(rule: Declared, schema: Schema) -> None:
    child, _ = family_key(rule.rule, rule.table, schema)
    name = rule.rule["balance"]
    _check_learned(rule, child, name)
    dtype = child.column(name).type
    if family_of(dtype) != "number":
        raise _wrong(rule, f"{name} is {dtype}", "sums are of numbers")
    if name in child.conditions:
        raise _wrong(
            rule, f"{name} adds up over the rows of a parent, and is no condition",
            "leave it out of `conditions`",
        )  # fmt: skip
    if child.sequence is not None and name in child.sequence.increasing:
        raise _wrong(rule, f"{name} grows from row to row", "leave it out of `increasing`")
    for other in declared(child):
        if other.number != rule.number and name in other.columns and other.kind != "range":
            raise _wrong(
                rule, f"{{{other.label}}} speaks of {name} as well", "keep one of the two rules"
            )


def _check_aggregate(rule: Declared, schema: Schema) -> None:
    child, _ = family_key(rule.rule, rule.table, schema)
    name, function = rule.rule["aggregate"], rule.rule.get("function", "sum")
    part = part_of(rule.rule, rule.table, schema)
    if name in rule.table.conditions:
        raise _wrong(
            rule, f"{name} follows from {child.name}, and is no condition",
            "leave it out of `conditions`",
        )  # fmt: skip
    for other in declared(rule.table):
        if other.number != rule.number and name in other.columns:
            raise _wrong(
                rule, f"{{{other.label}}} speaks of {name} as well",
                "a total is settled last: keep one of the two rules",
            )  # fmt: skip
    if part:
        _check_learned(rule, child, part)
        _check_part(rule, schema, child, part)
    _check_kinds(rule, function, name, child.column(part).type if part else None)


def _check_part(rule: Declared, schema: Schema, child: Table, part: str) -> None:
    """What children are added up by has no say in other rules, but for its range."""
    function = rule.rule.get("function", "sum")
    for parent, other in aggregates(schema):
        if other is rule.rule:
            continue
        if parent.name == child.name and other["aggregate"] == part:
            raise _wrong(
                rule, f"{child.name}.{part} is itself an aggregate: totals of totals are not made",
                "declare one of the two levels",
            )  # fmt: skip
        same = family_key(other, parent, schema)[0].name == child.name
        if same and other.get("function") != "count" and part_of(other, parent, schema) == part:
            ends = {function, other.get("function", "sum")}
            if ends != {"min", "max"}:
                raise _wrong(
                    rule, f"{child.name}.{part} has another aggregate, which would undo this one",
                    "keep one of the two; only a min and a max go together",
                )  # fmt: skip
    for held in declared(child):
        if part in held.columns and held.kind != "range":
            raise _wrong(
                rule, f"the rule {{{held.label}}} of {child.name} speaks of {part} as well",
                "children are settled last, so that they add up: keep one of the two rules",
            )  # fmt: skip


def _check_kinds(rule: Declared, function: str, name: str, part: pa.DataType | None) -> None:
    mine = value_type(rule.table.column(name).type)
    if function == "count":
        if not pa.types.is_integer(mine):
            raise _wrong(rule, f"{name} is {mine}", "a number of children is a whole number")
        return
    assert part is not None
    theirs = value_type(part)
    if function == "sum" and {family_of(mine), family_of(theirs)} != {"number"}:
        raise _wrong(rule, f"a sum of {theirs} is no {mine}", "sums are of numbers")
    if function != "sum" and (
        mine != theirs or family_of(mine) not in ("number", "date", "instant", "time")
    ):
        raise _wrong(
            rule, f"{name} is {mine}, and what it is the {function} of is {theirs}",
            "they have one type: numbers, dates or times",
        )  # fmt: skip
