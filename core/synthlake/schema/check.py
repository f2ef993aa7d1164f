"""Whether a schema agrees with itself and with the source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pyarrow as pa

from synthlake.errors import SchemaError
from synthlake.schema import synthesizers
from synthlake.schema.keys import family
from synthlake.schema.kinds import LOCALE, WHOLE, has_national_id
from synthlake.schema.model import Column, ForeignKey, Schema, Table
from synthlake.schema.modes import check_own
from synthlake.schema.nearest import nearest
from synthlake.schema.roles import by_type


def check(schema: Schema, source: Schema, *, copied: bool = False) -> None:
    """Whether a schema agrees with itself and with the schema of the source.

    Args:
        schema: declared or inferred.
        source: what there is.
        copied: whether rows are copied rather than made: then references may form cycles, and
            tables that are kept may refer to any other.

    Raises:
        SchemaError: it does not; says which table, column or key, and the way out.
    """
    for table in schema:
        if table.name not in source:
            raise SchemaError(
                f"there is no table {table.name!r}", hint=nearest(table.name, source.tables)
            )
        _check_columns(table, source[table.name])
        if table.skip:
            _check_skipped(table, schema)
        else:
            check_primary_key(table)
            _check_references(table, schema, copied)
            _check_synthesizer(table)
            _check_first(table, "order")
            _check_first(table, "conditions")
            _check_sequence(table)
    if not copied:
        schema.order()


def _check_columns(table: Table, source: Table) -> None:
    _no_repeats([c.name for c in table.columns], f"{table.name} has", "a column")
    for column in table.columns:
        if not source.has(column.name):
            raise SchemaError(
                f"{table.name} has no column {column.name!r}",
                hint=nearest(column.name, [c.name for c in source.columns]),
            )
        if column.type != source.column(column.name).type:
            raise SchemaError(
                f"{table.name}.{column.name} is {source.column(column.name).type} in the source "
                f"and {column.type} in the schema",
                hint="read the schema from this source",
            )
        _check_kind(table, column)


def _check_kind(table: Table, column: Column) -> None:
    where, kind = f"{table.name}.{column.name}", family(column.type)
    held = by_type(column.type)
    if column.role in ("numeric", "datetime", "boolean") and column.role != held:
        raise SchemaError(
            f"{where} is {column.type} and cannot have the role {column.role}",
            hint=f"leave the role out, or write {held or 'categorical'}",
        )
    if column.role == "personal" and column.kind is not None:
        _check_personal(where, column)
        return
    asked = [f"the role {column.role}"] if column.role in ("text", "personal") else []
    asked += ["a pattern"] if column.pattern is not None else []
    asked += ["the action mask"] if column.action == "mask" else []
    if asked and kind != "text":
        raise SchemaError(
            f"{where} is {column.type}, and {asked[0]} is for text", hint="leave it out"
        )


def _check_personal(where: str, column: Column) -> None:
    kind, held = column.kind, family(column.type)
    whole = pa.types.is_integer(column.type) and kind in WHOLE
    day = pa.types.is_date(column.type) and kind == "date_of_birth"
    if held != "text" and not whole and not day:
        raise SchemaError(
            f"{where} is {column.type}, and {kind} is made as text",
            hint=f"whole numbers may be {', '.join(WHOLE)}, and dates date_of_birth",
        )
    if kind == "national_id" and not has_national_id(column.locale or LOCALE):
        raise SchemaError(
            f"{where}: the national id of {column.locale} is not known",
            hint="declare a `pattern` with `role: key` in its place, or another `locale`",
        )
    if column.pattern is not None:
        raise SchemaError(
            f"{where} has both a kind of personal data and a pattern",
            hint="write `role: key` with the pattern, or leave the pattern out",
        )


def _check_skipped(table: Table, schema: Schema) -> None:
    if table.keep:
        raise SchemaError(
            f"{table.name} is both keep and skip",
            hint="keep writes it as it is, skip leaves it out",
        )
    for child, fk in (*schema.children(table.name), *schema.loops(table.name)):
        if not child.skip:
            raise SchemaError(
                f"{fk.label(child.name)}: {table.name} is skipped, and nothing may refer to it",
                hint=f"leave the foreign key out of {child.name}, or skip {child.name} as well",
            )


def check_primary_key(table: Table) -> None:
    """Whether the columns of a table's primary key are there, and can be part of a key.

    Raises:
        SchemaError: they are not.
    """
    where = f"the primary key of {table.name}"
    _no_repeats(table.primary_key, f"{where} has", "a column")
    for name in table.primary_key:
        _check_part(table, name, where)


def _check_part(table: Table, name: str, where: str) -> None:
    if not table.has(name):
        raise SchemaError(
            f"{where}: {table.name} has no column {name!r}",
            hint=nearest(name, [c.name for c in table.columns]),
        )
    column = table.column(name)
    if column.action != "learn":
        raise SchemaError(
            f"{where}: {table.name}.{name} has the action {column.action}, and keys are made anew",
            hint=f"leave `action` out of {name}, or {name} out of the key",
        )
    if family(column.type) == "other":
        raise SchemaError(
            f"{where}: {table.name}.{name} is {column.type}, which cannot be part of a key",
            hint="keys are whole numbers, decimals, texts, dates, times, uuids or binary",
        )


def _check_references(table: Table, schema: Schema, copied: bool) -> None:
    for fk in table.references:
        _check_reference(table, fk, schema)
        if not copied:
            _check_kept(table, fk, schema)
    twice = [(fk.columns, fk.references) for fk in table.references]
    for columns, parent in twice:
        if twice.count((columns, parent)) > 1:
            raise SchemaError(
                f"{table.name}({', '.join(columns)}) -> {parent} stands twice",
                hint="keep one of the two",
            )
    own = [fk.label(table.name) for fk in table.foreign_keys if fk.mode == "own"]
    if len(own) > 1:
        raise SchemaError(
            f"{table.name} has {len(own)} own parents: {'; '.join(own)}",
            hint="rows are made with one parent: write `mode: match` for the others",
        )


def _check_reference(table: Table, fk: ForeignKey, schema: Schema) -> None:
    where = fk.label(table.name)
    if fk.references not in schema:
        raise SchemaError(
            f"{where}: there is no table {fk.references!r}",
            hint=nearest(fk.references, schema.tables),
        )
    parent = schema[fk.references]
    if not fk.columns or len(fk.columns) != len(fk.to):
        raise SchemaError(
            f"{where}: {len(fk.columns)} columns refer to {len(fk.to)} columns",
            hint="`columns` and `to` pair up one by one",
        )
    _no_repeats(fk.columns, f"{where} has", "a column")
    _no_repeats(fk.to, f"{where} refers to", "a column")
    for name, other in zip(fk.columns, fk.to, strict=True):
        _check_part(table, name, where)
        _check_part(parent, other, where)
        mine, theirs = table.column(name).type, parent.column(other).type
        if family(mine) != family(theirs):
            raise SchemaError(
                f"{where}: {table.name}.{name} is {mine} and {parent.name}.{other} is {theirs}",
                hint="cast one of them in the source, or leave the foreign key out",
            )


def _check_kept(table: Table, fk: ForeignKey, schema: Schema) -> None:
    """Whether a parent that is made anew leaves a reference as it is."""
    where, parent = fk.label(table.name), schema[fk.references]
    if table.keep and not parent.keep:
        raise SchemaError(
            f"{where}: {table.name} is kept as it is, and its references would break, as "
            f"{parent.name} is made anew",
            hint=f"keep {parent.name} as well, or leave the foreign key out",
        )
    if fk.mode == "own":
        check_own(table, fk, schema)


def _check_synthesizer(table: Table) -> None:
    try:
        synthesizers.parse(table.synthesizer or {})
    except SchemaError as error:
        raise SchemaError(
            f"synthesizer of {table.name}: {error.message}", hint=error.hint
        ) from None


def _check_first(table: Table, key: Literal["order", "conditions"]) -> None:
    """Whether columns that are drawn before others are there, and are learned."""
    where, names = f"{table.name}.{key}", getattr(table, key)
    _no_repeats(names, f"{where} has", "a column")
    keys = {*table.primary_key, *table.referring}
    for name in names:
        if not table.has(name):
            raise SchemaError(
                f"{where}: {table.name} has no column {name!r}",
                hint=nearest(name, [c.name for c in table.columns]),
            )
        if name in keys or table.column(name).action != "learn":
            raise SchemaError(
                f"{where}: {name} is a key, or is not learned, and nothing is drawn given it",
                hint=f"leave {name} out of {key}",
            )


def _check_sequence(table: Table) -> None:
    """Whether the column that orders rows is there, and has an order."""
    if table.sequence is None or not table.sequence.by:
        return
    where = f"{table.name}.sequence"
    if table.keep:
        raise SchemaError(
            f"{where}: {table.name} is kept as it is", hint="leave `sequence` or `keep` out"
        )
    _no_repeats((table.sequence.by, *table.sequence.increasing), f"{where} has", "a column")
    _check_places(table, table.sequence.by, where)
    for name in table.sequence.increasing:
        if not table.has(name) or name in table.primary_key:
            raise SchemaError(
                f"{where}: {name!r} is no column of {table.name} beside its key",
                hint=nearest(name, [c.name for c in table.columns]),
            )
        dtype = table.column(name).type
        if table.column(name).action != "learn" or by_type(dtype) not in ("numeric", "datetime"):
            raise SchemaError(
                f"{where}: {name} is {dtype}, or is not learned, and does not increase",
                hint=f"leave {name} out of `increasing`",
            )


def _check_places(table: Table, name: str, where: str) -> None:
    """Whether the column that orders rows has an order."""
    if not table.has(name):
        raise SchemaError(
            f"{where}: {table.name} has no column {name!r}",
            hint=nearest(name, [c.name for c in table.columns]),
        )
    dtype, action = table.column(name).type, table.column(name).action
    if action != "learn" or not (pa.types.is_integer(dtype) or pa.types.is_temporal(dtype)):
        raise SchemaError(
            f"{where}: {name} is {dtype} and its action {action}; rows are in the order of a whole"
            " number, a date or a time that is learned",
            hint="name such a column in `by`",
        )
    for fk in table.foreign_keys:
        if name in fk.columns and (fk.mode == "own" or name not in table.primary_key):
            raise SchemaError(
                f"{where}: {name} refers to {fk.references}, and references have no order",
                hint="name a line number or a time in `by`",
            )


def _no_repeats(names: Iterable[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SchemaError(f"{where} {what} twice: {name!r}", hint="name it once")
        seen.add(name)
