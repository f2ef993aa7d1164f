"""Is what was staged the twin that was planned? Asked of the tables, not of the lazy frames."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from synthlake.api import ForeignKey, Table, Twin, errors


def audit(twin: Twin, staged: Mapping[str, Any], where: str) -> dict[str, int]:
    """Compare staged tables with the plan: rows, primary keys, and references without a parent.

    Args:
        twin: what was planned.
        staged: frames over the staged tables, by name.
        where: they lie, for messages.

    Returns:
        What was counted, by name: ``rows:T``, ``keys:T``, ``orphans:T(C) -> P``.

    Raises:
        SinkError: something differs.

    Cost:
        one pass over the keys of each table, and one left-anti join a foreign key.
    """
    expected = {f"rows:{name}": (twin[name].rows, twin[name].rows) for name in staged}
    counts = []
    for name, frame in staged.items():
        table = twin.schema[name]
        counts.append(_rows(table, frame))
        if table.primary_key:
            expected[f"keys:{name}"] = (twin[name].rows, twin[name].rows)
        for fk in table.foreign_keys:
            if fk.references in staged:
                most = twin.orphan_keys(name, fk)
                expected[f"orphans:{fk.label(name)}"] = (
                    0,
                    twin[name].rows if most is None else most,
                )
                counts.append(_orphans(table, fk, frame, staged[fk.references]))
    found = _collected(counts)
    wrong = [
        f"{what} is {found.get(what, 0):,}, expected {_said(*limits)}"
        for what, limits in expected.items()
        if not limits[0] <= found.get(what, 0) <= limits[1]
    ]
    if wrong:
        raise errors.SinkError(
            f"the staged twin is not what was planned: {'; '.join(wrong)}",
            hint=f"nothing was published; look at {where}, and write it with another run_id",
        )
    return found


def _said(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"at most {high:,}"


def _rows(table: Table, frame: Any) -> Any:
    """Rows of a table, and distinct primary keys without a NULL in them."""
    from pyspark.sql import functions as f

    counts = [f.count(f.lit(1)).alias(f"rows:{table.name}")]
    if table.primary_key:
        columns = [f.col(_quoted(name)) for name in table.primary_key]
        counts.append(f.count_distinct(*columns).alias(f"keys:{table.name}"))
    return frame.agg(*counts)


def _orphans(table: Table, fk: ForeignKey, frame: Any, parent: Any) -> Any:
    """Distinct keys of children that no parent has; NULL is no reference."""
    from pyspark.sql import functions as f

    names = [f"k{place}" for place in range(len(fk.columns))]
    pairs = list(zip(fk.columns, names, strict=True))
    keys = frame.select(*[f.col(_quoted(c)).alias(n) for c, n in pairs]).dropna().distinct()
    others = zip(fk.to, names, strict=True)
    there = parent.select(*[f.col(_quoted(c)).alias(n) for c, n in others])
    missing = keys.join(there, names, "left_anti")
    return missing.agg(f.count(f.lit(1)).alias(f"orphans:{fk.label(table.name)}"))


def _collected(counts: list[Any]) -> dict[str, int]:
    """All counts, by one job."""
    from pyspark.sql import functions as f

    found = []
    for frame in counts:
        pairs = [
            f.struct(f.lit(name).alias("what"), f.col(_quoted(name)).cast("long").alias("count"))
            for name in frame.columns
        ]
        found.append(
            frame.select(f.explode(f.array(*pairs)).alias("x")).select("x.what", "x.count")
        )
    if not found:
        return {}
    rows = reduce(lambda a, b: a.unionAll(b), found).collect()
    return {row["what"]: int(row["count"]) for row in rows}


def _quoted(name: str) -> str:
    escaped = name.replace("`", "``")
    return f"`{escaped}`"
