"""What the policies of foreign keys do to a sample before it is learned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from synthlake.errors import LearnError
from synthlake.relational.joins import resolve
from synthlake.schema.model import ForeignKey, Schema, Table
from synthlake.sql.statistics import TableStatistics


def apply_policies(
    samples: Mapping[str, pa.Table], statistics: Mapping[str, TableStatistics], schema: Schema
) -> dict[str, pa.Table]:
    """Samples without the orphans that a policy forbids.

    Raises:
        LearnError: a key with ``orphans: fail`` has some.
    """
    out = dict(samples)
    for table in schema.order():
        if table.keep or table.name not in out:
            continue
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
            out[table.name] = _without(table, fk, number, out)
    return out


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
