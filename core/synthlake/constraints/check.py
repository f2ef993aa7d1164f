"""Whether the rules of a schema can hold at all, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from synthlake.constraints.bounds import family_of, limits_of, value_type
from synthlake.constraints.declared import FORMULAS, Declared, declared
from synthlake.constraints.joined import check_names
from synthlake.constraints.terms import terms_of
from synthlake.encode.pattern import parse_pattern
from synthlake.errors import SchemaError
from synthlake.schema.model import Schema, Table
from synthlake.schema.nearest import nearest

_COMPARED = ("number", "date", "instant", "time")


def check_rules(schema: Schema) -> None:
    """Whether the rules of all tables can hold.

    Raises:
        SchemaError: a column is missing, has the wrong type or is not made by learning, or rules
            contradict each other; says which.
    """
    for table in schema:
        if table.constraints:
            check_table(table)
            for rule in table.constraints:
                check_names(rule, table, schema)


def check_table(table: Table) -> None:
    """Whether the rules of one table can hold; see ``check_rules``."""
    if table.keep or table.skip:
        word = "keep" if table.keep else "skip"
        raise SchemaError(
            f"{table.name} has `{word}: true` and rules: its rows are not made",
            hint="leave `constraints` out, or learn the table",
        )
    for rule in declared(table):
        _check_columns(rule)
        if not rule.across:
            check_types(rule)
    terms_of(table)
    _check_predicates(table)


def _check_columns(rule: Declared) -> None:
    table, keys = rule.table, _keys(rule.table)
    if not rule.columns:
        raise SchemaError(f"{rule.where} names no column", hint="a rule speaks of columns")
    for name in rule.columns:
        if not table.has(name):
            raise SchemaError(
                f"{rule.where}: {table.name} has no column {name!r}",
                hint=nearest(name, [c.name for c in table.columns]),
            )
        if name in keys:
            raise SchemaError(
                f"{rule.where}: {name} is part of {keys[name]}, and keys are made, not learned",
                hint="leave the rule out, or the key",
            )
        action = table.column(name).action
        if action != "learn":
            raise SchemaError(
                f"{rule.where}: {table.name}.{name} has the action {action}",
                hint=f"leave `action` out of {name}, or {name} out of the rule",
            )
    for key in ("inequality", "one_hot", "null_together", "exclusive", "fixed_combinations",
                "unique", "determines"):  # fmt: skip
        named = rule.rule.get(key)
        if isinstance(named, list | tuple) and len(set(named)) < len(named):
            raise SchemaError(f"{rule.where} names a column twice", hint="name it once")


def _keys(table: Table) -> dict[str, str]:
    """Key columns, and the key that each is part of."""
    out = dict.fromkeys(table.primary_key, "the primary key")
    for fk in table.references:
        out |= {name: fk.label(table.name) for name in fk.columns}
    return out


def check_types(rule: Declared) -> None:
    """Whether the columns of a rule have types that it is for."""
    test = _TYPES.get(rule.kind)
    if test is not None:
        test(rule)


def _wrong(rule: Declared, name: str, wanted: str) -> SchemaError:
    return SchemaError(
        f"{rule.where}: {rule.table.name}.{name} is {rule.table.column(name).type}", hint=wanted
    )


def _family(rule: Declared, name: str) -> str:
    return family_of(rule.table.column(name).type)


def _range(rule: Declared) -> None:
    name = rule.rule["range"]
    if _family(rule, name) not in _COMPARED:
        raise _wrong(rule, name, "a range is for numbers, dates and times")
    if rule.rule.get("min") is None and rule.rule.get("max") is None:
        raise SchemaError(f"{rule.where} has no bound", hint="give `min:`, `max:` or both")
    try:
        limits = limits_of(rule.rule, rule.table.column(name).type)
    except (ValueError, OverflowError):
        raise _wrong(rule, name, "write bounds as values of the column's type") from None
    if limits.empty:
        raise SchemaError(f"{rule.where}: no value lies within", hint="`min` is above `max`")


def _inequality(rule: Declared) -> None:
    names = rule.rule["inequality"]
    families = {_family(rule, n) for n in names}
    for name in names:
        if _family(rule, name) not in _COMPARED or len(families) > 1:
            raise _wrong(rule, name, "columns that are compared are all numbers, all dates and "
                         "timestamps without a zone, all with one, or all times")  # fmt: skip


def _one_hot(rule: Declared) -> None:
    for name in rule.columns:
        whole = pa.types.is_integer(value_type(rule.table.column(name).type))
        if _family(rule, name) != "boolean" and not whole:
            raise _wrong(rule, name, "one_hot is for booleans and whole numbers")


def _combined(rule: Declared) -> None:
    for name in rule.columns:
        if _family(rule, name) in ("other", "duration"):
            raise _wrong(rule, name, f"{rule.kind} is for numbers, texts, booleans, dates, times")


def _formula(rule: Declared) -> None:
    name, parts = rule.rule[rule.kind], list(rule.rule["of"])
    if name in parts:
        raise SchemaError(f"{rule.where}: {name} is computed from itself", hint="name others")
    days = rule.kind == "difference" and all(
        pa.types.is_date(value_type(rule.table.column(p).type)) for p in parts
    )
    for part in [name] if days else [name, *parts]:
        if _family(rule, part) != "number":
            raise _wrong(rule, part, f"{rule.kind} is for numbers" + (
                ", or dates with a whole number of days" if rule.kind == "difference" else ""
            ))  # fmt: skip
    if days and not pa.types.is_integer(value_type(rule.table.column(name).type)):
        raise _wrong(rule, name, "a difference of dates is a whole number of days")


def _regex(rule: Declared) -> None:
    name = rule.rule["regex"]
    if _family(rule, name) != "text":
        raise _wrong(rule, name, "a pattern is for text")
    try:
        parse_pattern(rule.rule["pattern"])
    except SchemaError as error:
        raise SchemaError(f"{rule.where}: {error.message}", hint=error.hint) from None
    for other in declared(rule.table)[: rule.number]:
        same = other.kind == "regex" and other.rule["regex"] == name
        if same and other.rule["pattern"] != rule.rule["pattern"]:
            raise SchemaError(
                f"{rule.table.name}: the rules {{{other.label}}} and {{{rule.label}}} are patterns "
                "of one column", hint="write one pattern",
            )  # fmt: skip


def _unique(rule: Declared) -> None:
    for name in rule.columns:
        if _family(rule, name) == "other":
            raise _wrong(rule, name, "unique is for numbers, texts, dates and times")


def _exclusive(rule: Declared) -> None:
    for name in rule.columns:
        if _family(rule, name) == "other":
            raise _wrong(rule, name, "exclusive is for numbers, texts, booleans, dates and times")


_TYPES: Mapping[str, Callable[[Declared], None]] = {
    "range": _range,
    "inequality": _inequality,
    "one_hot": _one_hot,
    "fixed_combinations": _combined,
    "determines": _combined,
    "regex": _regex,
    "unique": _unique,
    "exclusive": _exclusive,
    **dict.fromkeys(FORMULAS, _formula),
}


def _check_predicates(table: Table) -> None:
    """Whether an engine understands the predicates, with the table's types and no rows."""
    rules = [r for r in declared(table) if r.kind in ("when", "predicate")]
    if not rules:
        return
    import duckdb

    from synthlake.sql.duckdb_engine import safe_message

    wanted = {n for rule in rules for n in rule.columns}
    empty = pa.schema([(c.name, c.type) for c in table.columns if c.name in wanted]).empty_table()
    with duckdb.connect(config={"enable_external_access": False}) as session:
        for rule in rules:
            try:
                session.from_arrow(empty).query("t", f"SELECT {rule.broken('duckdb')} FROM t")
            except duckdb.Error as error:
                raise SchemaError(
                    f"{rule.where} is no condition of these columns: {safe_message(error)}",
                    hint="compare values of like types",
                ) from None
