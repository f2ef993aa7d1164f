"""Is it the same kind of table? Names, order, Arrow types, and NULL where real data has none."""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.ports import MetricKind, Score
from synthlake.quality.metric import Comparison, Direction, Metric, Scored, Subject
from synthlake.quality.settings import Tier
from synthlake.schema.model import Table


class SchemaDifferences:
    """Number of differences between a table's schema and the real one."""

    name, title = "schema", "Schema differences"
    kind: MetricKind = "integrity"
    tier: Tier = "quick"
    best = 0.0
    direction: Direction = "low"

    def score(self, comparison: Comparison) -> Iterator[Scored]:
        """A score for each table."""
        for table in comparison.ground.tables:
            found = list(differences(comparison, table))
            yield (
                Subject(table.name),
                Score(float(len(found)), rows=comparison.rows(table.name),
                      detail={"differences": found}),
            )  # fmt: skip


def differences(comparison: Comparison, table: Table) -> Iterator[str]:
    """What differs, in words."""
    candidate = comparison.candidate
    if table.name not in candidate.found:
        yield "the table is missing"
        return
    wanted, other = table.arrow, candidate.found[table.name]
    names = [c.name for c in other.columns]
    yield from (f"{name}: missing" for name in wanted.names if name not in names)
    yield from (f"{name}: not in the real data" for name in names if name not in wanted.names)
    if sorted(names) == sorted(wanted.names) and names != wanted.names:
        yield "the order of the columns differs"
    for field in wanted:
        if field.name not in names:
            continue
        dtype = other.column(field.name).type
        if dtype != field.type:
            yield f"{field.name}: {dtype} instead of {field.type}"
        if table.column(field.name).action == "null":
            continue
        yield from _nulls(comparison, table.name, field.name)


def _nulls(comparison: Comparison, table: str, name: str) -> Iterator[str]:
    if not comparison.ground.real.rows(table):
        return
    found = comparison.candidate.nulls(table)[name]
    if found and not comparison.ground.real.nulls(table).get(name, 1):
        yield f"{name}: {found} NULL, the real data has none"


METRICS: tuple[Metric, ...] = (SchemaDifferences(),)
