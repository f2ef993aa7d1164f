"""Nested columns as flat ones, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synthlake.encode.axis import whole
from synthlake.encode.categorical import ABSENT
from synthlake.encode.nested import Plan, flat_columns, heads, plan_of, take_apart
from synthlake.models.support import dense
from synthlake.relational.attributes import Frame
from synthlake.relational.counted import count_sample, role_of_values
from synthlake.relational.joins import entities
from synthlake.relational.model import column_id
from synthlake.schema.model import Column, Schema, Table
from synthlake.schema.types import VIEWED
from synthlake.sql.kinds import kind
from synthlake.sql.statistics import ColumnStatistics, TableStatistics

Plans = Mapping[str, Plan]


@dataclass(frozen=True)
class Unnested:
    """A database without nested columns.

    Attributes:
        schema: whose tables have flat columns instead.
        samples, statistics: of these; statistics of flat columns are counts of the sample.
        plans: by table, of its nested columns.
    """

    schema: Schema
    samples: Mapping[str, pa.Table]
    statistics: Mapping[str, TableStatistics]
    plans: Mapping[str, Plans]


def plans_of(table: Table) -> dict[str, Plan]:
    """Plans of the columns that are learned as others than themselves, or counted in the sample."""
    if table.keep:
        return {}
    taken = {c.name for c in table.columns}
    learned = [c for c in table.columns if c.action not in ("null", "skip")]
    plans = {c.name: plan_of(c.name, c.type, taken) for c in learned}
    return {n: p for n, p in plans.items() if p.form != "flat" or _uncounted(p.type)}


def _uncounted(type: Any) -> bool:
    return kind(type) == "nested" and not pa.types.is_null(type)


def unnest(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> Unnested:
    """Samples, statistics and schema with flat columns in the place of nested ones.

    Views of text and bytes become these: few of Arrow's kernels take them.
    """
    samples, statistics, schema = _without_views(samples, statistics, schema)
    found = {t.name: plans_of(t) for t in schema if not t.skip and t.name in samples}
    plans = {name: held for name, held in found.items() if held}
    drawn, counted, flat = dict(samples), dict(statistics), schema
    for name, held in plans.items():
        sample, known = samples[name], statistics[name]
        parts = {n: take_apart(plan, whole(sample[n])) for n, plan in held.items()}
        group = dense(entities(sample))
        columns = {**known.columns}
        for made in parts.values():
            columns |= {n: count_sample(values, group) for n, values in made.items()}
        flat = flat.with_table(flat_table(schema[name], held, parts, columns))
        drawn[name] = _flat_sample(sample, parts)
        counted[name] = replace(known, columns=columns)
    return Unnested(flat, drawn, counted, plans)


def _without_views(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> tuple[Mapping[str, pa.Table], Mapping[str, TableStatistics], Schema]:
    for table in schema:
        viewed = [c for c in table.columns if c.type in VIEWED]
        if table.name not in samples or not viewed:
            continue
        sample, known = samples[table.name], statistics[table.name]
        columns = dict(known.columns)
        for column in viewed:
            if column.name in columns:
                columns[column.name] = _unviewed(columns[column.name])
        fields = [pa.field(f.name, VIEWED.get(f.type, f.type)) for f in sample.schema]
        samples = {**samples, table.name: sample.cast(pa.schema(fields))}
        statistics = {**statistics, table.name: replace(known, columns=columns)}
        schema = schema.with_table(without_views(table))
    return samples, statistics, schema


def without_views(table: Table) -> Table:
    """The table with text and bytes in the place of views of them."""
    columns = (replace(c, type=VIEWED.get(c.type, c.type)) for c in table.columns)
    return replace(table, columns=tuple(columns))


def _unviewed(of: ColumnStatistics) -> ColumnStatistics:
    counts, cuts = (
        None if t is None else t.set_column(0, "value", t["value"].cast(VIEWED[t["value"].type]))
        for t in (of.counts, of.cuts)
    )
    return replace(of, counts=counts, cuts=cuts)


def _flat_sample(sample: pa.Table, parts: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    columns: dict[str, Any] = {}
    for name in sample.column_names:
        columns |= parts.get(name, {name: sample[name]})
    return pa.table(columns)


def flat_table(
    table: Table, plans: Plans, parts: Mapping[str, Mapping[str, Any]],
    counted: Mapping[str, ColumnStatistics],
) -> Table:  # fmt: skip
    """The table with flat columns; those that have no NULL of their own allow none."""
    columns: list[Column] = []
    for column in table.columns:
        plan = plans.get(column.name)
        if plan is None or plan.form == "flat":
            columns.append(column)
            continue
        columns += flattened(plan, parts[column.name], counted, column)
    return replace(table, columns=tuple(columns))


def flattened(
    plan: Plan, parts: Mapping[str, Any], counted: Mapping[str, ColumnStatistics],
    column: Column | None = None,
) -> list[Column]:  # fmt: skip
    """The flat columns of a plan.

    Args:
        plan: of the column.
        parts: its flat arrays.
        counted: their statistics.
        column: as the schema has it; None for items of a list.
    """
    under, made = dict(heads(plan)), []
    for name, type in flat_columns(plan):
        nulls = np.asarray(parts[name].is_null())
        if name in under:
            nulls = nulls & np.asarray(parts[under[name]].is_valid())
        nullable = bool(nulls.any())
        if column is not None and name == column.name:
            nullable = column.nullable
        role = role_of_values(type, counted[name])
        made.append(Column(name, type, role, nullable=nullable))
    return made


def under_of(plans: Plans) -> dict[str, str]:
    """By feature name, the feature under which a field stands: NULL wherever that is."""
    return {
        column_id(name): column_id(head) for plan in plans.values() for name, head in heads(plan)
    }


def masked(frame: Frame, under: Mapping[str, str], sample: pa.Table) -> Frame:
    """A frame in which fields are learned only from rows whose struct is there."""
    drawn = dict(frame.drawn)
    for name, head in under.items():
        if name in drawn:
            gone = _gone(sample[head.removeprefix(column_id(""))])
            codes = np.where(gone, ABSENT, drawn[name].codes)
            drawn[name] = replace(drawn[name], codes=codes.astype(np.int32))
    return replace(frame, drawn=drawn)


def _gone(column: Any) -> NDArray[np.bool_]:
    return np.asarray(column.is_null())
