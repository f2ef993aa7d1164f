"""References whose table a type column names, in random databases: their shapes, and how to check.

For the check a pair of type and id is split anew, in plain Python, into one column a target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

Column = tuple[pa.DataType, list[Any]]
Targets = Mapping[str, tuple[str, str, pa.DataType, list[Any]]]
"""By type: table, key column, its type, its values."""
STRANGE = ("Old", " ")  # types that name no table


@dataclass(frozen=True)
class PolymorphicShape:
    """How a table refers to one of several.

    Attributes:
        parents: counted backwards from the table; 0 is the table itself.
        nulls, orphans, strangers, untyped: shares of rows: without id, without parent, of a type
            that names no table, without type.
        policy: for orphans.
        skew: 0 for types and parents that are equally frequent.
    """

    parents: tuple[int, ...]
    nulls: float
    orphans: float
    strangers: float
    untyped: float
    policy: str
    skew: float


def polymorphic_shapes() -> st.SearchStrategy[PolymorphicShape]:
    share = st.sampled_from([0.0, 0.0, 0.1])
    return st.builds(
        PolymorphicShape,
        parents=st.lists(st.sampled_from([0, 1, 1, 2, 3]), min_size=1, max_size=3, unique=True)
        .map(tuple),
        nulls=st.sampled_from([0.0, 0.2]),
        orphans=st.sampled_from([0.0, 0.2]),
        strangers=share,
        untyped=share,
        policy=st.sampled_from(["keep", "keep", "null", "drop"]),
        skew=st.sampled_from([0.0, 1.0]),
    )  # fmt: skip


def filled(
    shape: PolymorphicShape, targets: Targets, rows: int, random: np.random.Generator
) -> tuple[Column, Column]:
    """The type column and the id column of some rows; ids are text where keys are of two types."""
    kinds = list(targets)
    types = {kind for _, _, kind, _ in targets.values()}
    text = len(types) > 1 or pa.string() in types
    weights = (np.arange(len(kinds)) + 1.0) ** -shape.skew
    picked = random.choice(len(kinds), rows, p=weights / weights.sum())
    strange, bare, gone, lost = (
        random.random(rows) < share
        for share in (shape.strangers, shape.untyped, shape.nulls, shape.orphans)
    )
    of: list[Any] = []
    ids: list[Any] = []
    for i in range(rows):
        kind = None if bare[i] else STRANGE[i % 2] if strange[i] else kinds[picked[i]]
        keys = targets[kind][3] if kind in targets else []
        at: Any = 70_000 + i % 7
        if keys and not lost[i]:
            at = keys[int(random.random() ** (1 + shape.skew) * len(keys))]
        of.append(kind)
        ids.append(None if gone[i] else str(at) if text else at)
    return (pa.string(), of), (pa.string() if text else next(iter(types)), ids)


def split(
    tables: Mapping[str, pa.Table], declared: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, pa.Table], dict[str, dict[str, Any]]]:
    """Tables and what is declared of them, with a column and a plain reference for each target."""
    out, said = dict(tables), {name: dict(entry) for name, entry in declared.items()}
    for name, entry in declared.items():
        keys = list(entry["foreign_keys"])
        for fk in [k for k in keys if isinstance(k["references"], dict)]:
            keys.remove(fk)
            out[name], made = _split(out[name], fk, tables)
            keys += made
        said[name]["foreign_keys"] = keys
    return out, said


def _split(
    table: pa.Table, fk: Mapping[str, Any], tables: Mapping[str, pa.Table]
) -> tuple[pa.Table, list[dict[str, Any]]]:
    (column,), by, of = fk["columns"], fk["references"]["by"], fk["references"]["of"]
    policy = fk.get("orphans", "keep")
    pairs = list(zip(table[by].to_pylist(), table[column].to_pylist(), strict=True))
    if policy == "drop":  # what one target loses changes the shares of the others
        known = {
            kind: set(map(str, tables[t["references"]][t["to"][0]].to_pylist()))
            for kind, t in of.items()
        }
        kept = [at is None or str(at) in known.get(kind, ()) for kind, at in pairs]
        table, pairs = table.filter(pa.array(kept, pa.bool_())), [
            pair for pair, held in zip(pairs, kept, strict=True) if held
        ]  # fmt: skip
    place = table.column_names.index(column)
    made, keys = table.remove_column(place), list[dict[str, Any]]()
    for kind, target in of.items():
        parent, (to,) = target["references"], target["to"]
        dtype = tables[parent].schema.field(to).type
        values = [_read(at, dtype) if of_row == kind else None for of_row, at in pairs]
        made = made.append_column(f"{column}/{kind}", pa.array(values, dtype))
        keys.append({"columns": [f"{column}/{kind}"], "references": parent, "to": [to],
                     "orphans": policy})  # fmt: skip
    return made, keys


def _read(at: Any, dtype: pa.DataType) -> Any:
    if not isinstance(at, str) or pa.types.is_string(dtype):
        return at
    return int(at) if at.isdigit() else None


def without_parts(found: Sequence[str]) -> list[str]:
    """What is wrong, without NULL in the columns of single targets, which the id may not have."""
    return [said for said in found if "/" not in said.split(":")[0] or "NULL where" not in said]


def wrong_pairs(
    real: Mapping[str, pa.Table], twin: Mapping[str, pa.Table],
    declared: Mapping[str, Mapping[str, Any]],
) -> Sequence[str]:  # fmt: skip
    """Types that no real row has, ids of no table where none may be, and NULL where none is.

    Where no type has the support of k entities, all are NULL, or empty where NULL is not allowed.
    """
    out = []
    for name, entry in declared.items():
        for fk in (k for k in entry["foreign_keys"] if isinstance(k["references"], dict)):
            by, of = fk["references"]["by"], fk["references"]["of"]
            column, policy = fk["columns"][0], fk.get("orphans", "keep")
            strange = set(twin[name][by].to_pylist()) - set(real[name][by].to_pylist())
            if strange - {None, ""}:
                out.append(f"{name}.{by}: types {strange} that no row has")
            pairs = list(
                zip(twin[name][by].to_pylist(), twin[name][column].to_pylist(), strict=True)
            )
            lost = sum(kind not in of and at is not None for kind, at in pairs)
            if lost and policy != "keep":
                out.append(f"{name}.{column}: {lost} ids of no table")
            empty = {k for k, t in of.items() if not twin[t["references"]].num_rows}
            gone = sum(k in of and k not in empty and at is None for k, at in pairs)
            if gone and policy == "keep" and not real[name][column].null_count:
                out.append(f"{name}.{column}: {gone} NULL where there was none")
    return out
