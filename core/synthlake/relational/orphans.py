"""What the policies of foreign keys do to a sample before it is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from synthlake.errors import LearnError
from synthlake.relational.joins import resolve
from synthlake.relational.loops import without_orphans
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.statistics import TableStatistics


def apply_policies(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> tuple[dict[str, pa.Table], dict[str, TableStatistics]]:
    """Samples, and counts of rows, without the orphans that a policy forbids.

    Raises:
        LearnError: a key with ``orphans: fail`` has some, or ``null`` would empty a primary key.
    """
    out, counts = dict(samples), dict(statistics)
    for table in schema.order():
        if table.keep or table.name not in out:
            continue
        out[table.name], counts[table.name] = without_orphans(
            table, out[table.name], counts[table.name]
        )
        for number, fk in enumerate(table.foreign_keys):
            found = statistics[table.name].keys[number].orphans
            if fk.orphans == "keep" or not found:
                continue
            if fk.orphans == "fail":
                raise LearnError(
                    f"{fk.label(table.name)} has {found} rows without a parent, and its policy is"
                    " fail",
                    hint="mend the data, or choose orphans: keep, 'null' or drop",
                )
            if fk.orphans == "null" and set(fk.columns) & set(table.primary_key):
                raise LearnError(
                    f"{fk.label(table.name)} is part of the primary key, and its policy would make"
                    " it NULL",
                    hint="choose orphans: keep or drop",
                )
            before = max(out[table.name].num_rows, 1)
            out[table.name] = _without(table, fk, number, out)
            if fk.orphans == "drop":
                share = out[table.name].num_rows / before
                counts[table.name] = _shared(counts[table.name], number, share)
    return out, counts


def _shared(statistics: TableStatistics, dropped: int, share: float) -> TableStatistics:
    """Counts of a table of whose rows a share is left, and no orphans of one key."""
    keys = []
    for number, key in enumerate(statistics.keys):
        if number == dropped:
            rows, nulls, orphans = key.rows - key.orphans, key.nulls, 0
        else:
            rows, nulls, orphans = (round(n * share) for n in (key.rows, key.nulls, key.orphans))
        keys.append(replace(key, rows=rows, nulls=nulls, orphans=orphans))
    rows, trained = (round(n * share) for n in (statistics.rows, statistics.train_rows))
    return replace(statistics, rows=rows, train_rows=trained, keys=tuple(keys))


def _without(
    table: Table, fk: ForeignKey, number: int, samples: Mapping[str, pa.Table]
) -> pa.Table:
    """A sample whose orphans of one key are dropped or have no reference."""
    sample = samples[table.name]
    orphan = resolve(sample, samples[fk.references], fk, number).orphan
    if fk.orphans == "drop":
        return sample.filter(pa.array(~orphan))
    for name in fk.columns:
        place = sample.column_names.index(name)
        values = sample[name].combine_chunks()
        masked = pa.array(np.where(orphan, 1, 0)).cast(pa.bool_())
        empty = pa.nulls(len(values), values.type)
        made = pa.compute.if_else(masked, empty, values)
        sample = sample.set_column(place, pa.field(name, values.type, True), made)
    return sample
